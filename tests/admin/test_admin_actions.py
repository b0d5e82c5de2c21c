"""Declared actions as buttons: a page that asks, a POST that does, refusals in words beside the field."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.admin import desk as office_file
from tests.admin.desk import POLICY, UNKNOWN, Office, form_of, office
from tests.toy.resources.notes import MOMENTS

pytestmark = pytest.mark.anyio


async def test_an_action_is_done_as_the_api_does_it(place: Office) -> None:
    """What it takes is typed into a small form; hooks run; afterwards the row's own page is there."""
    note = await place.note("keeper", "Mine")
    client = await place.sign_in("keeper")
    path = f"/admin/notes/act/stamp/{note}"
    page = (await client.get(path)).text
    form = form_of(page)
    assert {name: form[name] for name in ("word", "times", "ink", "loud", "when")} == {
        "word": "", "times": "1", "ink": "red", "loud": "", "when": "",
    }  # fmt: skip
    assert "Stamp: Note Mine" in page
    MOMENTS.clear()
    typed = {"word": "seen", "times": "2", "loud": ["", "true"], "when": "2026-11-22", "extras": '["a"]'}
    answer = await client.post(path, data=form | typed)
    assert answer.status_code == 302, answer.text
    assert answer.headers["location"].endswith(f"/notes/details/{note}")
    assert (await place.row(note))["tag"] == "SEEN SEEN"
    assert [moment for moment in MOMENTS if "stamp" in moment] == [
        "prepare stamp", "before stamp", "after stamp", "after_commit stamp",
    ]  # fmt: skip


WRONG: tuple[tuple[dict[str, Any], str, str], ...] = (
    ({"word": ""}, "word", "is required"),
    ({"word": "x" * 21}, "word", "20 characters"),
    ({"word": "a\x00b"}, "word", "NUL"),
    ({"word": "never"}, "word", "is not stamped"),
    ({"times": "4"}, "times", "less than or equal to 3"),
    ({"times": "many"}, "times", "a whole number"),
    ({"times": "9" * 30}, "times", "less than or equal to 3"),
    ({"ink": "green"}, "ink", "red"),
    ({"when": "2026-02-30"}, "when", "date"),
    ({"extras": "{"}, "extras", "must be JSON"),
    ({"extras": "[1]"}, "extras", "must be"),
)


async def test_a_wrong_value_of_an_action_is_told_beside_its_field(desk: Office) -> None:
    """In words, with 400; what was typed is still there, and nothing is done."""
    note = await desk.note("keeper", "Mine")
    client = await desk.sign_in("keeper")
    before = await desk.row(note)
    for wrong, field, words in WRONG:
        answer = await client.post(f"/admin/notes/act/stamp/{note}", data={"word": "kept", **wrong})
        assert answer.status_code == 400, wrong
        told = answer.text.partition(f'name="{field}"')[2].partition("form-label")[0]
        assert words in told, (wrong, told)
        assert field == "word" or 'value="kept"' in answer.text
    assert await desk.row(note) == before


async def test_what_an_action_does_not_take_is_refused(desk: Office) -> None:
    """Columns, names of nothing, files: nothing of such a form is done."""
    note = await desk.note("keeper", "Mine")
    client = await desk.sign_in("keeper")
    path = f"/admin/notes/act/stamp/{note}"
    for name in ("title", "tag", "id", "secret", "author_id", "__class__", "nothing"):
        answer = await client.post(path, data={"word": "seen", name: "1"})
        assert answer.status_code == 400, name
        assert f"{name} is not a field that this request can set." in answer.text
    assert (await client.post(path, files={"word": ("a.txt", b"seen")})).status_code == 400
    assert (await desk.row(note))["tag"] is None


async def test_a_button_is_there_only_where_rule_and_state_allow_it(desk: Office) -> None:
    """A keeper calms their own notes down, and only those that are not calm; the address alone does not help."""
    rows = {
        "wild": await desk.note("keeper", "Mine, wild", mood="wild"),
        "calm": await desk.note("keeper", "Mine, calm"),
        "theirs": await desk.note("reader", "Theirs, wild", mood="wild"),
    }
    client = await desk.sign_in("keeper")
    for name, status, posted in (("wild", 200, 302), ("calm", 409, 400), ("theirs", 404, 404)):
        path = f"/admin/notes/act/calm_down/{rows[name]}"
        page = (await client.get(f"/admin/notes/details/{rows[name]}")).text
        assert (path in page) == (status == 200), name
        assert f"/act/stamp/{rows[name]}" in page
        assert (await client.get(path)).status_code == status, name
        assert (await client.post(path)).status_code == posted, name
    moods = [(await desk.row(note))["mood"] for note in rows.values()]
    assert moods == ["calm", "calm", "wild"]
    reader = await desk.sign_in("reader")
    assert (await reader.get(f"/admin/notes/act/calm_down/{rows['wild']}")).status_code == 403


async def test_of_two_people_at_one_button_the_second_is_told(desk: Office) -> None:
    """The state is decided by the statement that moves the row; the words name no state that is hidden."""
    note = await desk.note("keeper", "Mine", mood="wild")
    client = await desk.sign_in("keeper")
    path = f"/admin/notes/act/calm_down/{note}"
    assert (await client.post(path)).status_code == 302
    answer = await client.post(path)
    assert answer.status_code == 400
    assert "is possible from busy, wild; this row is calm" in answer.text.replace("&#39;", "'")


async def test_the_page_of_an_action_does_not_tell_what_may_not_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that one may stamp and not read has its id for a title, and one comes back to the list."""
    monkeypatch.setattr(office_file, "POLICY", POLICY)
    async with office(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch) as desk:
        note = await desk.note("keeper", "Theirs alone", text="For nobody else")
        client = await desk.sign_in("reader")
        path = f"/admin/notes/act/stamp/{note}"
        page = (await client.get(path)).text
        assert str(note) in page
        assert "Theirs alone" not in page
        answer = await client.post(path, data={"word": "seen"})
        assert answer.headers["location"].endswith("/notes/list")
        assert (await desk.row(note))["tag"] == "seen"


ODD = ("x", "%00", UNKNOWN[:-1], "9" * 40, "..", "a%2Fb", "%ff", "'", UNKNOWN)


async def test_a_bad_address_of_an_action_is_none(desk: Office) -> None:
    """4xx for any id, name and resource, for looking and for doing."""
    note = await desk.note("keeper", "Mine")
    client = await desk.sign_in("keeper")
    paths = [f"notes/act/stamp/{odd}" for odd in ODD]
    paths += [f"notes/act/{odd}/{note}" for odd in ODD]
    paths += [f"{odd}/act/stamp/{note}" for odd in ODD] + ["notes/act/stamp", "notes/act", f"traces/act/stamp/{note}"]
    for path in paths:
        answers: list[httpx2.Response] = [
            await client.get(f"/admin/{path}"),
            await client.post(f"/admin/{path}", data={"word": "seen"}),
        ]
        assert all(400 <= answer.status_code < 500 for answer in answers), path
    assert (await desk.row(note))["tag"] is None
