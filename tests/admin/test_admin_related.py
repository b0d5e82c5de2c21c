"""What refers to a row, on its page: the other resource's rows and fields, under its own rules."""

import re
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest

from charter import Resource, Transaction
from charter.admin.related import MOST_RELATED
from charter.admin.rows import Rules
from charter.admin.views import EntryView
from charter.errors import ConflictException
from tests.admin import desk as office_file
from tests.admin.desk import POLICY, Office, office
from tests.toy.resources.comments import comments
from tests.toy.resources.folders import folders

pytestmark = pytest.mark.anyio


def _create(resource: Resource, values: dict[str, Any], tx: Transaction) -> UUID:
    found: UUID = tx.repository(resource).create(**values)["id"]
    return found


async def make(place: Office, resource: Resource, **values: Any) -> UUID:
    """A row with these values; its id."""
    found: UUID = await place.toy.in_transaction(partial(_create, resource, values))
    return found


async def section(client: httpx2.AsyncClient, path: str, label: str) -> str:
    """The table with this label on a page; empty where there is none."""
    answer = await client.get(f"/admin/{path}")
    assert answer.status_code == 200, answer.text
    found = re.search(rf'<section [^>]*aria-label="{label}">.*?</section>', answer.text, re.DOTALL)
    return found[0] if found else ""


async def shelf(place: Office) -> UUID:
    """A folder with notes of two people in it, one of each published, and one elsewhere."""
    folder = await make(place, folders, name="Shelf")
    await place.note("reader", "Mine alone", folder_id=folder, fee=1250, text="12345")
    await place.note("keeper", "Theirs alone", folder_id=folder, fee=9999)
    await place.note("keeper", "Theirs for all", folder_id=folder, fee=7777, is_public=True)
    await place.note("keeper", "Elsewhere")
    return folder


async def test_a_page_shows_what_refers_to_its_row(place: Office) -> None:
    """Each in the columns of its own list, but for the one that points back; with a way to its own page."""
    folder = await shelf(place)
    await make(place, folders, name="Small shelf", parent_id=folder)
    client = await place.sign_in("keeper")
    table = await section(client, f"folders/details/{folder}", "Notes")
    assert re.findall(r"<th scope[^>]*>([^<]*)</th>", table) == ["Title", "Mood", "Fee", "Letters"]
    cells = [re.sub(r"<[^>]*>", "", cell).strip() for cell in re.findall(r"<td[^>]*>(.*?)</td>", table)]
    rows = [cells[start : start + 5] for start in range(0, len(cells), 5)]
    assert rows == [
        ["", "Mine alone", "calm", "12.50", "5"],
        ["", "Theirs alone", "calm", "99.99", "0"],
        ["", "Theirs for all", "calm", "77.77", "0"],
    ]
    (first, *_) = re.findall(r'href="([^"]*/notes/details/[^"]*)"', table)
    assert "Mine alone" in (await client.get(first)).text
    assert "Small shelf" in await section(client, f"folders/details/{folder}", "Children")
    assert "All " not in table


async def test_a_related_row_outside_the_rule_is_absent(place: Office) -> None:
    """Rows and fields are those that the caller may read of the other resource; a deleted row is gone."""
    folder = await shelf(place)
    gone = await place.note("reader", "Mine and deleted", folder_id=folder)
    client = await place.sign_in("reader")
    assert (await client.delete(f"/admin/notes/delete?pks={gone}")).status_code == 200
    table = await section(client, f"folders/details/{folder}", "Notes")
    assert [word in table for word in ("Mine alone", "Theirs for all", "Theirs alone", "Mine and deleted")] == [
        True,
        True,
        False,
        False,
    ]
    assert re.findall(r"<th scope[^>]*>([^<]*)</th>", table) == ["Title", "Mood", "Letters"]
    assert "12.50" not in table


async def test_without_the_row_rules_a_foreign_related_row_would_show(
    desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: it is the session that hides it."""
    folder = await shelf(desk)
    client = await desk.sign_in("reader")
    assert "Theirs alone" not in await section(client, f"folders/details/{folder}", "Notes")
    monkeypatch.setattr(Rules, "apply", lambda *_: None)
    assert "Theirs alone" in await section(client, f"folders/details/{folder}", "Notes")


BOTH = "p, reader, comments, list, own, *\np, reader, comments, read, own, *\n"

RULES = (
    (BOTH, True, True),
    ("p, reader, comments, list, own, *\n", False, False),
    ("p, reader, comments, read, own, *\n", True, False),
    ("p, reader, comments, list, own, *\np, reader, comments, read, own, -note_id\n", False, False),
    ("", False, False),
)


@pytest.mark.parametrize(("rules", "has_table", "has_links"), RULES)
async def test_a_table_needs_a_rule_to_read_and_a_link_needs_a_page(
    rules: str, has_table: bool, has_links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A resource without `read`, or without the field that refers here, is not spoken of at all."""
    monkeypatch.setattr(office_file, "POLICY", POLICY.replace(BOTH, rules))
    async with office(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch) as place:
        note = await place.note("reader", "Mine")
        await make(place, comments, text="Well said", note_id=note)
        client = await place.sign_in("reader")
        table = await section(client, f"notes/details/{note}", "Comments")
        assert bool(table) is has_table
        assert ("Well said" in table) is has_table
        assert ("/comments/details/" in table) is has_links
        assert ("Well said" in (await client.get(f"/admin/notes/details/{note}")).text) is has_table


async def test_only_the_newest_rows_are_shown_and_a_link_leads_to_all(place: Office) -> None:
    """The newest last; the list that the link leads to is narrowed to the same row."""
    folder = await make(place, folders, name="Shelf")
    titles = [f"Note number {number}" for number in range(MOST_RELATED + 1)]
    for title in titles[:-1]:
        await place.note("keeper", title, folder_id=folder)
    client = await place.sign_in("keeper")
    table = await section(client, f"folders/details/{folder}", "Notes")
    assert re.findall(r"Note number \d+", table) == titles[:-1]
    assert "All notes" not in table
    await place.note("keeper", titles[-1], folder_id=folder)
    await place.note("keeper", "Elsewhere")
    table = await section(client, f"folders/details/{folder}", "Notes")
    assert re.findall(r"Note number \d+", table) == titles[1:]
    (link,) = re.findall(r'href="([^"]*)">All notes</a>', table)
    page = (await client.get(link)).text
    assert f"of {len(titles)} items" in page
    assert "<b>Folder</b> <span>Shelf</span>" in page


async def test_what_people_wrote_is_only_text(desk: Office) -> None:
    """Signs of HTML in a related row are shown as they are."""
    folder = await make(desk, folders, name="Shelf")
    await desk.note("keeper", "<script>alert(1)</script>", folder_id=folder)
    table = await section(await desk.sign_in("keeper"), f"folders/details/{folder}", "Notes")
    assert "&lt;script&gt;" in table
    assert "<script>" not in table


async def test_a_code_that_only_the_application_knows_has_a_page(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The status is that of its class."""

    async def refuse(*_: Any) -> None:
        raise ConflictException("It is sold out.", code="sold_out")

    monkeypatch.setattr(EntryView, "get_object_for_details", refuse)
    answer = await (await desk.sign_in("keeper")).get(f"/admin/notes/details/{desk.people['keeper']}")
    assert answer.status_code == 409
    assert "It is sold out." in answer.text
