"""Gives a table the storage forms and constraints that its declaration implies, before anything is created from it.

Types as in :mod:`charter.types`; a CHECK for every bound, length and choice; the indexes of `catalog.indexes`; the
column of soft deletion; the names of searched columns (``store.search`` makes their index). Running it twice on one
table changes nothing.
"""

from typing import Any

from sqlalchemy import CheckConstraint, Column, Float, Table

from charter.catalog.entry import Field
from charter.catalog.indexes import Wanted, add_indexes
from charter.declare import Resource
from charter.types import Identifier, Instant, Text, WholeNumber, json_type

_DONE = "charter_storage"
_SEARCHED = "charter_searched"


def add_soft_delete(resource: Resource, table: Table) -> None:
    """Give the table of a softly deleting resource its ``deleted_at``."""
    if resource.soft_delete and "deleted_at" not in table.c:
        resource.model.deleted_at = Column("deleted_at", Instant(), nullable=True)


def set_types(fields: dict[str, Field]) -> None:
    """Give every column its storage form; before mappers are configured, which copy the types into relationships."""
    for field in fields.values():
        if field.column is not None:
            field.column.type = storage_type(field)


def apply_storage(resource: Resource, table: Table, fields: dict[str, Field], wanted: Wanted) -> None:
    """Set CHECKs and indexes of `table`."""
    searched = (name for name in resource.search if name in fields and fields[name].column is not None)
    table.info[_SEARCHED] = tuple(dict.fromkeys(searched))
    add_indexes(table, fields, wanted)
    if table.c.id.info.get(_DONE):
        return
    table.c.id.info = {**table.c.id.info, _DONE: True}  # a copy: all tables share the base field's
    for field in fields.values():
        if field.column is not None:
            for name, condition in checks_of(field):
                table.append_constraint(CheckConstraint(condition, name=name))


def searched_fields(table: Table) -> tuple[str, ...]:
    """The columns of `table` that full text finds rows by, in the order of their declaration."""
    found: tuple[str, ...] = table.info.get(_SEARCHED, ())
    return found


def storage_type(field: Field) -> Any:
    """The SQL type that keeps `field` on both databases."""
    if field.kind in {"text", "enum"}:
        return Text(field.max_length or (max(map(len, field.choices)) if field.choices else None))
    if field.kind in {"integer", "money"}:
        return WholeNumber()
    if field.kind == "number":
        return Float()
    if field.kind == "json":
        return json_type()
    return {"uuid": Identifier(), "time": Instant()}.get(field.kind) or field.expression.type


def checks_of(field: Field) -> list[tuple[str, str]]:
    """The CHECK conditions of a column, each as the tail of its name and SQL that both databases read."""
    name = f'"{field.name}"'
    low, high = field.bounds
    found = []
    if low is not None:
        found.append((f"{field.name}_min", f"{name} >= {low}"))
    if high is not None:
        found.append((f"{field.name}_max", f"{name} <= {high}"))
    if field.kind == "text" and field.max_length:
        least = f" AND length({name}) >= {field.min_length}" if field.min_length else ""
        found.append((f"{field.name}_length", f"length({name}) <= {field.max_length}{least}"))
    if field.choices:
        quoted = ", ".join("'" + choice.replace("'", "''") + "'" for choice in field.choices)
        found.append((f"{field.name}_choice", f"{name} IN ({quoted})"))
    if field.kind == "boolean":
        found.append((f"{field.name}_boolean", f"{name} IN (true, false)"))
    return found
