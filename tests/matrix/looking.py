"""The cells that look: lists with every parameter, single rows, includes, one's own account, what one may do."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

import httpx2

from tests.doors import doors_of
from tests.matrix import views
from tests.matrix.cells import Cell
from tests.matrix.shapes import ABSENT, MALFORMED, Row, Shape
from tests.matrix.world import Tree, World, ordered

LARGEST = 100
UNKNOWN = "400 malformed_parameter"
NONSENSE = "nonsense"


@dataclass(frozen=True, slots=True)
class Looker:
    """One role before one resource."""

    world: World
    role: str
    shape: Shape

    @property
    def path(self) -> str:
        return self.shape.path

    def cells(self) -> Iterator[Cell]:
        """Everything that can be looked at."""
        refusal = self.world.refusal(self.role, self.path, "list")
        if refusal:
            for query in ("", f"?{NONSENSE}=1", "?fields=id", f"?id={ABSENT}"):
                yield self.cell("list", query, "list", refusal, views.told)
        else:
            yield from self.pages()
            yield from self.filters()
            yield from self.sorts()
            yield from self.searches()
            for row in self.world.seen(self.role, self.path, "list")[:1]:
                yield from self.sparse("list", row)
            yield from self.includes("list")
        yield from self.reads()

    def cell(self, action: str, rest: str, door: str, expected: Any, view: Any, row: str = "all") -> Cell:
        return Cell(self.role, self.path, action, row, door, "GET", f"/{self.path}{rest}", expected, view)

    def pages(self) -> Iterator[Cell]:
        """Rows, keys and number on each page, and beyond the last one."""
        rows, keys = self.world.seen(self.role, self.path, "list"), self.world.fields(self.role, self.path, "list")
        for page in range(len(rows) // LARGEST + 1):
            shown = rows[page * LARGEST : (page + 1) * LARGEST]
            query = f"?size={LARGEST}&page={page + 1}"
            yield self.cell("list", query, "list", tuple(row["id"] for row in shown), views.ids)
            cuts = tuple(self.world.cut(self.role, self.path, row, keys, {}) for row in shown)
            yield self.cell("list", query, "list fields", cuts, views.items({}))
        yield self.cell("list", "?size=1", "count", len(rows), views.total)
        yield self.cell("list", "?size=50&page=1000", "page beyond", (len(rows), ()), views.found)
        yield from self.cursors(rows)

    def cursors(self, rows: list[Row]) -> Iterator[Cell]:
        """What is no cursor, and the rows in two pages, the second one by the cursor of the first."""
        yield self.cell("list", f"?cursor={NONSENSE}", "cursor", UNKNOWN, views.told)
        size, found = min(LARGEST, max(1, len(rows) // 2)), list[str | None]()
        expected = tuple(row["id"] for row in rows)
        first = self.cell("list", f"?size={size}&count=none", "cursor", expected[:size], views.ids)
        yield replace(first, then=lambda answer: found.append(answer.json()["next"]))
        for cursor in filter(None, found):
            query = f"?size={size}&cursor={cursor}"
            yield self.cell("list", query, "cursor", expected[size : 2 * size], views.ids)

    def filters(self) -> Iterator[Cell]:
        """By the id of a row of each kind, and by each declared filter with a value that some row has."""
        seen, readable = (
            self.world.seen(self.role, self.path, "list"),
            self.world.fields(self.role, self.path, "list"),
        )
        there = {row["id"] for row in seen}
        for kind, row in self.world.samples(self.role, self.path).items():
            hit = (row["id"],) if row["id"] in there else ()
            yield self.cell("list", f"?id={row['id']}", "filter by id", (len(hit), hit), views.found, kind)
            either = tree_query({"or": [{"id": row["id"]}, {"id": ABSENT}]})
            yield self.cell("list", either, "where", (len(hit), hit), views.found, kind)
        yield self.cell("list", f"?id={ABSENT}", "filter by id", (0, ()), views.found, "absent")
        every = tuple(sorted(there))
        yield self.cell(
            "list", tree_query({"not": {"id": ABSENT}}), "where", (len(every), every[:LARGEST]), views.found
        )
        for name in self.shape.noun.filters:
            if "." not in name and name not in readable:
                yield self.cell("list", f"?{name}=1", "filter", "400 unknown_parameter", views.told)
                yield self.cell("list", tree_query({"not": {name: "1"}}), "where", UNKNOWN, views.told)
            elif "." not in name:
                yield from self.filtered(name, [(row[name], row) for row in seen], "filter")
            elif not self.path_is_readable(name):
                yield self.cell("list", f"?{name}=1", "filter over relation", "400 unknown_parameter", views.told)
            else:
                yield from self.filtered(name, self.over_relation(name, seen), "filter over relation")

    def filtered(self, name: str, pairs: list[tuple[Any, Row]], door: str) -> Iterator[Cell]:
        """A value that only visible rows have, one that others have too, and one that only others have."""
        mine = [value for value, _ in pairs if value is not None]
        every = [self.world.value(self.shape, row, name) for row in self.world.rows[self.path]]
        shared = {value for value in mine if mine.count(value) < every.count(value)}
        groups = (set(mine) - shared, shared, set(every) - set(mine) - {None})
        chosen = [value for group in groups for value in sorted(group)[:1]]
        for value in chosen:
            hits = sorted(row["id"] for kept, row in pairs if kept == value)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            query = f"?size={LARGEST}&{name}={quote(text, safe='')}"
            yield self.cell("list", query, door, (len(hits), tuple(hits[:LARGEST])), views.found)

    def path_is_readable(self, name: str) -> bool:
        """Whether the field at the end of a path can be read, and the relation before it known of."""
        head, _, tail = name.partition(".")
        near = self.world.fields(self.role, self.path, "list")
        far = self.world.fields(self.role, self.shape.relations[head].target, "read")
        return tail in far and self.world.reaches(self.role, self.path, near, head)

    def over_relation(self, name: str, rows: list[Row]) -> list[tuple[Any, Row]]:
        """What each row has at the end of the path, as far as the caller may read there."""
        head, _, tail = name.partition(".")
        far = [(self.world.related(self.role, self.path, row, head), row) for row in rows]
        return [(found[0][tail] if found else None, row) for found, row in far]

    def sorts(self) -> Iterator[Cell]:
        """By each declared name; over a relation both ways, else in turns."""
        seen = self.world.seen(self.role, self.path, "list")
        readable = self.world.fields(self.role, self.path, "list")
        for place, name in enumerate(self.shape.noun.sorts):
            door = "sort over relation" if "." in name else "sort"
            allowed = self.path_is_readable(name) if "." in name else name in readable
            if not allowed:
                yield self.cell("list", f"?sort={name}", door, UNKNOWN, views.told)
                continue
            pairs = self.over_relation(name, seen) if "." in name else [(row[name], row) for row in seen]
            for sign in ("", "-") if "." in name else ("", "-")[place % 2 :][:1]:
                wanted = ordered(pairs, descending=bool(sign))[:LARGEST]
                yield self.cell("list", f"?size={LARGEST}&sort={sign}{name}", door, tuple(wanted), views.ids)

    def searches(self) -> Iterator[Cell]:
        """By a word that the caller may read, and by one that is only in fields or rows that they may not."""
        readable = self.world.fields(self.role, self.path, "list")
        names = [name for name in self.shape.noun.search if name in readable]
        if not names:
            yield self.cell("list", "?search=a", "search", "400 unknown_parameter", views.told)
            return
        seen = [(row["id"], words_in(row, names)) for row in self.world.seen(self.role, self.path, "list")]
        mine = {word for _, words in seen for word in words}
        every = {word for row in self.world.rows[self.path] for word in words_in(row, self.shape.noun.search)}
        for word in (*sorted(mine)[:1], *sorted(mine)[-1:], *sorted(every - mine)[:1], *sorted(every - mine)[-1:]):
            hits = sorted(row_id for row_id, words in seen if any(each.startswith(word) for each in words))
            query = f"?size={LARGEST}&sort=id&search={quote(word)}"
            yield self.cell("list", query, "search", (len(hits), tuple(hits[:LARGEST])), views.found)

    def sparse(self, action: str, row: Row) -> Iterator[Cell]:
        """``fields=``: one half of what can be read, the other half; and each name that cannot, as if it were none."""
        readable = sorted(self.world.fields(self.role, self.path, action))
        rest = f"?id={row['id']}&" if action == "list" else f"/{row['id']}?"
        for half in (readable[::2], readable[1::2]):
            seen = self.world.cut(self.role, self.path, row, {*half, "id"}, {})
            expected, view = ((seen,), views.items({})) if action == "list" else (("200", seen), views.row({}))
            if half:
                yield self.cell(action, f"{rest}fields={','.join(half)}", f"{action} sparse", expected, view)
        for name in sorted({*self.shape.shown, *HIDDEN, NONSENSE, *self.shape.relations} - {*readable}):
            yield self.cell(action, f"{rest}fields={name}", f"{action} sparse", UNKNOWN, views.told)

    def includes(self, action: str, row: Row | None = None, rest: str = "", kind: str = "all") -> Iterator[Cell]:
        """Every declared relation by itself, and one that is not declared."""
        keys = self.world.fields(self.role, self.path, action)
        rows = [row] if row else self.world.seen(self.role, self.path, "list")[:LARGEST]
        known = [name for name in self.shape.noun.include if self.world.reaches(self.role, self.path, keys, name)]
        unknown = UNKNOWN if known else "400 unknown_parameter"
        for name in (*self.shape.noun.include, NONSENSE, *([] if row else HIDDEN)):
            tree, url = tree_of(name), f"{rest}?include={name}" + ("" if row else f"&size={LARGEST}")
            if name not in known:
                yield self.cell(action, url, "include", unknown, views.told, kind)
                continue
            cuts = tuple(self.world.cut(self.role, self.path, item, keys, tree) for item in rows)
            view, expected = (views.row(tree), ("200", cuts[0])) if row else (views.items(tree), cuts)
            yield self.cell(action, url, "include", expected, view, kind)

    def reads(self) -> Iterator[Cell]:
        """A row of each kind, an id that is nowhere, and one that is none."""
        refusal = self.world.refusal(self.role, self.path, "read")
        keys = self.world.fields(self.role, self.path, "read")
        seen = None
        for kind, row in self.world.samples(self.role, self.path).items():
            inside = self.world.inside(self.role, self.path, "read", row)
            expected: Any = ("200", self.world.cut(self.role, self.path, row, keys, {}))
            wanted = refusal or (expected if inside else "404 not_found")
            yield self.cell("read", f"/{row['id']}", "read", wanted, views.row({}), kind)
            if inside:
                yield from self.includes("read", row, f"/{row['id']}", kind)
                can = self.world.can(self.role, self.path, row)
                yield self.cell("read", f"/{row['id']}?with=can", "can", can, views.can, kind)
                seen = row
        for kind, row_id in (("absent", ABSENT), ("malformed", MALFORMED)):
            yield self.cell("read", f"/{row_id}", "read", refusal or "404 not_found", views.told, kind)
        if seen is not None:
            yield from self.sparse("read", seen)


HIDDEN = ("hashed_password", "epoch", "secret", "deleted_at")
"""Columns that no rule can show."""


def words_in(row: Row, names: Sequence[str]) -> set[str]:
    """The plain words in some fields of a row."""
    texts = (str(row[name]).lower() for name in names if row[name] is not None)
    return {word for text in texts for word in re.findall(r"[^\W_]+", text) if word.isascii()}


def tree_query(tree: Any) -> str:
    """``where=`` with a tree."""
    return f"?size={LARGEST}&where={quote(json.dumps(tree), safe='')}"


def tree_of(name: str) -> Tree:
    """``items.product`` as a tree."""
    head, _, tail = name.partition(".")
    return {head: tree_of(tail) if tail else {}}


def me_cells(world: World, role: str, shape: Shape) -> Iterator[Cell]:
    """The caller's own account, and what the caller is told to be allowed."""
    told = {
        path: {
            action: {
                "rows": sorted(world.oracle.rows(role, path, action)),
                "fields": sorted(world.fields(role, path, action) if path in world.shapes else ()),
            }
            for action in world.oracle.actions[path]
            if world.oracle.rows(role, path, action)
        }
        for path in world.oracle.actions
    }
    expected: Any = {"role": role, "resources": {path: cells for path, cells in told.items() if cells}}
    place = (role, shape.path, "read", "own")
    yield Cell(*place, "permissions", "GET", f"/{shape.path}/me/permissions", expected, views.permissions)
    row = world.row(shape.path, world.callers.get(role))
    if row is None:
        yield Cell(*place, "me", "GET", f"/{shape.path}/me", "401 not_authenticated", views.told)
        return
    keys = world.fields(role, shape.path, "read")
    refusal = world.refusal(role, shape.path, "read")
    expected = refusal or ("200", world.cut(role, shape.path, row, keys, {}))
    if not refusal and not world.inside(role, shape.path, "read", row):
        expected = "404 not_found"
    yield Cell(*place, "me", "GET", f"/{shape.path}/me", expected, views.row({}))
    if expected not in {refusal, "404 not_found"}:
        yield from Looker(world, role, shape).includes("read", row, "/me", "own")
        can = world.can(role, shape.path, row)
        yield Cell(*place, "can", "GET", f"/{shape.path}/me?with=can", can, views.can)


def document_cell(world: World, role: str, account: str) -> Cell:
    """``for=me``: the operations that this role may do, with what their bodies may have; those without a rule aside."""
    doors, wanted = doors_of(world.shapes.values(), account), set()
    for (method, path), door in doors.items():
        allowed = bool(world.oracle.rows(role, door.resource, door.action))
        own = door.kind not in {"me", "me update"} or role in world.callers
        if door.resource not in world.shapes or not (door.kind == "permissions" or (allowed and own)):
            continue
        keys = ""
        if door.kind in KEYED:
            kind, shape = KEYED[door.kind], world.shapes[door.resource]
            keys = " ".join(sorted(world.fields(role, door.resource, door.action) & shape.taken(kind)))
        wanted.add(f"{method} {path}: {keys}".strip(": "))

    def view(answer: httpx2.Response) -> Any:
        told = views.operations(answer)
        return {one for one in told if _place(one) in doors and doors[_place(one)].kind not in {"page", "action"}}

    wanted = {one for one in wanted if doors[_place(one)].kind != "action"}
    return Cell(role, "docs", "access", "-", "document", "GET", "/openapi.json?for=me", wanted, view)


def _place(operation: str) -> tuple[str, str]:
    method, _, path = operation.partition(":")[0].partition(" ")
    return method, path


KEYED = {"create": "Create", "replace": "Replace", "update": "Update", "me update": "Update"}


def page_cells(world: World, role: str) -> Iterator[Cell]:
    """The pages: documentation by its own rule; the document and the welcome are for everybody."""
    for url, refusal in (("/docs", world.refusal(role, "docs", "access")), ("/openapi.json", ""), ("/", "")):
        yield Cell(role, "docs", "access", "-", "page", "GET", url, refusal or "200", views.told)
