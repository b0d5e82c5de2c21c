"""Lists narrowed by a click: by fields with few values, and by the row that a link came from."""

import re
from pathlib import Path

import httpx2
import pytest

from charter import Transaction
from tests.admin import desk as office_file
from tests.admin.desk import POLICY, UNKNOWN, Office, office
from tests.toy.resources.folders import folders

pytestmark = pytest.mark.anyio


async def beside(client: httpx2.AsyncClient, path: str) -> dict[str, list[str]]:
    """What stands beside a list: the words of each group."""
    answer = await client.get(f"/admin/{path}")
    assert answer.status_code == 200, answer.text
    text = answer.text.partition('id="filter-sidebar"')[2].partition("</main>")[0]
    groups = re.split(r'<div class="fw-bold[^"]*">', text)[1:]
    plain = [re.sub(r"<[^>]*>", "\n", re.sub(r"<[^>]*Clear[^>]*>", "", group)) for group in groups]
    lines = [[line.strip() for line in group.splitlines() if line.strip()] for group in plain]
    return {found[0]: [word for word in found[1:] if "Charter" not in word] for found in lines}


async def test_a_list_offers_the_values_of_its_fields_with_few(place: Office) -> None:
    """Words of a Literal, of an Enum, yes and no; and for accounts their roles."""
    client = await place.sign_in("keeper")
    groups = await beside(client, "notes/list")
    assert list(groups) == ["Mood", "Ink", "Is public"]
    assert groups["Mood"][:3] == ["calm", "busy", "wild"]
    assert (await beside(client, "users/list"))["Role"][:3] == ["reader", "editor", "keeper"]
    assert await beside(client, "traces/list") == {}


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
)


async def test_a_narrowed_list_has_those_rows(place: Office) -> None:
    """Several at once, and together with the search; what is not known is not looked at."""
    await place.note("keeper", "A wild one", mood="wild", is_public=True)
    await place.note("keeper", "A busy one", mood="busy", ink="pen")
    await place.note("keeper", "A plain one")
    client = await place.sign_in("keeper")
    for query, count in NARROWED:
        assert f"of {count} items" in (await client.get(f"/admin/notes/list?{query}")).text, query


async def test_a_value_that_cannot_be_one_is_refused(desk: Office) -> None:
    """400, not 500 and not the whole list."""
    client = await desk.sign_in("keeper")
    for query in ("mood=angry", "ink=x", "is_public=perhaps", "folder_id=x", "folder_id=%27"):
        assert (await client.get(f"/admin/notes/list?{query}")).status_code == 400, query


async def test_a_list_narrowed_by_a_reference_tells_which_and_can_be_widened(place: Office) -> None:
    """By the title of the row; by its id where the caller cannot read it, or where there is none."""

    def folder(tx: Transaction) -> str:
        return str(tx.repository(folders).create(name="Shelf")["id"])

    shelf = await place.toy.in_transaction(folder)
    await place.note("keeper", "On it", folder_id=shelf)
    await place.note("keeper", "Elsewhere")
    client = await place.sign_in("keeper")
    page = (await client.get(f"/admin/notes/list?folder_id={shelf}&mood=calm")).text
    assert "of 1 items" in page
    assert (await beside(client, f"notes/list?folder_id={shelf}"))["Folder"][0] == "Shelf"
    assert (await beside(client, f"notes/list?folder_id={UNKNOWN}"))["Folder"][0] == UNKNOWN
    assert 'href="http://toy/admin/notes/list?mood=calm"' in page


async def test_a_field_that_one_does_not_see_narrows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Or its values could be found out one click after the other."""
    monkeypatch.setattr(office_file, "POLICY", POLICY.replace("-fee", "-fee|-mood"))
    async with office(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch) as place:
        await place.note("reader", "Mine", mood="wild")
        for role, count in (("reader", 1), ("keeper", 0)):
            client = await place.sign_in(role)
            assert f"of {count} items" in (await client.get("/admin/notes/list?mood=calm")).text
            assert ("Mood" in await beside(client, "notes/list")) is (role == "keeper")
