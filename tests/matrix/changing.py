"""The cells that write: create, replace, update, delete and declared actions, on rows of every kind."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.matrix import views
from tests.matrix.cells import Cell
from tests.matrix.looking import HIDDEN, NONSENSE
from tests.matrix.shapes import ABSENT, MALFORMED, Row, Shape
from tests.matrix.world import World

NOT_THERE = "refers to something that is not there"


@dataclass(frozen=True, slots=True)
class Writer:
    """One role before one resource."""

    world: World
    role: str
    shape: Shape

    @property
    def path(self) -> str:
        return self.shape.path

    def still(self) -> Iterator[Cell]:
        """What leaves the rows as they are, but for moves that an allowed answer tells of."""
        if self.shape.noun.is_written:
            yield from self.keys()
            yield from self.updates()

    def used_up(self) -> Iterator[Cell]:
        """What takes rows away, or moves them to another state."""
        for action in ("delete", *self.shape.actions):
            if action != "delete" or self.shape.noun.is_written:
                yield from self.uses(action)

    def made(self) -> Iterator[Cell]:
        """What makes rows."""
        if self.shape.noun.is_written:
            yield from self.creates()

    def cell(self, action: str, door: str, method: str, rest: str, expected: Any, **more: Any) -> Cell:
        more = {"row": "-", "view": views.told, "body": {}, **more}
        return Cell(
            self.role,
            self.path,
            action,
            door=door,
            method=method,
            url=f"/{self.path}{rest}",
            expected=expected,
            **more,
        )

    def refusal(self, action: str) -> str:
        return self.world.refusal(self.role, self.path, action)

    def accepted(self, kind: str) -> frozenset[str]:
        """The keys that a body of that kind may have."""
        return self.world.fields(self.role, self.path, _ACTION[kind]) & self.shape.taken(kind)

    def keys(self) -> Iterator[Cell]:
        """A body with every name that could be a field: those that this role may not set are as unknown as nonsense."""
        names = {column.name for column in self.shape.noun.columns}
        names |= {*self.shape.relations, *HIDDEN, NONSENSE, "is_superuser"}
        body: Row = {name: [] for name in sorted(names)}
        for kind, method, rest in (("Create", "POST", ""), ("Replace", "PUT", ABSENT), ("Update", "PATCH", ABSENT)):
            refused = tuple(sorted(names - self.accepted(kind)))
            expected = self.refusal(_ACTION[kind]) or ("422 validation", 1, refused)
            url = f"/{rest}" if rest else ""
            yield self.cell(
                _ACTION[kind], f"{kind.lower()} keys", method, url, expected, view=views.refused_keys, body=body
            )

    def answer(self, action: str, row: Row) -> Any:
        """What a write to a row answers: the row as far as it can be read, or why not."""
        world, role = self.world, self.role
        readable = world.inside(role, self.path, "read", row)
        if not world.inside(role, self.path, action, row):
            return "403 forbidden" if readable else "404 not_found"
        if world.guard(world, role, self.path, row):
            return "403 forbidden"
        if action == "delete":
            return "204"
        keys = world.fields(role, self.path, "read")
        return ("200", world.cut(role, self.path, row, keys if readable else {"id"}, {}))

    def view(self, expected: Any) -> views.View:
        return views.row({}) if isinstance(expected, tuple) else views.told

    def updates(self) -> Iterator[Cell]:
        """PATCH and PUT that change nothing, on a row of each kind; then those that would move it out of its rule."""
        refusal = self.refusal("update")
        for kind, row in self.world.samples(self.role, self.path).items():
            same = {name: row[name] for name in self.accepted("Replace") if name in row and name not in self.shape.odd}
            for door, method, body in (("update", "PATCH", {}), ("replace", "PUT", same)):
                expected = refusal or self.answer("update", row)
                rest = f"/{row['id']}"
                yield self.cell("update", door, method, rest, expected, row=kind, view=self.view(expected), body=body)
            if not refusal:
                yield from self.moves(kind, row)
                yield from self.references("update", kind, row)
        for kind, row_id in (("absent", ABSENT), ("malformed", MALFORMED)):
            yield self.cell("update", "update", "PATCH", f"/{row_id}", refusal or "404 not_found", row=kind)

    def moves(self, kind: str, row: Row) -> Iterator[Cell]:
        """Change what the rule looks at, there and back: the row as it would be has to satisfy it too."""
        for word in self.world.oracle.rows(self.role, self.path, "update") - {"any"}:
            column = self.world.words[word].column
            if column not in self.accepted("Update"):
                continue
            for _ in range(2):
                moved = {**row, column: not row[column]}
                expected = self.answer("update", row)
                if isinstance(expected, tuple):
                    stays = self.world.inside(self.role, self.path, "update", moved)
                    expected = self.answer("update", moved) if stays else "403 forbidden"
                yield self.cell(
                    "update",
                    "update new row",
                    "PATCH",
                    f"/{row['id']}",
                    expected,
                    row=kind,
                    view=self.view(expected),
                    body={column: moved[column]},
                    then=lambda answer, moved=moved, row=row: answer.status_code == 200 and row.update(moved),
                )

    def references(self, action: str, kind: str, row: Row | None) -> Iterator[Cell]:
        """Name a row that the caller may not read: the same refusal as for an id that is nowhere."""
        if row is not None and not isinstance(self.answer("update", row), tuple):
            return
        for name, target in self.shape.references.items():
            if name not in self.accepted("Create" if row is None else "Update"):
                continue
            for what, far in [*self.world.samples(self.role, target).items(), ("absent", {"id": ABSENT})]:
                if what != "absent" and self.world.inside(self.role, target, "read", far):
                    continue
                if row is not None and row[name] == far["id"]:
                    continue  # an unchanged reference is not looked at again
                body = {name: far["id"]} if row else {**self.body(), name: far["id"]}
                expected = ("409 foreign_key", ((f"/{name}", "foreign_key", NOT_THERE),))
                method, rest = ("PATCH", f"/{row['id']}") if row else ("POST", "")
                yield self.cell(
                    action, "reference", method, rest, expected, row=f"{kind} to {what}", view=views.places, body=body
                )

    def body(self) -> Row:
        """A body that makes a row, with what this role may set."""
        whole = self.world.bodies[self.path](self.world, self.role)
        return {name: value for name, value in whole.items() if name in self.accepted("Create")}

    def creates(self) -> Iterator[Cell]:
        """A valid body with each value of what the rule looks at; the new row has to be inside."""
        refusal = self.refusal("create")
        if refusal:
            for body in ({}, {NONSENSE: 1}, self.world.bodies[self.path](self.world, self.role)):
                yield self.cell("create", "create", "POST", "", refusal, body=body)
            return
        yield from self.references("create", "new", None)
        columns = {word.column for word in self.world.words.values()} & self.accepted("Create")
        for column in columns or {""}:
            for value in (True, False) if column else (None,):
                body = self.body() | ({column: value} if column else {})
                yield self.create(body, f"{column} {value}" if column else "new")

    def create(self, body: Row, kind: str) -> Cell:
        """One create, and what it should come to."""
        owner = {self.shape.owner: self.world.callers.get(self.role)} if self.shape.owner not in {"", "id"} else {}
        flags = {word.column: False for word in self.world.words.values() if word.column in self.shape.shown}
        row: Row = {"id": "", **flags, **owner, **body}
        expected: Any = "403 forbidden"
        if not all(self.is_named(target, body.get(name)) for name, target in self.shape.references.items()):
            expected = "409 foreign_key"
        elif self.world.inside(self.role, self.path, "create", row):
            keys = self.world.fields(self.role, self.path, "read")
            readable = self.world.inside(self.role, self.path, "read", row)
            expected = ("201", " ".join(sorted(keys if readable else {"id"})))

        def then(answer: httpx2.Response) -> None:
            if answer.status_code == 201:
                self.world.made[self.path] = self.world.made.get(self.path, 0) + 1

        door = "create new row" if expected == "403 forbidden" else "create"
        return self.cell("create", door, "POST", "", expected, row=kind, view=views.fresh, body=body, then=then)

    def is_named(self, target: str, row_id: Any) -> bool:
        """Whether a reference names nothing, or a row that the caller may read."""
        far = self.world.row(target, row_id)
        return row_id is None or (far is not None and self.world.inside(self.role, target, "read", far))

    def uses(self, action: str) -> Iterator[Cell]:
        """Delete, or a declared action, on a row of each kind: a spare one where it will be used up."""
        method, tail = ("DELETE", "") if action == "delete" else ("POST", f"/{action}")
        refusal = self.refusal(action)
        body = None if action == "delete" else self.world.bodies.get(f"{self.path}/{action}", _nothing)(self.world, "")
        for kind, sample in self.world.samples(self.role, self.path).items():
            row: Row | None = sample
            if not refusal and self.world.inside(self.role, self.path, action, sample):
                row = self.world.spare(self.role, self.path, action, kind)
            if row is None:
                self.world.untried.append(f"{self.role} {self.path} {action} {kind}")
                continue
            expected = refusal or self.answer(action, row)

            def then(answer: httpx2.Response, row: Row = row) -> None:
                if answer.status_code < 300:
                    self.used(action, row)

            rest = f"/{row['id']}{tail}"
            yield self.cell(
                action, action_door(action), method, rest, expected, row=kind, view=self.view(expected), body=body,
                then=then,
            )  # fmt: skip
        for kind, row_id in (("absent", ABSENT), ("malformed", MALFORMED)):
            url = f"/{row_id}{tail}"
            yield self.cell(action, action_door(action), method, url, refusal or "404 not_found", row=kind, body=body)

    def used(self, action: str, row: Row) -> None:
        """What a successful action did to the row."""
        if action == "delete":
            if "deleted_at" in row:
                row["deleted_at"] = "now"
            else:
                self.world.rows[self.path].remove(row)
        else:
            row["used"] = True


def action_door(action: str) -> str:
    """Declared actions are one door."""
    return "delete" if action == "delete" else "act"


def _nothing(_world: World, _role: str) -> Row:
    return {}


_ACTION = {"Create": "create", "Replace": "update", "Update": "update"}


def me_writes(world: World, role: str, shape: Shape) -> Iterator[Cell]:
    """One's own account by ``/me``: the same decisions as by its id."""
    writer = Writer(world, role, shape)
    place = (role, shape.path, "update", "own")
    row = world.row(shape.path, world.callers.get(role))
    if row is None:
        yield Cell(*place, "me update", "PATCH", f"/{shape.path}/me", "401 not_authenticated", views.told, {})
        return
    expected = world.refusal(role, shape.path, "update") or writer.answer("update", row)
    yield Cell(*place, "me update", "PATCH", f"/{shape.path}/me", expected, writer.view(expected), {})
