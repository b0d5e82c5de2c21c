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
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.util import ClauseAdapter

from charter.catalog import Relation
from charter.plan import Condition, Include, Lens, ListPlan, Order
from charter.query.pieces import WRAPPERS, JsonInner, JsonList, JsonObject, JsonText

ROW_ID = "row_id"

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


def list_statement(plan: ListPlan) -> Select[tuple[str]]:
    """The page's rows as JSON, in order."""
    return _list_statement(plan.lens, plan.where, plan.order)


def count_statement(plan: ListPlan) -> Select[tuple[int]]:
    """How many rows the plan finds on all pages."""
    return _count_statement(plan.lens, plan.where)


@lru_cache(maxsize=4096)
def _list_statement(lens: Lens, where: tuple[Condition, ...], order: tuple[Order, ...]) -> Select[tuple[str]]:
    found = visible(select(row_text(lens)), lens)
    found = found.where(*(condition.clause for condition in where)) if where else found
    return (
        found.order_by(*(order_by(term) for term in order))
        .limit(bindparam("limit", type_=Integer()))
        .offset(bindparam("offset", type_=BigInteger()))
    )


@lru_cache(maxsize=4096)
def _count_statement(lens: Lens, where: tuple[Condition, ...]) -> Select[tuple[int]]:
    found = visible(select(func.count()).select_from(lens.entry.table), lens)
    return found.where(*(condition.clause for condition in where)) if where else found


def order_by(term: Order) -> ColumnElement[Any]:
    """One ORDER BY term; NULLs come last in both directions, said only where there can be NULLs."""
    ordered = term.expression.desc() if term.descending else term.expression.asc()
    return ordered.nulls_last() if term.nullable else ordered


@dataclass(frozen=True, slots=True)
class RelatedRows:
    """The rows at the other end of a relation, under an alias of their own."""

    alias: FromClause
    condition: ColumnElement[bool]


def related_rows(table: FromClause, relation: Relation, target: Lens) -> RelatedRows:
    """The rows of `relation` that belong to a row of `table` and that the lens `target` lets through."""
    alias = target.entry.table.alias()
    adapter = ClauseAdapter(alias)
    condition: ColumnElement[bool] = alias.c[relation.remote.name] == table.c[relation.local.name]
    for clause in (target.entry.live, target.condition):
        if clause is not None:
            condition = condition & adapter.traverse(clause)
    return RelatedRows(alias, condition)
