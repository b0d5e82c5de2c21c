"""Many rows at once: shown before, done in one transaction, and refused as one."""

import html
import re
from functools import partial
from typing import Any
from uuid import UUID

import httpx2
import pytest

from charter import Transaction
from charter.admin import bulk
from tests.admin.desk import UNKNOWN, Office
from tests.toy.resources.folders import folders
from tests.toy.resources.notes import MOMENTS, REFUSED

pytestmark = pytest.mark.anyio


async def some(place: Office, count: int = 4, **values: Any) -> list[str]:
    """Notes of the keeper."""
    return [str(await place.note("keeper", f"Note {number}", **values)) for number in range(count)]


def chosen(answer: httpx2.Response) -> list[str]:
    """The rows that a page is about."""
    found = re.search(r'name="bulk-rows" value="([^"]*)"', answer.text)
    assert found
    return [row_id for row_id in found[1].split(",") if row_id]


def problem(answer: httpx2.Response) -> str:
    """What stands above the form."""
    return " ".join(html.unescape(words) for words in re.findall(r'role="alert">([^<]*)<', answer.text))


async def column(place: Office, name: str) -> list[Any]:
    """A column of all notes, in the order of their making."""
    return [value for (value,) in await place.toy.rows(f"SELECT {name} FROM note ORDER BY id")]  # noqa: S608 # ours


async def test_a_change_is_shown_before_and_done_to_what_was_shown(place: Office) -> None:
    """A row that comes into the list meanwhile stays as it is; hooks run for each row, and after the commit."""
    ids = await some(place, mood="wild")
    await place.note("keeper", "Calm", mood="calm")
    client = await place.sign_in("keeper")
    page = await client.get("/admin/notes/bulk/update?mood=wild&page=2&pageSize=25")
    assert sorted(chosen(page)) == sorted(ids)
    assert "Change: 4 rows of notes" in page.text
    await place.note("keeper", "Late", mood="wild")
    MOMENTS.clear()
    data = {"bulk-rows": ",".join(chosen(page)), "tag": "many", "fee": "2,50"}
    answer = await client.post("/admin/notes/bulk/update?mood=wild", data=data)
    assert answer.status_code == 302, problem(answer)
    assert answer.headers["location"].endswith("/notes/list?mood=wild")
    assert await column(place, "tag") == ["many"] * 4 + [None] * 2
    assert await column(place, "fee") == [250] * 4 + [0] * 2
    assert MOMENTS.index("after_commit update") > MOMENTS.index("after update")
    assert MOMENTS.count("after_commit update") == 4


async def test_one_row_that_cannot_be_changed_stops_all(place: Office) -> None:
    """It is named with the reason; nothing of the others is kept, and what was typed still stands there."""
    ids = await some(place, 3)
    await place.toy.execute(f"UPDATE note SET mood = 'calm' WHERE id = '{ids[0]}'")  # noqa: S608 # ours
    await place.toy.execute(f"UPDATE note SET mood = 'wild' WHERE id != '{ids[0]}'")  # noqa: S608 # ours
    client = await place.sign_in("keeper")
    answer = await client.post("/admin/notes/bulk/calm_down", data={"bulk-rows": ",".join(ids)})
    assert answer.status_code == 400
    assert "Nothing was done, since 1 of them stands against it." in problem(answer)
    assert "<td>Note 0</td><td>&#39;calm_down&#39; is possible from busy, wild; this row is calm.</td>" in answer.text
    assert await column(place, "mood") == ["calm", "wild", "wild"]
    answer = await client.post("/admin/notes/bulk/update", data={"bulk-rows": ",".join(ids), "title": REFUSED})
    assert "since 3 of them stand" in problem(answer)
    assert f'value="{REFUSED}"' in answer.text
    missing = [*ids[1:], UNKNOWN]
    assert (await client.post("/admin/notes/bulk/delete", data={"bulk-rows": ",".join(missing)})).status_code == 400
    assert len(await place.titles()) == 3
    assert (await client.post("/admin/notes/bulk/calm_down", data={"bulk-rows": ",".join(ids[1:])})).status_code == 302
    assert await column(place, "mood") == ["calm"] * 3


async def test_fields_can_be_emptied_and_what_is_blank_stays(place: Office) -> None:
    """A field is emptied or gets a value, not both; only what may have none can be emptied; one of it has to be."""
    ids = await some(place, 2, tag="old", text="kept", weight=1.5)
    client = await place.sign_in("keeper")
    rows = {"bulk-rows": ",".join(ids)}
    path = "/admin/notes/bulk/update"
    assert "Nothing is to be changed" in problem(await client.post(path, data=rows))
    both = await client.post(path, data=rows | {"bulk-empty": "tag", "tag": "new"})
    assert "is to be emptied, and has a value" in both.text
    assert "cannot be emptied" in problem(await client.post(path, data=rows | {"bulk-empty": "title"}))
    wrong = await client.post(path, data=rows | {"fee": "much", "stars": "9"})
    assert "must be an amount" in wrong.text
    assert (await client.post(path, data=rows | {"bulk-empty": ["tag", "weight"]})).status_code == 302
    assert await column(place, "tag") == [None, None]
    assert await column(place, "weight") == [None, None]
    assert await column(place, "text") == ["kept", "kept"]


async def test_rows_that_hang_on_each_other_go_together(place: Office) -> None:
    """Whatever the order; where something else hangs on one of them, none goes."""
    made: list[UUID] = []
    for name in ("Root", "Branch", "Leaf"):
        values: dict[str, Any] = {"name": name, "parent_id": made[-1] if made else None}
        made.append((await place.toy.in_transaction(partial(_folder, values)))["id"])
    note = await place.note("keeper", "In the leaf", folder_id=made[2])
    client = await place.sign_in("keeper")
    rows = {"bulk-rows": ",".join(str(row_id) for row_id in made)}
    answer = await client.post("/admin/folders/bulk/delete", data=rows)
    assert answer.status_code == 400
    assert len(await place.toy.rows("SELECT id FROM folder")) == 3
    await place.toy.execute(f"UPDATE note SET folder_id = NULL WHERE id = '{note}'")  # noqa: S608 # ours
    assert (await client.post("/admin/folders/bulk/delete", data=rows)).status_code == 302
    assert await place.toy.rows("SELECT id FROM folder") == []


def _folder(values: dict[str, Any], tx: Transaction) -> Any:
    return tx.repository(folders).create(**values)


async def test_a_deletion_of_several_rows_from_the_list_is_one_too(place: Office) -> None:
    """All of them, or none where one cannot go."""
    ids = await some(place, 3)
    client = await place.sign_in("keeper")
    assert (await client.delete(f"/admin/notes/delete?pks={ids[0]},{UNKNOWN}")).status_code == 404
    assert len(await place.titles()) == 3
    assert (await client.delete(f"/admin/notes/delete?pks={ids[0]},{ids[1]}")).status_code == 200
    assert await place.titles() == ["Note 2"]


async def test_too_many_rows_are_refused(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is shown or done."""
    ids = await some(desk)
    monkeypatch.setattr(bulk, "MOST_ROWS", 3)
    client = await desk.sign_in("keeper")
    for answer in (
        await client.get("/admin/notes/bulk/delete"),
        await client.get(f"/admin/notes/bulk/delete?pks={','.join(ids)}"),
        await client.post("/admin/notes/bulk/delete", data={"bulk-rows": ",".join(ids)}),
    ):
        assert answer.status_code == 400
        assert "at most 3 are changed at once" in answer.text
    assert len(await desk.titles()) == 4


ODD = ("", ",", "x", "%00", UNKNOWN[:-1], "9" * 40, f"{UNKNOWN},x", "'")


async def test_an_odd_choice_is_refused(desk: Office) -> None:
    """Ids that are none, no ids, filters that are none (all rows would be meant): 4xx, and nothing is done."""
    ids = await some(desk, 1)
    client = await desk.sign_in("keeper")
    for odd in ODD:
        assert 400 <= (await client.get(f"/admin/notes/bulk/delete?pks={odd}")).status_code < 500, odd
        answer = await client.post("/admin/notes/bulk/delete", content=f"bulk-rows={odd}".encode(), headers=FORM)
        assert 400 <= answer.status_code < 500, odd
    for query in ("nothing=1", "author_id=x", "mood=sad", "text=a"):
        assert (await client.get(f"/admin/notes/bulk/delete?{query}")).status_code == 400, query
    twice = {"bulk-rows": f"{ids[0]},{ids[0]}"}
    assert (await client.post("/admin/notes/bulk/delete", data=twice | {"title": "1"})).status_code == 400
    assert (await client.post("/admin/notes/bulk/delete", data=twice | {"bulk-empty": "tag"})).status_code == 400
    assert len(await desk.titles()) == 1
    assert (await client.post("/admin/notes/bulk/delete", data=twice)).status_code == 302
    assert await desk.titles() == []


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


async def test_no_row_of_the_list_is_changed_by_looking(desk: Office) -> None:
    """GET shows, whatever stands in its address; a list without rows has no button."""
    await some(desk, 2)
    client = await desk.sign_in("keeper")
    assert (await client.get("/admin/notes/bulk/delete?search=Note")).status_code == 200
    empty = await client.get("/admin/notes/bulk/delete?search=nobody")
    assert "0 rows" in empty.text
    assert "btn-danger" not in empty.text
    assert len(await desk.titles()) == 2
