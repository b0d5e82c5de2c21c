"""A watch over the event loop of a running shop, from within: how long one piece of work keeps it, and how late it is.

Work is counted by the processor time of the loop's thread, so that other programs on the machine do not count. How
late the loop is, is wall-clock time: what a request feels, whoever is to blame.
"""

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from charter.auth.standing import Standings

WATCH = "from tests.storms.watch import watch_the_loop\n\nwatch_the_loop()\n"
"""What a watched shop does before it is assembled."""

KEPT = "loop.json"
"""The file in the shop's folder: while it is there the loop is measured, and the result so far is in it."""

TICK = 0.005
TOLD_SECONDS = 0.5


def watch_the_loop() -> None:
    """Measure the event loop as soon as the application has started."""
    start = Standings.start

    def started(standings: Standings) -> None:
        start(standings)
        asyncio.get_running_loop().create_task(_watch()).add_done_callback(_ended)

    Standings.start = started  # type: ignore[assignment,method-assign] # what begins with the application


def _ended(watch: "asyncio.Task[None]") -> None:
    """Keeps the task alive until it is over, and lets its failure be seen."""
    if not watch.cancelled():
        watch.result()


async def _watch() -> None:
    file, worst, late = Path(KEPT), 0.0, Counter[int]()
    told = time.monotonic()
    while True:
        before, due = time.thread_time(), time.monotonic() + TICK
        await asyncio.sleep(TICK)
        worst = max(worst, time.thread_time() - before)
        late[int(1000 * (time.monotonic() - due))] += 1
        if time.monotonic() - told > TOLD_SECONDS:
            if not _told(file, worst, late):  # nobody measures: the next one begins anew
                worst, late = 0.0, Counter()
            told = time.monotonic()


def _told(file: Path, worst: float, late: Counter[int]) -> bool:
    """Write down what was seen so far, where somebody wants to know."""
    is_wanted = file.exists()
    if is_wanted:
        file.write_text(json.dumps({"worst": worst, "late": late}))
    return is_wanted


@dataclass(frozen=True, slots=True)
class Loop:
    """What the watch saw: the longest piece of work in seconds, and how often the loop was late by how many ms."""

    worst: float = 0.0
    late: Counter[int] = field(default_factory=Counter)

    def late_at(self, share: float) -> float:
        """Seconds that the loop was late in all but the worst `share` of its rounds."""
        left = self.late.total() * share
        for milliseconds in sorted(self.late, reverse=True):
            left -= self.late[milliseconds]
            if left < 0:
                return milliseconds / 1000
        return 0.0


class Measuring:
    """Measures the loop of the shop in `folder`, from :meth:`begin` to :meth:`end`."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / KEPT

    async def begin(self) -> None:
        """From now on."""
        self._file.unlink(missing_ok=True)
        await asyncio.sleep(2 * TOLD_SECONDS)
        self._file.write_text("{}")

    async def end(self) -> Loop:
        """What was seen since."""
        await asyncio.sleep(2 * TOLD_SECONDS)
        told: dict[str, Any] = json.loads(self._file.read_text())
        self._file.unlink()
        return Loop(told["worst"], Counter({int(key): count for key, count in told["late"].items()}))


__all__ = ["WATCH", "Loop", "Measuring", "watch_the_loop"]
