"""``python -m benchmarks``: build the shop once per contender, check their answers, measure them in turns, compare."""

import argparse
import itertools
import sqlite3
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import accounts, dataset, indexes, report
from benchmarks.answers import WrongAnswerError
from benchmarks.contenders import CONTENDERS, DATABASE, Contender, MissingContenderError
from benchmarks.cores import pair
from benchmarks.load import Job, LoadError, Round, fire
from benchmarks.requests import FIRST_SERIAL
from benchmarks.servers import Server, ServerError, serve
from benchmarks.workloads import LEAST_PRODUCTS, WORKLOADS, Question, Workload, verify

CONNECTIONS = 4
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


@dataclass
class Run:
    """One run: where the databases are, which indexes were declared, and the next serial number."""

    wanted: Options
    folder: Path
    data: dataset.Dataset
    declared: dict[str, str] = field(default_factory=dict)
    serial: int = FIRST_SERIAL

    def database(self, contender: Contender) -> Path:
        """Where the contender keeps its rows."""
        return self.folder / contender.name / DATABASE


def options(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one round (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per contender and workload (%(default)s)")
    parser.add_argument("--products", type=int, default=100_000, help="rows in the shop (%(default)s)")
    names = [known.name for known in (*WORKLOADS, *CONTENDERS)]
    parser.add_argument("--only", action="append", choices=names, default=[], help="measure only these (repeatable)")
    given = parser.parse_args(arguments)
    if given.seconds <= 0 or given.rounds < 1:
        parser.error("--seconds and --rounds must be positive")
    if given.products < LEAST_PRODUCTS:
        parser.error(f"--products must be at least {LEAST_PRODUCTS}")
    return Options(
        seconds=given.seconds,
        rounds=given.rounds,
        products=given.products,
        workloads=[known for known in WORKLOADS if known.name in given.only] or WORKLOADS,
        contenders=[known for known in CONTENDERS if known.name in given.only] or CONTENDERS,
    )


def build(run: Run) -> None:
    """Let each contender make its own tables and accounts in ``folder/<name>``, and fill them."""
    for contender in run.wanted.contenders:
        home = run.folder / contender.name
        home.mkdir()
        contender.settle(home)
        with serve(contender, home, loud=True) as server:
            if contender.accounts:
                accounts.register(server)
        if contender.accounts:
            accounts.promote(run.database(contender))
        dataset.fill(run.database(contender), run.data, contender.encode)
    run.declared = indexes.declared(run.database(run.wanted.contenders[0]))


def measure(run: Run, workload: Workload, servers: Sequence[Server], core: int | None) -> dict[str, list[Round]]:
    """The rounds of each contender, taken in turns, so that a slow minute of the machine hits them all."""
    asked = [(server, workload.questions(run.data, server)) for server in servers]
    rounds: dict[str, list[Round]] = {server.contender.name: [] for server in servers}
    answered: dict[str, int] = {}
    for server, questions in asked:
        before = _rows(run, server)
        for question in questions[:CHECKED]:
            verify(server, question, run.serial)
            run.serial += 1
        warm = _round(run, server, questions, WARM_UP, core)
        answered[server.contender.name] = before + len(questions[:CHECKED]) + warm.answered
    for _, (server, questions) in itertools.product(range(run.wanted.rounds), asked):
        taken = _round(run, server, questions, run.wanted.seconds, core)
        rounds[server.contender.name].append(taken)
        answered[server.contender.name] += taken.answered
    for server in servers if workload.name == "create" else ():
        if (there := _rows(run, server)) != (told := answered[server.contender.name]):
            raise WrongAnswerError(f"{server.contender.title}: {there} rows where {told} were there or answered 201")
    return rounds


def _round(run: Run, server: Server, questions: Sequence[Question], seconds: float, core: int | None) -> Round:
    requests, tokens = [question.request for question in questions], dict(server.tokens)
    taken = fire(Job(server.port, server.process, requests, tokens, run.serial, seconds, CONNECTIONS, core))
    run.serial += taken.answered
    return taken


def _rows(run: Run, server: Server) -> int:
    """How many products the database holds."""
    connection = sqlite3.connect(run.database(server.contender))
    count: int = connection.execute("SELECT count(*) FROM product").fetchone()[0]
    connection.close()
    return count


def compare(run: Run) -> None:
    """Measure each workload in its state of the indexes, and print what came of it."""
    server_core, load_core = pair()
    contenders, measured = run.wanted.contenders, list[tuple[Workload, report.Rounds]]()
    report.head(run.wanted.products, run.wanted.rounds, run.wanted.seconds, CONNECTIONS, pinned=server_core is not None)
    for state, workloads in itertools.groupby(run.wanted.workloads, key=lambda workload: workload.state):
        statements = run.declared if state is indexes.State.DECLARED else indexes.SINGLE_COLUMNS
        for contender in contenders:
            indexes.replace(run.database(contender), statements)
        with ExitStack() as stack:
            up = [stack.enter_context(serve(known, run.folder / known.name, server_core)) for known in contenders]
            servers = [accounts.sign_in(server) if server.contender.accounts else server for server in up]
            for workload in workloads:
                able = [server for server in servers if server.contender.accounts or not workload.writes]
                rounds = measure(run, workload, able, load_core)
                report.body(workload, contenders, rounds)
                measured.append((workload, rounds))
    report.table(contenders, measured)


def main() -> int:
    """Run it; a contender that cannot be measured is told in a line, not in a traceback."""
    wanted = options()
    try:
        with tempfile.TemporaryDirectory(prefix="charter-benchmark-") as name:
            run = Run(wanted, Path(name), dataset.make(wanted.products))
            build(run)
            compare(run)
    except (MissingContenderError, ServerError, WrongAnswerError, LoadError, dataset.DatasetError) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
