"""What each kind of field takes, keeps and gives back, and how it lies in the database."""

import json
import math
from typing import Any

import httpx2
import pytest

from tests.problems import places, problem
from tests.schemas import answer_schema, violations
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

EVERYTHING: dict[str, Any] = {
    "title": "Über alles — 東京 🗼",
    "text": "line\nline \\ \"quoted\" 'single' %_ \u2028 \x7f",
    "tag": "",
    "mood": "wild",
    "ink": "pencil",
    "fee": 10**12,
    "stars": 5,
    "weight": 0.1 + 0.2,
    "is_public": True,
    "due": "2026-11-22T20:52:13.762773Z",
    "day": "2024-02-29",
    "details": {"a": [1, 2.5, None, True, {'é\n"': "\u2028"}], "big": 2**63, "empty": {}},
    "words": ["b", "a", ""],
    "code": "C'1; --",
    "is_pinned": True,
}
"""A value that is hard to keep, for every writable field."""


async def made(http: httpx2.AsyncClient, **values: Any) -> dict[str, Any]:
    """A note."""
    answer = await http.post("/notes", json={"title": "A note", **values})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refused(http: httpx2.AsyncClient, body: str) -> dict[str, str]:
    """Where a create with this body is wrong."""
    answer = await http.post("/notes", content=body.encode(), headers={"Content-Type": "application/json"})
    problem(answer, 422)
    return places(answer)


async def test_every_value_comes_back_as_it_was_sent(toy: Toy) -> None:
    """What is written is what is read, by the answer, by id and in a list, on both databases."""
    http = await toy.as_role("keeper")
    row = await made(http, **EVERYTHING)
    assert {name: row[name] for name in EVERYTHING} == EVERYTHING
    assert (await http.get(f"/notes/{row['id']}")).json() == row
    assert (await http.get("/notes")).json()["items"] == [row]
    assert (await http.patch(f"/notes/{row['id']}", json=EVERYTHING | {"code": None})).status_code == 422


async def test_numbers_keep_every_digit(toy: Toy) -> None:
    """A float reads back as the same float, whole numbers to 2^53 - 1 and money to its limit exactly."""
    http = await toy.as_role("keeper")
    for weight in (0.1, 1 / 3, 1e-308, -1.5e300, 5e-324, 1e16, 123456789.123456789, -0.0, 100.0):
        assert (await made(http, weight=weight))["weight"] == weight
    assert await refused(http, '{"title": "x", "fee": 1000000000001}') == {"/fee": "less_than_equal"}
    assert await refused(http, '{"title": "x", "fee": -1, "stars": 6}') == {
        "/fee": "greater_than_equal",
        "/stars": "less_than_equal",
    }
    assert await refused(http, '{"title": "x", "fee": 1.5}') == {"/fee": "int_type"}
    assert await refused(http, '{"title": "x", "fee": "5", "weight": "1", "is_public": 1}') == {
        "/fee": "int_type",
        "/weight": "float_type",
        "/is_public": "bool_type",
    }


async def test_times_are_aware_and_become_utc(toy: Toy) -> None:
    """A moment needs an offset, is kept in UTC to the microsecond, and must lie inside the calendar."""
    http = await toy.as_role("keeper")
    for given, kept in (
        ("2026-11-22T20:52:13+02:00", "2026-11-22T18:52:13.000000Z"),
        ("2026-11-22T20:52:13.5Z", "2026-11-22T20:52:13.500000Z"),
        ("0001-01-02T00:00:00Z", "0001-01-02T00:00:00.000000Z"),
        ("9999-12-31T23:59:59.999998Z", "9999-12-31T23:59:59.999998Z"),
    ):
        assert (await made(http, due=given))["due"] == kept
    for given in (
        *("2026-11-22T20:52:13", "2026-11-22", "1764000000", "", "0.5", "now", "2026-13-01T00:00:00Z"),
        *("10000-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"),
        *("0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"),
    ):
        assert set(await refused(http, json.dumps({"title": "x", "due": given}))) == {"/due"}, given
    for raw in ("0", "0.5", "1764000000", "true", "[]", "{}"):
        assert set(await refused(http, f'{{"title": "x", "due": {raw}, "day": {raw}}}')) == {"/due", "/day"}, raw
    for given in ("2026-11-22T00:00:00", "1234569600", "2026-02-29", "10000-01-01", "9999-12-31", "0001-01-01", ""):
        assert set(await refused(http, json.dumps({"title": "x", "day": given}))) == {"/day"}, given


async def test_documents_are_taken_whole_or_refused(toy: Toy) -> None:
    """JSON columns take any document that both databases can keep: none with NaN, infinities, NUL or surrogates."""
    http = await toy.as_role("keeper")
    for raw in ('{"a": NaN}', '{"a": [Infinity]}', '{"a": {"b": [-Infinity]}}', '{"a": 1e999}'):
        assert set(await refused(http, f'{{"title": "x", "details": {raw}}}')) == {"/details"}, raw
    for raw in (r'{"a": "\u0000"}', r'{"\u0000": 1}', r'{"a": [["\u0000"]]}'):
        assert set(await refused(http, f'{{"title": "x", "details": {raw}}}')) == {"/details"}, raw
    assert set(await refused(http, r'{"title": "x", "words": ["\u0000", 1]}')) != set()
    nested: Any = 1
    for _ in range(50):
        nested = {"n": [nested]}
    assert (await made(http, details=nested))["details"] == nested


async def test_an_empty_document_is_null_and_not_the_word(toy: Toy) -> None:
    """``null`` in a JSON column is SQL's NULL, so that ``is_null`` and constraints see it."""
    http = await toy.as_role("keeper")
    await made(http, words=None)
    await made(http)
    assert await toy.rows("SELECT count(*) FROM note WHERE words IS NULL") == [(2,)]


async def test_storage_is_plain_text_on_sqlite(toy: Toy) -> None:
    """SQLite keeps ids as 36 characters and times as ISO text with Z; PostgreSQL its own types."""
    http = await toy.as_role("keeper")
    row = await made(http, due="2026-11-22T20:52:13+02:00", ink="pen")
    if toy.database == "sqlite":
        found = await toy.rows("SELECT id, author_id, created_at, due, typeof(id), typeof(due), ink FROM note")
        due = "2026-11-22T18:52:13.000000Z"
        assert found == [(row["id"], row["author_id"], row["created_at"], due, "text", "text", "pen")]
    else:
        found = await toy.rows(
            "SELECT data_type FROM information_schema.columns WHERE table_name = 'note' "
            "AND column_name IN ('id', 'due', 'fee', 'details') ORDER BY column_name"
        )
        assert [kind for (kind,) in found] == ["jsonb", "timestamp with time zone", "bigint", "uuid"]


async def test_computed_fields_follow_their_row(toy: Toy) -> None:
    """SQL makes them when they are read; they are shown like columns and can be asked for by name."""
    http = await toy.as_role("keeper")
    folder = (await http.post("/folders", json={"name": "Box"})).json()
    row = await made(http, text="four", fee=1001, folder_id=folder["id"])
    names = ("letters", "folder_name", "is_costly", "double_fee")
    assert [row[name] for name in names] == [4, "Box", True, 2002]
    await http.patch(f"/folders/{folder['id']}", json={"name": "Crate"})
    changed = await http.patch(f"/notes/{row['id']}", json={"fee": 1000, "text": ""})
    assert [changed.json()[name] for name in names] == [0, "Crate", False, 2000]
    sparse = await http.get(f"/notes/{row['id']}?fields=letters,is_costly")
    assert sparse.json() == {"id": row["id"], "letters": 0, "is_costly": False}


async def test_slugs_are_readable_unique_bounded_and_stable(toy: Toy) -> None:
    """A slug is made of letters and digits of any script, at most 80, unique, and stays when its source changes."""
    http = await toy.as_role("keeper")

    async def slug(name: str) -> str:
        answer = await http.post("/folders", json={"name": name})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["slug"])

    assert await slug("Crème  Brûlée & Co.") == "crème-brûlée-co"
    assert await slug("日本語 ノート") == "日本語-ノート"
    assert await slug("!!!") == "item"
    assert await slug("???") == "item-2"
    assert await slug("x%y_z") == "x-y-z"
    long = [await slug("w" * 150 + tail) for tail in ("a", "b", "c")]
    assert long == ["w" * 80, "w" * 78 + "-2", "w" * 78 + "-3"]
    spaced = await slug("ab " * 60)
    assert len(spaced) <= 80
    assert not spaced.endswith("-")
    row = (await http.post("/folders", json={"name": "Stays"})).json()
    for method in ("PATCH", "PUT"):
        changed = await http.request(method, f"/folders/{row['id']}", json={"name": f"Moved by {method}"})
        assert changed.json()["slug"] == "stays"


async def test_texts_are_bounded_by_characters(toy: Toy) -> None:
    """Lengths count characters, not bytes, in the schema and in the database alike."""
    http = await toy.as_role("keeper")
    row = await made(http, title="🗼" * 120, tag="ß" * 40)
    assert (row["title"], row["tag"]) == ("🗼" * 120, "ß" * 40)
    assert await refused(http, json.dumps({"title": "x" * 121, "tag": "x" * 41})) == {
        "/title": "string_too_long",
        "/tag": "string_too_long",
    }
    assert await refused(http, '{"title": ""}') == {"/title": "string_too_short"}


async def test_the_database_itself_keeps_the_bounds(toy: Toy) -> None:
    """CHECK, UNIQUE and NOT NULL hold against plain SQL too, on both databases."""
    http = await toy.as_role("keeper")
    row = await made(http, code="taken")
    await made(http, code="free")
    for change in ("code = 'taken'", "slug = 'a-note'"):
        with pytest.raises(Exception, match=r"(?i)unique"):
            await toy.execute(f"UPDATE note SET {change}")  # noqa: S608 # a test's own words
    where = f"WHERE id = '{row['id']}'"
    for change in (
        *("stars = 6", "stars = -1", "fee = -1", "fee = 1000000000001", "views = -1"),
        *("mood = 'sad'", "ink = 'blood'", f"tag = '{'x' * 41}'"),
    ):
        with pytest.raises(Exception, match=r"(?i)check|too long"):
            await toy.execute(f"UPDATE note SET {change} {where}")  # noqa: S608 # same
    for change in ("title = NULL", "fee = NULL", "author_id = NULL", "slug = NULL", "details = NULL"):
        with pytest.raises(Exception, match=r"(?i)null"):
            await toy.execute(f"UPDATE note SET {change} {where}")  # noqa: S608 # same
    assert (await http.get(f"/notes/{row['id']}")).json() == row


async def test_every_read_body_fits_its_schema(toy: Toy) -> None:
    """Reads go from the database to the wire without validation, so each body is held against the OpenAPI document."""
    http = await toy.as_role("keeper")
    document = (await http.get("/openapi.json")).json()
    parent = (await http.post("/folders", json={"name": "Outer", "remark": "r"})).json()
    folder = (await http.post("/folders", json={"name": "Inner", "parent_id": parent["id"]})).json()
    note = await made(http, **EVERYTHING, folder_id=folder["id"])
    await made(http)
    await http.post("/comments", json={"text": "hi", "note_id": note["id"]})
    await http.post("/bookmarks", json={"note_id": note["id"]})
    for name in ("notes", "folders", "comments", "bookmarks", "traces", "users"):
        page = (await http.get(f"/{name}")).json()
        assert page["items"], name
        assert violations(page, answer_schema(document, f"/{name}", "get", 200), document) == []
        schema = answer_schema(document, f"/{name}/{{id}}", "get", 200)
        for item in page["items"]:
            assert violations(item, schema, document) == []
            assert violations({**item, "surplus": 1}, schema, document) != []
    assert violations({**note, "stars": 6}, answer_schema(document, "/notes", "post", 201), document) != []
    assert math.isclose(note["weight"], 0.3)
