"""What one role should see in the admin: worked out from the policy oracle and from screens written down by hand."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.matrix.shapes import Relation, Row, Shape
from tests.matrix.world import World
from tests.shop.shop_table import BASE

LONGEST = 80
"""Characters of a text in a list."""

MOST_COLUMNS = 6
"""Columns of a list that declares none."""


@dataclass(frozen=True, slots=True)
class Card:
    """What one role sees in a card of the dashboard that is made of the fields ``of``."""

    title: str
    of: frozenset[str]
    value: Callable[["Eye"], Any]


@dataclass(frozen=True, slots=True)
class Paper:
    """What stands on a printout: values with their labels, values without, and a table of related rows."""

    fields: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    rows: str = ""
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Screen:
    """One resource as the admin shows it. Its shape has every relation that its class declares.

    ``titles`` are the fields that a row is called by elsewhere, the best first; ``few`` are filters with few values,
    ``far`` those over a relation; ``changes`` are texts to type into a form, with what the database keeps of them;
    ``bodies`` are the inputs of an action, ``unique`` fields those that no two rows share, ``inline`` those that can be
    changed in the list, ``papers`` what can be printed.
    """

    shape: Shape
    columns: tuple[str, ...] = ()
    titles: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    few: tuple[str, ...] = ()
    far: tuple[str, ...] = ()
    sorts: tuple[str, ...] = ()
    money: frozenset[str] = frozenset()
    moments: frozenset[str] = frozenset({"created_at", "updated_at"})
    documents: frozenset[str] = frozenset()
    computed: Mapping[str, Callable[[World, Row], Any]] = field(default_factory=dict)
    changes: Mapping[str, tuple[str, Any]] = field(default_factory=dict)
    cards: tuple[Card, ...] = ()
    bodies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unique: frozenset[str] = frozenset()
    inline: tuple[str, ...] = ()
    papers: Mapping[str, Paper] = field(default_factory=dict)

    @property
    def path(self) -> str:
        return self.shape.path

    @property
    def order(self) -> tuple[str, ...]:
        """The shown fields in the order of the class: the times of making and change after its own."""
        names = [column.name for column in self.shape.noun.columns if column.shown]
        late = [name for name in names if name in {"created_at", "updated_at"}]
        own = [name for name in names if name not in late]
        plain = [name for name in own if name not in self.computed]
        return (*plain, *late, *(name for name in own if name in self.computed))

    def to_one(self, name: str) -> tuple[str, Relation] | None:
        """The relation whose id the field `name` holds."""
        ways = self.shape.relations.items()
        return next(((word, way) for word, way in ways if way.local == name and not way.many), None)

    def label(self, name: str) -> str:
        """A heading."""
        relation = self.to_one(name)
        words = (relation[0] if relation else name).replace(".", " ").replace("_", " ")
        return words[:1].upper() + words[1:]

    def plain(self, world: World, row: Row, name: str) -> Any:
        """A value of a row as JSON."""
        value = self.computed[name](world, row) if name in self.computed else row[name]
        return json.loads(value) if name in self.documents and isinstance(value, str) else value

    def cell(self, world: World, row: Row, name: str) -> str:
        """A value of a row as text in a CSV."""
        value = self.plain(world, row, name)
        if value is None or name in self.money:
            return self.text(name, value)
        is_json = name in self.documents or isinstance(value, bool)
        found = json.dumps(value, ensure_ascii=False) if is_json else str(value)
        is_formula = isinstance(value, str) and found.lstrip("'")[:1] in set("=+-@\t\r\n")
        return f"'{found}" if is_formula else found

    def text(self, name: str, value: Any, *, short: bool = False) -> str:
        """A value as a page shows it."""
        if value is None:
            return ""
        if name in self.money:
            return f"{value // 100}.{value % 100:02}"
        if name.startswith("is_"):
            return "yes" if value else "no"
        if name in self.moments:
            return f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
        shown = json.dumps(json.loads(value) if isinstance(value, str) else value) if name in self.documents else value
        cut = " ".join(str(shown).split())
        return cut if not short or len(cut) <= LONGEST else f"{cut[: LONGEST - 1]}…"


@dataclass(frozen=True, slots=True)
class Eye:
    """One role before one screen."""

    world: World
    screens: Mapping[str, Screen]
    role: str
    screen: Screen

    @property
    def path(self) -> str:
        return self.screen.path

    def at(self, path: str) -> "Eye":
        """The same role before another screen."""
        return Eye(self.world, self.screens, self.role, self.screens[path])

    # What may be done

    @property
    def admitted(self) -> bool:
        """Whether the role gets into the admin at all."""
        return bool(self.world.rule(self.role, "admin", "access")[0])

    def fields(self, action: str) -> frozenset[str]:
        """The fields of this resource that the action lets through."""
        return self.world.fields(self.role, self.path, action)

    def inside(self, action: str, row: Row) -> bool:
        """Whether a row is among those of the action."""
        return self.world.inside(self.role, self.path, action, row)

    def inputs(self, action: str) -> frozenset[str]:
        """The fields of the form for a ``create`` or an ``update``."""
        return self.fields(action) & self.screen.shape.taken("Create" if action == "create" else "Update")

    def may(self, action: str) -> bool:
        """Whether the screen of that action is there. A form without a field is none."""
        if not self.world.rule(self.role, self.path, action)[0]:
            return False
        if action in {"create", "update"}:
            return bool(self.inputs(action))
        return action != "delete" or self.screen.shape.noun.is_written

    def opens(self, action: str) -> bool:
        """Whether the door of a screen opens; each screen wants the list as well."""
        return self.may("list") and self.may(action)

    def knows(self, path: str) -> bool:
        """Whether rows of another resource may be read at all."""
        return bool(self.world.rule(self.role, path, "read")[0])

    def buttons(self, row: Row) -> set[str]:
        """What can be done with a row from a list."""
        return {name for name in ("read", "update", "delete") if self.may(name) and self.inside(name, row)}

    def deeds(self, row: Row) -> set[str]:
        """The declared actions that can be done with a row as it is."""
        return {name for name in self.screen.shape.actions if self.may(name) and not self.stands_against(name, row)}

    def inlined(self) -> set[str]:
        """The fields that can be changed in the list."""
        there = {*self.columns("list")} & self.inputs("update") & self.fields("read")
        return {name for name in self.screen.inline if self.may("update") and name in there}

    def stands_against(self, action: str, row: Row) -> str:
        """How the page of an action answers for that row; empty where it can be done."""
        if not self.inside(action, row):
            return "404"
        column, states = self.screen.shape.moves.get(action, ("", ()))
        return "" if not column or row[column] in states else "409"

    def many(self) -> set[str]:
        """What can be done to many rows at once."""
        writes = {"update", "delete"} if self.screen.shape.noun.is_written else set()
        return {name for name in {*writes, *self.screen.shape.actions} if self.may(name)}

    def importable(self) -> frozenset[str]:
        """The columns that a file may have."""
        is_there = self.may("import") and self.may("create")
        return self.inputs("create") & self.fields("import") if is_there else frozenset()

    # What is shown

    def named(self, action: str) -> Iterator[str]:
        """The visible names in their order; the id of a related row gives way to the row itself."""
        for name in self.screen.order:
            if name in self.fields(action):
                relation = self.screen.to_one(name)
                yield relation[0] if relation and self.knows(relation[1].target) else name

    def heading(self, name: str) -> str:
        """What a value is called on paper: amounts have their currency."""
        return f"{self.screen.label(name)}{' (EUR)' if name in self.screen.money else ''}"

    def shows(self, name: str, action: str) -> bool:
        """Whether a declared column is there."""
        head, _, tail = name.partition(".")
        way = self.screen.shape.relations.get(head)
        if way is None:
            return head in self.fields(action)
        far = self.at(way.target)
        is_there = self.knows(way.target) and way.local in self.fields(action)
        return is_there and (not tail or tail in far.fields("read"))

    def columns(self, action: str) -> list[str]:
        """The columns of a table of such rows."""
        if self.screen.columns:
            return [name for name in self.screen.columns if self.shows(name, action)] or ["id"]
        return [name for name in self.named(action) if name != "id"][:MOST_COLUMNS] or ["id"]

    def title(self, row: Row) -> str:
        """What a row is called where another one refers to it."""
        known = [name for name in self.screen.titles if name in self.fields("read")]
        return str(row[known[0]] or row["id"]) if known else str(row["id"])

    def cell(self, row: Row, name: str, *, short: bool) -> str:
        """The text of a cell."""
        head, _, tail = name.partition(".")
        way = self.screen.shape.relations.get(head)
        if way is None:
            value = self.screen.computed[head](self.world, row) if head in self.screen.computed else row[head]
            return self.screen.text(head, value, short=short)
        far = self.world.related(self.role, self.path, row, head)
        there = self.at(way.target)
        if not far:
            return ""
        return there.screen.text(tail, far[0][tail], short=short) if tail else there.title(far[0])

    def sortable(self) -> list[str]:
        """The columns that the list can be ordered by."""
        return [name for name in self.columns("list") if name in self.screen.sorts or name in BASE]

    def searched(self) -> list[str]:
        """The fields that the list is searched in."""
        return [name for name in self.screen.search if name in self.fields("list")]

    def narrowable(self) -> list[str]:
        """The filters that the list takes: those of its fields, and those over relations that may be followed."""
        names = dict.fromkeys((*self.screen.shape.noun.filters, *self.screen.far, *BASE))
        return [name for name in names if (self.shows(name, "list") if "." in name else name in self.fields("list"))]

    def panel(self) -> list[str]:
        """The filters that have a place above the list: all but ids of rows that cannot be looked up."""
        return [name for name in self.narrowable() if self.is_row(name) or name.split("_")[-1] != "id"]

    def is_row(self, name: str) -> bool:
        """Whether a field is narrowed by the row that it refers to."""
        relation = self.screen.to_one(name)
        return relation is not None and self.knows(relation[1].target)

    def value(self, row: Row, name: str) -> Any:
        """What a filter compares with."""
        head, _, tail = name.partition(".")
        far = self.world.related(self.role, self.path, row, head) if tail else [row]
        return far[0][tail or head] if far else None

    def collections(self) -> dict[str, Relation]:
        """What refers to a row of this resource, by fields that may be read."""
        ways = self.screen.shape.relations.items()
        many = {name: way for name, way in ways if way.many and self.knows(way.target)}
        return {name: way for name, way in many.items() if way.remote in self.at(way.target).fields("read")}

    def related(self, row: Row) -> dict[str, Any]:
        """The tables below a row: label -> headings, and each row's cells with whether it has a page; None if empty."""
        found: dict[str, Any] = {}
        for name, way in self.collections().items():
            there = self.at(way.target)
            back = {word for word, item in there.screen.shape.relations.items() if item.local == way.remote}
            hidden = {*back, way.remote}
            names = [item for item in there.columns("read") if item.partition(".")[0] not in hidden] or ["id"]
            rows = self.world.related(self.role, self.path, row, name)
            cells = [
                ([there.cell(far, item, short=True) for item in names], there.opens("read"))
                for far in sorted(rows, key=lambda far: str(far["id"]))
            ]
            headings = [there.screen.label(item) for item in names]
            found[self.screen.label(name)] = (headings, cells) if cells else None
        return found

    def typed(self, row: Row) -> dict[str, str]:
        """What stands in the form of a row: only what may be read of it."""
        if not self.inside("read", row):
            return {}
        found = {}
        for name in self.inputs("update") & self.fields("read"):
            value = row[name]
            if name in self.screen.moments and value:
                found[name] = f"{datetime.fromisoformat(value).astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
            elif name in self.screen.documents and value is not None:
                found[name] = json.dumps(json.loads(value) if isinstance(value, str) else value, indent=2)
            elif name.startswith("is_"):
                found[name] = "true" if value else ""
            else:
                found[name] = self.screen.text(name, value)
        return {name: text for name, text in found.items() if text}

    def chosen(self, row: Row) -> list[str]:
        """What the rows that a form refers to are called."""
        found = []
        for name in self.typed(row):
            relation = self.screen.to_one(name)
            if relation and self.knows(relation[1].target):
                far = self.world.related(self.role, self.path, row, relation[0])
                found.append(self.at(relation[1].target).title(far[0]) if far else str(row[name]))
        return sorted(found)
