"""Lists narrowed by a click: by fields with few values, and by the row that a link came from."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import httpx2
import pytest

from charter import Transaction
from charter.admin import views
from tests.admin import desk as office_file
from tests.admin.desk import POLICY, UNKNOWN, Office, office
from tests.toy.resources.folders import folders

pytestmark = pytest.mark.anyio


async def above(client: httpx2.AsyncClient, path: str) -> dict[str, list[str]]:
    """The panel above a list: for each field the words to choose from, or the parameters that it has."""
    answer = await client.get(f"/admin/{path}")
    assert answer.status_code == 200, answer.text
    panel = answer.text.partition('<form id="filters"')[2].partition("</form>")[0]
    found: dict[str, list[str]] = {}
    for part in panel.split('data-filter="')[1:]:
        label = re.search(r"<(?:legend|label)[^>]*>([^<]*)<", part)
        assert label is not None
        words = re.findall(r"<span>([^<]*)</span>", part)
        found[label[1]] = words or re.findall(r' name="([^"]*)"', part)
    return found


def narrowed_by(page: str) -> list[tuple[str, str]]:
    """What a list says that it is narrowed by."""
    return re.findall(r"data-narrowed><b>([^<]*)</b> <span>([^<]*)</span>", page)


async def test_a_list_offers_each_filter_as_suits_its_values(place: Office) -> None:
    """Words to choose from, two bounds, two days, a part of a text, a look-up; also over a relation."""
    client = await place.sign_in("keeper")
    panel = await above(client, "notes/list")
    assert panel["Mood"] == ["calm", "busy", "wild"]
    assert panel["Is public"] == ["yes", "no", "either"]
    assert panel["Fee (EUR)"] == ["fee__gte", "fee__lte"]
    assert panel["Due"] == ["due__gte", "due__lte"]
    assert panel["Title contains"] == ["title__contains"]
    assert panel["Folder"] == ["folder_id"]
    assert panel["Folder remark contains"] == ["folder.remark__contains"]
    assert list(panel)[-2:] == ["Created at", "Updated at"]
    assert (await above(client, "users/list"))["Role"] == ["reader", "editor", "keeper"]
    assert "Id" not in panel


NARROWED = (
    ("mood=wild", 1),
    ("mood=busy", 1),
    ("mood=busy&is_public=true", 0),
    ("ink=pen", 1),
    ("is_public=false", 2),
    ("mood=", 3),
    ("nothing=x", 3),
    ("mood=calm&search=plain", 1),
    (f"folder_id={UNKNOWN}", 0),
    ("mood__in=wild&mood__in=busy", 2),
    ("mood__in=wild,calm", 2),
    ("fee__gte=12.50&fee__lte=13", 1),
    ("fee=12,50", 1),
    ("fee__gt=12.5", 0),
    ("title__contains=WILD", 1),
    ("ink__is_null=true", 2),
    ("stars__gte=1", 0),
    ("day__gte=2026-01-01", 1),
    ("folder.remark__contains=x", 0),
)


async def test_a_narrowed_list_has_those_rows(place: Office) -> None:
    """Several at once, and together with the search; what is not known is not looked at."""
    await place.note("keeper", "A wild one", mood="wild", is_public=True, fee=1250, day=date(2026, 1, 1))
    await place.note("keeper", "A busy one", mood="busy", ink="pen")
    await place.note("keeper", "A plain one")
    client = await place.sign_in("keeper")
    for query, count in NARROWED:
        assert f"of {count} items" in (await client.get(f"/admin/notes/list?{query}")).text, query


WRONG = (
    *("mood=angry", "ink=x", "is_public=perhaps", "folder_id=x", "folder_id=%27", "fee=much", "fee__gte=1.999"),
    *(
        "fee__gte=-1",
        "stars__lte=many",
        "due__gte=soon",
        "due__gte=2026-02-30",
        "due__lte=9999-12-31",
        "due=0001-01-01",
    ),
    *("day__gte=x", "mood__in=calm,angry", "ink__is_null=perhaps", "weight__gte=nan", f"stars={9**99}"),
)


async def test_a_value_that_cannot_be_one_is_refused(desk: Office) -> None:
    """400, not 500 and not the whole list."""
    client = await desk.sign_in("keeper")
    for query in WRONG:
        answer = await client.get(f"/admin/notes/list?{query}")
        assert (answer.status_code, "cannot be narrowed so" in answer.text) == (400, True), query


async def test_a_list_narrowed_by_a_reference_tells_which_and_can_be_widened(place: Office) -> None:
    """By the title of the row; by its id where the caller cannot read it, or where there is none."""

    def folder(tx: Transaction) -> str:
        return str(tx.repository(folders).create(name="Shelf")["id"])

    shelf = await place.toy.in_transaction(folder)
    await place.note("keeper", "On it", folder_id=shelf)
    await place.note("keeper", "Elsewhere")
    client = await place.sign_in("keeper")
    page = (await client.get(f"/admin/notes/list?folder_id={shelf}&mood=calm&page=1")).text
    assert "of 1 items" in page
    assert narrowed_by(page) == [("Folder", "Shelf"), ("Mood", "calm")]
    unknown = (await client.get(f"/admin/notes/list?folder_id={UNKNOWN}")).text
    assert narrowed_by(unknown) == [("Folder", UNKNOWN)]
    assert 'href="http://toy/admin/notes/list?mood=calm"' in page


DAYS = (
    ("", "2026-03-01", 2),
    ("Europe/Amsterdam", "2026-03-01", 2),
    ("Pacific%2FAuckland", "2026-03-01", 1),
    ("Pacific/Auckland", "2026-03-02", 1),
    ("../../etc/passwd", "2026-03-01", 2),
    ("x" * 3000, "2026-03-01", 2),
)
"""The reader's zone, a day, and how many of the notes of 10:30 and 22:30 UTC are in it."""


@pytest.mark.parametrize(("zone", "day", "count"), DAYS)
async def test_a_day_is_one_of_the_readers_zone(desk: Office, zone: str, day: str, count: int) -> None:
    """The browser says which one in a cookie; a zone that is none means UTC."""
    for hour in (10, 22):
        await desk.note("keeper", "Due", due=datetime(2026, 3, 1, hour, 30, tzinfo=UTC))
    client = await desk.sign_in("keeper")
    client.cookies.set("zone", zone, path="/admin")
    page = await client.get(f"/admin/notes/list?due__gte={day}&due__lte={day}")
    assert f"of {count} items" in page.text


async def test_a_list_counts_no_further_than_its_pages_go(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond that it says so; the last page that is there is the last one that counts."""
    for number in range(4):
        await desk.note("keeper", f"Note {number}")
    client = await desk.sign_in("keeper")
    for most, said in ((3, "of 3+ items; narrow"), (4, "of 4 items\n")):
        monkeypatch.setattr(views, "MOST_COUNTED", most)
        page = await client.get("/admin/notes/list?pageSize=2&page=2")
        assert said in " ".join(page.text.split(" ")), most


async def test_a_field_that_one_does_not_see_narrows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or its values could be found out one click after the other."""
    monkeypatch.setattr(office_file, "POLICY", POLICY.replace("-fee", "-fee|-mood"))
    async with office(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch) as place:
        await place.note("reader", "Mine", mood="wild")
        for role, count in (("reader", 1), ("keeper", 0)):
            client = await place.sign_in(role)
            assert f"of {count} items" in (await client.get("/admin/notes/list?mood=calm")).text
            assert ("Mood" in await above(client, "notes/list")) is (role == "keeper")
