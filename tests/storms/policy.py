"""``python -m tests.storms.policy``: four processes under load while `policy.csv` is replaced, every third time wrong.

No answer is given by a policy that never was in force, none is a 5xx, and each good version is in force in every
process within 2 seconds.
"""

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from math import inf
from pathlib import Path
from statistics import median

import httpx2

from tests.patience import PATIENCE
from tests.running import SERVE, Running, copy_application, running
from tests.storms.load import HEALTH, Load, questions, under
from tests.storms.processes import Journal, memory, wait_for_workers
from tests.storms.projection import difference
from tests.storms.saving import CLEAN, MANNERS, save
from tests.storms.stage import database
from tests.storms.verdict import GRACE, History, faults, unexplained
from tests.storms.versions import SLIPS, Version

WORKERS = 4
THREADS = 4
IN_A_ROW = 12
"""Answers over new connections that have to agree before we believe that every process does."""


LINGER = 0.3
"""Seconds of load under each state that is reached."""

PLACE = re.compile(r"policy\.csv:\d+:\d+: policy_\w+ ")


@dataclass(slots=True)
class Storm:
    """A storm under way, and what it showed."""

    shop: Running
    load: Load
    journal: Journal
    workers: int
    history: History = field(default_factory=History)
    everywhere: list[float] = field(default_factory=list)
    told: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    count: int = 0
    patience: float = PATIENCE

    @property
    def file(self) -> Path:
        return self.shop.folder / "policy.csv"

    def next_version(self) -> Version:
        """One that never was."""
        self.count += 1
        return Version(self.count)

    def good(self, manner: str) -> None:
        """Save a good version, and wait until it is in force in every process."""
        self.put(self.next_version(), manner)

    def hurried(self, manner: str) -> None:
        """Save two good versions, so fast that the first one may never be read."""
        version, begun = self.next_version(), time.monotonic()
        save(self.file, version.text, "renamed")
        self.history.save(version, begun, time.monotonic())
        time.sleep(0.1)
        self.put(self.next_version(), manner)

    def put(self, version: Version, manner: str) -> None:
        """Save, and wait until every process has taken it and no answer tells of another one."""
        begun = time.monotonic()
        save(self.file, version.text, manner)
        done = time.monotonic()
        self.history.save(version, begun, done)
        told = str(version.parts["hash"])

        def agrees(answer: httpx2.Response) -> bool:
            policy = answer.json()["policy"]
            return policy["version"] == told and policy["error"] is None

        def taken() -> bool:
            return self.journal.count(f"policy {told} is in force") >= self.workers

        last = self.wait(taken, agrees)
        self.history.settle(last)
        self.everywhere.append(last - done)
        if last - done > self.history.grace:
            self.wrong.append(f"version {version.number} ({manner}) was in force everywhere after {last - done:.2f} s")

    def bad(self, slip: str, manner: str) -> None:
        """Save a wrong version, and wait until every process tells what is wrong; the rules stay as they are."""
        text = self.next_version().text
        make = SLIPS[slip]
        refused = self.journal.count("the policy was not taken")
        before = str(self.history.reigns[-1].version.parts["hash"])
        save(self.file, make if isinstance(make, str) else make(text), manner)
        done = time.monotonic()

        def agrees(answer: httpx2.Response) -> bool:
            policy = answer.json()["policy"]
            return policy["version"] == before and bool(PLACE.match(policy["error"] or ""))

        last = self.wait(lambda: self.journal.count("the policy was not taken") >= refused + self.workers, agrees)
        self.told.append(last - done)
        if last - done > self.history.grace:
            self.wrong.append(f"{slip} ({manner}) was told everywhere after {last - done:.2f} s")

    def wait(self, logged: Callable[[], bool], agrees: Callable[[httpx2.Response], bool]) -> float:
        """The moment from which on all processes agree, as their log and new connections tell."""
        end = time.monotonic() + self.patience
        moment, row, is_logged = time.monotonic(), 0, False
        with self.load.client() as http:
            while row < IN_A_ROW or not is_logged:
                if time.monotonic() > end:
                    return inf
                if not is_logged and logged():
                    is_logged, moment = True, time.monotonic()
                row = row + 1 if self.asks(http, agrees) else 0
                moment = moment if row else time.monotonic()
        time.sleep(LINGER)
        return moment

    def asks(self, http: httpx2.Client, agrees: Callable[[httpx2.Response], bool]) -> bool:
        """Whether whoever answers over a new connection agrees."""
        answer = self.load.ask(http, HEALTH, last=True)
        return answer is not None and answer.status_code == 200 and agrees(answer)

    def blow(self, rounds: int) -> None:
        """All of it: every third version is wrong, and every seventh is saved in a hurry."""
        manners, clean, slips = cycle(MANNERS), cycle(CLEAN), cycle(SLIPS)
        for number in range(1, rounds + 1):
            if number % 3 == 0:
                self.bad(next(slips), next(clean))
            elif number % 7 == 0:
                self.hurried(next(manners))
            else:
                self.good(next(manners))
            if inf in {*self.everywhere, *self.told}:
                break  # it would not come any more
        self.wrong += difference(self.shop, self.history.reigns[-1].version.text.decode())
        self.wrong += [f"the log has {word!r}" for word in ("Traceback", "Child process") if self.journal.count(word)]

    def judge(self) -> list[str]:
        """Everything that ought not to be."""
        seen = self.load.seen
        return [*self.wrong, *self.load.troubles, *faults(seen), *unexplained(self.history, seen)]

    def figures(self) -> str:
        """What happened, in a few lines."""
        seen = self.load.seen
        times = [answer.ended - answer.started for answer in seen]
        statuses = Counter(answer.status for answer in seen)
        return "\n".join(
            [
                f"versions: {len(self.history.reigns) - 1} good, {len(self.told)} wrong",
                f"requests answered: {len(seen)}, by status {dict(sorted(statuses.items()))}",
                f"5xx: {len(faults(seen))}, without an answer: {len(self.load.troubles)}",
                f"answers: median {median(times) * 1000:.0f} ms, at most {max(times):.2f} s",
                f"in force everywhere: {_spread(self.everywhere)}",
                f"errors told everywhere: {_spread(self.told)}",
            ]
        )


def _spread(seconds: list[float]) -> str:
    return f"median {median(seconds):.2f} s, at most {max(seconds):.2f} s" if seconds else "-"


@contextmanager
def storm(
    folder: Path, sabotage: str = "", workers: int = WORKERS, *, grace: float = GRACE, **given: str
) -> Iterator[Storm]:
    """A shop in `folder`, several processes of it, under load while the block lasts.

    `sabotage` are lines before the application's own, for a storm that has to find something.
    """
    copy_application(folder)
    app = folder / "app.py"
    app.write_text(f"{sabotage}\n{app.read_text()}")
    first, begun = Version(0), time.monotonic()
    save(folder / "policy.csv", first.text, "renamed")
    with running(folder, SERVE, WORKERS=str(workers), **given) as shop:
        journal = Journal(shop.output)
        wait_for_workers(journal, workers)
        _, _, customer = shop.account("customer")
        product = customer.get("/products?size=1").json()["items"][0]["id"]
        token = customer.headers["Authorization"].removeprefix("Bearer ")
        found = Storm(shop, Load(shop.url, token, questions(product)), journal, workers)
        found.history.grace = grace
        found.history.save(first, begun, time.monotonic())
        with under(found.load, THREADS):
            yield found


def say(text: str) -> None:
    """Print for a person."""
    print(text, flush=True)  # noqa: T201 # this is the command's output


def main(arguments: list[str] | None = None) -> int:
    """Run one storm and tell how it was; 1 where something was not as it ought to be."""
    parser = argparse.ArgumentParser("python -m tests.storms.policy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="versions that are saved (%(default)s)")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite", help="(%(default)s)")
    asked = parser.parse_args(arguments)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        given = stack.enter_context(database(asked.database, asked=True))
        with storm(folder, "", WORKERS, grace=GRACE, **given) as found:
            before = memory(found.shop)
            found.blow(asked.rounds)
            after = memory(found.shop)
        wrong = found.judge()
    say(f"{found.figures()}\nmemory of all processes: {before:.0f} MB before, {after:.0f} MB after")
    say("\n".join(["what was wrong:", *wrong]) if wrong else "nothing was wrong")
    return 1 if wrong else 0


__all__ = ["Storm", "main", "storm"]

if __name__ == "__main__":
    sys.exit(main())
