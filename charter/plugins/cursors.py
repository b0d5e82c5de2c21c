"""Cursors: a position in a list, as a text that only this application writes and that fits this one list.

A cursor holds what the row at the end of a page is sorted by, all of it readable for the one who got it, and a mark
over that and the list itself: resource, filters, sort, row rule and, where that asks for it, the caller. With anything
else, or with one letter changed, it is refused.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b
from hmac import compare_digest
from typing import Any
from uuid import UUID

from pydantic_core import from_json, to_json

from charter.catalog.entry import Kind
from charter.declare import Caller
from charter.plan import ListPlan, Order, Seek
from charter.plugins.parameters import Reading
from charter.query.keyset import asks_who
from charter.settings import Settings, derived_key
from charter.types import time_text

LONGEST_CURSOR = 6000
"""Characters; a list whose position would take more can be read by page only."""

FREE = frozenset({"count", "cursor", "fields", "include", "page", "size", "sort"})
"""Parameters that may change from page to page. ``sort`` is bound by what it means; every other one by its text."""

_MARK = 16
"""Bytes of the mark: enough that nobody guesses one."""

MOST_KEYS = 1024
"""Keys of lists that are remembered."""

_REFUSED = "does not belong to this list: it goes with the filters, the sort and the caller of the page it came from"


class Cursors:
    """Writes and reads the cursors of one application."""

    def __init__(self, settings: Settings) -> None:
        self._key = bytes.fromhex(derived_key(settings.secret_key, "cursor"))
        self._keyed: Callable[[bytes, UUID | None, str], bytes] = lru_cache(maxsize=MOST_KEYS)(self._make_key)

    def narrow(self, plan: ListPlan, caller: Caller, text: str) -> ListPlan:
        """The plan from where the cursor `text` leads to; BadRequestException where it is no good here."""
        seekable = all(term.seekable for term in plan.order)
        seek = self._read(plan, caller, text) if seekable else None
        if seek is None:
            reading = Reading({})
            reading.malformed("cursor", _REFUSED if seekable else "needs a list with a sort; this one is read by page")
            reading.finish()
        return plan.sought(seek)

    def writer(self, plan: ListPlan, caller: Caller) -> Callable[[Seek], str | None]:
        """Writes cursors for positions in the plan's order; None where one gets too long, or the order has none."""
        if not all(term.seekable for term in plan.order):
            return lambda _: None
        key = self._key_of(plan, caller)

        def write(seek: Seek) -> str | None:
            way = seek.backwards + 2 * seek.including
            content = to_json([way, *map(_plain, seek.values)])
            found = _text(_mark(key, content) + content)
            return found if len(found) <= LONGEST_CURSOR else None

        return write

    def _read(self, plan: ListPlan, caller: Caller, text: str) -> Seek | None:
        """What was written for such a plan and such a caller; None for any other text."""
        if len(text) > LONGEST_CURSOR or not text.isascii():
            return None
        try:
            raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        except ValueError:
            return None
        mark, content = raw[:_MARK], raw[_MARK:]
        if _text(raw) != text or not compare_digest(mark, _mark(self._key_of(plan, caller), content)):
            return None
        return _position(plan.order, content)

    def _key_of(self, plan: ListPlan, caller: Caller) -> bytes:
        """The key that marks the cursors of this list, and where it is personal those of this caller."""
        known = plan if plan.bound else bound(plan)  # one that nobody keeps need not be
        who = (caller.id, caller.role) if known.personal else (None, "")
        return self._keyed(known.bound, *who)

    def _make_key(self, text: bytes, who: UUID | None, role: str) -> bytes:
        return blake2b(text + to_json([who, role]), key=self._key, digest_size=32).digest()


def _mark(key: bytes, content: bytes) -> bytes:
    """A keyed BLAKE2b (RFC 7693): a MAC as an HMAC is, for a third of the time that OpenSSL takes for so few bytes."""
    return blake2b(content, key=key, digest_size=_MARK).digest()


def bound(plan: ListPlan) -> ListPlan:
    """The plan with what its cursors are bound to: the same for every page of one list and for no other list."""
    narrowing = sorted(item for item in plan.asked.items() if item[0] not in FREE)
    order = [[term.name, term.descending] for term in plan.order]
    text = to_json([plan.lens.entry.name, narrowing, order, plan.lens.rows])
    return replace(plan, bound=text, personal=asks_who(plan))


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _plain(value: Any) -> Any:
    """A value as the driver has it, as JSON can have it."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return time_text(value)
    if isinstance(value, date):
        return value.isoformat()
    return int(value) if isinstance(value, Decimal) else value


def _as_is(expected: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if not isinstance(value, expected):
            raise TypeError
        return value

    return read


_READERS: Mapping[Kind, Callable[[Any], Any]] = {
    "text": _as_is(str),
    "enum": _as_is(str),
    "uuid": UUID,
    "boolean": bool,
    "integer": _as_is(int),
    "money": _as_is(int),
    "number": float,
    "time": datetime.fromisoformat,
    "date": date.fromisoformat,
}


def _position(order: Sequence[Order], content: bytes) -> Seek | None:
    """What was written, as the declaration has it now; None where a field's type has changed since."""
    try:
        way, *values = from_json(content)
        found = tuple(_value(term, value) for term, value in zip(order, values, strict=True))
    except (ValueError, TypeError, AttributeError, KeyError):
        return None
    return Seek(found, backwards=bool(way & 1), including=bool(way & 2))


def behind(order: Sequence[Order], values: Sequence[Any]) -> Seek:
    """The position behind a row, from what it is sorted by as the driver has it."""
    return Seek(tuple(_value(term, _plain(value)) for term, value in zip(order, values, strict=True)))


def _value(term: Order, value: Any) -> Any:
    if value is None and term.nullable:
        return None
    return _READERS[term.kind](value)


__all__ = ["FREE", "LONGEST_CURSOR", "Cursors", "behind", "bound"]
