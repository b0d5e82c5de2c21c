"""Filters: ``price__gte=1000``. fastapi-filters supplies the operators, their types and the SQL; execution is ours.

The declared paths of an entry are compiled once into a table from parameter name to (path, operator, type). A filter
over a relation asks the relation's own read rule.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Annotated, Any, get_args

from fastapi_filters import FilterField, FilterOperator, create_filters
from fastapi_filters.ext.sqlalchemy import generic_condition
from pydantic import BeforeValidator, StringConstraints, TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, bindparam, exists, literal_column, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import String

from charter.catalog import Entry, Field, Path
from charter.plan import Condition, Lens, ListPlan
from charter.plugins.parameters import Reading
from charter.query import related_rows
from charter.types import INT64_MAX, INT64_MIN, CleanText, Moment

MOST_IN = 100
"""Values that one ``in`` may have."""

Reach = Callable[[str], Lens | None]
"""The read lens on the target of a relation, or None where the caller may not read it."""


class TextOperator(StrEnum):
    """Operators on text that fastapi-filters has no literal form of: ``%`` and ``_`` mean themselves here."""

    contains = "contains"
    starts_with = "starts_with"
    ends_with = "ends_with"


_EQUAL = [FilterOperator.eq, FilterOperator.ne]
_IN = [FilterOperator.in_, FilterOperator.not_in]
_ORDER = [FilterOperator.gt, FilterOperator.ge, FilterOperator.lt, FilterOperator.le]
_OPERATORS: Mapping[str, list[Enum]] = {
    "text": [*_EQUAL, *_IN, *_ORDER, *TextOperator],
    "enum": [*_EQUAL, *_IN],
    "uuid": [*_EQUAL, *_IN],
    "boolean": [*_EQUAL],
    "integer": [*_EQUAL, *_ORDER, *_IN],
    "money": [*_EQUAL, *_ORDER, *_IN],
    "number": [*_EQUAL, *_ORDER, *_IN],
    "time": [*_EQUAL, *_ORDER, *_IN],
    "date": [*_EQUAL, *_ORDER, *_IN],
    "json": [],
}
_WORDS: Mapping[Enum, str] = {FilterOperator.ge: "gte", FilterOperator.le: "lte"}
_DESCRIPTIONS: Mapping[str, str] = {
    "eq": "equals",
    "ne": "does not equal",
    "gt": "is greater than",
    "gte": "is at least",
    "lt": "is less than",
    "lte": "is at most",
    "in": "is one of (comma separated)",
    "not_in": "is none of (comma separated)",
    "is_null": "is empty (true) or not (false)",
    "contains": "contains, without regard to case",
    "starts_with": "starts with, without regard to case",
    "ends_with": "ends with, without regard to case",
}


class Folded(FunctionElement[str]):
    """Text prepared for comparison without regard to case, in any script."""

    type = String()
    name = "folded"
    inherit_cache = True


@compiles(Folded, "sqlite")
def _fold_sqlite(element: Folded, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"fold({compiler.process(element.clauses, **keywords)})"


@compiles(Folded, "postgresql")
def _fold_postgresql(element: Folded, compiler: SQLCompiler, **keywords: Any) -> str:
    lower = f'lower({compiler.process(element.clauses, **keywords)} COLLATE "und-x-icu")'
    final, sigma = "\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}"
    return f"replace(lower(upper({lower})), '{final}', '{sigma}')"  # upper makes one of sharp s and SS


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter: what it compares, how, and how its text is read."""

    parameter: str
    path: Path
    operator: Enum
    adapter: TypeAdapter[Any]
    description: str

    def visible(self, lens: Lens, reach: Reach) -> bool:
        """Whether the caller may know of it."""
        if self.path.relation is None:
            return self.path.field.name in lens.fields
        target = reach(self.path.relation.name)
        return target is not None and self.path.field.name in target.fields


def compile_filters(entry: Entry) -> dict[str, Filter]:
    """All filter parameters of `entry`, by name."""
    definitions: dict[str, Any] = {
        f"f{index}": FilterField(
            _value_type(path.field),
            operators=_operators(path.field),
            default_op=FilterOperator.eq,
            alias=path.name,
            op_types=dict.fromkeys(TextOperator, _TEXT),
        )
        for index, path in enumerate(entry.filters.values())
    }
    resolver = create_filters(alias_generator=_alias, **definitions)
    paths = dict(zip(definitions, entry.filters.values(), strict=True))
    found: dict[str, Filter] = {}
    for item in fields(resolver.__model__):
        key, operator = resolver.__defs__[item.name]
        bare, *metadata, query = get_args(item.type)
        annotation: Any = Annotated[(bare, *metadata)] if metadata else bare
        word = _word(operator)
        about = f"`{paths[key].name}` {_DESCRIPTIONS[word]}."
        found.setdefault(query.alias, Filter(query.alias, paths[key], operator, TypeAdapter(annotation), about))
    return found


def _alias(name: str, operator: Enum, alias: str | None) -> str:
    word = _word(operator)
    return (alias or name) if word == "eq" else f"{alias or name}__{word}"


def _word(operator: Enum) -> str:
    return _WORDS.get(operator, str(operator.value))


def _operators(field: Field) -> list[Enum]:
    known = list(_OPERATORS[field.kind])
    return [*known, FilterOperator.is_null] if field.nullable else known


_TEXT = Annotated[str, StringConstraints(max_length=1000), CleanText]


def _value_type(field: Field) -> Any:
    """How a value to compare with is read: by kind, without the bounds of the column."""
    from pydantic import Field as Bounds  # noqa: PLC0415 # the name Field is the catalog's here

    if field.kind == "text":
        return field.type if _normalises(field) else _TEXT
    if field.kind in {"integer", "money"}:
        return Annotated[int, Bounds(ge=INT64_MIN, le=INT64_MAX)]
    if field.kind == "number":
        return Annotated[float, Bounds(allow_inf_nan=False)]
    return Moment if field.kind == "time" else field.type


def _normalises(field: Field) -> bool:
    """Whether the field's type brings values to one form (an e-mail address): then a filter has to do so too."""
    return any(isinstance(item, BeforeValidator) for item in get_args(field.type)[1:])


def narrow(plan: ListPlan, filters: Mapping[str, Filter], reading: Reading, reach: Reach) -> ListPlan:
    """The plan with every given filter as a condition; what cannot be read is noted in `reading`."""
    conditions: list[Condition] = []
    for name in list(reading.given):
        item = filters.get(name)
        if item is None or not item.visible(plan.lens, reach):
            continue
        text = reading.take(name) or ""
        try:
            value = item.adapter.validate_python(text)
        except ValidationError as error:
            reading.malformed(name, error.errors(include_input=False, include_url=False)[0]["msg"])
            continue
        if isinstance(value, list) and len(value) > MOST_IN:
            reading.malformed(name, f"has more than {MOST_IN} values")
            continue
        conditions.append(_condition(plan.lens.entry, item, value, len(conditions), reach))
    reading.known += [name for name, item in filters.items() if item.visible(plan.lens, reach)]
    return plan.narrowed(*conditions)


def _condition(entry: Entry, item: Filter, value: Any, index: int, reach: Reach) -> Condition:
    target = reach(item.path.relation.name) if item.path.relation else None
    variant = str(value).lower() if item.operator is FilterOperator.is_null else ""
    clause = _clause(entry, item, f"f{index}", variant, target)
    key = (item.parameter, str(index), variant, *(target.rows if target else ()))
    return Condition(key, clause, {f"f{index}": _bound(item, value)} if not variant else {})


def _bound(item: Filter, value: Any) -> Any:
    if not isinstance(item.operator, TextOperator):
        return value
    text = str(value).replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    before = "%" if item.operator is not TextOperator.starts_with else ""
    after = "%" if item.operator is not TextOperator.ends_with else ""
    return f"{before}{text}{after}"


@lru_cache(maxsize=4096)
def _clause(entry: Entry, item: Filter, name: str, variant: str, target: Lens | None) -> ColumnElement[bool]:
    """The SQL of one filter, with its value bound as `name`."""
    relation = item.path.relation
    if relation is None or target is None:
        return _compare(item.path.field.expression, item, name, variant)
    rows = related_rows(entry.table, relation, target)
    inner = _compare(rows.alias.c[item.path.field.name], item, name, variant)
    return exists(select(literal_column("1")).select_from(rows.alias).where(rows.condition, inner))


def _compare(column: ColumnElement[Any], item: Filter, name: str, variant: str) -> ColumnElement[bool]:
    if isinstance(item.operator, TextOperator):
        value = bindparam(name, type_=String())
        return Folded(column).like(Folded(value), escape="\\")
    if item.operator is FilterOperator.is_null:
        compared: ColumnElement[bool] = generic_condition(column, variant == "true", item.operator)
        return compared
    listed = item.operator in {FilterOperator.in_, FilterOperator.not_in}
    value = bindparam(name, type_=column.type, expanding=listed)
    found: ColumnElement[bool] = generic_condition(column, value, item.operator)
    return found


__all__ = ["Filter", "Reach", "compile_filters", "narrow"]
