"""Every way of looking at the admin that a role could try, with what the oracle says of it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from tests.admin import pages
from tests.admin.asks import Ask
from tests.admin.beside import Doors, contains, typed
from tests.admin.eyes import Eye, Paper, Screen
from tests.admin.front import LOGIN, NONSENSE, index, under
from tests.matrix.shapes import ABSENT, MALFORMED, Row
from tests.matrix.world import World, ordered

ALL = "pageSize=100"
PAGE = 25
"""Rows of a page where no other size is asked for."""

MOST_FOUND = 20


def looking(world: World, screens: Mapping[str, Screen]) -> Iterator[Ask]:
    """Every request that looks."""
    for role in world.order:
        for screen in screens.values():
            yield from Looker(Eye(world, screens, role, screen)).asks()
        first = Eye(world, screens, role, next(iter(screens.values())))
        yield from index(first)
        yield from Looker(first).switched_off()


@dataclass(frozen=True, slots=True)
class Looker:
    """One role before one screen."""

    eye: Eye

    @property
    def screen(self) -> Screen:
        return self.eye.screen

    def asks(self) -> Iterator[Ask]:
        """Everything that can be looked at."""
        yield from self.lists()
        yield from self.orders()
        yield from self.searches()
        yield from self.narrowings()
        yield from self.details()
        yield from self.forms()
        yield from self.cells()
        yield from self.papers()
        yield from self.look_ups()
        yield from self.deeds()
        yield from Doors(self).asks()

    def ask(self, rest: str, expected: Mapping[str, Any], view: Any, row: str = "all", method: str = "GET") -> Ask:
        url = f"/admin/{self.eye.path}/{rest}"
        return Ask(self.eye.role, self.eye.path, row, method, url, expected, view)

    def refusal(self, *actions: str) -> str:
        """How the door of a screen answers, where it does not open for any of these actions."""
        if not self.eye.admitted:
            return LOGIN
        return "" if self.eye.may("list") and any(self.eye.may(action) for action in actions) else "403"

    def seen(self) -> list[Row]:
        """The rows of the list, by id."""
        return self.eye.world.seen(self.eye.role, self.eye.path, "list")

    def lists(self) -> Iterator[Ask]:
        """The list as it opens: the newest row first."""
        refusal = self.refusal("list")
        yield self.ask(f"list?{ALL}", {"list": refusal} if refusal else self.page(), pages.listed)
        last = refusal or "302"
        yield self.ask("list?page=1000", {"page beyond": last}, under("page beyond", pages.told))

    def page(self) -> dict[str, Any]:
        """What stands on the list's page."""
        eye, screen = self.eye, self.screen
        rows, names = self.seen()[::-1], eye.columns("list")
        menu = {path for path in eye.screens if eye.at(path).may("list")}
        return {
            "list": "200",
            "list rows": [row["id"] for row in rows],
            "list headings": [screen.label(name) for name in names],
            "list cells": {row["id"]: [eye.cell(row, name, short=True) for name in names] for row in rows},
            "list buttons": {row["id"]: eye.buttons(row) for row in rows},
            "inline cells": {row["id"]: self.inlined(row) for row in rows},
            "list orders": {screen.label(name) for name in eye.sortable()},
            "narrowings": {screen.label(name) for name in eye.panel()},
            "search box": bool(eye.searched()),
            "menu": menu,
            "new button": eye.may("create"),
            "list doors": self.list_doors(),
            "count": len(rows),
        }

    def list_doors(self) -> set[str]:
        """What the list leads to besides."""
        eye = self.eye
        found = {f"bulk/{name}" for name in eye.many()}
        found |= {"export/csv", "export/jsonl"} if eye.may("export") else set()
        return found | ({"import"} if eye.may("import") and eye.may("create") else set())

    def names(self) -> list[str]:
        """Every name that somebody could try: fields, hidden ones, relations, nonsense."""
        columns = {name for rows in self.eye.world.rows[self.eye.path][:1] for name in rows}
        own = {column.name for column in self.screen.shape.noun.columns}
        return sorted({*columns, *own, *self.screen.shape.relations, NONSENSE})

    def found(self, door: str, query: Mapping[str, str], rows: Any) -> Ask:
        """The first rows that a list with these parameters has, and the number of all."""
        expected = self.refusal("list") or (rows if isinstance(rows, str) else (rows[:PAGE], len(rows)))
        return self.ask(f"list?{urlencode(query)}", {door: expected}, under(door, pages.narrowed))

    def orders(self) -> Iterator[Ask]:
        """Sorted by every name; only the columns that are there and sortable are known."""
        world, shape = self.eye.world, self.screen.shape
        names = self.names() if self.eye.admitted else [NONSENSE]
        for name in names:
            pairs = [(world.value(shape, row, name), row) for row in self.seen()] if name in self.eye.sortable() else []
            for way in ("asc", "desc") if pairs else ("asc",):
                known = ordered(pairs, descending=way == "desc")
                is_known = name in self.eye.sortable()
                yield self.found("sort", {"sortBy": name, "sort": way}, known if is_known else "400")

    def searches(self) -> Iterator[Ask]:
        """For the text of every field of some row; only fields that the list may show are looked into."""
        world = self.eye.world
        for name in self.names() if self.eye.admitted else ():
            values = [row[name] for row in world.rows[self.eye.path] if isinstance(row.get(name), str) and row[name]]
            if values:
                term = values[0][:100]
                rows = [row["id"] for row in self.seen()[::-1] if contains(row, self.eye.searched(), term)]
                yield self.found("search", {"search": term}, rows)

    def narrowings(self) -> Iterator[Ask]:
        """By each filter with values that some rows have; and by all other names at once, which mean nothing."""
        eye = self.eye
        rows = eye.world.rows[eye.path]
        names = dict.fromkeys([*self.names(), *self.screen.shape.noun.filters, *self.screen.far])
        filters = eye.narrowable() if eye.admitted and eye.may("list") else []
        some = {name: self.given(name, rows) for name in names}
        for name in filters:
            for value in dict.fromkeys(some[name][:1] + some[name][-1:]):
                found = [row["id"] for row in self.seen()[::-1] if eye.value(row, name) == value]
                query = {name: self.typed(name, value)}
                yield self.found("narrow", query, found)
                view = under("narrowed by", pages.narrowed_by)
                yield self.ask(f"list?{urlencode(query)}", {"narrowed by": self.called(name, value)}, view)
        others = {name: typed(values[0]) if values else "1" for name, values in some.items() if name not in filters}
        everything = [row["id"] for row in self.seen()[::-1]]
        yield self.found("narrow", {name: text[:100] for name, text in others.items()}, everything)

    def given(self, name: str, rows: Iterable[Row]) -> list[Any]:
        """The values of some rows, empty ones left out: a parameter without a value asks for nothing."""
        return [value for value in (self.there(row, name) for row in rows) if value not in (None, "")]

    def there(self, row: Row, name: str) -> Any:
        """A value that somebody could know of, whether or not they may ask for it."""
        head, _, tail = name.partition(".")
        if not tail:
            return row.get(head)
        way = self.screen.shape.relations[head]
        far = self.eye.world.row(way.target, row[way.local])
        return far[tail] if far else None

    def typed(self, name: str, value: Any) -> str:
        """A value as somebody narrows a list by it."""
        return self.screen.text(name, value) if name in self.screen.money else typed(value)

    def called(self, name: str, value: Any) -> list[str]:
        """What the list is said to be narrowed by: the title of a row that may be read, else what was asked for."""
        relation = self.screen.to_one(name)
        if relation is None or not self.eye.is_row(name):
            return [self.screen.text(name, value) if name.startswith("is_") else self.typed(name, value)]
        there = self.eye.at(relation[1].target)
        row = self.eye.world.row(there.path, value)
        return [there.title(row) if row is not None and there.inside("read", row) else value]

    def rows(self) -> Iterator[tuple[str, str, Row | None]]:
        """One row of each kind, one that is not there, and one that cannot be."""
        for kind, row in self.eye.world.samples(self.eye.role, self.eye.path).items():
            yield kind, row["id"], row
        yield "absent", ABSENT, None
        yield "malformed", MALFORMED, None

    def door(self, kind: str, action: str, row: Row | None) -> str:
        """How the page of a row answers."""
        if kind == "malformed":
            return "404"
        refusal = self.refusal(action)
        return refusal or ("200" if row is not None and self.eye.inside(action, row) else "404")

    def details(self) -> Iterator[Ask]:
        """A row's own page."""
        for kind, row_id, row in self.rows():
            expected: dict[str, Any] = {"details": self.door(kind, "read", row)}
            if expected["details"] == "200" and row is not None:
                eye = self.eye
                cells = {self.screen.label(n): eye.cell(row, n, short=False) for n in eye.named("read")}
                buttons = {name for name in ("update", "delete") if name in eye.buttons(row)}
                expected |= {"details cells": cells, "details buttons": buttons, "related rows": eye.related(row)}
                expected |= {"action buttons": eye.deeds(row), "printout links": set(eye.screen.papers)}
            yield self.ask(f"details/{row_id}", expected, pages.detailed, kind)

    def forms(self) -> Iterator[Ask]:
        """The form for a new row, and those for each kind of row."""
        refusal = self.refusal("create")
        expected: dict[str, Any] = {"create form": refusal or "200"}
        if not refusal:
            inputs = self.eye.inputs("create")
            expected |= {"create inputs": inputs, "roles offered": self.roles(inputs, None)}
        yield self.ask("create", expected, lambda answer: pages.asked(answer, "create"), "new")
        for kind, row_id, row in self.rows():
            expected = {"edit form": self.door(kind, "update", row)}
            if expected["edit form"] == "200" and row is not None:
                inputs = self.eye.inputs("update")
                expected |= {"edit inputs": inputs, "roles offered": self.roles(inputs, row)}
                expected |= {"edit values": self.eye.typed(row), "chosen rows": self.eye.chosen(row)}
            yield self.ask(f"edit/{row_id}", expected, lambda answer: pages.asked(answer, "edit"), kind)

    def deeds(self) -> Iterator[Ask]:
        """The pages that ask before an action, for each kind of row; and for what is no action."""
        for action in self.screen.shape.actions:
            refusal = self.refusal(action)
            for kind, row_id, row in (*self.rows(), *self.states(action)):
                answer = self.door(kind, action, row)
                answer = (row and answer == "200" and self.eye.stands_against(action, row)) or answer
                expected: dict[str, Any] = {"act form": answer}
                if answer == "200" and row is not None:
                    expected |= {"act inputs": self.screen.bodies.get(action, frozenset())}
                    expected |= {"act title": self.called_so(action, row)}
                yield self.ask(f"act/{action}/{row_id}", expected, pages.acted, kind)
        refusal = self.refusal("list")
        for name in ("list", "update", NONSENSE):
            yield self.ask(f"act/{name}/{ABSENT}", {"act form": refusal or "404"}, pages.acted)

    def states(self, action: str) -> Iterator[tuple[str, str, Row | None]]:
        """One row in each state that an action looks at, among those that it may be done with."""
        column, _ = self.screen.shape.moves.get(action, ("", ()))
        inside = [row for row in self.eye.world.rows[self.eye.path] if self.eye.inside(action, row)] if column else []
        for state, row in {row[column]: row for row in inside}.items():
            yield f"{column} {state}", row["id"], row

    def called_so(self, action: str, row: Row) -> str:
        """The heading of an action's page; a row that may not be read has its id alone."""
        name = self.eye.title(row) if self.eye.inside("read", row) else row["id"]
        label = action.replace("_", " ").capitalize()
        noun = self.screen.shape.noun.schema
        return f"{label}: {spaced(noun)} {name}"

    def inlined(self, row: Row) -> set[str]:
        """What can be changed of a row of the list."""
        is_inside = self.eye.inside("update", row) and self.eye.inside("read", row)
        return self.eye.inlined() if is_inside else set()

    def cells(self) -> Iterator[Ask]:
        """The small form of each cell that has one, and of names that have none."""
        names = [*self.screen.inline, "id", "created_at", "role", NONSENSE, ""] if self.eye.admitted else [NONSENSE]
        for name in names:
            for kind, row_id, row in self.rows():
                answer = self.door(kind, "update", row)
                if answer == "200" and row is not None:
                    answer = "200" if name in self.inlined(row) else "404"
                elif answer == "403" and kind != "malformed":
                    answer = self.refusal("update")
                expected: dict[str, Any] = {"inline form": answer}
                if answer == "200" and row is not None:
                    typed = {key: text for key, text in self.eye.typed(row).items() if key == name}
                    expected |= {"inline inputs": {name}, "inline values": typed}
                yield self.ask(f"inline/{row_id}?field={name}", expected, pages.cell_form, f"{kind}: {name}")

    def papers(self) -> Iterator[Ask]:
        """Each printout of a row of each kind, and one that is none."""
        for name, paper in {**self.screen.papers, NONSENSE: Paper()}.items():
            for kind, row_id, row in self.rows():
                answer = self.door(kind, "read", row)
                answer = "404" if name == NONSENSE and answer == "200" else answer
                expected: dict[str, Any] = {"printout": answer}
                if answer == "200" and row is not None:
                    expected |= self.printed(paper, row)
                yield self.ask(f"print/{name}/{row_id}", expected, pages.printed, f"{kind}: {name}")

    def printed(self, paper: Paper, row: Row) -> dict[str, Any]:
        """What stands on a printout."""
        eye = self.eye
        told = {eye.heading(name): eye.cell(row, name, short=False) for name in paper.fields if eye.shows(name, "read")}
        plain = [eye.cell(row, name, short=False) for name in paper.block if eye.shows(name, "read")]
        way = self.screen.shape.relations.get(paper.rows)
        sheet = None
        if way is not None and eye.knows(way.target) and way.remote in eye.at(way.target).fields("read"):
            there = eye.at(way.target)
            names = [name for name in paper.columns if there.shows(name, "read")]
            rows = eye.world.related(eye.role, eye.path, row, paper.rows)
            rows = sorted(rows, key=lambda item: (item["created_at"], item["id"]))
            sheet = (
                [there.heading(name) for name in names],
                [[there.cell(item, name, short=False) for name in names] for item in rows],
            )
        told = {name: text for name, text in told.items() if text}
        return {"printout values": told, "printout block": [text for text in plain if text], "printout rows": sheet}

    def roles(self, inputs: Iterable[str], row: Row | None) -> set[str]:
        """The roles that a form offers: those up to one's own, and the one that is there already."""
        if self.eye.path != "users" or "role" not in inputs:
            return set()
        order = self.eye.world.order
        offered = set(order[1 : order.index(self.eye.role) + 1])
        return offered | ({self.eye.typed(row).get("role", "")} - {""} if row else set())

    def look_ups(self) -> Iterator[Ask]:
        """What a reference can be set to; anything else is no reference."""
        refusal = self.refusal("list")
        for name in self.names() if self.eye.admitted else (NONSENSE,):
            relation = self.screen.to_one(name)
            is_there = relation and name in {
                *self.offered("create"), *self.offered("update"), *self.eye.narrowable()
            }  # fmt: skip
            if not refusal and is_there and relation and self.eye.knows(relation[1].target):
                yield from self.looked_up(name, self.eye.at(relation[1].target))
            else:
                rest = f"ajax/lookup?name={quote(name)}&term=a"
                yield self.ask(rest, {"look-up": refusal or "400"}, under("look-up", pages.looked_up), name)

    def offered(self, action: str) -> Iterable[str]:
        """The fields of a form, where there is one."""
        return self.eye.inputs(action) if self.eye.may(action) else ()

    def looked_up(self, name: str, there: Eye) -> Iterator[Ask]:
        """The rows that a term finds: all that may be read of those called so."""
        rows = self.eye.world.rows[there.path]
        texts = [row[field] for row in (rows[0], rows[-1]) for field in self.names_of(row) if row[field]]
        title = [field for field in there.screen.titles if field in there.fields("read")][:1]
        names = [field for field in there.screen.search if field in there.fields("read")]
        for term in dict.fromkeys(text[:100] for text in texts if text):
            readable = self.eye.world.seen(self.eye.role, there.path)
            found = [row for row in readable if (contains(row, names, term) if names else stands(row, title, term))]
            by_title = sorted(found, key=lambda row: str(row[title[0] if title else "id"]))[:MOST_FOUND]
            expected = {"look-up": {row["id"]: there.title(row) for row in by_title}}
            rest = f"ajax/lookup?{urlencode({'name': name, 'term': term})}"
            yield self.ask(rest, expected, under("look-up", pages.looked_up), name)

    @staticmethod
    def names_of(row: Row) -> list[str]:
        """The fields whose text could be looked for."""
        return [name for name, value in row.items() if isinstance(value, str) and not name.endswith(("_at", "id"))]

    def switched_off(self) -> Iterator[Ask]:
        """What SQLAdmin would serve besides, and does not here."""
        row_id = self.eye.world.rows[self.eye.path][0]["id"]
        for word in ("title", "email"):
            rest = f"{row_id}/{word}/download/"
            yield self.ask(rest, {"files": "404"}, under("files", pages.told))


def stands(row: Row, title: Iterable[str], term: str) -> bool:
    """Whether every word of `term` stands somewhere in the title."""
    texts = [str(row[name] or "").casefold() for name in title]
    return bool(texts) and all(word.casefold() in texts[0] for word in term.split())


def spaced(name: str) -> str:
    """``StockMovement`` -> ``Stock movement``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).capitalize()
