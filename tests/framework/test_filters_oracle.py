"""Filters and sorts find what plain Python finds, row by row, in the same order, on both databases."""

import random
from typing import Any

import httpx2
import pytest

from tests.framework.oracle import ALPHABET, NUMERIC, TEXTUAL, Row, ids, matches, ordered, query, some_rows, some_text
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

SEED = 20261122
FOLDERS = ({"name": "Äpfel", "remark": "é"}, {"name": "zebra", "remark": None}, {"name": "Zoo", "remark": "%"})
COMPARED = ("fee", "stars", "weight", "due", "day", "title", "tag", "created_at")
LISTED = ("mood", "ink", "fee", "stars", "title", "tag", "id", "folder_id", "due", "day")
NULLABLE = ("tag", "ink", "weight", "due", "day", "folder_id", "code")


async def filled(toy: Toy, count: int = 60) -> tuple[httpx2.AsyncClient, list[Row], random.Random]:
    """A client that sees everything, the rows as it sees them, and the dice."""
    chance = random.Random(SEED)  # noqa: S311 # nothing secret
    http = await toy.as_role("keeper")
    folders = [(await http.post("/folders", json=body)).json()["id"] for body in FOLDERS]
    for body in some_rows(chance, count, folders):
        answer = await http.post("/notes", json=body)
        assert answer.status_code == 201, answer.text
    rows = [row for page in (1, 2) for row in (await http.get(f"/notes?size=50&page={page}")).json()["items"]]
    assert len(rows) == count
    return http, rows, chance


async def agree(http: httpx2.AsyncClient, rows: list[Row], name: str, operator: str, value: Any) -> None:
    """The list and the oracle find the same rows, in the order of their ids."""
    expected = [row["id"] for row in ordered(rows, ()) if matches(row, name, operator, value)]
    found = await ids(http, "/notes", query(**{f"{name}{operator}": value}))
    assert found == expected, (name, operator, value)


async def test_comparisons_find_what_python_finds(toy: Toy) -> None:
    """Equal, not equal, greater and less: numbers by size, times by moment, texts by code point; NULL never."""
    http, rows, _ = await filled(toy)
    for name in COMPARED:
        values = sorted({row[name] for row in rows if row[name] is not None})
        for value in values[:: max(1, len(values) // 4)]:
            for operator in (*NUMERIC, "__ne"):
                await agree(http, rows, name, operator, value)
    for name in ("mood", "ink", "is_public", "folder_id", "id"):
        for value in {row[name] for row in rows[:4] if row[name] is not None}:
            for operator in ("", "__ne"):
                await agree(http, rows, name, operator, value)


async def test_lists_and_emptiness_find_what_python_finds(toy: Toy) -> None:
    """``in`` and ``not_in`` take commas, NULL is in no list; ``is_null`` alone finds it."""
    http, rows, chance = await filled(toy)
    for name in LISTED:
        values = [value for value in {row[name] for row in rows} if value is not None and "," not in str(value)]
        for size in (1, 3):
            some = sorted(chance.sample(sorted(values), min(size, len(values))))
            for operator in ("__in", "__not_in"):
                await agree(http, rows, name, operator, some)
    for name in NULLABLE:
        for value in (True, False):
            await agree(http, rows, name, "__is_null", value)


async def test_texts_match_without_regard_to_case_and_literally(toy: Toy) -> None:
    """The operators on text fold case in every script; percent, underscore and backslash are themselves."""
    http, rows, chance = await filled(toy)
    parts = [*ALPHABET, "", "ss", "i̇", *(some_text(chance, 2) for _ in range(6))]
    for part in parts:
        for operator in TEXTUAL:
            await agree(http, rows, "tag", operator, part)
    for part in ("%", "_", "\\", "t", "%t"):
        await agree(http, rows, "title", "__contains", part)


async def test_several_filters_are_all_meant(toy: Toy) -> None:
    """Filters narrow together, also two on one field, and the total counts what they leave."""
    http, rows, chance = await filled(toy)
    for _ in range(8):
        low, mood = chance.randint(0, 3), chance.choice(["calm", "busy"])
        expected = [
            row["id"]
            for row in ordered(rows, ())
            if low <= row["stars"] <= low + 2 and row["mood"] != mood and row["tag"] is not None
        ]
        given = query(stars__gte=low, stars__lte=low + 2, mood__ne=mood, tag__is_null=False)
        assert await ids(http, "/notes", given) == expected


async def test_relations_are_followed_by_path(toy: Toy) -> None:
    """A filter over a relation finds rows by what they refer to; rows that refer to nothing are not found."""
    http, rows, _ = await filled(toy)
    found = (await http.get("/folders")).json()["items"]
    remarks = {folder["id"]: folder["remark"] for folder in found}
    for folder in found:
        expected = [row["id"] for row in ordered(rows, ()) if row["folder_id"] == folder["id"]]
        assert await ids(http, "/notes", query(**{"folder.slug": folder["slug"]})) == expected
        others = [row["id"] for row in ordered(rows, ()) if row["folder_id"] not in {None, folder["id"]}]
        assert await ids(http, "/notes", query(**{"folder.slug__ne": folder["slug"]})) == others
    for value in (True, False):
        inside = [row for row in ordered(rows, ()) if row["folder_id"] in remarks]
        expected = [row["id"] for row in inside if (remarks[row["folder_id"]] is None) is value]
        assert await ids(http, "/notes", query(**{"folder.remark__is_null": value})) == expected
    assert len(await ids(http, "/notes", query(**{"folder.remark__contains": "É"}))) == len(
        [row for row in rows if remarks.get(row["folder_id"]) == "é"]
    )


async def test_sorts_order_as_python_does(toy: Toy) -> None:
    """Every term both ways: text by code point, NULLs last, ties by id; several terms one after the other."""
    http, rows, chance = await filled(toy)
    folders = {folder["id"]: folder for folder in (await http.get("/folders")).json()["items"]}
    for row in rows:
        folder = folders.get(row["folder_id"], {})
        row["folder.name"], row["folder.remark"] = folder.get("name"), folder.get("remark")
    names = ["title", "tag", "mood", "ink", "fee", "stars", "weight", "is_public", "due", "day", "folder_id", "id"]
    names += ["folder.name", "folder.remark", "created_at", "updated_at", "code"]
    terms = [[way + name] for name in names for way in ("", "-")]
    terms += [[chance.choice(("", "-")) + name for name in chance.sample(names[:11], 3)] for _ in range(6)]
    for some in terms:
        expected = [row["id"] for row in ordered(rows, some)]
        assert await ids(http, "/notes", query(sort=some)) == expected, some
