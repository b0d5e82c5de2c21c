"""Plan -> SQL, purely: the same plan shape gives the same cached statement. Nothing here touches a connection.

A row leaves the database as one JSON text, made there, in the form that the API promises.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    TextClause,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.sql import visitors
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.util import ClauseAdapter
from sqlalchemy.types import NullType

from charter.catalog import Relation
from charter.plan import Condition, Include, Lens, ListPlan, Order
from charter.query.pieces import WRAPPERS, JsonInner, JsonList, JsonObject, JsonText

ROW_ID = "row_id"

MOST_COUNTED = 10_000
"""Rows that a capped count looks at."""

MOST_INCLUDED = 100
"""Rows of a to-many relation that one row can include."""


def json_of(lens: Lens, source: FromClause) -> ColumnElement[Any]:
    """A row of `source` as a JSON object: the lens' fields in the entry's order, then what it includes."""
    adapter = None if source is lens.entry.table else ClauseAdapter(source)
    parts: list[ColumnElement[Any]] = []
    for name in lens.fields:
        field = lens.entry.fields[name]
        value = adapter.traverse(field.expression) if adapter else field.expression
        wrapper = WRAPPERS.get(field.kind)
        parts += [literal_column(f"'{name}'"), wrapper(value) if wrapper else value]
    for included in lens.includes:
        parts += [literal_column(f"'{included.relation.name}'"), JsonInner(_included(included, source))]
    return JsonObject(*parts)


def _included(included: Include, source: FromClause) -> ColumnElement[Any]:
    """The related row, or the first `MOST_INCLUDED` related rows by id, as JSON: part of the one statement."""
    rows = related_rows(source, included.relation, included.lens)
    body = json_of(included.lens, rows.alias).label("body")
    if not included.relation.many:
        return select(body).where(rows.condition).correlate(source).scalar_subquery()
    first = select(body).where(rows.condition).order_by(rows.alias.c.id).limit(literal_column(str(MOST_INCLUDED)))
    return select(JsonList(first.correlate(source).subquery().c.body)).scalar_subquery()


def row_text(lens: Lens) -> ColumnElement[str]:
    """A row of the entry's table as the JSON text of the API."""
    return JsonText(json_of(lens, lens.entry.table)).label("body")


def visible(statement: Select[Any], lens: Lens) -> Select[Any]:
    """`statement` narrowed to the living rows that the lens lets through."""
    for clause in (lens.entry.live, lens.condition):
        if clause is not None:
            statement = statement.where(clause)
    return statement


@lru_cache(maxsize=1024)
def read_statement(lens: Lens) -> Select[tuple[str]]:
    """One row as JSON by ``row_id``."""
    table = lens.entry.table
    found = select(row_text(lens)).where(table.c.id == bindparam(ROW_ID, type_=table.c.id.type))
    return visible(found, lens)


@lru_cache(maxsize=1024)
def exists_statement(lens: Lens) -> Select[tuple[int]]:
    """1 where the row ``row_id`` is visible through the lens."""
    table = lens.entry.table
    found = select(literal_column("1", Integer)).where(table.c.id == bindparam(ROW_ID, type_=table.c.id.type))
    return visible(found, lens)


@lru_cache(maxsize=1024)
def row_statement(lens: Lens) -> Select[Any]:
    """All columns of the row ``row_id``, as Python values, held against other writers until the transaction ends.

    Rows that refer to it may still be written meanwhile (``FOR NO KEY UPDATE``), since its id never changes.
    """
    table = lens.entry.table
    wanted = table.c.id == bindparam(ROW_ID, type_=table.c.id.type)
    found = select(table).where(wanted).with_for_update(key_share=True)
    return visible(found, lens)


def list_statement(plan: ListPlan) -> Select[Any]:
    """The page's rows in order: each as JSON, with what it is sorted by as the driver has it."""
    return _list_statement(plan.lens, plan.where, plan.order, skips=plan.window.offset > 0)


def count_statement(plan: ListPlan) -> Select[tuple[int]]:
    """How many rows the plan finds on all pages."""
    return _count_statement(plan.lens, plan.where, capped=plan.counting == "capped")


def is_lasting(plan: ListPlan) -> bool:
    """Whether the plan finds the same rows for as long as nobody writes.

    A function in a row rule or a computed field of the application may look at the clock, or at dice; ours do not.
    """
    return _is_lasting(plan.lens, plan.where)


@lru_cache(maxsize=4096)
def _is_lasting(lens: Lens, where: tuple[Condition, ...]) -> bool:
    clauses = [lens.condition, *(condition.clause for condition in where)]
    parts = (part for clause in clauses if clause is not None for part in visitors.iterate(clause))
    return not any(
        isinstance(part, TextClause) or (isinstance(part, FunctionElement) and not _is_ours(part)) for part in parts
    )


def _is_ours(function: FunctionElement[Any]) -> bool:
    return type(function).__module__.startswith(f"{__name__.partition('.')[0]}.")


@lru_cache(maxsize=4096)
def _list_statement(lens: Lens, where: tuple[Condition, ...], order: tuple[Order, ...], *, skips: bool) -> Select[Any]:
    """Where rows are skipped, the page's ids are found first: no row is made JSON only to be left out."""
    keyed = enumerate(order) if all(term.seekable for term in order) else ()
    keys = (type_coerce(term.expression, NullType()).label(f"key{place}") for place, term in keyed)
    rows, table = select(row_text(lens), *keys), lens.entry.table
    if not skips:
        return _window(rows, lens, where, order)
    page = _window(select(table.c.id), lens, where, order).subquery()
    return rows.join(page, page.c.id == table.c.id).order_by(*(order_by(term) for term in order))


def _window(rows: Select[Any], lens: Lens, where: tuple[Condition, ...], order: tuple[Order, ...]) -> Select[Any]:
    """The part of the rows that the lens lets through, and that ``limit`` and ``offset`` cut out."""
    found = visible(rows, lens)
    found = found.where(*(condition.clause for condition in where)) if where else found
    return (
        found.order_by(*(order_by(term) for term in order))
        .limit(bindparam("limit", type_=Integer()))
        .offset(bindparam("offset", type_=BigInteger()))
    )


@lru_cache(maxsize=4096)
def _count_statement(lens: Lens, where: tuple[Condition, ...], *, capped: bool) -> Select[tuple[int]]:
    counted = select(literal_column("1", Integer)) if capped else select(func.count())
    found = visible(counted.select_from(lens.entry.table), lens)
    found = found.where(*(condition.clause for condition in where)) if where else found
    if not capped:
        return found
    return select(func.count()).select_from(found.limit(literal_column(str(MOST_COUNTED))).subquery())


def order_by(term: Order) -> ColumnElement[Any]:
    """One ORDER BY term; NULLs come last in both directions, said only where there can be NULLs."""
    ordered = term.expression.desc() if term.descending != term.backwards else term.expression.asc()
    if not term.nullable:
        return ordered
    return ordered.nulls_first() if term.backwards else ordered.nulls_last()


@dataclass(frozen=True, slots=True)
class RelatedRows:
    """The rows at the other end of a relation, under an alias of their own: what joins them, and which may be seen."""

    alias: FromClause
    joined: ColumnElement[bool]
    seen: tuple[ColumnElement[bool], ...]

    @property
    def condition(self) -> ColumnElement[bool]:
        """Both together."""
        return and_(self.joined, *self.seen)


def related_rows(table: FromClause, relation: Relation, target: Lens) -> RelatedRows:
    """The rows of `relation` that belong to a row of `table` and that the lens `target` lets through."""
    alias = target.entry.table.alias()
    adapter = ClauseAdapter(alias)
    joined: ColumnElement[bool] = alias.c[relation.remote.name] == table.c[relation.local.name]
    seen = (adapter.traverse(clause) for clause in (target.entry.live, target.condition) if clause is not None)
    return RelatedRows(alias, joined, tuple(seen))
