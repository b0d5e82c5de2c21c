"""Where a page by cursor begins: a position in the order, as a condition that the database answers from an index.

A list is read in one or two *legs*, each a plan of its own. NULLs come last in both directions, which no index of both
databases does; so where the leading sort term can be NULL, the rows that have it are one leg and those without it are
the other, and each of them is a walk along the index. The second one is asked only for what the first left missing.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, or_, tuple_
from sqlalchemy.sql import visitors

from charter.catalog import CALLER_ID, CALLER_ROLE, Entry
from charter.plan import Condition, Lens, ListPlan, Order

_Value = ColumnElement[Any]


@dataclass(frozen=True, slots=True)
class _Shape:
    """All of a position but its values: which of them are NULL, and the way from there."""

    nulls: tuple[bool, ...]
    backwards: bool
    including: bool


@dataclass(frozen=True, slots=True)
class _Leg:
    """What makes a leg of a plan."""

    order: tuple[Order, ...]
    condition: Condition


def legs(plan: ListPlan) -> tuple[ListPlan, ...]:
    """The plans that find the page's rows, one after the other; backwards they find the last row first."""
    seek, entry = plan.seek, plan.lens.entry
    if seek is not None:
        shape = _Shape(tuple(value is None for value in seek.values), seek.backwards, seek.including)
        found = _from_a_position(entry, plan.order, shape)
    elif plan.window.offset or not plan.order[0].nullable:
        return (plan,)
    else:
        found = _from_the_start(entry, plan.order)
    return tuple(plan.leg(leg.order, leg.condition) for leg in found)


@lru_cache(maxsize=1024)
def _from_the_start(_: Entry, order: tuple[Order, ...]) -> tuple[_Leg, ...]:
    there, none = _parted(order)
    return _leg(there, "there", None, _is_there(order)), _leg(none, "none", None, _is_none(order))


@lru_cache(maxsize=4096)
def _from_a_position(_: Entry, order: tuple[Order, ...], shape: _Shape) -> tuple[_Leg, ...]:
    turned = tuple(replace(term, backwards=shape.backwards) for term in order)
    if not order[0].nullable:
        return (_leg(turned, "all", shape, _beyond(turned, shape, 0)),)
    there, none = _parted(turned)
    if shape.nulls[0]:
        first = _leg(none, "none", shape, _is_none(order) & _beyond(none, shape, 1))
        return (first, _leg(there, "there", None, _is_there(order))) if shape.backwards else (first,)
    first = _leg(there, "there", shape, _beyond(there, shape, 0))
    return (first,) if shape.backwards else (first, _leg(none, "none", None, _is_none(order)))


def _parted(order: tuple[Order, ...]) -> tuple[tuple[Order, ...], tuple[Order, ...]]:
    """The order among the rows whose leading term has a value, and among those where it is NULL."""
    lead, *rest = order
    return (replace(lead, nullable=False), *rest), (replace(lead, nullable=False, descending=False), *rest)


def _is_there(order: tuple[Order, ...]) -> ColumnElement[bool]:
    return order[0].expression.is_not(None)


def _is_none(order: tuple[Order, ...]) -> ColumnElement[bool]:
    return order[0].expression.is_(None)


def _leg(order: tuple[Order, ...], part: str, shape: _Shape | None, clause: ColumnElement[bool]) -> _Leg:
    """A leg; order, part and shape together tell its SQL."""
    return _Leg(order, Condition(("seek", part, str(shape)), clause))


def _beyond(order: tuple[Order, ...], shape: _Shape, start: int) -> ColumnElement[bool]:
    """The rows that come after the position (backwards: before it) by the terms from `start` on."""
    terms = order[start:]
    one_way = len({term.descending for term in terms}) == 1
    if len(terms) > 1 and one_way and not any(term.nullable for term in terms):
        bounds = tuple_(*(_bound(term, start + place) for place, term in enumerate(terms)))
        row = tuple_(*(term.expression for term in terms))
        return _compare(row, bounds, falls=_falls(terms[0]), including=shape.including)
    return _nested(order, shape, start)


def _nested(order: tuple[Order, ...], shape: _Shape, at: int) -> ColumnElement[bool]:
    """The same for terms of mixed directions, or with NULLs among them, one term inside the other.

    ``a >= x AND (a > x OR …)``, not ``a > x OR (a = x AND …)``: the first part alone is a range of an index.
    """
    term = order[at]
    column = term.expression
    if at == len(order) - 1:
        return _compare(column, _bound(term, at), falls=_falls(term), including=shape.including)
    inner = _beyond(order, shape, at + 1)
    if shape.nulls[at]:
        return or_(column.is_not(None), inner) if shape.backwards else and_(column.is_(None), inner)
    bound, falls = _bound(term, at), _falls(term)
    strictly = _compare(column, bound, falls=falls, including=False)
    found = and_(_compare(column, bound, falls=falls, including=True), or_(strictly, inner))
    return or_(found, column.is_(None)) if term.nullable and not shape.backwards else found


def _falls(term: Order) -> bool:
    """Whether the values of `term` get less on the way."""
    return term.descending != term.backwards


def _compare(left: _Value, right: _Value, *, falls: bool, including: bool) -> ColumnElement[bool]:
    if including:
        return left <= right if falls else left >= right
    return left < right if falls else left > right


def _bound(term: Order, place: int) -> ColumnElement[Any]:
    return bindparam(f"seek{place}", type_=term.expression.type)


def asks_who(plan: ListPlan) -> bool:
    """Whether the rows of a list, or their order, depend on who asks."""
    return _asks_who(plan.lens, plan.where, plan.order)


@lru_cache(maxsize=4096)
def _asks_who(lens: Lens, where: tuple[Condition, ...], order: tuple[Order, ...]) -> bool:
    clauses = [lens.condition, *(condition.clause for condition in where), *(term.expression for term in order)]
    bound = {getattr(part, "key", "") for clause in clauses if clause is not None for part in visitors.iterate(clause)}
    return bool(bound & {CALLER_ID, CALLER_ROLE})


__all__ = ["asks_who", "legs"]
