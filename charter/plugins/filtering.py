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
from pydantic import Field as Bounds
from sqlalchemy import ColumnElement, bindparam, exists, literal_column, select
from sqlalchemy.types import String

from charter.catalog import Entry, Field, Path, Relation
from charter.plan import Condition, Lens, ListPlan
from charter.plugins.folding import Folded, bounds, prepare, ranges, within
from charter.plugins.parameters import Reading, bare_number, why
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
_INDEXED: frozenset[Enum] = frozenset({FilterOperator.eq, FilterOperator.in_, *_ORDER, TextOperator.starts_with})
"""Operators that an index serves: over a relation they find the related rows first, then those that refer to them."""

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


@dataclass(frozen=True, slots=True)
class Filter:
    """One parameter: what it compares, how, and how its text (or, in a tree, its JSON) is read."""

    parameter: str
    path: Path
    operator: Enum
    adapter: TypeAdapter[Any]
    description: str
    strict: TypeAdapter[Any]

    @property
    def listed(self) -> bool:
        """Whether it takes several values."""
        return self.operator in _IN

    @property
    def asks_emptiness(self) -> bool:
        """Whether it takes true or false, whatever the field's values are."""
        return self.operator is FilterOperator.is_null

    def visible(self, lens: Lens, reach: Reach) -> bool:
        """Whether the caller may know of it."""
        return is_visible(self.path, lens, reach)


def is_visible(path: Path, lens: Lens, reach: Reach) -> bool:
    """Whether a caller who sees `lens` may know of `path`."""
    if path.relation is None:
        return path.field.name in lens.fields
    target = joined(path.relation, lens, reach)
    return target is not None and path.field.name in target.fields


def joined(relation: Relation, lens: Lens, reach: Reach) -> Lens | None:
    """The read lens at the other end of `relation`, None where the caller may not know of the relation.

    Which rows belong together is told by two columns, so whoever may not read one of them may not follow them either:
    a filter by ``folder.slug`` would tell ``folder_id``.
    """
    target = reach(relation.name)
    if target is None or relation.local.name not in lens.fields or relation.remote.name not in target.fields:
        return None
    return target


def followed(path: str, lens: Lens, reaching: Callable[[Entry], Reach]) -> Lens | None:
    """The read lens at the end of a path of relations (``a.b``), None where the caller may not go so far."""
    found: Lens | None = lens
    for name in path.split("."):
        found = joined(found.entry.relations[name], found, reaching(found.entry)) if found is not None else None
    return found


@dataclass(frozen=True, slots=True)
class _Form:
    """One operator on values of one type: how its text is read, and its JSON in a tree."""

    operator: Enum
    adapter: TypeAdapter[Any]
    strict: TypeAdapter[Any]


def compile_filters(entry: Entry) -> dict[str, Filter]:
    """All filter parameters of `entry`, by name."""
    prepare()
    found: dict[str, Filter] = {}
    for path in entry.filters.values():
        for form in _forms(_value_type(path.field), tuple(_operators(path.field))):
            word = _word(form.operator)
            name = path.name if word == "eq" else f"{path.name}__{word}"
            about = f"`{path.name}` {_DESCRIPTIONS[word]}."
            found.setdefault(name, Filter(name, path, form.operator, form.adapter, about, form.strict))
    return found


def _forms(value_type: Any, operators: tuple[Enum, ...]) -> tuple[_Form, ...]:
    """Every operator on a type: made once for all columns of that type, since making a reader of values is slow."""
    try:
        return _kept_forms(value_type, operators)
    except TypeError:  # an annotation may hold what is no key
        return _make_forms(value_type, operators)


def _make_forms(value_type: Any, operators: tuple[Enum, ...]) -> tuple[_Form, ...]:
    definition = FilterField(
        value_type,
        operators=list(operators),
        default_op=FilterOperator.eq,
        op_types=dict.fromkeys(TextOperator, _TEXT),
    )
    resolver = create_filters(value=definition)
    found: dict[Enum, _Form] = {}
    for item in fields(resolver.__model__):
        _, operator = resolver.__defs__[item.name]
        bare, *metadata, _ = get_args(item.type)
        annotation: Any = Annotated[(bare, *metadata)] if metadata else bare
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        # an array of JSON is taken as it is: the reader of commas would take a single text in it apart
        many: Any = list[value_type]
        strict: TypeAdapter[Any] = TypeAdapter(many) if operator in _IN else adapter
        found.setdefault(operator, _Form(operator, adapter, strict))
    return tuple(found.values())


_kept_forms = lru_cache(maxsize=256)(_make_forms)


def _word(operator: Enum) -> str:
    return _WORDS.get(operator, str(operator.value))


def _operators(field: Field) -> list[Enum]:
    known = list(_OPERATORS[field.kind])
    return [*known, FilterOperator.is_null] if field.nullable else known


_TEXT = Annotated[str, StringConstraints(max_length=1000), CleanText]
_WHOLE = Annotated[int, Bounds(ge=INT64_MIN, le=INT64_MAX), BeforeValidator(bare_number)]
_NUMBER = Annotated[float, Bounds(allow_inf_nan=False), BeforeValidator(bare_number)]


def _value_type(field: Field) -> Any:
    """How a value to compare with is read: by kind, without the bounds of the column."""
    if field.kind == "text":
        return field.type if _normalises(field) else _TEXT
    if field.kind in {"integer", "money"}:
        return _WHOLE
    if field.kind == "number":
        return _NUMBER
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
            reading.malformed(name, why(error.errors(include_input=False, include_url=False)[0]))
            continue
        if isinstance(value, list) and len(value) > MOST_IN:
            reading.malformed(name, f"has more than {MOST_IN} values")
            continue
        conditions.append(condition(plan.lens.entry, item, value, f"f{len(conditions)}", reach))
    reading.offer(lambda: [name for name, item in filters.items() if item.visible(plan.lens, reach)])
    return plan.narrowed(*conditions)


def condition(entry: Entry, item: Filter, value: Any, name: str, reach: Reach) -> Condition:
    """One comparison, with its value bound as `name`."""
    target = reach(item.path.relation.name) if item.path.relation else None
    found = ranges(value) if item.operator is TextOperator.starts_with else ()
    variant = str(value).lower() if item.asks_emptiness else str(len(found))
    clause = _clause(entry, item, name, variant, target)
    key = (item.parameter, name, variant, *(target.rows if target else ()))
    return Condition(key, clause, {name: _bound(item, value), **bounds(name, found)} if not item.asks_emptiness else {})


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
        return _compare(item.path.field.expression, item, name, variant, entry.live)
    rows = related_rows(entry.table, relation, target)
    live = rows.seen[0] if target.entry.live is not None else None
    inner = _compare(rows.alias.c[item.path.field.name], item, name, variant, live)
    if item.operator in _INDEXED:
        found = select(rows.alias.c[relation.remote.name]).where(*rows.seen, inner)
        return entry.table.c[relation.local.name].in_(found)
    return exists(select(literal_column("1")).select_from(rows.alias).where(rows.condition, inner))


def _compare(
    column: ColumnElement[Any], item: Filter, name: str, variant: str, live: ColumnElement[bool] | None
) -> ColumnElement[bool]:
    if isinstance(item.operator, TextOperator):
        value = bindparam(name, type_=String())
        fits = Folded(column).like(Folded(value), escape="\\")
        return within(column, name, int(variant), live) & fits if int(variant) else fits
    if item.asks_emptiness:
        compared: ColumnElement[bool] = generic_condition(column, variant == "true", item.operator)
        return compared
    value = bindparam(name, type_=column.type, expanding=item.listed)
    found: ColumnElement[bool] = generic_condition(column, value, item.operator)
    return found


__all__ = ["Filter", "Reach", "compile_filters", "condition", "followed", "is_visible", "joined", "narrow"]
