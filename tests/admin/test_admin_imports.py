"""Files that bring rows: looked at first, mistakes by their line, all of them or none, and never a 500."""

import csv
import html
import io
import re
from collections.abc import Iterable
from typing import Any

import httpx2
import pytest

from charter.admin import tables
from charter.serve import together
from tests.admin.desk import Office
from tests.toy.resources.notes import BROKEN, MOMENTS, REFUSED

pytestmark = pytest.mark.anyio

PATH = "/admin/notes/import"


async def send(client: httpx2.AsyncClient, text: str | bytes, do: str = "import") -> httpx2.Response:
    """A file, as the form sends it."""
    raw = text if isinstance(text, bytes) else text.encode()
    return await client.post(PATH, files={"file": ("notes.csv", raw)}, data={"do": do})


def told(answer: httpx2.Response) -> list[tuple[str, ...]]:
    """The mistakes on the page: line, column, words."""
    rows = re.findall(r"<tr><td>(\d+)</td><td>(.*?)</td><td>(.*?)</td></tr>", answer.text)
    return [tuple(html.unescape(part) for part in row) for row in rows]


def problem(answer: httpx2.Response) -> str:
    """What is wrong with the file as a whole."""
    found = re.search(r'alert-danger" role="alert">([^<]*)<', answer.text)
    return html.unescape(found[1]) if found else ""


def sheet(lines: Iterable[str], header: str = "title,fee,mood") -> str:
    """A CSV."""
    return "\r\n".join([header, *lines, ""])


async def test_of_fifty_rows_two_bad_ones_are_told_and_nothing_comes_in(place: Office) -> None:
    """Both by their lines; once they are mended all fifty are there, with what their hooks did."""
    client = await place.sign_in("keeper")
    lines = [f"Note {number},{number}.50,calm" for number in range(50)]
    bad = [*lines]
    bad[6], bad[40] = "Note 6,much,calm", "Note 40,1,sad"
    for do in ("check", "import"):
        answer = await send(client, sheet(bad), do)
        assert answer.status_code == 400
        assert told(answer) == [
            ("8", "fee", "must be an amount such as 19.99"),
            ("42", "mood", "must be 'calm', 'busy' or 'wild'"),
        ]
        assert "2 of 50 rows are wrong. Nothing was imported." in answer.text
        assert await place.titles() == []
    MOMENTS.clear()
    checked = await send(client, sheet(lines), "check")
    assert "50 rows, nothing wrong. Nothing is imported yet." in checked.text
    assert await place.titles() == []
    assert await place.toy.rows("SELECT * FROM trace") == []
    assert "after_commit create" not in MOMENTS
    done = await send(client, sheet(lines))
    assert "50 rows were imported" in done.text
    rows = await place.toy.rows("SELECT title, fee, slug, author_id FROM note ORDER BY fee")
    assert [row[:3] for row in rows] == [(f"Note {n}", n * 100 + 50, f"note-{n}") for n in range(50)]
    assert {str(row[3]) for row in rows} == {str(place.people["keeper"])}
    assert len(await place.toy.rows("SELECT id FROM trace")) == 50
    assert MOMENTS.count("after_commit create") == 50


async def test_what_only_the_database_knows_is_told_by_its_line_as_well(place: Office) -> None:
    """Taken values, in the file and before it, missing references, refusing hooks, rows outside a rule: all at once."""
    await place.note("keeper", "There", code="A")
    client = await place.sign_in("keeper")
    lines = [
        "One,A,,",
        "Two,B,,",
        "Three,B,,",
        "Four,,01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10,",
        f"{REFUSED},,,",
        "Six,,,true",
        "Seven,,,false",
    ]
    answer = await send(client, sheet(lines, "title,code,folder_id,is_public"))
    assert answer.status_code == 400
    assert told(answer) == [
        ("2", "code", "is taken already"),
        ("4", "code", "is taken already"),
        ("5", "folder_id", "refers to something that is not there"),
        ("6", "", "Not this one."),
        ("7", "", "The new row would be outside what you may import."),
    ]
    assert await place.titles() == ["There"]
    assert await place.toy.rows("SELECT id FROM trace WHERE title != 'There'") == []


async def test_what_breaks_on_our_side_leaves_nothing(desk: Office) -> None:
    """500 without a word of what broke, as everywhere."""
    client = await desk.sign_in("keeper")
    answer = await send(client, sheet(["Fine,1,calm", f"{BROKEN},1,calm"]))
    assert [answer.status_code, answer.json()["code"]] == [500, "internal"]
    assert await desk.titles() == []


WHOLE: tuple[tuple[bytes, str], ...] = (
    (b"", "Choose a file"),
    (b"\xef\xbb\xbf", "has to name the columns"),
    (b"\r\n\r\n", "has to name the columns"),
    (b"title\r\n", "no row below its header"),
    (b"title\r\n\r\n,\r\n", "no row below its header"),
    (b"title,nothing,secret\r\na,b,c\r\n", "No columns for this: nothing, secret."),
    (b"title,id,author_id,tag\r\na,b,c,d\r\n", "No columns for this: id, author_id, tag."),
    (b"title,title\r\na,b\r\n", "Named twice: title."),
    (b"fee\r\n1\r\n", "Missing: title."),
    ("title\r\n\u00e4\r\n".encode("latin-1"), "not in UTF-8: see line 2"),
    ("title\r\na\r\n".encode("utf-16"), "not in UTF-8: see line 1"),
    (b"title\r\na\x00b\r\n", "NUL"),
    (b'title\r\n"a\r\n', "Line 2: a quotation mark"),
    (b'title\r\na\r\n"b"c\r\n', "Line 3: a quotation mark"),
    (b"title\r\n" + b"x" * 200_000 + b"\r\n", "Line 2: a cell is too long"),
    (b",".join([b"a"] * 5000) + b"\r\n", "more than 200 columns"),
    (b"\x89PNG\r\n\x1a\n\x00\x00", "not in UTF-8"),
)


async def test_a_file_that_is_none_is_told_in_words(desk: Office) -> None:
    """400 with the reason, nothing is made."""
    client = await desk.sign_in("keeper")
    for raw, words in WHOLE:
        answer = await send(client, raw)
        assert answer.status_code == 400, raw[:40]
        assert words in problem(answer), (raw[:40], problem(answer))
    assert await desk.titles() == []


async def test_too_many_rows_and_too_many_bytes_are_refused(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first by its own limit, the second by that of every body; of endless mistakes the first hundred are told."""
    client = await desk.sign_in("keeper")
    monkeypatch.setattr(tables, "MOST_LINES", 3)
    assert "more than 3 rows" in problem(await send(client, sheet(["a,1,calm"] * 4)))
    assert (await send(client, sheet(["a,1,calm"] * 3))).status_code == 200
    monkeypatch.undo()
    assert (await send(client, b"title\r\n" + b"a\r\n" * 400_000)).status_code == 413
    answer = await send(client, sheet(["a,1,sad"] * 300))
    assert len(told(answer)) == together.MOST_TOLD
    assert "There may be more" in answer.text
    assert len(await desk.titles()) == 3


async def test_rows_are_counted_as_an_editor_counts_lines(desk: Office) -> None:
    """A cell over several lines, empty lines, rows with too few cells: the line is where the row begins."""
    client = await desk.sign_in("keeper")
    text = 'title,text\n"One","two\nlines"\n\nThree\nFour,,\n,five\n'
    assert told(await send(client, text)) == [
        ("5", "", "has 1 cells, and the header 2"),
        ("6", "", "has 3 cells, and the header 2"),
        ("7", "title", "is required"),
    ]


async def test_every_kind_of_value_is_read(place: Office) -> None:
    """From files of any spreadsheet: semicolons or tabs, a mark at the beginning, words for yes and no, offsets."""
    client = await place.sign_in("keeper")
    header = "title;text;ink;fee;stars;weight;is_public;due;day;details;words;shout"
    cells = '\'=Sum;a, b;pen;1,99;3;-1.5;No;2026-11-22T20:52:13+02:00;2026-11-22;"{""a"": 1}";"[""x""]";no'
    answer = await send(client, f"\ufeff{header}\r{cells}\r".encode())
    assert answer.status_code == 200, told(answer) or problem(answer)
    tabs = "title\tshout\nLoud\tTRUE\n"
    assert (await send(client, tabs)).status_code == 200
    first, second = await place.toy.in_transaction(_notes)
    wanted: dict[str, Any] = {"title": "=Sum", "text": "a, b", "ink": "pen", "fee": 199, "stars": 3, "weight": -1.5}
    wanted |= {"is_public": False, "details": {"a": 1}, "words": ["x"]}
    assert {name: first[name] for name in wanted} == wanted
    assert first["due"].isoformat() == "2026-11-22T18:52:13+00:00"
    assert second["title"] == "LOUD"


def _notes(tx: Any) -> list[Any]:
    """All notes, the oldest first."""
    entry = next(entry for entry in tx.catalog.entries.values() if entry.name == "notes")
    found: list[Any] = tx.rows(entry).get_all()
    return found


async def test_what_was_exported_comes_back_in(place: Office) -> None:
    """Texts that look like formulas, lines and commas, whatever was marked on the way out."""
    titles = ["=1+1", "'=1", "+49", "-", "@x", "a\tb", 'say "a, b"', "'plain"]
    for title in titles:
        await place.note("keeper", title, text=f"{title}\n{title}")
    client = await place.sign_in("keeper")
    answer = await client.get("/admin/notes/export/csv?sortBy=title")
    await place.toy.execute("DELETE FROM note")
    names = answer.content.decode("utf-8-sig").partition("\r\n")[0].split(",")
    kept = [names.index(name) for name in ("title", "text", "fee", "mood")]
    rows = [[line[place_] for place_ in kept] for line in _cells(answer)]
    assert (await send(client, _sheet(rows))).status_code == 200
    found = await place.toy.rows("SELECT title, text FROM note")
    assert sorted(found) == sorted((title, f"{title}\n{title}") for title in titles)


def _cells(answer: httpx2.Response) -> list[list[str]]:

    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))


def _sheet(rows: list[list[str]]) -> str:

    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


async def test_a_file_that_was_checked_can_be_mended_in_the_page(desk: Office) -> None:
    """Its text stands there, escaped; sent again with another button it comes in, and is gone from the page."""
    client = await desk.sign_in("keeper")
    answer = await send(client, sheet(["</textarea><script>alert(1)</script>,x,calm"]), "check")
    assert "<script>alert" not in answer.text
    found = re.search(r"<textarea[^>]*>\n?(.*?)</textarea>", answer.text, re.DOTALL)
    assert found
    text = html.unescape(found[1]).replace("\n", "\r\n").replace(",x,", ",2,")
    answer = await client.post(PATH, data={"text": text, "do": "import"})
    assert answer.status_code == 200
    assert await desk.titles() == ["</textarea><script>alert(1)</script>"]
    assert "alert(1)" not in answer.text


async def test_a_form_with_more_in_it_is_refused(desk: Office) -> None:
    """Other fields, a file in the wrong place, a button that is a file: nothing is imported."""
    client = await desk.sign_in("keeper")
    good = sheet(["Fine,1,calm"])
    assert (await client.post(PATH, data={"text": good, "do": "import", "author_id": "1"})).status_code == 400
    assert (await client.post(PATH, files={"text": ("a.csv", good.encode())}, data={"do": "import"})).status_code == 400
    files = {"file": ("a.csv", good.encode()), "do": ("b", b"import")}
    assert (await client.post(PATH, files=files)).status_code == 400
    assert (await client.post(PATH, data={"text": good, "do": "later"})).status_code == 200  # looked at, no more
    assert (await client.post(PATH)).status_code == 400
    broken = {"Content-Type": "multipart/form-data; boundary=x"}
    assert (await client.post(PATH, content=b"--y", headers=broken)).status_code == 400
    assert await desk.titles() == []
