"""What a list leads to beside its rows: files of it, imports, and changes to many rows, with what the oracle says."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.admin import pages
from tests.admin.asks import Ask
from tests.matrix.shapes import ABSENT, MALFORMED, Row
from tests.matrix.world import ordered

if TYPE_CHECKING:
    from tests.admin.looking import Looker

NONSENSE = "nonsense"


@dataclass(frozen=True, slots=True)
class Doors:
    """One role before one list."""

    looker: "Looker"

    def asks(self) -> Iterator[Ask]:
        """Every one of them, looked at and not used."""
        yield from self.files()
        yield from self.imports()
        yield from self.changes()

    @staticmethod
    def files_of(looker: "Looker") -> Iterator[Ask]:
        """The files alone."""
        return Doors(looker).files()

    @staticmethod
    def imports_of(looker: "Looker") -> Iterator[Ask]:
        """The imports alone."""
        return Doors(looker).imports()

    @staticmethod
    def changes_of(looker: "Looker") -> Iterator[Ask]:
        """The changes alone."""
        return Doors(looker).changes()

    def ask(self, rest: str, expected: dict[str, Any], view: Any, row: str = "all") -> Ask:
        return self.looker.ask(rest, expected, view, row)

    # Files

    def files(self) -> Iterator[Ask]:
        """The list as it opens, in each form; ordered, searched and narrowed as the list can be."""
        looker, eye = self.looker, self.looker.eye
        refusal = looker.refusal("export") or ("" if eye.may("export") else "403")
        for kind in ("csv", "jsonl"):
            expected = {"export": refusal} if refusal else self.sheet(kind, self.rows()[::-1])
            yield self.ask(f"export/{kind}", expected, pages.sheet)
        yield self.ask("export/xlsx", {"export": refusal or "404"}, pages.sheet)
        if refusal:
            for word, name in (("sort", "sortBy"), ("search", "search"), ("narrow", "id")):
                yield self.found(f"export {word}", {name: "id"}, refusal)
            return
        for name in (*eye.sortable(), NONSENSE, "id.id", "secret"):
            yield from self.sorted_by(name)
        for name in (*eye.searched(), "code", "hashed_password"):
            yield from self.searched_for(name)
        for name in eye.narrowable():
            yield from self.narrowed_to(name)

    def rows(self) -> list[Row]:
        """The rows of the file, by id: those of the list that are those of the export too."""
        return [row for row in self.looker.seen() if self.looker.eye.inside("export", row)]

    def fields(self) -> list[str]:
        """The fields of the file."""
        eye = self.looker.eye
        names = eye.fields("list") & eye.fields("export")
        return [name for name in eye.screen.order if name in names]

    def sheet(self, kind: str, rows: list[Row]) -> dict[str, Any]:
        """What stands in the file."""
        eye, fields = self.looker.eye, self.fields()
        text = eye.screen.cell if kind == "csv" else eye.screen.plain
        return {
            "export": "200",
            "export fields": sorted(fields) if rows or kind == "csv" else [],
            "export rows": [row["id"] for row in rows],
            "export cells": {row["id"]: {name: text(eye.world, row, name) for name in fields} for row in rows},
        }

    def found(self, door: str, query: dict[str, str], rows: Any) -> Ask:
        """The ids of a file with these parameters."""

        def view(answer: Any) -> dict[str, Any]:
            told = pages.told(answer)
            return {door: pages.sheet(answer)["export rows"] if told == "200" else told}

        return self.ask(f"export/jsonl?{urlencode(query)}", {door: rows}, view)

    def sorted_by(self, name: str) -> Iterator[Ask]:
        eye = self.looker.eye
        is_known = name in eye.sortable()
        pairs = [(eye.world.value(eye.screen.shape, row, name), row) for row in self.rows()] if is_known else []
        for way in ("asc", "desc") if is_known else ("asc",):
            expected = ordered(pairs, descending=way == "desc") if is_known else "400"
            yield self.found("export sort", {"sortBy": name, "sort": way}, expected)

    def searched_for(self, name: str) -> Iterator[Ask]:
        eye = self.looker.eye
        values = [row[name] for row in eye.world.rows[eye.path] if isinstance(row.get(name), str) and row[name]]
        for term in [value[:100] for value in values[:1]]:
            rows = [row["id"] for row in self.rows()[::-1] if contains(row, eye.searched(), term)]
            yield self.found("export search", {"search": term}, rows)

    def narrowed_to(self, name: str) -> Iterator[Ask]:
        eye = self.looker.eye
        values = [row[name] for row in eye.world.rows[eye.path] if row.get(name) is not None]
        for value in values[:1]:
            rows = [row["id"] for row in self.rows()[::-1] if row[name] == value]
            yield self.found("export narrow", {name: self.looker.typed(name, value)}, rows)

    # Imports

    def imports(self) -> Iterator[Ask]:
        """The page that asks for a file."""
        eye = self.looker.eye
        may = eye.may("import") and eye.may("create")
        refusal = self.looker.refusal("import", "create") or ("" if may else "403")
        expected: dict[str, Any] = {"import form": refusal or "200"}
        if not refusal:
            expected["import columns"] = set(eye.importable())
        yield self.ask("import", expected, pages.importing)

    # Many rows at once

    def changes(self) -> Iterator[Ask]:
        """The pages that show what would be done: to all rows of the list, and to every row that there is."""
        eye = self.looker.eye
        known = {"update", "delete"} | {*eye.screen.shape.actions}
        if not eye.screen.shape.noun.is_written:
            known -= {"update", "delete"}
        for name in sorted(known):
            everything = [row["id"] for row in eye.world.rows[eye.path]]
            yield self.page(name, "", len(self.looker.seen()))
            yield self.page(name, f"?pks={','.join([*everything, ABSENT])}", len(everything) + 1)
            refusal = self.refusal(name)
            yield self.ask(f"bulk/{name}?pks={MALFORMED}", {"bulk form": refusal or "404"}, pages.chosen)
            yield self.ask(f"bulk/{name}?pks=", {"bulk form": refusal or "400"}, pages.chosen)
            yield self.ask(f"bulk/{name}?secret=1", {"bulk form": refusal or "400"}, pages.chosen)
        for name in {NONSENSE, "list", "create", "update", "delete"} - known:
            refusal = self.looker.refusal("list") or ("403" if name in {"update", "delete"} else "404")
            yield self.ask(f"bulk/{name}", {"bulk form": refusal}, pages.chosen)

    def refusal(self, name: str) -> str:
        """How the page answers where it does not open."""
        return self.looker.refusal(name) or ("" if self.looker.eye.may(name) else "403")

    def page(self, name: str, query: str, asked: int) -> Ask:
        """One page: the rows of the list that are those of the action too, as far as their state lets it."""
        eye = self.looker.eye
        refusal = self.refusal(name)
        expected: dict[str, Any] = {"bulk form": refusal or "200"}
        if not refusal:
            rows = [row for row in self.looker.seen() if not eye.stands_against(name, row)]
            columns = eye.columns("list")
            cells = [[eye.cell(row, column, short=True) for column in columns] for row in rows[::-1][:20]]
            expected |= {
                "bulk rows": {row["id"] for row in rows},
                "bulk count": (asked, len(rows)),
                "bulk inputs": self.inputs(name),
                "bulk cells": cells,
            }
        return self.ask(f"bulk/{name}{query}", expected, pages.chosen)

    def inputs(self, name: str) -> set[str]:
        """What can be typed: of a form for one row that which more than one row can have, and no password."""
        screen = self.looker.eye.screen
        if name != "update":
            return set(screen.bodies.get(name, ()))
        inputs = {column.name for column in screen.shape.noun.columns if column.shown}
        return {word for word in self.looker.eye.inputs("update") & inputs if word not in screen.unique}


def typed(value: Any) -> str:
    """A value as an address has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def contains(row: Row, names: Any, term: str) -> bool:
    """Whether every word of `term` stands in one of the fields, the last one as the beginning of a word."""
    words = [word for name in names if row[name] is not None for word in words_of(str(row[name]))]
    *whole, last = words_of(term) or ["nothing that could be a word"]
    return set(whole) <= set(words) and any(word.startswith(last) for word in words)


def words_of(text: str) -> list[str]:
    """Runs of letters and digits, without regard to case."""
    return re.findall(r"[^\W_]+", text.casefold())
