"""Forms: what somebody writes becomes the API's own write, with its rules, its hooks and its refusals."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.admin import desk as office_file
from tests.admin.desk import POLICY, Office, form_of, office
from tests.toy.resources.folders import folders
from tests.toy.resources.notes import BROKEN, REFUSED

pytestmark = pytest.mark.anyio


async def page(client: httpx2.AsyncClient, path: str) -> str:
    """The text of a page that is there."""
    answer = await client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_every_kind_of_value_can_be_written(place: Office) -> None:
    """Money as 19.99, moments in UTC, documents as JSON, a related row by its id; what is empty stays empty."""
    folder = await place.toy.in_transaction(lambda tx: tx.repository(folders).create(name="Drawer"))
    client = await place.sign_in("keeper")
    form = form_of(await page(client, "/admin/notes/create"))
    assert form["mood"] == "calm"
    assert form["fee"] == "0.00"
    form |= {"title": "All kinds", "text": "two\r\nlines", "mood": "wild", "ink": "pen", "fee": "19,9", "stars": "3"}
    form |= {"weight": "1.5", "is_public": ["", "true"], "due": "2026-11-22T20:52", "day": "2026-11-22"}
    form |= {"details": '{"a": [1, null]}', "words": '["x"]', "folder_id": str(folder["id"]), "shout": ["", "true"]}
    answer = await client.post("/admin/notes/create", data=form)
    assert answer.status_code == 302, answer.text
    ((note,),) = await place.toy.rows("SELECT id FROM note")
    row = await place.row(UUID(str(note)))
    wanted: dict[str, Any] = {
        "title": "ALL KINDS",
        "slug": "all-kinds",
        "text": "two\nlines",
        "tag": None,
        "mood": "wild",
        "ink": "pen",
        "fee": 1990,
        "stars": 3,
        "weight": 1.5,
        "is_public": True,
        "due": datetime(2026, 11, 22, 20, 52, tzinfo=UTC),
        "day": date(2026, 11, 22),
        "details": {"a": [1, None]},
        "words": ["x"],
        "code": None,
        "is_pinned": False,
        "folder_id": folder["id"],
        "author_id": place.people["keeper"],
    }
    assert {name: row[name] for name in wanted} == wanted


async def test_saving_an_untouched_form_changes_nothing(place: Office) -> None:
    """Not even the time of the last change: only what was changed in the form is written."""
    note = await place.note("keeper", "Theirs alone", text="two\nlines", tag="a", fee=1999, weight=1.5)
    client = await place.sign_in("keeper")
    before = await place.row(note)
    form = form_of((await client.get(f"/admin/notes/edit/{note}")).text)
    assert form["fee"] == "19.99"
    answer = await client.post(f"/admin/notes/edit/{note}", data=form)
    assert answer.status_code == 302, answer.text
    assert await place.row(note) == before


async def test_only_what_was_changed_is_written(place: Office) -> None:
    """A field that the caller may not see stays as it is, and so does one whose form was left alone."""
    note = await place.note("reader", "Mine alone", text="old", fee=700, stars=4)
    client = await place.sign_in("reader")
    form = form_of(await page(client, f"/admin/notes/edit/{note}"))
    assert form["fee"] == ""
    assert "stars" not in form
    answer = await client.post(f"/admin/notes/edit/{note}", data=form | {"title": "Mine still", "tag": ""})
    assert answer.status_code == 302, answer.text
    row = await place.row(note)
    assert [row["title"], row["text"], row["tag"], row["fee"], row["stars"]] == ["Mine still", "old", None, 700, 4]
    assert (await client.post(f"/admin/notes/edit/{note}", data={"fee": "8.00"})).status_code == 302
    assert (await place.row(note))["fee"] == 800


async def test_clearing_a_field_empties_it(desk: Office) -> None:
    """A text becomes empty, whatever may be missing becomes null, a reference too."""
    folder = await desk.toy.in_transaction(lambda tx: tx.repository(folders).create(name="Drawer"))
    note = await desk.note("keeper", "Mine", text="old", tag="old", weight=2.5, folder_id=folder["id"])
    client = await desk.sign_in("keeper")
    form = form_of(await page(client, f"/admin/notes/edit/{note}"))
    assert form["folder_id"] == str(folder["id"])
    await client.post(f"/admin/notes/edit/{note}", data=form | {"text": "", "tag": "", "weight": "", "folder_id": ""})
    row = await desk.row(note)
    assert [row["text"], row["tag"], row["weight"], row["folder_id"]] == ["", None, None, None]


WRONG = (
    ("title", "", "is required"),
    ("title", "x" * 121, "120 characters"),
    ("title", "a\x00b", "NUL"),
    ("fee", "1.234", "an amount such as 19.99"),
    ("fee", "-1", "an amount such as 19.99"),
    ("fee", "9999999999999.00", "less than or equal to"),
    ("stars", "6", "less than or equal to 5"),
    ("stars", "9" * 30, "less than or equal to 5"),
    ("stars", "four", "a whole number"),
    ("weight", "nan", "a number"),
    ("weight", "1e999", "a number"),
    ("due", "yesterday", "a date and time"),
    ("day", "2026-02-30", "date"),
    ("details", "{", "must be JSON"),
    ("details", "[" * 5000, "must be"),
    ("details", "[1]", "must be"),
    ("mood", "sad", "calm"),
    ("folder_id", "x", "must be a UUID"),
    ("folder_id", "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10", "refers to something that is not there"),
)


async def test_a_wrong_value_is_told_beside_its_field(desk: Office) -> None:
    """In words, with 400, with everything else still in the form; nothing is written, and no SQL is shown."""
    client = await desk.sign_in("keeper")
    form = form_of(await page(client, "/admin/notes/create")) | {"title": "Kept in the form"}
    for field, text, words in WRONG:
        answer = await client.post("/admin/notes/create", data=form | {field: text})
        assert answer.status_code == 400, (field, text)
        told = answer.text.partition(f'name="{field}"')[2].partition("form-label")[0]
        assert "invalid-feedback" in told, (field, text)
        assert words in told, (field, text)
        assert field == "title" or "Kept in the form" in answer.text
        assert not any(word in answer.text for word in ("INSERT", "SELECT", "sqlite", "Traceback"))
    assert await desk.titles() == []


async def test_a_taken_value_is_told_beside_its_field(place: Office) -> None:
    """What only the database knows has the same form."""
    await place.note("keeper", "First", code="A1")
    client = await place.sign_in("keeper")
    answer = await client.post("/admin/notes/create", data={"title": "Second", "code": "A1"})
    assert answer.status_code == 400
    assert "is taken already" in answer.text
    assert await place.titles() == ["First"]


async def test_a_hook_refuses_here_as_everywhere(desk: Office) -> None:
    """Its words stand above the form."""
    client = await desk.sign_in("keeper")
    answer = await client.post("/admin/notes/create", data={"title": REFUSED})
    assert answer.status_code == 400
    assert "Not this one." in answer.text
    assert await desk.titles() == []


async def test_what_breaks_on_our_side_is_not_called_a_mistake_of_the_caller(desk: Office) -> None:
    """500, without a word of what broke; nothing is written."""
    client = await desk.sign_in("keeper")
    answer = await client.post("/admin/notes/create", data={"title": BROKEN})
    assert answer.status_code == 500
    assert answer.json()["code"] == "internal"
    assert BROKEN not in answer.text
    assert await desk.titles() == []


async def test_fields_that_the_form_does_not_have_are_refused(place: Office) -> None:
    """As the API refuses them: hidden ones, those of the server, those of a rule that the caller lacks."""
    note = await place.note("reader", "Mine alone")
    extra = {"id": "x", "secret": "told", "author_id": str(place.people["keeper"]), "is_pinned": "true", "views": "9"}
    extra |= {"stars": "5", "deleted_at": "2026-01-01T00:00", "created_at": "", "metadata": "x", "__class__": "x"}
    client = await place.sign_in("reader")
    before = await place.row(note)
    answer = await client.post(f"/admin/notes/edit/{note}", data={"title": "Mine still", **extra})
    assert answer.status_code == 400
    for name in extra:
        assert f"{name} is not a field that this request can set." in answer.text
    assert "Mine still" in answer.text
    assert await place.row(note) == before


async def test_a_row_that_may_be_changed_and_not_read_stays_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its form is blank; what is typed into it is written, and what is left blank stays as it is."""
    wider = POLICY.replace("p, reader, notes, update, own", "p, reader, notes, update, any")
    monkeypatch.setattr(office_file, "POLICY", wider)
    async with office(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch) as desk:
        note = await desk.note("keeper", "Theirs alone", text="For nobody else", tag="unseen tag", fee=1999)
        client = await desk.sign_in("reader")
        source = await page(client, f"/admin/notes/edit/{note}")
        assert not any(word in source for word in ("Theirs alone", "For nobody else", "unseen tag", "19.99"))
        answer = await client.post(f"/admin/notes/edit/{note}", data=form_of(source) | {"tag": "mine"})
        assert answer.status_code == 302, answer.text
        row = await desk.row(note)
        assert [row["title"], row["text"], row["tag"], row["fee"]] == ["Theirs alone", "For nobody else", "mine", 1999]
        own = await desk.note("reader", "Mine alone")
        assert "Mine alone" in await page(client, f"/admin/notes/edit/{own}")


async def test_a_create_outside_the_rule_is_refused(desk: Office) -> None:
    """A reader's new notes are drafts; a published one is refused in words."""
    client = await desk.sign_in("reader")
    refused = await client.post("/admin/notes/create", data={"title": "For all", "is_public": ["", "true"]})
    assert refused.status_code == 400
    assert "outside the rows" in refused.text
    assert (await client.post("/admin/notes/create", data={"title": "A draft"})).status_code == 302
    assert await desk.titles() == ["A draft"]


async def test_a_form_takes_no_files(desk: Office) -> None:
    """SQLAdmin would look an attribute up by the name of a file."""
    note = await desk.note("keeper", "Mine")
    client = await desk.sign_in("keeper")
    for name in ("title", "nothing", "__class__"):
        answer = await client.post(f"/admin/notes/edit/{note}", files={name: ("a.txt", b"")})
        assert answer.status_code == 400
    broken = {"Content-Type": "multipart/form-data"}
    assert (await client.post(f"/admin/notes/edit/{note}", content=b"--x", headers=broken)).status_code == 400


async def test_a_password_is_set_and_never_shown(desk: Office) -> None:
    """Left blank it stays; the role can be any up to one's own."""
    client = await desk.sign_in("keeper")
    form = form_of(await page(client, "/admin/users/create"))
    answer = await client.post("/admin/users/create", data=form | {"email": "new@example.org", "password": "short"})
    assert answer.status_code == 400
    assert "at least 8 characters" in answer.text
    assert "short" not in answer.text.replace("shortcut", "")
    given = {"email": "new@example.org", "password": "long enough for anyone", "role": "editor"}
    assert (await client.post("/admin/users/create", data=form | given)).status_code == 302
    ((user, role, before),) = await desk.toy.rows(
        "SELECT id, role, hashed_password FROM users WHERE email = 'new@example.org'"
    )
    assert role == "editor"
    edit = form_of(await page(client, f"/admin/users/edit/{user}"))
    assert edit["password"] == ""
    assert (await client.post(f"/admin/users/edit/{user}", data=edit | {"nickname": "Newt"})).status_code == 302
    kept = await desk.toy.rows("SELECT nickname, hashed_password FROM users WHERE email = 'new@example.org'")
    assert kept == [("Newt", before)]


async def test_what_a_page_shows_can_be_read_by_its_caller(desk: Office) -> None:
    """No heading, no value and no form field for what the decision leaves out; computed values where it does not."""
    note = await desk.note("reader", "Mine alone", text="five!", fee=12345, stars=4)
    reader, keeper = await desk.sign_in("reader"), await desk.sign_in("keeper")
    for client, is_there in ((reader, False), (keeper, True)):
        details = await page(client, f"/admin/notes/details/{note}")
        assert ("123.45" in details) == is_there
        assert ("Fee" in details) == is_there
        assert "<td>Letters</td>" in details
    assert (await reader.get("/admin/notes/list?sortBy=fee")).status_code == 400
    assert (await reader.get("/admin/notes/list?sortBy=secret")).status_code == 400


async def test_the_buttons_of_saving_lead_on(desk: Office) -> None:
    """To the list, to the form again, or to a fresh one."""
    client = await desk.sign_in("keeper")
    for word, path in (("Save", "/list"), ("Save and continue editing", "/edit/"), ("Save and add another", "/create")):
        answer = await client.post("/admin/notes/create", data={"title": word, "save": word})
        assert path in answer.headers["location"]
