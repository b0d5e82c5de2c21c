"""The admin seen as another role: what that role is shown, and not one change."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import httpx2
import pytest

from charter.access import AccessTable, Decision
from charter.admin import viewing
from charter.admin.viewing import COOKIE
from tests.admin.asks import Ask, Outcome, ask_here
from tests.admin.desk import POLICY, ROLES, TOKEN, Office, enter
from tests.admin.doors import ROUTES
from tests.admin.looking import looking
from tests.admin.test_admin_matrix import peopled
from tests.admin.toy_screens import BODIES, SCREENS
from tests.admin.writing import writing
from tests.matrix.snapshot import rows_of, surprises
from tests.matrix.world import World

pytestmark = pytest.mark.anyio


async def view_as(client: httpx2.AsyncClient, role: str) -> httpx2.Response:
    """Choose a role, or leave it with an empty one."""
    return await client.post("/admin/view-as", data={"role": role})


@pytest.fixture
async def watched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[tuple[Office, World]]:
    """The toy with rows of every kind."""
    async with peopled(POLICY, tmp_path, monkeypatch) as found:
        yield found


def seen_by(world: World, role: str, viewer: str) -> World:
    """The world in which `role` has the rows of `viewer` for its own."""
    return replace(world, callers={**world.callers, role: world.callers[viewer]})


def asks_of(world: World, role: str) -> list[Ask]:
    """Everything that the matrix looks at as `role`, but for the choice of a role, which is the viewer's."""
    return [ask for ask in looking(world, SCREENS) if ask.role == role and ask.method == "GET"]


@pytest.mark.thorough
async def test_each_role_is_shown_as_the_oracle_says(watched: tuple[Office, World]) -> None:
    """The whole matrix of looking, with a keeper's browser in place of that of a reader, an editor and a keeper."""
    place, world = watched
    client = await place.sign_in("keeper")
    for role in ROLES:
        assert (await view_as(client, role)).status_code == 302
        outcome = await ask_here(asks_of(seen_by(world, role, "keeper"), role), {role: client})
        assert outcome.cells > 400
        assert not outcome.differences, (role, outcome.table())


@pytest.mark.thorough
async def test_the_matrix_sees_a_view_that_is_none(watched: tuple[Office, World]) -> None:
    """The control: a keeper who looks as themselves is not shown what a reader is shown."""
    place, world = watched
    client = await place.sign_in("keeper")
    outcome: Outcome = await ask_here(asks_of(seen_by(world, "reader", "keeper"), "reader"), {"reader": client})
    assert outcome.doors >= {"menu", "list headings", "list buttons", "edit inputs", "policy page"}


async def test_no_door_writes_for_somebody_who_looks(watched: tuple[Office, World]) -> None:
    """Everything that the matrix writes, as each role: 403, malformed ids 404, and not one row is another one."""
    place, world = watched
    client = await place.sign_in("keeper")
    for role in ROLES:
        await view_as(client, role)
        told = 0
        for ask in writing(seen_by(world, role, "keeper"), SCREENS, BODIES):
            if ask.role == role:
                answer = await client.request(ask.method, ask.url, data=ask.data)
                assert answer.status_code == 403 or ("malformed" in ask.row and answer.status_code == 404), ask
                told += "You only look" in answer.text
        assert told > len(BODIES), role  # the others are malformed ids
    now = await rows_of(place.toy.services.settings.database_url, world.shapes)
    assert surprises(world, now, []) == []


async def test_each_route_that_changes_something_refuses_somebody_who_looks(desk: Office) -> None:
    """By the list of routes: whoever adds one that writes finds it here."""
    client = await desk.sign_in("keeper")
    note = await desk.note("keeper", "Mine", mood="wild")
    await view_as(client, "keeper")
    words = {"identity": "notes", "pk:path": note, "pk": note, "action": "calm_down"}
    for method, path in ROUTES:
        if method == "GET" or path == "/view-as":
            continue
        url = re.sub(r"{([^}]*)}", lambda found: str(words[found[1]]), path)
        query = f"?pks={note}" if path.endswith("delete") else ""
        given = {"title": "Changed", "bulk-rows": str(note)}
        answer = await client.request(method, f"/admin{url}{query}", data=given, headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (403, "view_only"), (method, path)
    assert [(row["title"], row["mood"]) for row in [await desk.row(note)]] == [("Mine", "wild")]


async def test_behind_the_gate_is_a_second_wall(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of both: without the refusal at the sign-in nothing is written either; without both it is."""
    client = await desk.sign_in("keeper")
    note = await desk.note("keeper", "Mine", mood="wild")
    await view_as(client, "keeper")
    monkeypatch.setattr(viewing, "SAFE", {"GET", "POST", "DELETE"})
    for path in ("notes/create", f"notes/edit/{note}", f"notes/act/calm_down/{note}", "notes/bulk/delete"):
        answer = await client.post(f"/admin/{path}", data={"title": "Theirs", "bulk-rows": str(note)})
        assert "You only look" in answer.text, path
    assert "You only look" in (await client.delete(f"/admin/notes/delete?pks={note}")).text
    assert await desk.titles() == ["Mine"]
    monkeypatch.setattr("charter.admin.sign_in.look", lambda *_: None)
    assert (await client.post("/admin/notes/create", data={"title": "Theirs"})).status_code == 302
    assert await desk.titles() == ["Mine", "Theirs"]


async def test_a_role_above_ones_own_cannot_be_looked_as(desk: Office) -> None:
    """Nor one that does not get in, or that is none; whoever does not see the policy looks as nobody."""
    editor, reader = await desk.sign_in("editor"), await desk.sign_in("reader")
    for role in ("keeper", "anonymous", "nobody", "\N{SNOWMAN}", "reader.", "x" * 5000):
        assert (await view_as(editor, role)).status_code == 403
        assert COOKIE not in editor.cookies
    for role in ("reader", "editor"):
        assert (await view_as(reader, role)).status_code == 403
        assert (await view_as(editor, role)).status_code == 302
        assert f'data-viewing="{role}"' in (await editor.get("/admin/")).text


async def test_a_view_is_of_its_sign_in_alone(desk: Office) -> None:
    """A cookie of another sign-in, a changed one, or one that we did not write means nothing."""
    client = await desk.sign_in("keeper")
    await view_as(client, "reader")
    kept = client.cookies[COOKIE]
    assert 'data-viewing="reader"' in (await client.get("/admin/")).text
    role, _, mark = kept.partition(".")
    other = await desk.sign_in("keeper")
    for value in (kept, f"editor.{mark}", role, f"{role}.", f"{role}.{mark}0", ".", "%ff.x", ""):
        found = await other.get("/admin/", headers={"Cookie": f"session={other.cookies['session']}; {COOKIE}={value}"})
        assert found.status_code == 200
        assert "data-viewing" not in found.text, value


async def test_a_view_ends_when_it_is_left_and_with_the_sign_in(desk: Office) -> None:
    """Only by a form of the admin itself; the way out is open while nothing else is."""
    client = await desk.sign_in("keeper")
    await view_as(client, "reader")
    assert (await client.get("/admin/view-as")).status_code == 405
    assert (await client.post("/admin/view-as", data={"role": ""}, headers={TOKEN: "x"})).status_code == 403
    assert 'data-viewing="reader"' in (await client.get("/admin/")).text
    assert (await view_as(client, "keeper")).status_code == 302
    assert (await view_as(client, "")).status_code == 302
    assert "data-viewing" not in (await client.get("/admin/")).text
    assert (await client.post("/admin/notes/create", data={"title": "Mine again"})).status_code == 302
    await view_as(client, "reader")
    assert (await client.post("/admin/logout")).status_code == 302
    assert COOKIE not in client.cookies
    await enter(client, "keeper@example.org")
    assert "data-viewing" not in (await client.get("/admin/")).text


async def test_a_view_ends_when_the_policy_no_longer_allows_it(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the next request: of a rule that is gone, and of a role that no longer gets in."""
    client = await desk.sign_in("keeper")
    await view_as(client, "reader")
    decide = AccessTable.decide
    for gone in (("reader", "admin", "access"), ("keeper", "role-permissions", "list")):

        def without(table: AccessTable, *asked: str, gone: tuple[str, ...] = gone) -> Decision | None:
            return None if asked == gone else decide(table, *asked)

        with monkeypatch.context() as patch:
            patch.setattr(AccessTable, "decide", without)
            assert "data-viewing" not in (await client.get("/admin/")).text
    assert 'data-viewing="reader"' in (await client.get("/admin/")).text


async def test_the_page_offers_what_the_door_takes(desk: Office) -> None:
    """A button for each role that can be looked as, and words for the others."""
    page = (await (await desk.sign_in("editor")).get("/admin/access")).text
    assert re.findall(r'name="role" value="(\w+)"', page) == ["reader", "editor"]
    assert page.count("above you") == 1
