"""What a request is going to do, as frozen values: entry + decision + parameters -> plan. No I/O, no SQL text.

A plan has a *shape* (which conditions, which order, which fields) that statements are cached by, and *values* that are
bound when the statement runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement

from charter.access import Decision
from charter.catalog import CALLER_ID, CALLER_ROLE, Entry, Relation
from charter.declare import Caller, Change

Counting = Literal["exact", "none"]


@dataclass(frozen=True, slots=True)
class Condition:
    """One narrowing term. Two conditions with the same ``key`` have the same SQL and differ in values only."""

    key: tuple[str, ...]
    clause: ColumnElement[bool] = field(compare=False)
    values: Mapping[str, Any] = field(compare=False, default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """One sort term; ``nullable`` ones get their NULLs last in both directions."""

    name: str
    descending: bool
    expression: ColumnElement[Any] = field(compare=False)
    nullable: bool = field(compare=False, default=False)


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of the result: a page counted from 1, of `size` rows."""

    page: int = 1
    size: int = 20

    @property
    def offset(self) -> int:
        """How many rows come before."""
        return (self.page - 1) * self.size


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


@dataclass(frozen=True, slots=True)
class Include:
    """A relation that is answered with the row, through the target's own read lens."""

    relation: Relation
    lens: Lens


@dataclass(frozen=True, slots=True)
class ListPlan:
    """A page of rows. Narrowers return a changed copy."""

    lens: Lens
    where: tuple[Condition, ...] = ()
    order: tuple[Order, ...] = ()
    window: Window = Window()
    counting: Counting = "exact"

    def narrowed(self, *conditions: Condition) -> "ListPlan":
        """The same plan with more conditions."""
        return replace(self, where=self.where + conditions)

    def values(self, caller: Caller) -> dict[str, Any]:
        """Everything that the statement binds."""
        bound = caller_values(caller)
        for condition in self.where:
            bound.update(condition.values)
        return bound


@dataclass(frozen=True, slots=True)
class ReadPlan:
    """One row by its id."""

    lens: Lens
    id: UUID


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


def caller_values(caller: Caller | None) -> dict[str, Any]:
    """What row rules bind: who asks."""
    return {CALLER_ID: caller.id if caller else None, CALLER_ROLE: caller.role if caller else ""}
