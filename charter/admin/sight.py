"""What one caller sees and sets of one resource: derived from its declaration and the decisions alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from pydantic.fields import FieldInfo

from charter.access import Decision
from charter.admin.visit import visit
from charter.catalog import Entry, Field, Relation, body_model
from charter.declare import Caller
from charter.services import Services

DEFAULT_COLUMNS = 6
"""Columns of a list whose declaration names none."""

AMOUNTS = frozenset({"integer", "money", "number"})
"""Kinds of fields that are written from right to left."""

TITLES = ("name", "title", "label")
"""Fields that people call a row by, the best first; else it is the first text of its columns, or of all."""


@dataclass(frozen=True)
class Sight:
    """One entry through the eyes of one caller."""

    services: Services
    caller: Caller | None
    entry: Entry

    def decision(self, action: str, entry: Entry | None = None) -> Decision | None:
        """The caller's decision on this entry, or on another one."""
        if self.caller is None:
            return None
        return self.services.access.decide(self.caller.role, (entry or self.entry).name, action)

    def fields(self, action: str, entry: Entry | None = None) -> frozenset[str]:
        """The fields that a decision lets through; none without one."""
        decision = self.decision(action, entry)
        return decision.fields if decision else frozenset()

    def target(self, relation: Relation) -> Entry | None:
        """The entry at the other end of a relation, where the caller may read it."""
        found = self.services.catalog.of_table(relation.target)
        return found if found is not None and self.decision("read", found) else None

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """The columns of the list."""
        return self.columns("list")

    def columns(self, action: str) -> tuple[str, ...]:
        """The columns of a table of such rows: the declared ones, else the first readable ones."""
        declared = self.entry.resource.admin.columns
        if declared:
            return tuple(name for name in declared if self.shows(name, action)) or ("id",)
        return tuple(name for name in self._named(action) if name != "id")[:DEFAULT_COLUMNS] or ("id",)

    @cached_property
    def detailed(self) -> tuple[str, ...]:
        """Everything that a details page shows."""
        return tuple(self._named("read"))

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that a column or a form field of this entry may have."""
        return (*self.entry.fields, *self.entry.inputs, *self.entry.relations, *self.entry.resource.admin.columns)

    def shows(self, name: str, action: str) -> bool:
        """Whether a column may be there: a field, a to-one relation, or a field at the end of one (``a.b``)."""
        head, _, tail = name.partition(".")
        if head in self.entry.fields:
            return head in self.fields(action) and not self.entry.fields[head].hidden
        relation = self.entry.relations[head]
        target = self.target(relation)
        if relation.many or target is None or relation.local.name not in self.fields(action):
            return False
        return not tail or (tail in self.fields("read", target) and target.fields[tail].column is not None)

    def _named(self, action: str) -> Iterator[str]:
        """The visible fields in their order; the id of a related row gives way to the row itself."""
        for name in self.entry.fields:
            if self.shows(name, action):
                relation = self.reference(name)
                yield relation.name if relation is not None and self.target(relation) else name

    def reference(self, name: str) -> Relation | None:
        """The to-one relation whose id the field `name` holds."""
        return self._references.get(name)

    @cached_property
    def _references(self) -> Mapping[str, Relation]:
        found = (item for item in self.entry.relations.values() if not item.many and not item.local.primary_key)
        return {item.local.name: item for item in reversed([*found])}

    def collections(self) -> tuple[Relation, ...]:
        """The to-many relations that the caller may follow: what refers here, and by a field that they may read."""
        found = ((item, self.target(item)) for item in self.entry.relations.values() if item.many)
        return tuple(item for item, target in found if target and item.remote.name in self.fields("read", target))

    @property
    def has_pages(self) -> bool:
        """Whether rows that the caller may read have a page of their own; SQLAdmin asks for the list as well."""
        return self.may("list") and self.may("read")

    @cached_property
    def links(self) -> frozenset[str]:
        """Relations whose target has a page of its own for the caller."""
        found = {item.name: self.target(item) for item in self.entry.relations.values()}
        return frozenset(name for name, target in found.items() if target and self.decision("list", target))

    def sortable(self) -> tuple[str, ...]:
        """The columns of the list that it can be ordered by."""
        names = {name for name, path in self.entry.sorts.items() if path.relation is None}
        return tuple(name for name in self.listed if name in names)

    def searchable(self) -> tuple[str, ...]:
        """The declared search fields that the list shows to this caller."""
        return tuple(name for name in self.entry.resource.search if name in self.fields("list"))

    def writable(self, kind: Literal["create", "update"]) -> Mapping[str, FieldInfo]:
        """What a form may set: exactly what the API would take from this caller."""
        decision = self.decision(kind)
        return body_model(self.entry, kind, decision.fields).model_fields if decision else {}

    def importable(self) -> Mapping[str, FieldInfo]:
        """What a row of a file may set: what a form for a new one has, as far as ``import`` lets it through too."""
        create, more = self.decision("create"), self.decision("import")
        return body_model(self.entry, "create", create.fields & more.fields).model_fields if create and more else {}

    def may(self, action: str) -> bool:
        """Whether the screen of `action` is there at all; a form without any field is not."""
        if action in {"create", "update"}:
            return self.entry.takes_writes and bool(self.writable("create" if action == "create" else "update"))
        return self.decision(action) is not None and (action != "delete" or self.entry.takes_writes)

    def is_role(self, field: Field) -> bool:
        """Whether a field is the role of an account."""
        return self.entry is self.services.auth.entry and field.name == "role"

    def choices(self, field: Field) -> tuple[str, ...]:
        """The only values that a field may have: the declared ones, or the roles that an account may have."""
        return self.services.roles.order[1:] if self.is_role(field) else field.choices

    @cached_property
    def title_field(self) -> str | None:
        """The field that stands for a row of this entry where another one refers to it."""
        readable = self.fields("read")
        texts = [name for name, field in self.entry.fields.items() if field.kind == "text" and not field.hidden]
        preferred: Iterable[str] = (*TITLES, *self.entry.resource.admin.columns, *texts)
        return next((name for name in preferred if name in texts and name in readable), None)

    def is_amount(self, name: str) -> bool:
        """Whether a column holds amounts, which stand below each other by their last digit."""
        if name not in self._amounts:
            self._amounts[name] = self._is_amount(name)
        return self._amounts[name]

    @cached_property
    def _amounts(self) -> dict[str, bool]:
        return {}

    def _is_amount(self, name: str) -> bool:
        head, _, tail = name.partition(".")
        if head in self.entry.relations:
            target = self.target(self.entry.relations[head])
            field = target.fields.get(tail) if target is not None else None
        else:
            field = self.entry.fields.get(head)
        return field is not None and field.kind in AMOUNTS

    def call(self, row: Any) -> str:
        """A row in one word or two; never its ``str()``, which would show every column."""
        text = getattr(row, self.title_field, None) if self.title_field else None
        return str(text) if text else str(row.id)

    @cached_property
    def labels(self) -> Mapping[str, str]:
        """The heading of every column and form field."""
        return {name: self.label(name) for name in self.names}

    @property
    def plural(self) -> str:
        """What many rows are called."""
        return self.entry.resource.admin.label or self.label(self.entry.name.replace("-", "_"))

    def label(self, name: str) -> str:
        """A column's heading: ``is_active`` -> ``Is active``; the id of a related row is called like the relation."""
        relation = self.reference(name)
        words = (relation.name if relation else name).replace(".", " ").replace("_", " ").strip()
        return words[:1].upper() + words[1:]


def sight_of(services: Services, entry: Entry) -> Sight:
    """The entry through the eyes of whoever asks now; made once in a visit."""
    here = visit()
    if entry.name not in here.sights:
        here.sights[entry.name] = Sight(services, here.caller, entry)
    found: Sight = here.sights[entry.name]
    return found


__all__ = ["Sight", "sight_of"]
