"""Who may call, remembered: a sign-in that was looked up is good until somebody tells that it has changed.

Each process looks for notices several times a second. What it remembers counts only while the last look is fresh; a
process that cannot look, or is late, asks the database on every request, as it does for what it does not know.
"""

import asyncio
import logging
import time
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from charter.auth.callers import Callers, Standing
from charter.auth.notices import Notices
from charter.store import Store
from charter.store.ending import end_task
from charter.types import utc_now

log = logging.getLogger("charter.auth")

LOOK_SECONDS = 0.25
"""How often a process looks for notices while it is asked for anything."""

FRESH_SECONDS = 0.9
"""How long after the beginning of a look its result may be relied on: the bound on how late a revocation can be."""

QUIET_SECONDS = 30
"""After so long without a request the looking stops, until the next one."""

OLDEST_SECONDS = 10
"""How long a sign-in is remembered at most: the bound for changes that were made past Charter and tell nobody."""

MOST_KEPT = 10_000
"""Sign-ins; some 8 MiB. The one that was looked up first makes room."""


@dataclass(frozen=True, slots=True)
class _Kept:
    standing: Standing
    read_at: float


class Standings:
    """The remembered sign-ins of one process."""

    def __init__(self, store: Store, callers: Callers, notices: Notices) -> None:
        self.store = store
        self.callers = callers
        self._notices = notices
        self._kept: dict[UUID, _Kept] = {}
        self._of_account: dict[UUID, set[UUID]] = {}
        self._turn = 0
        self._seen: int | None = None
        self._looked_at = float("-inf")
        self._asked_at = float("-inf")
        self._asked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        notices.listen(self.forget)

    async def of(self, session: UUID) -> Standing | None:
        """Who is signed in by `session`, None where that has ended; from memory where it is known to be true still."""
        self._asked_at = time.monotonic()
        self._asked.set()
        if (found := self._remembered(session)) is not None:
            return found
        turn, read_at = self._turn, time.monotonic()
        may_keep = self.is_fresh
        found = await self.store.read(lambda tx: self.callers.of_session(tx, session))
        # what was told meanwhile may be about this very row, as it was before
        if found is not None and found.caller.is_verified and may_keep and turn == self._turn:
            self._keep(session, _Kept(found, read_at))
        return found

    def forget(self, subject: UUID) -> None:
        """Forget a sign-in, or all of an account; and keep nothing that is being read at this moment."""
        self._turn += 1
        for session in (subject, *self._of_account.get(subject, ())):
            self._drop(session)

    def forget_all(self) -> None:
        """Forget everything."""
        self._turn += 1
        self._kept.clear()
        self._of_account.clear()

    def start(self) -> None:
        """Begin to look for notices; before that nothing is remembered."""
        self._asked_at = time.monotonic()
        self._task = asyncio.create_task(self._run())

    async def close(self) -> None:
        """Stop looking, and so remembering."""
        if self._task is not None:
            await end_task(self._task)
        self._task, self._seen = None, None
        self.forget_all()

    async def _run(self) -> None:
        while True:
            if time.monotonic() - self._asked_at > QUIET_SECONDS:
                self._asked.clear()
                await self._asked.wait()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001 # whatever it is: nothing is relied on until a look succeeds
                log.debug("notices could not be read", extra={"error": type(error).__name__})
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Read what has been told since the last look, and forget what it is about."""
        began, seen = time.monotonic(), self._seen
        if seen is None:
            self._seen = await self.store.read(self._notices.newest)
            self.forget_all()
        else:
            told = await self.store.read(lambda tx: self._notices.since(tx, seen))
            if told is None:
                self._seen = None  # the next look begins anew
                self.forget_all()
                return
            for number, subject in told:
                self._seen = number
                self.forget(subject)
        self._looked_at = began

    @property
    def known(self) -> frozenset[UUID]:
        """The sign-ins that are remembered."""
        return frozenset(self._kept)

    @property
    def is_fresh(self) -> bool:
        """Whether what is remembered may be relied on at this moment."""
        return self._seen is not None and time.monotonic() - self._looked_at < FRESH_SECONDS

    def _remembered(self, session: UUID) -> Standing | None:
        kept = self._kept.get(session)
        if kept is None or not self.is_fresh:
            return None
        if time.monotonic() - kept.read_at > OLDEST_SECONDS or _has_ended(kept.standing, utc_now()):
            self._drop(session)
            return None
        return kept.standing

    def _keep(self, session: UUID, kept: _Kept) -> None:
        self._drop(session)
        if len(self._kept) >= MOST_KEPT:
            self._drop(next(iter(self._kept)))
        self._kept[session] = kept
        self._of_account.setdefault(kept.standing.user_id, set()).add(session)

    def _drop(self, session: UUID) -> None:
        kept = self._kept.pop(session, None)
        if kept is None:
            return
        others = self._of_account[kept.standing.user_id]
        others.discard(session)
        if not others:
            del self._of_account[kept.standing.user_id]


def _has_ended(standing: Standing, now: datetime) -> bool:
    return standing.until <= now


__all__ = ["FRESH_SECONDS", "LOOK_SECONDS", "MOST_KEPT", "OLDEST_SECONDS", "QUIET_SECONDS", "Standings"]
