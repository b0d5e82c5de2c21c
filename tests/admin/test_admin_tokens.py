"""The token in every form: a page of another sign-in, or of none, changes nothing, wherever it seems to come from."""

import re

import httpx2
import pytest

from charter.settings import derived_key
from tests.admin.desk import TOKEN, UNKNOWN, Office, form_of, token_on

pytestmark = pytest.mark.anyio

FIELD = "form-token"


async def changes(desk: Office, client: httpx2.AsyncClient, more: dict[str, str]) -> list[httpx2.Response]:
    """Everything that could change something, tried once."""
    note = await desk.note("keeper", "Mine", mood="wild")
    return [
        await client.post("/admin/notes/create", data={"title": "Theirs", **more}),
        await client.post(f"/admin/notes/edit/{note}", data={"title": "Theirs", **more}),
        await client.post(f"/admin/notes/act/stamp/{note}", data={"word": "theirs", **more}),
        await client.post(f"/admin/notes/act/calm_down/{note}", data=more),
        await client.request("DELETE", f"/admin/notes/delete?pks={note}", data=more),
    ]


async def is_as_it_was(desk: Office) -> bool:
    """Whether the notes of `changes` are all as they were made."""
    rows = await desk.toy.rows("SELECT title, tag, mood, deleted_at FROM note")
    return set(rows) == {("Mine", None, "wild", None)}


async def test_nothing_is_changed_without_the_token_of_the_sign_in(desk: Office) -> None:
    """From a page that seems to be ours, with the cookie in hand: 403 in words, and every row is as it was."""
    client, other = await desk.sign_in("keeper"), await desk.sign_in("keeper")
    mine = client.headers.pop(TOKEN)
    forged = derived_key("a guess", "admin forms")
    for given in ("", "x", "\N{SNOWMAN}", mine[:-1], mine.upper() + "0", forged, other.headers[TOKEN]):
        for answer in await changes(desk, client, {FIELD: given}):
            assert answer.status_code == 403, (given, answer.request.url)
            assert "another sign-in" in answer.text
        assert await is_as_it_was(desk)
    assert mine != other.headers[TOKEN]


async def test_the_token_may_come_with_the_form_or_beside_it(desk: Office) -> None:
    """In an input, as every page has it, or in a header, as scripts send it; a wrong header is not made good."""
    client = await desk.sign_in("keeper")
    token = client.headers.pop(TOKEN)
    form = form_of((await client.get("/admin/notes/create")).text)
    assert form[FIELD] == token
    assert (await client.post("/admin/notes/create", data=form | {"title": "By the form"})).status_code == 302
    bare = {"title": "By the header"}
    assert (await client.post("/admin/notes/create", data=bare, headers={TOKEN: token})).status_code == 302
    assert (await client.post("/admin/notes/create", data=form | bare, headers={TOKEN: "x"})).status_code == 403
    assert await desk.titles() == ["By the form", "By the header"]


async def test_a_refusal_is_a_page_for_people_and_a_problem_for_programs(desk: Office) -> None:
    """The code is stable."""
    client = await desk.sign_in("keeper")
    client.headers[TOKEN] = "x"
    assert "Open it anew" in (await client.post("/admin/notes/create", data={"title": "x"})).text
    answer = await client.post("/admin/notes/create", data={"title": "x"}, headers={"Accept": "application/json"})
    assert answer.json()["code"] == "stale_form"


async def test_every_form_that_changes_something_has_the_token_and_no_address_has_it(desk: Office) -> None:
    """Nor is it on the login page, which has no sign-in yet."""
    note = await desk.note("keeper", "Mine", mood="wild")
    client = await desk.sign_in("keeper")
    token = client.headers[TOKEN]
    for path in ("notes/create", f"notes/edit/{note}", f"notes/act/stamp/{note}", f"notes/act/calm_down/{note}"):
        page = (await client.get(f"/admin/{path}")).text
        forms = re.findall(r"<form.*?</form>", page, re.DOTALL)
        assert forms
        assert all(f'name="{FIELD}" value="{token}"' in form for form in forms), path
        assert token not in "".join(re.findall(r"(?:href|src|action|data-url)=\"([^\"]*)\"", page))
    assert token_on((await desk.visitor().get("/admin/login")).text) == ""


async def test_a_stolen_cookie_and_its_token_are_worth_nothing_after_the_logout(desk: Office) -> None:
    """Both are of a sign-in, and that has ended: 401, and nothing is changed."""
    client = await desk.sign_in("keeper")
    thief = desk.visitor()
    thief.cookies.update(client.cookies)
    thief.headers[TOKEN] = client.headers[TOKEN]
    assert (await thief.get("/admin/notes/list")).status_code == 200
    await client.post("/admin/logout")
    for answer in await changes(desk, thief, {}):
        assert answer.status_code == 401
    assert await is_as_it_was(desk)


async def test_to_look_at_the_page_of_an_action_does_nothing(desk: Office) -> None:
    """Neither GET nor HEAD; other methods are refused."""
    note = await desk.note("keeper", "Mine", mood="wild")
    client = await desk.sign_in("keeper")
    path = f"/admin/notes/act/calm_down/{note}"
    for method, status in (("GET", 200), ("HEAD", 200), ("PUT", 405), ("DELETE", 405), ("PATCH", 405)):
        assert (await client.request(method, path)).status_code == status, method
    assert (await client.get(f"{path}?mood=calm&{FIELD}={client.headers[TOKEN]}")).status_code == 200
    assert await is_as_it_was(desk)
    assert (await client.post(f"/admin/notes/act/calm_down/{UNKNOWN}")).status_code == 404
