"""The one request to the admin that is under way: who asks, for which screen. Everything else in here asks it."""

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from charter.declare import Caller

ACTIONS = {
    "list": "list",
    "details": "read",
    "print": "read",
    "create": "create",
    "edit": "update",
    "inline": "update",
    "delete": "delete",
    "ajax": "read",
    "export": "export",
    "import": "import",
}
"""The second segment of a path (``/notes/edit/…``) -> the action whose decision holds there."""

NAMED = frozenset({"act", "bulk"})
"""Second segments after which the action itself follows (``/notes/act/publish/…``)."""


@dataclass(slots=True)
class Visit:
    """One request. ``caller`` is None until the sign-in is known to be good, and then nothing is visible.

    ``path`` is that of the request, below the mount. ``viewer`` is who looks at the admin as the role of ``caller``,
    None where callers are who they are.
    ``form`` is the submitted form, ``row`` the row that it changes, ``failure`` what a write raised.
    ``within`` holds, for actions that a rule limits to some rows, those of this page.
    ``token`` is what a form of this sign-in has in it. ``computed`` are the values of computed fields, by row;
    ``sights`` what the caller sees, ``parameters`` what they may narrow lists by, by resource; ``narrowed`` what the
    list was narrowed by.
    ``zone`` is where the reader's days begin; ``has_more`` says that the list goes on beyond what was counted.
    """

    resource: str = ""
    action: str = ""
    path: str = ""
    caller: Caller | None = None
    viewer: Caller | None = None
    form: Any = None
    row: Any = None
    failure: Exception | None = None
    token: str = ""
    within: dict[str, frozenset[UUID]] = field(default_factory=dict)
    computed: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    sights: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    narrowed: dict[str, str] = field(default_factory=dict)
    zone: tzinfo = UTC
    has_more: bool = False


_under_way: ContextVar[Visit | None] = ContextVar("charter_admin_visit", default=None)


def visit() -> Visit:
    """The visit under way; outside of one, an empty one, that nobody made and that sees nothing."""
    return _under_way.get() or Visit()


def begin(path: str, zone: str = "") -> Visit:
    """Start a visit of `path` (below the mount) by somebody in the time zone `zone`; the caller is found out later."""
    resource, _, rest = path.strip("/").partition("/")
    screen, _, more = rest.partition("/")
    action = more.partition("/")[0] if screen in NAMED else ACTIONS.get(screen, "")
    started = Visit(resource, action, path.strip("/"), zone=_zone(zone))
    _under_way.set(started)
    return started


def _zone(name: str) -> tzinfo:
    """The time zone of that name (IANA's); UTC where a browser says none, or one that this machine does not know."""
    try:
        return ZoneInfo(name) if name else UTC
    except (ValueError, OSError, LookupError):
        return UTC


def end() -> None:
    """Forget the visit."""
    _under_way.set(None)


__all__ = ["ACTIONS", "NAMED", "Visit", "begin", "end", "visit"]
