"""Walks by cursor through lists that change on the way: each page is what plain Python says, on both databases.

Between two pages rows are made, changed and deleted, the one that the cursor stands at too, and the walk turns round
now and then. ``CURSOR_STEPS`` sets how many pages each walk has, ``CURSOR_SEED`` which walks they are.
"""

import os
import random
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from tests.framework.oracle import Row, ordered, query, some_rows
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

STEPS = int(os.environ.get("CURSOR_STEPS", "12"))
SEED = int(os.environ.get("CURSOR_SEED", "6"))

WALKS: tuple[list[str], ...] = (
    *([], ["-id"], ["fee"], ["-fee"], ["tag"], ["-tag"], ["-weight", "-due"], ["weight", "-due", "stars"]),
    *(["-mood", "ink"], ["is_public", "-day", "title"], ["folder.name", "-fee"], ["-folder.remark"]),
    *(["stars", "id", "title"], ["-folder_id", "is_public"], ["-updated_at"]),
)
"""Sorts: without and with NULLs, one way and mixed, over a relation, with nothing but ties."""


@dataclass(slots=True)
class Shelf:
    """The notes as they are, here and in the database."""

    http: httpx2.AsyncClient
    chance: random.Random
    folders: dict[str, Row]
    rows: dict[str, Row] = field(default_factory=dict)

    def keep(self, row: Row) -> None:
        """Know of a row as it is now, with what its folder says."""
        folder = self.folders.get(row["folder_id"], {})
        self.rows[row["id"]] = row | {"folder.name": folder.get("name"), "folder.remark": folder.get("remark")}

    async def make(self, count: int = 1) -> None:
        for body in some_rows(self.chance, count, list(self.folders)):
            answer = await self.http.post("/notes", json=body)
            assert answer.status_code == 201, answer.text
            self.keep(answer.json())

    async def change(self, row_id: str) -> None:
        body = some_rows(self.chance, 1, list(self.folders))[0]
        chosen = {name: body[name] for name in self.chance.sample(sorted(body), 4)}
        answer = await self.http.patch(f"/notes/{row_id}", json=chosen)
        assert answer.status_code == 200, answer.text
        self.keep(answer.json())

    async def delete(self, row_id: str) -> None:
        assert (await self.http.delete(f"/notes/{row_id}")).status_code == 204
        del self.rows[row_id]

    async def stir(self, shown: list[str]) -> None:
        """Something happens: mostly to any row, sometimes to one that was just shown."""
        for _ in range(self.chance.randint(0, 3)):
            there = [row_id for row_id in shown if row_id in self.rows]
            known = there if there and self.chance.random() < 0.3 else list(self.rows)
            what = self.chance.choice(("make", "change", "delete")) if len(self.rows) > 8 else "make"
            if what == "make":
                await self.make()
            elif what == "change":
                await self.change(self.chance.choice(known))
            else:
                await self.delete(self.chance.choice(known))


@dataclass(frozen=True, slots=True)
class Position:
    """Where a cursor stands: at a row as it was, or just beside it, looking one way."""

    row: Row
    backwards: bool
    including: bool = False

    def turned(self) -> "Position":
        """The other way from the same gap between two rows."""
        return Position(self.row, not self.backwards, not self.including)

    def beyond(self, rows: list[Row], terms: list[str]) -> list[str]:
        """The ids of all rows from here on, the nearest first."""
        mark = self.row | {"mark": True}
        first = self.backwards != self.including  # whether a row that is just where the mark is comes after it
        around = ordered([mark, *rows] if first else [*rows, mark], terms)
        place = next(index for index, row in enumerate(around) if row.get("mark"))
        found = around[:place][::-1] if self.backwards else around[place + 1 :]
        return [row["id"] for row in found]


def position_of(first: Row, last: Row, name: str) -> Position:
    return Position(last, backwards=False) if name == "next" else Position(first, backwards=True)


async def walk(shelf: Shelf, terms: list[str]) -> None:
    """One walk: the oracle knows each page from the position before it and the rows as they are by then."""
    chance, sort = shelf.chance, {"sort": terms} if terms else {}
    body: dict[str, Any] = (await shelf.http.get(f"/notes?{query(size=3, **sort)}")).json()
    kept = [shelf.rows[item["id"]] for item in body["items"]]
    assert body["prev"] is None
    positions = {"next": position_of(kept[0], kept[-1], "next")}
    for step in range(STEPS):
        await shelf.stir([row["id"] for row in kept])
        name = "next" if "next" in positions and (chance.random() < 0.7 or len(positions) == 1) else "prev"
        position, size = positions[name], chance.randint(1, 7)
        expected = position.beyond(list(shelf.rows.values()), terms)
        answer = await shelf.http.get(f"/notes?{query(cursor=body[name], size=size, **sort)}")
        body = answer.json()
        assert answer.status_code == 200, (terms, step, body)
        found = [item["id"] for item in body["items"]]
        assert found == (expected[:size][::-1] if name == "prev" else expected[:size]), (terms, step, name)
        assert (body["total"], body["page"], body["size"], body["pages"]) == (None, None, size, None)
        back = "prev" if name == "next" else "next"
        assert (body[name] is not None) is (len(expected) > size), (terms, step, name)
        assert body[back] is not None, (terms, step, name)
        kept = [shelf.rows[row_id] for row_id in found]
        ends = {way: position_of(kept[0], kept[-1], way) for way in ("next", "prev")} if kept else {}
        positions = {way: ends.get(way, position.turned()) for way in ("next", "prev") if body[way] is not None}


@pytest.mark.parametrize("terms", WALKS, ids=",".join)
async def test_no_row_is_lost_or_repeated_while_others_come_and_go(toy: Toy, terms: list[str]) -> None:
    """Whatever happens between two pages, a page has the rows that are next to the position, none left out."""
    chance = random.Random(f"{SEED} {terms}")  # noqa: S311 # nothing secret
    http = await toy.as_role("keeper")
    bodies = ({"name": "Äpfel", "remark": "é"}, {"name": "zebra", "remark": None}, {"name": "Zoo", "remark": "%"})
    folders = [(await http.post("/folders", json=body)).json() for body in bodies]
    shelf = Shelf(http, chance, {folder["id"]: folder for folder in folders})
    await shelf.make(24)
    await walk(shelf, terms)
