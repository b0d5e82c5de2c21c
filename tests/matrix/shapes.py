"""What the matrix knows of a resource, written by hand: nothing of it is asked of the code under test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.shop.shop_table import Noun

Row = dict[str, Any]

ABSENT = "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"
"""The id of no row."""

MALFORMED = "not-an-id"


@dataclass(frozen=True, slots=True)
class Relation:
    """A way to another resource: column `local` here is column `remote` there."""

    target: str
    local: str
    remote: str = "id"
    many: bool = False


@dataclass(frozen=True, slots=True)
class Shape:
    """One resource: its columns with their marks (``noun``), its table, and how its rows hang together."""

    noun: Noun
    table: str
    relations: Mapping[str, Relation] = field(default_factory=dict)
    owner: str = ""
    actions: tuple[str, ...] = ()
    granted: frozenset[str] = frozenset()
    moves: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)
    """Transition -> the column that it moves, and the states that it starts from."""
    odd: tuple[str, ...] = ()
    """Columns that a body cannot repeat as the database keeps them."""

    @property
    def path(self) -> str:
        """The path segment."""
        return self.noun.path

    @property
    def shown(self) -> frozenset[str]:
        """The fields that a rule may let somebody read."""
        return frozenset(column.name for column in self.noun.columns if column.shown)

    def taken(self, kind: str) -> frozenset[str]:
        """The fields that a ``Create``, ``Replace`` or ``Update`` may have, granted ones included."""
        return frozenset(column.name for column in self.noun.columns if column.taken_by(kind))

    @property
    def words(self) -> tuple[str, ...]:
        """Every action that the policy may name."""
        writes = ("create", "update", "delete") if self.noun.is_written else ()
        return ("list", "read", *writes, *self.actions, "export", "import")

    def whole(self, action: str) -> frozenset[str]:
        """The fields that rules for `action` are about."""
        if action in {"list", "read", "export"}:
            return self.shown
        if action in {"create", "import"}:
            return self.taken("Create")
        return self.taken("Update") if action == "update" else frozenset()

    @property
    def references(self) -> dict[str, str]:
        """Column that a client sets -> path of the resource that it names a row of."""
        ways = {way.local: way.target for way in self.relations.values() if way.remote == "id"}
        return {name: target for name, target in ways.items() if name in self.taken("Create") | self.taken("Update")}
