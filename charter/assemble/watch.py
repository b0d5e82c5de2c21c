"""Watches the policy file while the application serves: what is saved is in force in every process within 2 seconds.

Each process looks for itself, so that nothing has to reach it; what is wrong with a file keeps the last good one.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from charter.access import AccessTable
from charter.assemble.startup import show_policy
from charter.errors import DatabaseException, DeclarationError
from charter.services import Services
from charter.store.ending import end_task

log = logging.getLogger("charter.policy")

LOOK_SECONDS = 0.25
"""How often the files are looked at. A file is read when it was the same at two looks: nobody is writing it then."""

MOST_TOLD = 5
"""Problems that ``/health`` and the admin tell; the log has all of them."""

Signature = tuple[tuple[int, ...] | None, ...]


class Watch:
    """Looks at `files`, and puts what they say in force."""

    def __init__(self, services: Services, files: Sequence[Path]) -> None:
        self.services = services
        self.files = files
        # Nothing counts as seen: what was written since the application was built has yet to be read.
        self.seen: Signature = ()
        self.read: Signature = ()
        self.shown = services.policy.newest.version
        self.is_behind = False

    async def run(self) -> None:
        """Look and show until cancelled, apart: a database that is slow or away holds up no policy."""
        await asyncio.gather(_again(self.look), _again(self.show))

    async def look(self) -> None:
        """One look: read files that are new and at rest."""
        before, self.seen = self.seen, signature(self.files)
        if self.seen == before and self.seen != self.read:
            self.read = self.seen
            await self.reload()

    async def show(self) -> None:
        """Bring the image in the database up to date; again at the next look where the database is busy or away."""
        version = self.services.policy.newest.version
        if self.shown == version:
            return
        try:
            await show_policy(self.services)
        except DatabaseException as error:
            if not self.is_behind:
                log.warning("the tables that show the policy are behind: %s", error.detail)
            self.is_behind = True
        except Exception:
            if not self.is_behind:  # told once, not at every look
                log.exception("the tables that show the policy cannot be written")
            self.is_behind = True
        else:
            self.shown, self.is_behind = version, False

    async def reload(self) -> None:
        """Read and judge the files, off the event loop, and take or refuse them."""
        policy = self.services.policy
        table, wrong = await asyncio.to_thread(self.judge)
        if signature(self.files) != self.read:
            self.read = ()  # written while it was read: once more when it is at rest
        elif table is None:
            policy.refuse(told(wrong))
            log.error("the policy was not taken; the one before stays in force:\n%s", "\n".join(wrong))
        elif table != policy.newest or policy.error is not None:
            policy.take(table)
            log.info("policy %s is in force", table.version)

    def judge(self) -> tuple[AccessTable | None, list[str]]:
        """The table that the files give, or what is wrong with them."""
        try:
            return self.services.policy.load(), []
        except DeclarationError as error:
            return None, [str(problem) for problem in error.problems if problem.fatal]
        except Exception:
            log.exception("the policy could not be read")
            return None, [f"{self.files[0].name}:1:1: The file could not be read; the log says why."]


async def _again(step: Callable[[], Awaitable[None]]) -> None:
    """Take the step until cancelled. Nothing that happens in it may end the watch."""
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            await step()
        except Exception:
            log.exception("the policy could not be looked at, or shown")


def signature(files: Sequence[Path]) -> Signature:
    """What changes whenever one of the files does; None for one that is not there."""
    found: list[tuple[int, ...] | None] = []
    for file in files:
        try:
            stat = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns))
    return tuple(found)


def told(problems: Sequence[str]) -> str:
    """The first problems, a line each."""
    more = len(problems) - MOST_TOLD
    return "\n".join([*problems[:MOST_TOLD], *([f"and {more} more"] if more > 0 else [])])


@asynccontextmanager
async def watching(services: Services, files: Sequence[Path]) -> AsyncIterator[None]:
    """A watch that lasts as long as the block."""
    task = asyncio.create_task(Watch(services, files).run())
    try:
        yield
    finally:
        await end_task(task)


__all__ = ["LOOK_SECONDS", "Watch", "watching"]
