"""``python -m benchmarks``: build the shop once per contender, check their answers, measure them in turns, compare."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks import dataset, report
from benchmarks.contenders import CONTENDERS, DATABASE, Contender, MissingContenderError
from benchmarks.cores import pair
from benchmarks.load import Job, LoadError, Round, fire
from benchmarks.servers import ServerError, get, serve
from benchmarks.workloads import WORKLOADS, Question, Workload, WrongAnswerError, verify

CONNECTIONS = 8
CHECKED = 40  # questions of each workload whose answers are compared with the dataset before timing
WARM_UP = 1.0  # seconds


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    seconds: float
    rounds: int
    products: int
    workloads: Sequence[Workload]
    contenders: Sequence[Contender]


def options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per contender and workload (%(default)s)")
    parser.add_argument("--products", type=int, default=100_000, help="rows in the shop (%(default)s)")
    names = [known.name for known in (*WORKLOADS, *CONTENDERS)]
    parser.add_argument("--only", action="append", choices=names, default=[], help="measure only these (repeatable)")
    given = parser.parse_args(arguments)
    if given.seconds <= 0 or given.rounds < 1 or given.products < 1:
        parser.error("--seconds, --rounds and --products must be positive")
    return Options(
        seconds=given.seconds,
        rounds=given.rounds,
        products=given.products,
        workloads=[known for known in WORKLOADS if known.name in given.only] or WORKLOADS,
        contenders=[known for known in CONTENDERS if known.name in given.only] or CONTENDERS,
    )


def build(folder: Path, data: dataset.Dataset, contenders: Sequence[Contender]) -> None:
    """Let each contender make its own tables in ``folder/<name>``, fill them, and give all of them the same indexes."""
    for contender in contenders:
        home = folder / contender.name
        home.mkdir()
        contender.settle(home)
        with serve(contender, home, loud=True):
            pass
        dataset.fill(home / DATABASE, data, contender.encode)
    first, *others = (folder / contender.name / DATABASE for contender in contenders)
    dataset.level(first, others)


def check(port: int, contender: Contender, questions: Sequence[Question]) -> None:
    """Ask a few questions one by one and compare the answers with the dataset."""
    for question in questions[:CHECKED]:
        try:
            verify(question, *get(port, question.path))
        except WrongAnswerError as error:
            raise WrongAnswerError(f"{contender.title}: {error}") from error


def measure(
    workload: Workload, ports: dict[str, int], data: dataset.Dataset, core: int | None, wanted: Options
) -> dict[str, list[Round]]:
    """The rounds of each contender, taken in turns, so that a slow minute of the machine hits them all."""
    questions = workload.questions(data)
    paths = [question.path for question in questions]
    rounds: dict[str, list[Round]] = {contender.name: [] for contender in wanted.contenders}
    for contender in wanted.contenders:
        check(ports[contender.name], contender, questions)
        fire(Job(ports[contender.name], paths, WARM_UP, CONNECTIONS, core))
    for _ in range(wanted.rounds):
        for contender in wanted.contenders:
            job = Job(ports[contender.name], paths, wanted.seconds, CONNECTIONS, core)
            rounds[contender.name].append(fire(job))
    return rounds


def run(wanted: Options) -> None:
    """The whole benchmark."""
    server_core, load_core = pair()
    data = dataset.make(wanted.products)
    with tempfile.TemporaryDirectory(prefix="charter-benchmark-") as name, ExitStack() as stack:
        folder = Path(name)
        build(folder, data, wanted.contenders)
        ports = {
            contender.name: stack.enter_context(serve(contender, folder / contender.name, server_core))
            for contender in wanted.contenders
        }
        report.head(wanted.products, wanted.rounds, wanted.seconds, CONNECTIONS, pinned=server_core is not None)
        for workload in wanted.workloads:
            report.body(workload, wanted.contenders, measure(workload, ports, data, load_core, wanted))


def main() -> int:
    """Run it; a contender that cannot be measured is told in a line, not in a traceback."""
    try:
        run(options())
    except (MissingContenderError, ServerError, WrongAnswerError, LoadError, dataset.DatasetError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
