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
    String,
    Table,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.util import ClauseAdapter

from charter.catalog import Entry, Relation
from charter.plan import Condition, Lens, ListPlan, Order

ROW_ID = "row_id"


class JsonRow(FunctionElement[str]):
    """``name, value, name, value, …`` as one JSON object in text form."""

    name = "json_row"
    type = String()
    inherit_cache = True


class JsonBoolean(FunctionElement[Any]):
    """A boolean as JSON ``true`` or ``false`` (SQLite keeps 1 and 0)."""

    name = "json_boolean"
    inherit_cache = True


class JsonTime(FunctionElement[Any]):
    """A moment in the API's form; SQLite keeps it so already."""

    name = "json_time"
    inherit_cache = True


class JsonNumber(FunctionElement[Any]):
    """A floating point number that reads back as the same one (SQLite itself writes 15 digits)."""

    name = "json_number"
    inherit_cache = True


class JsonDocument(FunctionElement[Any]):
    """A kept JSON document as JSON, not as a text."""

    name = "json_document"
    inherit_cache = True


def _inner(element: FunctionElement[Any], compiler: SQLCompiler, **keywords: Any) -> str:
    return compiler.process(element.clauses, **keywords)


@compiles(JsonRow, "sqlite")
def _row_sqlite(element: JsonRow, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json_object({_inner(element, compiler, **keywords)})"


@compiles(JsonRow, "postgresql")
def _row_postgresql(element: JsonRow, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json_build_object({_inner(element, compiler, **keywords)})::text"


@compiles(JsonBoolean, "sqlite")
def _boolean_sqlite(element: JsonBoolean, compiler: SQLCompiler, **keywords: Any) -> str:
    value = _inner(element, compiler, **keywords)
    return f"CASE WHEN {value} IS NULL THEN NULL WHEN {value} THEN json('true') ELSE json('false') END"


@compiles(JsonBoolean, "postgresql")
@compiles(JsonNumber, "postgresql")
@compiles(JsonTime, "sqlite")
@compiles(JsonDocument, "postgresql")
def _as_it_is(element: FunctionElement[Any], compiler: SQLCompiler, **keywords: Any) -> str:
    return _inner(element, compiler, **keywords)


@compiles(JsonNumber, "sqlite")
def _number_sqlite(element: JsonNumber, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json(number_text({_inner(element, compiler, **keywords)}))"


@compiles(JsonTime, "postgresql")
def _time_postgresql(element: JsonTime, compiler: SQLCompiler, **keywords: Any) -> str:
    value = _inner(element, compiler, **keywords)
    return f"""to_char({value} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""


@compiles(JsonDocument, "sqlite")
def _document_sqlite(element: JsonDocument, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"json({_inner(element, compiler, **keywords)})"


_WRAPPERS: dict[str, type[FunctionElement[Any]]] = {
    "boolean": JsonBoolean,
    "number": JsonNumber,
    "time": JsonTime,
    "json": JsonDocument,
}


def json_row(entry: Entry, fields: tuple[str, ...]) -> ColumnElement[str]:
    """The JSON text of a row with `fields`, in the entry's order."""
    parts: list[ColumnElement[Any]] = []
    for name in fields:
        field = entry.fields[name]
        wrapper = _WRAPPERS.get(field.kind)
        parts += [literal_column(f"'{name}'"), wrapper(field.expression) if wrapper else field.expression]
    return JsonRow(*parts).label("body")


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
    found = select(json_row(lens.entry, lens.fields)).where(table.c.id == bindparam(ROW_ID, type_=table.c.id.type))
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
    found = visible(select(json_row(lens.entry, lens.fields)), lens)
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


def related_rows(table: Table, relation: Relation, target: Lens) -> RelatedRows:
    """The rows of `relation` that belong to a row of `table` and that the lens `target` lets through."""
    alias = target.entry.table.alias()
    adapter = ClauseAdapter(alias)
    condition: ColumnElement[bool] = alias.c[relation.remote.name] == table.c[relation.local.name]
    for clause in (target.entry.live, target.condition):
        if clause is not None:
            condition = condition & adapter.traverse(clause)
    return RelatedRows(alias, condition)
