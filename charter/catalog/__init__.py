"""Compiles declarations into frozen entries, once, at start. The sole reader of ORM metadata.

Nothing here looks at a policy's rules or at a request; problems are collected, never raised one by one.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.orm import configure_mappers

from charter.catalog.cards import Shown, compile_cards, index_cards
from charter.catalog.columns import UnsupportedTypeError, body_field, computed_field, fields_of
from charter.catalog.entry import SYSTEM, Catalog, Entry, Field, Path, Relation, Schemas, UnknownNameError
from charter.catalog.indexes import LONGEST_INDEXED_TEXT, Wanted, condition_of, flags_of, is_served, without_index
from charter.catalog.rows import CALLER_ID, CALLER_ROLE, SymbolicCaller, SymbolicRow, relations_of
from charter.catalog.schemas import BodyKind, body_model, example_of, make_schemas
from charter.catalog.screens import wrong_screens
from charter.catalog.slugs import built_in_hooks
from charter.catalog.storage import add_soft_delete, apply_storage, searched_fields, set_types
from charter.declare import Action, Computed, Indexed, Input, Resource, Scope, Transition, Unindexed
from charter.errors import Problem

RESERVED = frozenset(
    {"agg", "count", "cursor", "fields", "group", "include", "page", "search", "size", "sort", "where", "with"}
)
"""Parameters of reads, after which no filter can be called."""

TREE_WORDS = frozenset({"and", "or", "not"})
"""What joins filters in ``where``, after which no filter can be called either."""

_BASE = ("id", "created_at", "updated_at")


def compile_catalog(resources: Sequence[Resource], scopes: Sequence[Scope]) -> Catalog:
    """All `resources` as entries, with every problem found; an entry with a fatal problem is left out."""
    problems: list[Problem] = []
    for resource in resources:
        add_soft_delete(resource, table_of(resource))
        with suppress(UnsupportedTypeError):  # told below, with its place
            set_types(fields_of(resource.model, table_of(resource)))
    configure_mappers()
    entries: dict[str, Entry] = {}
    for resource in resources:
        entry = _Compiler(resource, scopes, problems).entry()
        if entry is not None and entry.name in entries:
            problems.append(Problem("duplicate_path", entry.name, f"two resources have the path '{entry.name}'"))
        elif entry is not None:
            entries[entry.name] = entry
    problems += wrong_screens(entries)
    problems += without_index(entries.values())  # last, since a filter may be served by the index of another table
    return Catalog(entries, tuple(problems))


def table_of(resource: Resource) -> Table:
    """The SQLAlchemy table behind a declaration."""
    table: Table = resource.model.__table__  # type: ignore[attr-defined] # SQLModel sets it on table classes
    return table


def default_path(name: str) -> str:
    """The path segment of a table: its name in the plural, with dashes (``blog_post`` -> ``blog-posts``)."""
    kebab = name.replace("_", "-")
    if kebab.endswith("s"):
        return kebab
    if kebab.endswith("y") and kebab[-2:-1] not in "aeiou":
        return f"{kebab[:-1]}ies"
    return f"{kebab}s"


def _name_of(item: str | Indexed | Unindexed) -> str:
    """The name in a ``filter`` or ``sort``, alone or with words about its index."""
    return item if isinstance(item, str) else item.name


class _Compiler:
    """Compiles one declaration; what is wrong goes to `problems` with the resource as its place."""

    def __init__(self, resource: Resource, scopes: Sequence[Scope], problems: list[Problem]) -> None:
        self.resource = resource
        self.scope_list = scopes
        self.problems = problems
        self.table = table_of(resource)
        self.name = resource.path or default_path(self.table.name)
        self.where = f"resource {self.name}"

    def entry(self) -> Entry | None:
        """The entry, or None where the class itself cannot be read."""
        try:
            fields = fields_of(self.resource.model, self.table)
        except UnsupportedTypeError as error:
            self.problem("unsupported_type", str(error))
            return None
        relations = relations_of(self.resource.model)
        columns = dict(fields)
        filters = self.paths("filter", (*_BASE, *self.resource.filter), columns, relations)
        sorts = self.paths("sort", (*_BASE, *self.resource.sort), columns, relations)
        scopes = self.scopes()
        wanted = self.wanted(filters, sorts, flags_of(self.table, columns, scopes.values()))
        self.check_indexed(wanted, columns)
        apply_storage(self.resource, self.table, columns, wanted)
        fields |= self.computed(fields)
        inputs = {item.name: item for item in self.resource.extra if isinstance(item, Input)}
        self.check_all_names(columns, fields, relations)
        self.check_reserved([*fields, *inputs, *relations])
        cards = compile_cards(self.resource.admin.cards, self.row(), {**fields, **relations}, self.problem)
        index_cards(self.table, columns, cards, wanted)
        return Entry(
            name=self.name,
            title=self.resource.model.__name__,
            resource=self.resource,
            table=self.table,
            fields=fields,
            inputs=inputs,
            actions=self.actions(fields),
            relations=relations,
            filters=filters,
            sorts=sorts,
            schemas=make_schemas(self.resource.model.__name__, fields, inputs),
            scopes=scopes,
            references=self.references(),
            owner=self.owner(),
            hooks=(*built_in_hooks(columns), self.resource.hooks),
            cards=cards,
            description=(self.resource.model.__doc__ or "").strip().split("\n\n")[0].replace("\n", " "),
        )

    def problem(self, code: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(code, self.where, message, hint))

    def unknown(self, word: str, name: str, known: Any) -> None:
        near = get_close_matches(name, list(known), n=1)
        self.problem(
            "unknown_field",
            f"{word} names '{name}', which is not there",
            f"Perhaps you meant '{near[0]}'." if near else "",
        )

    def check_all_names(
        self, columns: dict[str, Field], fields: dict[str, Field], relations: dict[str, Relation]
    ) -> None:
        """Every name in the declaration that is no filter and no sort."""
        shown = [name for name, field in fields.items() if not field.hidden]
        one = {key: relation for key, relation in relations.items() if not relation.many}
        inner = [f"{key}.{name}" for key, relation in one.items() for name in self.remote_fields(relation)]
        hops = [f"{key}.{name}" for key, relation in relations.items() for name in relations_of(self.remote(relation))]
        texts = [name for name in shown if fields[name].kind == "text" and name in columns]
        self.check_names("search", self.resource.search, texts)
        self.check_names("include", self.resource.include, [*relations, *hops])
        self.check_names("admin columns", self.resource.admin.columns, [*shown, *relations, *inner])
        sources = [field.slug_of for field in columns.values() if field.slug_of]
        self.check_names("a slug", sources, columns)

    def check_names(self, word: str, names: Sequence[str], known: Collection[str]) -> None:
        for name in names:
            if name not in known:
                self.unknown(word, name, known)

    def check_reserved(self, names: Sequence[str]) -> None:
        """What a read itself may add to a row, or takes as a parameter, keeps its name."""
        if "can" in names:
            self.problem("reserved_name", "has a 'can', which 'with=can' adds to a row;", "Take another name.")
        for name in sorted((RESERVED | TREE_WORDS).intersection(map(_name_of, self.resource.filter))):
            self.problem("reserved_name", f"has a filter '{name}', which is a word of queries;", "Take another name.")

    def wanted(self, filters: Mapping[str, Path], sorts: Mapping[str, Path], flags: tuple[str, ...]) -> Wanted:
        """What the table gets indexes for; a column that one of the two calls unindexed has none."""
        found = [path for path in (*filters.values(), *sorts.values()) if path.relation is None]
        plain = {path.name for path in found}
        columns = frozenset(plain - {path.name for path in found if path.unindexed})
        pairs = [(item.name, then) for item in self.resource.filter if isinstance(item, Indexed) for then in item.by]
        self.check_names("an index", [then for _, then in pairs], [name for name in sorts if name in plain])
        known = tuple(pair for pair in pairs if pair[0] in plain and pair[1] in plain)
        return Wanted(columns, known, flags, self.resource.soft_delete)

    def check_indexed(self, wanted: Wanted, fields: dict[str, Field]) -> None:
        """What stands in an index has to fit into it."""
        for names in sorted([(name,) for name in wanted.columns] + list(wanted.pairs)):
            texts = [fields[name] for name in names if fields[name].kind == "text" and not fields[name].choices]
            if sum(field.max_length or 10**9 for field in texts) > LONGEST_INDEXED_TEXT:
                told = f"filter or sort uses '{' and '.join(names)}', whose text has no max_length of"
                hint = "Give the field a max_length."
                self.problem("unbounded_index", f"{told} {LONGEST_INDEXED_TEXT} or less", hint)

    def paths(
        self,
        word: str,
        items: Sequence[str | Indexed | Unindexed],
        fields: dict[str, Field],
        relations: dict[str, Relation],
    ) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for item in items:
            name, why = _name_of(item), item.why if isinstance(item, Unindexed) else ""
            head, dot, tail = name.partition(".")
            relation = relations.get(head) if dot else None
            if not dot and head in fields and not fields[head].hidden:
                found[name] = Path(name, fields[head], unindexed=why)
            elif relation is not None and not relation.many and tail in self.remote_fields(relation):
                found[name] = Path(name, self.remote_fields(relation)[tail], relation, why)
            else:
                self.unknown(word, name, [*fields, *(f"{key}.id" for key in relations)])
        return found

    def remote(self, relation: Relation) -> type:
        """The class at the other end of a relation."""
        mappers = self.resource.model.__mapper__.registry.mappers  # type: ignore[attr-defined] # set by the mapping
        found: type = next(mapper.class_ for mapper in mappers if mapper.local_table is relation.target)
        return found

    def remote_fields(self, relation: Relation) -> dict[str, Field]:
        """What there is to be seen at the other end of a relation; a class that cannot be read is told elsewhere."""
        try:
            found = fields_of(self.remote(relation), relation.target)
        except UnsupportedTypeError:
            return {}
        return {name: field for name, field in found.items() if not field.hidden}

    def computed(self, fields: dict[str, Field]) -> dict[str, Field]:
        found: dict[str, Field] = {}
        for item in self.resource.extra:
            if isinstance(item, Computed):
                try:
                    found[item.name] = computed_field(item, item.sql(self.row()).label(item.name))
                except UnknownNameError as error:
                    self.unknown(f"computed '{item.name}'", str(error), fields)
                except UnsupportedTypeError as error:
                    self.problem("unsupported_type", str(error))
        return found

    def row(self) -> SymbolicRow:
        return SymbolicRow(self.resource.model, self.table, self.resource.owner)

    def scopes(self) -> dict[str, ColumnElement[bool]]:
        """The scope words that this resource can satisfy, as conditions on its table."""
        found: dict[str, ColumnElement[bool]] = {}
        for scope in self.scope_list:
            try:
                found[scope.word] = scope.rows(self.row(), SymbolicCaller())
            except UnknownNameError:
                continue  # the policy check names it where a rule asks for it
        return found

    def actions(self, fields: dict[str, Field]) -> dict[str, Action | Transition]:
        """The declared actions by name; a transition has to know its field, its states and its stamp."""
        for item in self.resource.actions:
            if isinstance(item, Transition):
                self.check_names(
                    f"transition '{item.name}'", [item.field, *([item.stamp] if item.stamp else [])], fields
                )
                states = fields[item.field].choices if item.field in fields else ()
                for state in (*item.source, item.target):
                    if states and state not in states:
                        self.problem("unknown_state", f"transition '{item.name}' names the state '{state}'")
        return {item.name: item for item in self.resource.actions}

    def references(self) -> dict[str, Table]:
        """The columns that name a row of a table by its id, with that table."""
        keys = (key for column in self.table.c for key in column.foreign_keys)
        return {key.parent.name: key.column.table for key in keys}

    def owner(self) -> Column[Any] | None:
        """The column that a create fills with the caller's id, where the owner is such a column."""
        name = self.resource.owner
        try:
            found = self.row().owner if name else None
        except UnknownNameError:
            self.unknown("owner", name, self.table.c.keys())
            return None
        if found is None or name == "id" or "." in name:
            return None
        return self.table.c[name]


__all__ = [
    "CALLER_ID",
    "CALLER_ROLE",
    "SYSTEM",
    "BodyKind",
    "Catalog",
    "Entry",
    "Field",
    "Path",
    "Relation",
    "Schemas",
    "Shown",
    "UnsupportedTypeError",
    "body_field",
    "body_model",
    "compile_catalog",
    "condition_of",
    "example_of",
    "is_served",
    "searched_fields",
    "table_of",
]
