"""The compiled form of a declaration. Everything after start-up reads these frozen values and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, TypeAdapter
from sqlalchemy import Column, ColumnElement, Table

from charter.declare import Action, Caller, Hooks, Input, Resource, Transition
from charter.errors import Problem
from charter.table import Write

if TYPE_CHECKING:
    from charter.catalog.cards import Shown

Kind = Literal["text", "integer", "number", "money", "boolean", "uuid", "time", "date", "enum", "json"]


class UnknownNameError(LookupError):
    """A declaration or a scope names a field or relation that is not there."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One value of a row: a column, or (``column`` is None) something computed by SQL.

    ``type`` is the annotation that schemas use, without None; ``expression`` reads the value from the entry's table.
    """

    name: str
    kind: Kind
    type: Any
    nullable: bool
    required: bool
    write: Write
    hidden: bool
    description: str
    expression: ColumnElement[Any]
    column: Column[Any] | None = None
    default: Any = None
    default_factory: Callable[[], Any] | None = None
    unique: bool = False
    slug_of: str = ""
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    bounds: tuple[int | None, int | None] = (None, None)
    min_length: int | None = None

    def fresh_default(self) -> Any:
        """The value of the field where a write leaves it out."""
        return self.default_factory() if self.default_factory else self.default


@dataclass(frozen=True, slots=True)
class Relation:
    """A way from this table to another: ``local`` column here equals ``remote`` column there."""

    name: str
    many: bool
    local: Column[Any]
    remote: Column[Any]
    target: Table


@dataclass(frozen=True, slots=True)
class Path:
    """A filter or sort name with what it stands for: ``relation`` is None for a field of the row itself.

    ``unindexed`` is why no index serves it, where the declaration says so.
    """

    name: str
    field: Field
    relation: Relation | None = None
    unindexed: str = ""


@dataclass(frozen=True, slots=True)
class Schemas:
    """The strict pydantic models derived from one declaration."""

    create: type[BaseModel]
    replace: type[BaseModel]
    update: type[BaseModel]
    read: type[BaseModel]


@dataclass(frozen=True, eq=False)
class Entry:
    """One resource, compiled. Compared and hashed by identity, so that statements can be cached by it."""

    name: str
    title: str
    resource: Resource
    table: Table
    fields: Mapping[str, Field]
    inputs: Mapping[str, Input]
    actions: Mapping[str, Action | Transition]
    relations: Mapping[str, Relation]
    filters: Mapping[str, Path]
    sorts: Mapping[str, Path]
    schemas: Schemas
    scopes: Mapping[str, ColumnElement[bool]]
    references: Mapping[str, Table]
    owner: Column[Any] | None
    hooks: tuple[Hooks, ...]
    description: str
    cards: "tuple[Shown, ...]" = ()

    @cached_property
    def readable(self) -> frozenset[str]:
        """Names of the fields that a rule may let somebody read."""
        return frozenset(name for name, field in self.fields.items() if not field.hidden)

    def writable(self, action: Literal["create", "update"], *, granted: bool = False) -> frozenset[str]:
        """Names that `action` may take under ``*``; with `granted`, those that a rule has to name."""
        kinds = {"granted"} if granted else ({"always", "create"} if action == "create" else {"always"})
        names = {name for name, field in self.fields.items() if field.write in kinds and not field.hidden}
        return frozenset(names | (set() if granted else {i.name for i in self.inputs.values() if action in i.on}))

    @cached_property
    def live(self) -> ColumnElement[bool] | None:
        """The condition that leaves out softly deleted rows, where the resource has them. The same object each time."""
        return self.table.c.deleted_at.is_(None) if self.resource.soft_delete else None

    @cached_property
    def takes_writes(self) -> bool:
        """Whether a client could ever create or change a row."""
        return bool(self.writable("create") | self.writable("create", granted=True))


@dataclass(frozen=True, slots=True)
class Catalog:
    """All resources of the application, by path segment, and what was wrong with the declarations."""

    entries: Mapping[str, Entry]
    problems: tuple[Problem, ...] = ()

    def of_table(self, table: Table) -> Entry | None:
        """The entry whose rows are `table`'s."""
        return next((entry for entry in self.entries.values() if entry.table is table), None)

    def of_model(self, model: type) -> Entry | None:
        """The entry declared for the class `model`."""
        return next((entry for entry in self.entries.values() if entry.resource.model is model), None)


SYSTEM = Caller(role="system")
"""Who acts when the application itself does."""

AnyAdapter = TypeAdapter[Any]
