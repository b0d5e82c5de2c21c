"""The policy in force: one table for every decision, swapped by one assignment; a request keeps its own to the end."""

from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime

from starlette.types import ASGIApp, Receive, Scope, Send

from charter.access.table import AccessTable
from charter.types import utc_now

Loader = Callable[[], AccessTable]
"""Reads the policy file anew; DeclarationError with everything that is wrong with it."""

_kept: ContextVar[tuple["InForce", AccessTable] | None] = ContextVar("charter_policy", default=None)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A file that was read and not taken: when (aware, UTC), and what was wrong with it."""

    at: datetime
    error: str


class InForce:
    """What decides at the moment; DeclarationError where not even the first file is good.

    ``since`` is when this process put the newest table in force (aware, UTC). ``error`` is what is wrong with the file
    since the last good one, None while the file is the one in force; ``failed`` is the last file that was not taken,
    remembered when it has been mended. ``reloads`` and ``refusals`` count, in this process, the files that were taken
    and those that were not.
    """

    def __init__(self, load: Loader) -> None:
        self.load = load
        self.newest = load()
        self.since = utc_now()
        self.error: str | None = None
        self.failed: Attempt | None = None
        self.reloads = 0
        self.refusals = 0

    @property
    def table(self) -> AccessTable:
        """The table of the request under way; outside of one, the newest."""
        kept = _kept.get()
        return kept[1] if kept is not None and kept[0] is self else self.newest

    def take(self, table: AccessTable) -> None:
        """Put a table in force, for every request that begins from now on."""
        self.newest = table
        self.since = utc_now()
        self.error = None
        self.reloads += 1

    def refuse(self, error: str) -> None:
        """Keep the table, and remember what is wrong with the file."""
        self.error = error
        self.failed = Attempt(utc_now(), error)
        self.refusals += 1

    def keep(self, app: ASGIApp) -> ASGIApp:
        """`app`, each of whose requests is decided by one table from its beginning to its end."""

        async def kept(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "lifespan":  # lasts longer than any policy
                await app(scope, receive, send)
                return
            token = _kept.set((self, self.newest))
            try:
                await app(scope, receive, send)
            finally:
                _kept.reset(token)

        return kept


__all__ = ["Attempt", "InForce", "Loader"]
