"""Which rows a screen shows: those of the caller's decisions, whatever SQLAdmin asks the database."""

from functools import partial
from typing import Any

import pytest
from sqlalchemy import func, insert, select, text

from charter import Transaction
from charter.admin.rows import Rules, ruled_sessions
from tests.admin.desk import UNKNOWN, Office
from tests.toy.resources.comments import comments
from tests.toy.resources.notes import Note

pytestmark = pytest.mark.anyio


async def fill(place: Office) -> None:
    """Notes of two people; one of each is published."""
    await place.note("reader", "Mine alone")
    await place.note("reader", "Mine for all", is_public=True)
    await place.note("keeper", "Theirs alone")
    await place.note("keeper", "Theirs for all", is_public=True)


async def test_a_list_has_the_rows_that_the_caller_may_list(place: Office) -> None:
    """Own ones and published ones for a reader, all for an editor; the count follows."""
    await fill(place)
    page = (await (await place.sign_in("reader")).get("/admin/notes/list")).text
    assert ["Mine alone" in page, "Mine for all" in page, "Theirs for all" in page] == [True] * 3
    assert "Theirs alone" not in page
    assert "of 3 items" in page
    assert "of 4 items" in (await (await place.sign_in("editor")).get("/admin/notes/list")).text


async def test_without_the_row_rules_foreign_rows_would_show(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: it is the session that hides them, so nothing is hidden once its rules are taken out."""
    await fill(desk)
    client = await desk.sign_in("reader")
    monkeypatch.setattr(Rules, "apply", lambda *_: None)
    assert "Theirs alone" in (await client.get("/admin/notes/list")).text


async def test_search_and_order_do_not_reach_beyond_the_rule(place: Office) -> None:
    """Words of a foreign row find nothing; signs stand for nothing else; case does not matter."""
    await fill(place)
    client = await place.sign_in("reader")
    for term, count in (("theirs", 1), ("THEIRS ALONE", 0), ("alone", 1), ("%", 0), ("m_ne", 0), ("mine for", 1)):
        page = (await client.get("/admin/notes/list", params={"search": term, "sortBy": "title", "sort": "desc"})).text
        assert f"of {count} items" in page, term


async def test_a_foreign_row_has_no_page(place: Office) -> None:
    """404 for details, form and deletion, as for a row that is not there at all; and nothing happens to it."""
    theirs = await place.note("keeper", "Theirs alone")
    client = await place.sign_in("reader")
    for row_id in (str(theirs), UNKNOWN):
        assert (await client.get(f"/admin/notes/details/{row_id}")).status_code == 404
        assert (await client.get(f"/admin/notes/edit/{row_id}")).status_code == 404
        assert (await client.post(f"/admin/notes/edit/{row_id}", data={"title": "Got you"})).status_code == 404
        assert (await client.delete(f"/admin/notes/delete?pks={row_id}")).status_code == 404
    assert await place.titles() == ["Theirs alone"]


async def test_a_row_that_may_only_be_read_has_no_buttons(place: Office) -> None:
    """A published note of somebody else can be looked at; its form is as good as missing."""
    theirs = await place.note("keeper", "Theirs for all", is_public=True)
    mine = await place.note("reader", "Mine alone")
    client = await place.sign_in("reader")
    page = (await client.get("/admin/notes/list")).text
    assert [f"/details/{theirs}" in page, f"/edit/{theirs}" in page, f"/edit/{mine}" in page] == [True, False, True]
    details = await client.get(f"/admin/notes/details/{theirs}")
    assert details.status_code == 200
    assert "/admin/notes/edit/" not in details.text
    assert (await client.get(f"/admin/notes/edit/{theirs}")).status_code == 404


def add_comment(values: dict[str, Any], tx: Transaction) -> None:
    """A comment with these values."""
    tx.repository(comments).create(**values)


async def test_a_rule_over_a_relation_holds_too(place: Office) -> None:
    """A comment belongs to the author of its note."""
    for role in ("reader", "keeper"):
        note = await place.note(role, f"By {role}")
        values = {"text": f"To {role}", "note_id": note}
        await place.toy.in_transaction(partial(add_comment, values))
    page = (await (await place.sign_in("reader")).get("/admin/comments/list")).text
    assert [word in page for word in ("To reader", "By reader", "To keeper", "By keeper")] == [True, True, False, False]
    assert "of 2 items" in (await (await place.sign_in("keeper")).get("/admin/comments/list")).text


async def test_a_look_up_finds_what_the_caller_may_read(place: Office) -> None:
    """The form for a comment offers the notes that its writer can read, in the order of their titles."""
    await fill(place)
    client = await place.sign_in("reader")
    found = await client.get("/admin/comments/ajax/lookup", params={"name": "note_id", "term": "FOR ALL"})
    assert [item["text"] for item in found.json()["results"]] == ["Mine for all", "Theirs for all"]
    found = await client.get("/admin/comments/ajax/lookup", params={"name": "note_id", "term": "alone"})
    assert [item["text"] for item in found.json()["results"]] == ["Mine alone"]
    assert (await client.get("/admin/notes/ajax/lookup", params={"name": "author_id", "term": "a"})).status_code == 400
    assert (await client.get("/admin/users/ajax/lookup", params={"name": "email", "term": "a"})).status_code == 403


async def test_a_deleted_row_is_gone_from_every_screen(place: Office) -> None:
    """Soft deletion hides it, as in the API."""
    note = await place.note("reader", "Mine alone")
    client = await place.sign_in("reader")
    answer = await client.delete(f"/admin/notes/delete?pks={note}")
    assert answer.status_code == 200
    assert "Mine alone" not in (await client.get("/admin/notes/list")).text
    assert (await client.get(f"/admin/notes/details/{note}")).status_code == 404
    assert await place.toy.rows("SELECT count(*) FROM note WHERE deleted_at IS NOT NULL") == [(1,)]


async def test_a_deletion_stops_at_the_first_row_that_cannot_be_deleted(desk: Office) -> None:
    """None is deleted where one of them is foreign; every row is asked for before the first one goes."""
    mine, theirs = await desk.note("reader", "Mine alone"), await desk.note("keeper", "Theirs for all", is_public=True)
    client = await desk.sign_in("reader")
    assert (await client.delete(f"/admin/notes/delete?pks={mine},{theirs}")).status_code == 404
    assert sorted(await desk.titles()) == ["Mine alone", "Theirs for all"]


async def test_the_session_of_the_screens_never_writes(desk: Office) -> None:
    """A flush with a change in it raises; so does a statement that is no SELECT of mapped classes."""
    note = await desk.note("keeper", "Theirs alone")
    async with ruled_sessions(desk.toy.services)() as session:
        session.add(Note(title="Smuggled", author_id=desk.people["keeper"]))
        with pytest.raises(RuntimeError, match="only reads"):
            await session.commit()
    for statement in (
        insert(Note).values(title="Smuggled"),
        text("DELETE FROM note"),
        select(Note.__table__),  # type: ignore[attr-defined] # SQLModel sets it
    ):
        async with ruled_sessions(desk.toy.services)() as session:
            with pytest.raises(RuntimeError, match="SELECTs of mapped classes only"):
                await session.execute(statement)
    assert (await desk.row(note))["title"] == "Theirs alone"


async def test_outside_a_visit_nothing_is_visible(desk: Office) -> None:
    """No caller, no rows, however the question is put: whoever gets hold of the factory gets nothing else."""
    await fill(desk)
    counted = select(func.count()).select_from(select(Note).subquery())
    nested = select(select(func.count()).select_from(Note).scalar_subquery())
    title: Any = Note.title
    either = select(title).union(select(title))
    async with ruled_sessions(desk.toy.services)() as session:
        for statement, found in ((select(Note), []), (counted, [0]), (nested, [0]), (either, [])):
            assert (await session.execute(statement)).scalars().all() == found
