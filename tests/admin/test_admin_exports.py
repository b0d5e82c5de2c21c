"""Lists as files: what stands in them, how much of it, and what a spreadsheet makes of it."""

import asyncio
import csv
import io
import json
import tracemalloc
from operator import itemgetter
from typing import Any

import httpx2
import pytest
from sqlalchemy.exc import OperationalError

from charter.admin import exports
from charter.admin.sheets import neutral, plain
from charter.admin.views import EntryView
from tests.admin.desk import Office
from tests.admin.doors import admin_of

pytestmark = pytest.mark.anyio

BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
TEXTS = [f"{mark}{begin}1+1" for begin in BEGINNINGS for mark in ("", "'", "''")] + [
    "",
    "'",
    "a",
    "'a",
    "a=1",
    "\u00e4",
]


def rows_of(answer: httpx2.Response) -> list[list[str]]:
    """The lines of a CSV, the names first."""
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def test_no_text_of_a_file_is_a_formula_and_each_comes_back_as_it_was() -> None:
    """Marked on the way out, and the mark taken off on the way in, also where the text had one of its own."""
    for text in TEXTS:
        assert neutral(text)[:1] not in BEGINNINGS, text
        assert plain(neutral(text)) == text
    assert neutral("=1") == "'=1"
    assert "=1"[:1] in BEGINNINGS  # the control: unmarked it is one


async def test_a_csv_is_what_spreadsheets_open(place: Office) -> None:
    """UTF-8 with its mark, RFC 4180, amounts as people write them; texts that look like formulas are marked."""
    note = await place.note(
        "keeper", '=HYPERLINK("x")', text="two\nlines, \u00e4", fee=1999, weight=-1.5, is_public=True
    )
    client = await place.sign_in("keeper")
    answer = await client.get("/admin/notes/export/csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="notes-')
    assert answer.content.startswith(b"\xef\xbb\xbfid,title,")
    assert answer.content.endswith(b"\r\n")
    names, line = rows_of(answer)
    row = dict(zip(names, line, strict=True))
    wanted = {
        "id": str(note), "title": '\'=HYPERLINK("x")', "text": "two\nlines, \u00e4", "fee": "19.99", "weight": "-1.5",
        "is_public": "true", "day": "", "details": "{}", "letters": "12",
    }  # fmt: skip
    assert {name: row[name] for name in wanted} == wanted
    assert "secret" not in names


async def test_json_lines_are_the_rows_as_the_api_has_them(place: Office) -> None:
    """Nothing is marked in there, and nothing is changed: the same names and values, less what no one shows."""
    note = await place.note("keeper", "=1", fee=1999, weight=-1.5, details={"a": [1, None]})
    client = await place.sign_in("keeper")
    answer = await client.get("/admin/notes/export/jsonl")
    (row,) = [json.loads(line) for line in answer.text.splitlines()]
    http = place.toy.client((await place.toy.member("keeper", "other"))[1])
    assert {**row, "tag": None} == (await http.get(f"/notes/{note}")).json()


async def test_a_file_has_the_rows_and_the_order_of_its_list(place: Office) -> None:
    """Narrowed, searched and sorted by the parameters of the list, and no page of it alone."""
    for number in range(30):
        mood = "wild" if number % 2 else "calm"
        await place.note("keeper", f"Note {number:02}", mood=mood, fee=100 * (30 - number))
    client = await place.sign_in("keeper")
    query = "mood=wild&search=note&sortBy=fee&sort=asc&page=2&pageSize=5"
    names, *lines = rows_of(await client.get(f"/admin/notes/export/csv?{query}"))
    titles = [line[names.index("title")] for line in lines]
    assert titles == [f"Note {number:02}" for number in range(29, 0, -2)]


async def test_too_many_rows_are_refused_and_not_cut(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """In words, before anything is sent."""
    for number in range(4):
        await desk.note("keeper", f"Note {number}", mood="wild" if number else "calm")
    monkeypatch.setattr(exports, "MOST_ROWS", 3)
    client = await desk.sign_in("keeper")
    answer = await client.get("/admin/notes/export/csv")
    assert answer.status_code == 400
    assert "These are 4 rows, and a file has at most 3" in answer.text
    assert len(rows_of(await client.get("/admin/notes/export/csv?mood=wild"))) == 4


async def test_what_cannot_be_asked_for_is_told(desk: Office) -> None:
    """4xx for every odd address, never 500."""
    client = await desk.sign_in("keeper")
    for rest, status in (
        ("notes/export/xlsx", 404),
        ("notes/export/csv?sortBy=secret", 400),
        ("notes/export/csv?sortBy=nothing", 400),
        ("notes/export/csv?mood=sad", 400),
        ("notes/export/csv?search=%00", 400),
        ("nothing/export/csv", 404),
        ("users/export/csv", 403),
        ("notes/export", 404),
    ):
        assert (await client.get(f"/admin/{rest}")).status_code == status, rest
    assert (await client.post("/admin/notes/export/csv")).status_code == 405


async def test_a_busy_database_is_told_before_the_file_begins(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """503, not half a file; and so is the fourth file at a time."""
    client = await desk.sign_in("keeper")
    (site,) = [view._admin_ref for view in _views(desk)[:1]]
    site.exports = exports.AT_ONCE
    answer = await client.get("/admin/notes/export/csv")
    assert [answer.status_code, answer.headers["retry-after"]] == [503, "5"]
    site.exports = 0

    async def locked(*_: Any) -> None:
        raise OperationalError("SELECT secret", {}, Exception("database is locked"))

    monkeypatch.setattr(EntryView, "_run_query", locked)
    assert (await client.get("/admin/notes/export/csv")).status_code == 503
    assert site.exports == 0


def _views(desk: Office) -> list[Any]:
    """The views of the running admin."""
    routes: list[Any] = list(admin_of(desk.toy.app).router.routes)
    site = next(route for route in routes if getattr(route, "name", "") == "bulk").endpoint.args[0]
    return list(site.views)


async def fetch(desk: Office, client: httpx2.AsyncClient, path: str) -> tuple[int, int, int]:
    """Download without keeping anything: status, bytes, and the most memory that it took meanwhile."""
    told = {"status": 0, "size": 0, "asked": 0}
    cookies = "; ".join(f"{name}={value}" for name, value in client.cookies.items())
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
        "path": path, "raw_path": path.encode(), "query_string": b"", "root_path": "", "server": ("toy", 80),
        "client": ("127.0.0.1", 1), "headers": [(b"host", b"toy"), (b"cookie", cookies.encode())],
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        """Nothing is sent, and nobody goes away."""
        if told["asked"]:
            await asyncio.Event().wait()
        told["asked"] = 1
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        told["status"] = message.get("status", told["status"])
        told["size"] += len(message.get("body", b""))

    tracemalloc.start()
    try:
        await desk.toy.app(scope, receive, send)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    return told["status"], told["size"], peak


async def least(desk: Office, client: httpx2.AsyncClient, path: str) -> tuple[int, int, int]:
    """Of a few downloads the one that took the least memory: others share it with jobs, and with what is kept once."""
    return min([await fetch(desk, client, path) for _ in range(5)], key=itemgetter(2))


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
async def test_a_long_file_takes_no_more_memory_than_a_short_one(
    kind: str, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten times the rows, the same memory; the control fetches them all at once."""
    client = await desk.sign_in("keeper")
    path = f"/admin/folders/export/{kind}"
    monkeypatch.setattr(exports, "CHUNK", 50)
    await folders(desk, 300)
    _, short, little = await least(desk, client, path)
    await folders(desk, 2_700)
    status, long, much = await least(desk, client, path)
    assert status == 200
    assert long > 9 * short
    assert much < 1.5 * little
    monkeypatch.setattr(exports, "CHUNK", 100_000)
    assert (await fetch(desk, client, path))[2] > 3 * little


async def folders(desk: Office, count: int) -> None:
    """That many more folders."""
    await desk.toy.execute(
        f"""WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})
        INSERT INTO folder (id, created_at, updated_at, name, slug)
        SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-7' || substr(hex(randomblob(2)), 2) || '-8' ||
            substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), '2026-11-22T20:52:13.762773Z',
            '2026-11-22T20:52:13.762773Z', 'Folder ' || hex(randomblob(8)), 'folder-' || hex(randomblob(8)) FROM n"""  # noqa: S608 # ours
    )
