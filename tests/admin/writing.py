"""Every way of writing in the admin that a role could try; what was refused has to leave nothing in the database."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx2

from tests.admin import pages
from tests.admin.asks import Ask
from tests.admin.eyes import Eye, Screen
from tests.admin.front import NONSENSE, under
from tests.matrix.shapes import ABSENT, MALFORMED, Row
from tests.matrix.world import World

SAVE = {"save": "Save"}
SAVED = "302"
REFUSED = "400"
"""A form that comes back with what is wrong in it."""

Bodies = Mapping[str, Callable[[Eye], dict[str, str]]]
"""Path -> what somebody types who wants a new row."""


def writing(world: World, screens: Mapping[str, Screen], bodies: Bodies) -> Iterator[Ask]:
    """Every request that writes: changes first, then what uses rows up, then new ones."""
    writers = [Writer(Eye(world, screens, role, screen), bodies) for role in world.order for screen in screens.values()]
    for part in (
        Writer.edits,
        Writer.cells,
        Writer.changes,
        Writer.deletes,
        Writer.goings,
        Writer.deeds,
        Writer.creates,
        Writer.imports,
    ):
        for writer in writers:
            yield from part(writer)


@dataclass(frozen=True, slots=True)
class Writer:
    """One role before one screen."""

    eye: Eye
    bodies: Bodies

    def ask(self, rest: str, door: str, expected: str, row: str, **more: Any) -> Ask:
        method = more.pop("method", "POST")
        url = f"/admin/{self.eye.path}/{rest}"
        view = under(door, pages.told)
        return Ask(self.eye.role, self.eye.path, row, method, url, {door: expected}, view, **more)

    def refusal(self, action: str) -> str:
        """How the door answers where it does not open: 401, since a write is not sent to the login page."""
        if not self.eye.admitted:
            return "401"
        return "" if self.eye.opens(action) else "403"

    def answer(self, kind: str, action: str, row: Row | None) -> str:
        """How the door answers for one row; empty where it lets it through."""
        if kind == "malformed":
            return "404"
        refusal = self.refusal(action)
        return refusal or ("" if row is not None and self.eye.inside(action, row) else "404")

    def rows(self) -> Iterator[tuple[str, str, Row | None]]:
        """One row of each kind, one that is not there, and one that cannot be."""
        for kind, row in self.eye.world.samples(self.eye.role, self.eye.path).items():
            yield kind, row["id"], row
        yield "absent", ABSENT, None
        yield "malformed", MALFORMED, None

    def guarded(self, row: Row) -> bool:
        """Whether a rule beside the policy keeps this role from writing the row."""
        return self.eye.world.guard(self.eye.world, self.eye.role, self.eye.path, row)

    def strange(self, action: str) -> list[str]:
        """Names that a form of this role does not have: columns, relations, SQLAdmin's own, nonsense."""
        columns = {name for row in self.eye.world.rows[self.eye.path][:1] for name in row}
        own = {column.name for column in self.eye.screen.shape.noun.columns} | {*self.eye.screen.shape.relations}
        return sorted((columns | own | {NONSENSE, "__class__", "is_superuser"}) - self.eye.inputs(action))

    # Changes

    def edits(self) -> Iterator[Ask]:
        """A form that was only saved, each change alone, and each field that is not in the form."""
        extras: list[tuple[str, str]] = []
        for kind, row_id, row in self.rows():
            answer = self.answer(kind, "update", row)
            guarded = row is not None and self.guarded(row)
            done = answer or (REFUSED if guarded else SAVED)
            yield self.ask(f"edit/{row_id}", "edit", done, kind, data=SAVE)
            for name, (text, value) in self.eye.screen.changes.items():
                yield self.change(kind, row_id, row, name, text, value)
            if done == SAVED:
                extras = extras or [(row_id, kind)]
        for row_id, kind in extras:
            for name in self.strange("update"):
                yield self.ask(f"edit/{row_id}", "edit extra", REFUSED, kind, data={**SAVE, name: "1"})

    def change(self, kind: str, row_id: str, row: Row | None, name: str, text: str, value: Any) -> Ask:
        """Type something else into one field."""
        expected = self.answer(kind, "update", row) or SAVED
        if expected == SAVED and row is not None:
            is_there = name in self.eye.inputs("update") and not self.guarded(row)
            stays = self.eye.inside("update", {**row, name: value})
            expected = SAVED if is_there and stays else REFUSED
        then = partial(_changed, row, name, value) if row is not None else None
        return self.ask(f"edit/{row_id}", "edit", expected, f"{kind}: {name}", data={**SAVE, name: text}, then=then)

    def cells(self) -> Iterator[Ask]:
        """Each cell that can be changed, changed and saved as it is; then with fields that its form does not have."""
        extras: list[tuple[str, str, str]] = []
        changes = self.eye.screen.changes
        for name in (*(name for name in self.eye.screen.inline if name in changes), NONSENSE):
            text, value = changes.get(name, ("1", "1"))
            for kind, row_id, row in self.rows():
                answer = self.answer(kind, "update", row)
                if not answer and row is not None:
                    fits = name in self.eye.inlined() and self.eye.inside("read", row)
                    stays = not self.guarded(row) and self.eye.inside("update", {**row, name: value})
                    answer = "404" if not fits else "" if stays else REFUSED
                    extras += [(name, row_id, kind)] if not answer and not extras else []
                lists = row is not None and self.eye.inside("list", {**row, name: value})
                done = "200" if lists else "204"
                then = partial(_changed_here, row, name, value) if row is not None and not answer else None
                rest = f"inline/{row_id}?field={name}"
                yield self.ask(rest, "inline", answer or done, f"{kind}: {name}", data={name: text}, then=then)
        for name, row_id, kind in extras:
            for other in self.strange("update"):
                yield self.ask(f"inline/{row_id}?field={name}", "inline extra", REFUSED, kind, data={other: "1"})

    # Many rows at once

    def changes(self) -> Iterator[Ask]:
        """One change to a row of each kind, beside one that may be changed: both, or neither; then what is no field."""
        usable = [row for _, _, row in self.rows() if row is not None and not self.stops("update", row)]
        for name, (text, value) in list(self.eye.screen.changes.items())[:2]:
            for kind, row_id, row in self.rows():
                good = [item for item in usable if item is not row][:1]
                yield self.change_together(kind, [*good, row or {"id": row_id}], name, text, value)
        if usable:
            ids = usable[0]["id"]
            for name in ("id", NONSENSE, "hashed_password", "created_at"):
                data = {"bulk-rows": ids, name: "1", **self.one_change()}
                yield self.ask("bulk/update", "bulk extra", REFUSED, "some", data=data)
                data = {"bulk-rows": ids, "bulk-empty": name}
                yield self.ask("bulk/update", "bulk extra", REFUSED, "some", data=data)

    def one_change(self) -> dict[str, str]:
        """Something that could be typed."""
        known = [
            (name, text) for name, (text, _) in self.eye.screen.changes.items() if name in self.eye.inputs("update")
        ]
        return dict(known[:1])

    def stops(self, action: str, row: Row) -> bool:
        """Whether a rule keeps this role from doing that to the row."""
        return bool(self.refusal(action)) or not self.eye.inside(action, row) or self.guarded(row)

    def change_together(self, kind: str, rows: list[Row], name: str, text: str, value: Any) -> Ask:
        expected = self.answer(kind, "update", {}) if kind == "malformed" else self.refusal("update")
        if not expected:
            fits = name in self.eye.inputs("update")
            inside = all(len(row) > 1 and not self.stops("update", row) for row in rows)
            stays = inside and all(self.eye.inside("update", {**row, name: value}) for row in rows)
            expected = SAVED if fits and stays else REFUSED

        def then(answer: httpx2.Response) -> None:
            for row in rows:
                _changed(row, name, value, answer)

        data = {"bulk-rows": ",".join(row["id"] for row in rows), name: text}
        refused = self.refusal("update")
        return self.ask("bulk/update", "bulk", refused or expected, f"{kind}: {name}", data=data, then=then)

    def goings(self) -> Iterator[Ask]:
        """Deletions of a row of each kind beside one that may go: none goes where one may not."""
        free = [row for row in self.eye.world.rows[self.eye.path] if self.is_free(row)]
        for kind, row_id, row in self.rows():
            if kind == "malformed" or (row is not None and not self.stops("delete", row)):
                continue
            ids = [*(item["id"] for item in free[:1]), row_id]
            data = {"bulk-rows": ",".join(ids)}
            yield self.ask("bulk/delete", "bulk", self.refusal("delete") or REFUSED, f"own and {kind}", data=data)
        if len(free) > 2:
            gone = free[:2]

            def then(answer: httpx2.Response) -> None:
                for item in gone if told_saved(answer) else ():
                    _gone(self.eye.world, self.eye.path, item["id"])

            data = {"bulk-rows": ",".join(item["id"] for item in gone)}
            yield self.ask("bulk/delete", "bulk", SAVED, "two", data=data, then=then)

    # Actions

    def deeds(self) -> Iterator[Ask]:
        """Each action on a row of each kind, a spare one where it uses the row up; then with more than its form has."""
        for action in self.eye.screen.shape.actions:
            body = self.bodies.get(f"{self.eye.path}/{action}", _nothing)(self.eye)
            for kind, row_id, row in self.rows():
                expected = self.answer(kind, action, row)
                if not expected and row is not None:
                    expected = self.eye.stands_against(action, row)
                    expected = REFUSED if expected == "409" else expected
                if not expected:
                    extra = {**body, "status": "1", NONSENSE: "1"}
                    yield self.deed(action, REFUSED, f"{kind} and more", row_id, extra)
                spare = self.eye.world.spare(self.eye.role, self.eye.path, action, kind) if not expected else None
                if not expected and spare is None:
                    continue
                target = spare["id"] if spare is not None else row_id
                yield self.deed(action, expected or SAVED, kind, target, body, spare)

    def deed(self, action: str, expected: str, kind: str, row_id: str, body: dict[str, str], row: Any = None) -> Ask:
        """Do it, and remember that the row is another one now."""

        def then(answer: httpx2.Response) -> None:
            if row is not None and told_saved(answer):
                row["used"] = True

        door = "act extra" if kind.endswith("and more") else "act"
        return self.ask(f"act/{action}/{row_id}", door, expected, kind, data=body, then=then)

    # Deletions

    def deletes(self) -> Iterator[Ask]:
        """A row of each kind alone; then two at once, and one with another that is out of reach."""
        for kind, row_id, row in self.rows():
            answer = self.answer(kind, "delete", row)
            spare = row if answer or row is None else self.eye.world.spare(self.eye.role, self.eye.path, "delete", kind)
            if not answer and spare is None:
                continue
            target = spare["id"] if spare is not None else row_id
            expected = answer or ("403" if spare is not None and self.guarded(spare) else "200")
            yield self.delete("delete", expected, kind, target)
        mine = [row for row in self.eye.world.rows[self.eye.path] if self.is_free(row)]
        for kind, row_id, row in self.rows():
            answer = self.answer(kind, "delete", row)
            if answer and mine:
                yield self.delete("bulk delete", answer, f"own and {kind}", mine[0]["id"], row_id)
        if len(mine) > 1:
            yield self.delete("bulk delete", "200", "two", mine[0]["id"], mine[1]["id"])

    def is_free(self, row: Row) -> bool:
        """Whether this role could delete the row, and nothing hangs on it."""
        world, place = self.eye.world, (self.eye.role, self.eye.path)
        kept = [sample["id"] for sample in world.samples(*place).values()]
        can = self.eye.opens("delete") and self.eye.admitted and self.eye.inside("delete", row)
        fits = world.fits(world, self.eye.path, "delete", row)
        return can and fits and row["id"] not in kept and not self.guarded(row)

    def delete(self, door: str, expected: str, kind: str, *ids: str) -> Ask:
        """Delete rows, and remember which are gone."""

        def then(answer: httpx2.Response) -> None:
            if answer.status_code == 200:
                for row_id in ids:
                    _gone(self.eye.world, self.eye.path, row_id)

        return self.ask(f"delete?pks={','.join(ids)}", door, expected, kind, method="DELETE", then=then)

    # New rows

    def creates(self) -> Iterator[Ask]:
        """A whole form, the same where the new row would be outside the rule, and each field that is not in it."""
        refusal = self.refusal("create")
        if self.eye.path not in self.bodies:
            yield self.ask("create", "create", refusal or REFUSED, "new", data=SAVE)
            return
        for column in self.decisive() or [""]:
            for value in (False, True) if column else (False,):
                yield self.create(refusal, {column: value} if column else {})
        if not refusal:
            for name in self.strange("create"):
                data = {**SAVE, **self.body(), name: "1"}
                yield self.ask("create", "create extra", REFUSED, "new", data=data)

    def imports(self) -> Iterator[Ask]:
        """A file of one row, looked at and imported; the same where it would be outside a rule; and other columns."""
        refusal = self.refusal("import") or self.refusal("create")
        if self.eye.path not in self.bodies:
            yield self.ask("import", "import", refusal or REFUSED, "new", data={"text": "id\n1"})
            return
        for column in [name for name in self.decisive() if name in self.eye.importable()] or [""]:
            for value in (False, True) if column else (False,):
                for button in ("check", "import"):
                    yield self.take(refusal, {column: value} if column else {}, button)
        if not refusal:
            for name in sorted({*self.strange("create"), "hashed_password"} - self.eye.importable()):
                text = sheet_of({**self.row(), name: "1"})
                yield self.ask("import", "import extra", REFUSED, "new", data={"text": text, "do": "import"})

    def row(self) -> dict[str, str]:
        """What a file of this role has: of a whole row the columns that are taken."""
        whole = self.bodies[self.eye.path](self.eye)
        return {name: text for name, text in whole.items() if name in self.eye.importable()}

    def take(self, refusal: str, flags: Mapping[str, bool], button: str) -> Ask:
        """One file."""
        world, eye = self.eye.world, self.eye
        owner = {eye.screen.shape.owner: world.callers.get(eye.role)}
        typed = self.row()
        row = {"is_public": False, "is_active": True, **owner, "id": "", **typed, **flags}
        needed = {column.name for column in eye.screen.shape.noun.columns if column.required}
        fits = bool(typed) and needed <= eye.importable() and eye.inside("create", row) and eye.inside("import", row)

        def then(answer: httpx2.Response) -> None:
            if answer.status_code == 200 and button == "import":
                world.made[eye.path] = world.made.get(eye.path, 0) + 1

        text = sheet_of({**typed, **{name: str(value).lower() for name, value in flags.items()}})
        expected = refusal or ("200" if fits else REFUSED)
        return self.ask("import", "import", expected, button, data={"text": text, "do": button}, then=then)

    def decisive(self) -> list[str]:
        """The columns that the rules look at and that this form has."""
        columns = {word.column for word in self.eye.world.words.values()}
        return sorted(columns & self.eye.inputs("create"))

    def body(self) -> dict[str, str]:
        """What this role types: of a whole row what its form has."""
        whole = self.bodies[self.eye.path](self.eye)
        return {name: text for name, text in whole.items() if name in self.eye.inputs("create")}

    def create(self, refusal: str, flags: Mapping[str, bool]) -> Ask:
        """One new row."""
        world, eye = self.eye.world, self.eye
        owner = {eye.screen.shape.owner: world.callers.get(eye.role)}
        row = {"is_public": False, "is_active": True, **owner, "id": "", **self.body(), **flags}
        expected = refusal or (SAVED if self.is_whole() and eye.inside("create", row) else REFUSED)

        def then(answer: httpx2.Response) -> None:
            if answer.status_code == 302:
                world.made[eye.path] = world.made.get(eye.path, 0) + 1

        typed = {name: "true" if value else "" for name, value in flags.items()}
        kind = " ".join(f"{name} {value}" for name, value in flags.items()) or "new"
        return self.ask("create", "create", expected, kind, data={**SAVE, **self.body(), **typed}, then=then)

    def is_whole(self) -> bool:
        """Whether the form has everything that a new row needs."""
        needed = {column.name for column in self.eye.screen.shape.noun.columns if column.required}
        return needed <= self.eye.inputs("create")


def sheet_of(row: Mapping[str, str]) -> str:
    """A CSV of one row."""
    text = io.StringIO()
    csv.writer(text).writerows([row.keys(), row.values()])
    return text.getvalue()


def _nothing(_: Eye) -> dict[str, str]:
    return {}


def told_saved(answer: httpx2.Response) -> bool:
    """Whether a form was taken."""
    return answer.status_code == 302 and not answer.headers["location"].endswith("/login")


def _changed(row: Row, name: str, value: Any, answer: httpx2.Response) -> None:
    if told_saved(answer):
        row[name] = value


def _changed_here(row: Row, name: str, value: Any, answer: httpx2.Response) -> None:
    if answer.status_code in {200, 204}:
        row[name] = value


def _gone(world: World, path: str, row_id: str) -> None:
    for row in [row for row in world.rows[path] if row["id"] == row_id]:
        if "deleted_at" in row:
            row["deleted_at"] = "now"
        else:
            world.rows[path].remove(row)
