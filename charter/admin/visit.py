"""The one request to the admin that is under way: who asks, for which screen. Everything else in here asks it."""

from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from charter.declare import Caller

ACTIONS = {
    "list": "list",
    "details": "read",
    "create": "create",
    "edit": "update",
    "delete": "delete",
    "ajax": "read",
}
"""The second segment of a path (``/notes/edit/…``) -> the action whose decision holds there."""


@dataclass(slots=True)
class Visit:
    """One request. ``caller`` is None until the sign-in is known to be good, and then nothing is visible.

    ``form`` is the submitted form, ``row`` the row that it changes, ``failure`` what a write raised, ``deleted`` how
    many rows are gone already. ``within`` holds, for actions that a rule limits to some rows, those of this page.
    ``computed`` are the values of computed fields, by row; ``sights`` what the caller sees, by resource; ``narrowed``
    what the list was narrowed by.
    """

    resource: str = ""
    action: str = ""
    caller: Caller | None = None
    form: Any = None
    row: Any = None
    failure: Exception | None = None
    deleted: int = 0
    within: dict[str, frozenset[UUID]] = field(default_factory=dict)
    computed: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    sights: dict[str, Any] = field(default_factory=dict)
    narrowed: dict[str, str] = field(default_factory=dict)


_under_way: ContextVar[Visit | None] = ContextVar("charter_admin_visit", default=None)


def visit() -> Visit:
    """The visit under way; outside of one, an empty one, that nobody made and that sees nothing."""
    return _under_way.get() or Visit()


def begin(path: str) -> Visit:
    """Start a visit of `path` (below the mount); the caller is found out later."""
    resource, _, rest = path.strip("/").partition("/")
    started = Visit(resource, ACTIONS.get(rest.split("/")[0], ""))
    _under_way.set(started)
    return started


def end() -> None:
    """Forget the visit."""
    _under_way.set(None)


__all__ = ["ACTIONS", "Visit", "begin", "end", "visit"]
