"""``python -m tests.storms.logins``: a flood of logins, and what everybody else feels of it.

Two hundred logins a second for a minute, whether they are answered or not, at a shop of one process; beside them
somebody looks at goods, before and meanwhile. A watch inside the shop measures its event loop.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.running import ADMIN, SERVE, Running, copy_application, running
from tests.storms.flood import MOST_LATE, Answers, ask, flood_apart
from tests.storms.stage import database
from tests.storms.watch import WATCH, Loop, Measuring

LOOKS_PER_SECOND = 25

BLOCKED = 0.05
"""Seconds that one piece of work may keep the event loop."""

MOST_MEMORY = 256 * 2**20
"""Bytes that the shop may grow by."""


@dataclass(slots=True)
class Told:
    """What a flood showed: times in seconds, memory in bytes."""

    answers: Answers = field(default_factory=Answers)
    quiet: list[float] = field(default_factory=list)
    flooded: list[float] = field(default_factory=list)
    loop_quiet: Loop = field(default_factory=Loop)
    loop_flooded: Loop = field(default_factory=Loop)
    memory_before: int = 0
    memory_most: int = 0

    def p99(self, times: list[float]) -> float:
        """The time that one in a hundred takes longer than."""
        return sorted(times)[int(len(times) * 0.99) - 1]

    def broken(self, blocked: float = BLOCKED) -> list[str]:
        """A sentence for each promise that was not kept, apart from the times of others."""
        found, statuses = [], self.answers.statuses
        if strange := {status: count for status, count in statuses.items() if status not in {200, 503}}:
            found.append(f"answers that are neither a sign-in nor a refusal: {strange}")
        if not statuses[200]:
            found.append("nobody could sign in")
        if self.answers.without_a_time:
            found.append(f"{self.answers.without_a_time} refusals without Retry-After")
        if self.loop_flooded.worst > blocked:
            found.append(f"the event loop was kept for {1000 * self.loop_flooded.worst:.0f} ms")
        if self.memory_most - self.memory_before > MOST_MEMORY:
            found.append(f"memory grew by {(self.memory_most - self.memory_before) >> 20} MiB")
        return found

    def slowed(self) -> list[str]:
        """The same for what others feel: their p99 at most doubles. True on a machine that nobody else uses."""
        quiet, flooded = self.p99(self.quiet), self.p99(self.flooded)
        found = []
        if flooded > 2 * quiet:
            found.append(f"others' p99 went from {1000 * quiet:.1f} to {1000 * flooded:.1f} ms")
        if self.answers.behind > MOST_LATE:
            found.append(f"the flood was {self.answers.behind:.1f} s behind its pace: this machine is too busy to tell")
        return found


LOOK = b"GET /products?size=5 HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"


async def look(shop: Running, seconds: float, times: list[float]) -> None:
    """Somebody looks at goods, at an even pace."""
    end = time.perf_counter() + seconds
    while (began := time.perf_counter()) < end:
        status, _ = await ask(shop.url, LOOK)
        assert status == 200, status
        times.append(time.perf_counter() - began)
        await asyncio.sleep(max(0.0, 1 / LOOKS_PER_SECOND - times[-1]))


async def weigh(shop: Running, told: Told) -> None:
    """Look how much the shop's process holds, until cancelled."""
    while True:
        told.memory_most = max(told.memory_most, memory(shop))
        await asyncio.sleep(0.5)


def memory(shop: Running) -> int:
    """Bytes that the shop's process holds."""
    return int(Path(f"/proc/{shop.process.pid}/statm").read_text().split()[1]) * 4096


async def storm(shop: Running, seconds: float, per_second: int) -> Told:
    """Quiet first, then the flood, with the same looks meanwhile."""
    told, measuring = Told(), Measuring(shop.folder)
    await look(shop, min(3, seconds), [])  # whatever is made on first use, here and at a login
    await flood_apart(shop.url, ADMIN, 1, 2)
    await measuring.begin()
    await look(shop, seconds, told.quiet)
    told.loop_quiet = await measuring.end()
    told.memory_before = memory(shop)
    await measuring.begin()
    weighing = asyncio.create_task(weigh(shop, told))
    told.answers, _ = await asyncio.gather(
        flood_apart(shop.url, ADMIN, seconds, per_second), look(shop, seconds, told.flooded)
    )
    weighing.cancel()
    told.loop_flooded = await measuring.end()
    return told


def flooded_shop(folder: Path) -> Path:
    """The application in `folder`, with the watch inside."""
    copy_application(folder)
    file = folder / "app.py"
    text = file.read_text()
    place = text.index("from charter")
    file.write_text(f"{text[:place]}{WATCH}\n{text[place:]}")
    return folder


def main() -> int:
    """Flood a shop as long as promised; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.storms.logins", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--per-second", type=int, default=200)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        database(given.database, asked=True) as settings,
        running(flooded_shop(Path(folder)), SERVE, **settings) as shop,
    ):
        told = asyncio.run(storm(shop, given.seconds, given.per_second))
    broken = [*told.broken(), *told.slowed()]
    loops = (("quiet", told.loop_quiet), ("flooded", told.loop_flooded))
    lines = [
        f"logins: {dict(sorted(told.answers.statuses.items()))}, at most {told.answers.behind:.2f} s behind their pace",
        f"others' p99: {1000 * told.p99(told.quiet):.1f} ms quiet, {1000 * told.p99(told.flooded):.1f} ms flooded",
        *(
            f"event loop, {when}: longest work {1000 * loop.worst:.1f} ms, late by {1000 * loop.late_at(0.01):.0f} ms"
            " in one round of a hundred"
            for when, loop in loops
        ),
        f"memory: {told.memory_before >> 20} MiB before, {told.memory_most >> 20} MiB at most",
        *(f"BROKEN: {line}" for line in broken),
    ]
    print("\n".join(lines))  # noqa: T201 # this is the command's output
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
