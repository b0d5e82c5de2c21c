"""What a request is going to do, as frozen values: entry + decision + parameters -> plan. No I/O, no SQL text.

A plan has a *shape* (which conditions, which order, which fields) that statements are cached by, and *values* that are
bound when the statement runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement

from charter.access import Decision
from charter.catalog import CALLER_ID, CALLER_ROLE, Entry, Relation
from charter.catalog.entry import Kind
from charter.declare import Caller, Change

Counting = Literal["exact", "capped", "none"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One narrowing term. Two conditions with the same ``key`` have the same SQL and differ in values only."""

    key: tuple[str, ...]
    clause: ColumnElement[bool] = field(compare=False)
    values: Mapping[str, Any] = field(compare=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """One sort term; ``nullable`` ones get their NULLs last in both directions.

    ``kind`` is that of its values. ``backwards`` reads the same order from its end. A list with a term that is not
    ``seekable`` has pages only, no cursors.
    """

    name: str
    descending: bool
    expression: ColumnElement[Any] = field(compare=False)
    nullable: bool = False
    kind: Kind = "uuid"
    backwards: bool = False
    seekable: bool = True


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the result: a page counted from 1, or (``page`` is None) what a cursor leads to."""

    page: int | None = 1
    size: int = 20
    cursor: str = ""

    @property
    def offset(self) -> int:
        """How many rows come before."""
        return (self.page - 1) * self.size if self.page else 0


class Seek(NamedTuple):
    """A position in the order of a list, one value for each sort term, and the way to go from it.

    ``including`` a row that stands exactly there.
    """

    values: tuple[Any, ...]
    backwards: bool = False
    including: bool = False


@dataclass(frozen=True, slots=True)
class Lens:
    """What a decision lets through of an entry: the row words and the fields, in the entry's order."""

    entry: Entry
    rows: tuple[str, ...]
    fields: tuple[str, ...]
    includes: "tuple[Include, ...]" = ()

    @property
    def condition(self) -> ColumnElement[bool] | None:
        """The row rule as SQL: None for any row."""
        if "any" in self.rows:
            return None
        first, *rest = (self.entry.scopes[word] for word in self.rows)
        clause = first
        for other in rest:
            clause = clause | other
        return clause

    def within(self, other: "Lens") -> bool:
        """Whether every row that this lets through is let through by `other` too, as their words say."""
        return "any" in other.rows or set(self.rows) <= set(other.rows)


@dataclass(frozen=True, slots=True)
class Include:
    """A relation that is answered with the row, through the target's own read lens."""

    relation: Relation
    lens: Lens


@dataclass(frozen=True, slots=True)
class ListPlan:
    """A page of rows. Narrowers return a changed copy. ``asked`` are all parameters of the request, as texts.

    ``bound`` is what its cursors are bound to, less who asks; where its rows depend on that, it is ``personal``.
    """

    lens: Lens
    where: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    window: Window = Window()
    counting: Counting = "exact"
    seek: Seek | None = None
    asked: Mapping[str, str] = field(compare=False, default_factory=dict)
    bound: bytes = field(compare=False, default=b"")
    personal: bool = field(compare=False, default=False)

    def narrowed(self, *conditions: Condition) -> "ListPlan":
        """The same plan with more conditions."""
        return replace(self, where=self.where + conditions)

    def sought(self, seek: Seek | None) -> "ListPlan":
        """The same list from a position on."""
        rest = (self.window, self.counting, seek, self.asked, self.bound, self.personal)
        return ListPlan(self.lens, self.where, self.order, *rest)

    def leg(self, order: tuple[Order, ...], condition: Condition) -> "ListPlan":
        """The part of the rows that meets one more condition, in an order of its own."""
        where = (*self.where, condition)  # and not `replace`, which takes three times as long
        rest = (self.window, self.counting, self.seek, self.asked, self.bound, self.personal)
        return ListPlan(self.lens, where, order, *rest)

    def values(self, caller: Caller) -> dict[str, Any]:
        """Everything that the statement binds."""
        bound = caller_values(caller)
        for condition in self.where:
            bound.update(condition.values)
        return bound | seek_values(self.seek) if self.seek else bound


@dataclass(frozen=True, slots=True)
class Term:
    """A column of the answer to an aggregate, by the word that asks for it.

    Without a ``function`` it is a value to group by, or that ``part`` of it; with one, what is made of the values of a
    group, or (``expression`` is None) of its rows. ``kind`` is that of the values, ``rows`` the row words of the
    relation that they come from.
    """

    word: str
    kind: Kind
    expression: ColumnElement[Any] | None = field(compare=False)
    function: str = ""
    part: str = ""
    rows: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AggregatePlan:
    """Groups of the rows that a list would find. ``order`` names each term once, and whether it descends."""

    found: ListPlan
    groups: tuple[Term, ...] = ()
    measures: tuple[Term, ...] = ()
    order: tuple[tuple[Term, bool], ...] = ()
    window: Window = Window()


@dataclass(frozen=True, slots=True)
class WritePlan:
    """A create, update or delete: ``lens`` are the rows that the action may touch, ``read`` cuts the answer."""

    lens: Lens
    change: Change
    read: Lens | None
    id: UUID | None = None


@lru_cache(maxsize=4096)
def lens(entry: Entry, decision: Decision) -> Lens:
    """The lens of `decision` on `entry`."""
    return Lens(entry, decision.rows, tuple(name for name in entry.fields if name in decision.fields))


def seek_values(seek: Seek) -> dict[str, Any]:
    """What a position binds."""
    return {f"seek{place}": value for place, value in enumerate(seek.values)}


def caller_values(caller: Caller | None) -> dict[str, Any]:
    """What row rules bind: who asks."""
    return {CALLER_ID: caller.id if caller else None, CALLER_ROLE: caller.role if caller else ""}
