"""Aggregate plan -> SQL: one statement, whose rows are the groups as JSON, alike on both databases.

The rows that a list would find are an inner select with one column for each term, so that grouping, ordering and JSON
name columns only, whatever the terms come from.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Integer,
    Select,
    bindparam,
    func,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from charter.plan import AggregatePlan, Condition, Lens, Term
from charter.query import visible
from charter.query.dates import PARTS
from charter.query.pieces import WRAPPERS, JsonNumber, JsonObject, JsonText

Order = tuple[tuple[Term, bool], ...]
Columns = dict[Term, ColumnElement[Any]]


def aggregate_statement(plan: AggregatePlan) -> Select[tuple[str]]:
    """The groups in order, each as JSON; ``limit`` and ``offset`` are bound."""
    return _statement(plan.found.lens, plan.found.where, (*plan.groups, *plan.measures), plan.order)


@lru_cache(maxsize=4096)
def _statement(lens: Lens, where: tuple[Condition, ...], terms: tuple[Term, ...], order: Order) -> Select[tuple[str]]:
    named = {term: f"term{place}" for place, term in enumerate(terms) if term.expression is not None}
    inner = [_value(term).label(name) for term, name in named.items()] or [literal_column("1", Integer).label("one")]
    rows = visible(select(*inner).select_from(lens.entry.table), lens)
    found = rows.where(*(condition.clause for condition in where)).subquery("found")
    columns: Columns = {term: found.c[name] for term, name in named.items()}
    parts = [part for term in terms for part in (literal_column(f"'{term.word}'"), _json(term, columns))]
    return (
        select(JsonText(JsonObject(*parts)).label("body"))
        .select_from(found)
        .group_by(*(columns[term] for term in terms if not term.function))
        .order_by(*(part for term, descending in order for part in _ordered(term, columns, descending=descending)))
        .limit(bindparam("limit", type_=Integer()))
        .offset(bindparam("offset", type_=BigInteger()))
    )


def _value(term: Term) -> ColumnElement[Any]:
    """What the inner select has for a term."""
    assert term.expression is not None  # noqa: S101 # the caller looked
    return PARTS[term.part](term.expression) if term.part else term.expression


def _json(term: Term, columns: Columns) -> ColumnElement[Any]:
    """A term as JSON."""
    if term.function in _COUNTS:
        return _COUNTS[term.function](columns.get(term))
    column, is_number = columns[term], term.kind == "number"
    if term.function == "sum":
        return JsonNumber(NumberSum(column)) if is_number else WholeSum(column)
    if term.function == "avg":
        return JsonNumber(NumberMean(column) if is_number else WholeMean(column))
    found = column if not term.function else getattr(func, term.function)(column)
    wrapper = WRAPPERS.get(term.kind) if not term.part else None
    return wrapper(found) if wrapper else found


def _ordered(term: Term, columns: Columns, *, descending: bool) -> Iterator[ColumnElement[Any]]:
    """What a term is ordered by; NULLs come last in both directions."""
    for value in _sortable(term, columns):
        yield (value.desc() if descending else value.asc()).nulls_last()


def _sortable(term: Term, columns: Columns) -> tuple[ColumnElement[Any], ...]:
    if term.function in _COUNTS:
        return (_COUNTS[term.function](columns.get(term)),)
    column, is_number = columns[term], term.kind == "number"
    if term.function == "sum":
        return (NumberSum(column),) if is_number else (HighSum(column), LowSum(column))
    if term.function == "avg":
        return (NumberMean(column) if is_number else WholeMean(column),)
    return (column if not term.function else getattr(func, term.function)(column),)


_COUNTS: dict[str, Callable[[Any], ColumnElement[int]]] = {
    "count": lambda column: func.count() if column is None else func.count(column),
    "count_distinct": lambda column: func.count(column.distinct()),
}


class WholeSum(FunctionElement[Any]):
    """The exact sum of whole numbers as JSON, however large; SQLite's own sum is an error beyond 64 bits."""

    name = "whole_sum"
    inherit_cache = True


class HighSum(FunctionElement[int]):
    """What the same sum is ordered by first: on SQLite, all of it but the lowest 32 bits."""

    type = BigInteger()
    name = "high_sum"
    inherit_cache = True


class LowSum(FunctionElement[int]):
    """What the same sum is ordered by then: on SQLite, the lowest 32 bits."""

    type = BigInteger()
    name = "low_sum"
    inherit_cache = True


class WholeMean(FunctionElement[float]):
    """The mean of whole numbers, as a floating point number."""

    type = Float()
    name = "whole_mean"
    inherit_cache = True


class NumberSum(FunctionElement[float]):
    """The sum of floating point numbers; NULL beyond their range, which is an error on PostgreSQL.

    Large ones are added up apart, divided by 2**32, so that nothing overflows on the way.
    """

    type = Float()
    name = "number_sum"
    inherit_cache = True


class NumberMean(FunctionElement[float]):
    """The mean of floating point numbers; NULL where there is no sum."""

    type = Float()
    name = "number_mean"
    inherit_cache = True


def _inner(element: FunctionElement[Any], compiler: SQLCompiler, **keywords: Any) -> str:
    return compiler.process(element.clauses, **keywords)


def _high(value: str) -> str:
    return f"sum({value} >> 32) + (sum({value} & 4294967295) >> 32)"


def _low(value: str) -> str:
    return f"sum({value} & 4294967295) & 4294967295"


@compiles(WholeSum, "sqlite")
def _whole_sqlite(element: WholeSum, compiler: SQLCompiler, **keywords: Any) -> str:
    value = _inner(element, compiler, **keywords)
    return f"json(whole_text({_high(value)}, {_low(value)}))"


@compiles(HighSum, "sqlite")
def _high_sqlite(element: HighSum, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"({_high(_inner(element, compiler, **keywords))})"


@compiles(LowSum, "sqlite")
def _low_sqlite(element: LowSum, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"({_low(_inner(element, compiler, **keywords))})"


@compiles(WholeSum, "postgresql")
@compiles(HighSum, "postgresql")
@compiles(LowSum, "postgresql")
def _sum_postgresql(element: FunctionElement[Any], compiler: SQLCompiler, **keywords: Any) -> str:
    return f"sum({_inner(element, compiler, **keywords)})"


@compiles(WholeMean)
def _mean(element: WholeMean, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"CAST(avg({_inner(element, compiler, **keywords)}) AS double precision)"


def _number_sum(value: str) -> str:
    large = f"sum({value} / 4294967296.0) FILTER (WHERE abs({value}) >= 1e290)"
    small = f"sum({value}) FILTER (WHERE abs({value}) < 1e290)"
    both = f"coalesce({large} * 4294967296.0, 0.0) + coalesce({small}, 0.0)"
    return f"CASE WHEN count({value}) > 0 AND coalesce(abs({large}), 0.0) < 4.1e298 THEN {both} END"


@compiles(NumberSum)
def _number(element: NumberSum, compiler: SQLCompiler, **keywords: Any) -> str:
    return _number_sum(_inner(element, compiler, **keywords))


@compiles(NumberMean)
def _number_mean(element: NumberMean, compiler: SQLCompiler, **keywords: Any) -> str:
    value = _inner(element, compiler, **keywords)
    total = f"({_number_sum(value)})"
    # a quotient too small to be one is an error on PostgreSQL
    return f"CASE WHEN abs({total}) < 1e-290 THEN 0.0 ELSE {total} / count({value}) END"
