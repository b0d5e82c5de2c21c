"""Every door of the admin under every attack that we know: refused in the 400s, nothing changed, never a 500.

The doors are those of the application itself: one that is not in `KNOCKS` fails the first test.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.admin.desk import TOKEN, UNKNOWN, Office
from tests.admin.doors import PUBLIC, Address, admin_of, routes_here

pytestmark = pytest.mark.anyio

SHEET = "title,fee,mood\r\nTheirs,1,calm\r\n"


@dataclass(frozen=True, slots=True)
class Knock:
    """How one door is knocked at; ``{id}`` stands for a row, in the path, the query and the form."""

    path: str
    form: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    def at(self, row_id: Any) -> tuple[str, dict[str, str], dict[str, str]]:
        """Path, query and form about that row."""
        given = (
            {name: text.replace("{id}", str(row_id)) for name, text in item.items()} for item in (self.query, self.form)
        )
        query, form = given
        return f"/admin/{self.path.replace('{id}', str(row_id))}", query, form


KNOCKS: Mapping[Address, tuple[Knock, ...]] = {
    ("GET", "/"): (Knock(""),),
    ("GET", "/access"): (Knock("access"),),
    ("GET", "/{identity}/list"): (Knock("notes/list", query={"id": "{id}"}),),
    ("GET", "/{identity}/details/{pk:path}"): (Knock("notes/details/{id}"),),
    ("GET", "/{identity}/create"): (Knock("notes/create"),),
    ("POST", "/{identity}/create"): (Knock("notes/create", {"title": "Theirs"}),),
    ("GET", "/{identity}/edit/{pk:path}"): (Knock("notes/edit/{id}"),),
    ("POST", "/{identity}/edit/{pk:path}"): (Knock("notes/edit/{id}", {"title": "Theirs"}),),
    ("GET", "/{identity}/act/{action}/{pk}"): (Knock("notes/act/calm_down/{id}"), Knock("notes/act/stamp/{id}")),
    ("POST", "/{identity}/act/{action}/{pk}"): (
        Knock("notes/act/calm_down/{id}"),
        Knock("notes/act/stamp/{id}", {"word": "theirs", "ink": "red", "times": "1"}),
    ),
    ("GET", "/{identity}/bulk/{action}"): (
        Knock("notes/bulk/update", query={"pks": "{id}"}),
        Knock("notes/bulk/delete", query={"pks": "{id}"}),
        Knock("notes/bulk/calm_down", query={"pks": "{id}"}),
    ),
    ("POST", "/{identity}/bulk/{action}"): (
        Knock("notes/bulk/update", {"bulk-rows": "{id}", "tag": "theirs"}),
        Knock("notes/bulk/delete", {"bulk-rows": "{id}"}),
        Knock("notes/bulk/calm_down", {"bulk-rows": "{id}"}),
        Knock("notes/bulk/stamp", {"bulk-rows": "{id}", "word": "theirs", "ink": "red", "times": "1"}),
    ),
    ("GET", "/{identity}/inline/{pk}"): (Knock("notes/inline/{id}", query={"field": "title"}),),
    ("POST", "/{identity}/inline/{pk}"): (Knock("notes/inline/{id}", {"title": "Theirs"}, {"field": "title"}),),
    ("GET", "/{identity}/print/{printout}/{pk}"): (Knock("notes/print/letter/{id}"),),
    ("POST", "/view-as"): (Knock("view-as", {"role": "reader"}),),
    ("GET", "/{identity}/export/{kind}"): (
        Knock("notes/export/csv", query={"id": "{id}"}),
        Knock("notes/export/jsonl", query={"id": "{id}"}),
    ),
    ("GET", "/{identity}/import"): (Knock("notes/import"),),
    ("POST", "/{identity}/import"): (
        Knock("notes/import", {"text": SHEET, "do": "import"}),
        Knock("notes/import", {"text": SHEET, "do": "check"}),
    ),
    ("DELETE", "/{identity}/delete"): (Knock("notes/delete", query={"pks": "{id}"}),),
    ("GET", "/{identity}/ajax/lookup"): (Knock("comments/ajax/lookup", query={"name": "note_id", "term": "Secret"}),),
}
"""The doors of the application; lists that are kept under a name are kept by the browser, and have none."""

CHANGING = {address: knocks for address, knocks in KNOCKS.items() if address[0] != "GET"}


async def world(desk: Office) -> dict[str, list[Any]]:
    """All rows of what could be changed."""
    tables = ("note", "folder", "comment", "bookmark", "users")
    return {name: sorted(map(repr, await desk.toy.rows(f"SELECT * FROM {name}"))) for name in tables}  # noqa: S608 # ours


async def secret(desk: Office) -> UUID:
    """A note of the keeper that no reader may see."""
    return await desk.note("keeper", "Secret", mood="wild")


def knocking(doors: Mapping[Address, tuple[Knock, ...]], row_id: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Method, path, and what goes with the request."""
    for (method, _), knocks in doors.items():
        for knock in knocks:
            path, query, form = knock.at(row_id)
            yield method, path, {"params": query, **({"data": form} if method != "GET" else {})}


def about_rows(beside: str = "nothing") -> Mapping[Address, tuple[Knock, ...]]:
    """The doors that take the id of a row."""
    found = {
        address: tuple(knock for knock in knocks if "{id}" in str(knock) and beside not in knock.path)
        for address, knocks in KNOCKS.items()
    }
    return {address: knocks for address, knocks in found.items() if knocks}


async def send(
    client: httpx2.AsyncClient, method: str, path: str, given: dict[str, Any], **more: Any
) -> httpx2.Response:
    """One request, by whatever method."""
    return await client.request(method, path, **given, **more)


async def test_every_door_is_knocked_at(desk: Office) -> None:
    """A route that is added to the admin has to be added above."""
    there = set(routes_here(admin_of(desk.toy.app)))
    assert there - {*PUBLIC} == set(KNOCKS)
    known = await secret(desk)
    keeper = await desk.sign_in("keeper")
    for method, path, given in knocking({key: item for key, item in KNOCKS.items() if key[0] == "GET"}, known):
        answer = await send(keeper, method, path, given)
        assert answer.status_code == 200, path


async def test_each_attack_would_do_something(desk: Office) -> None:
    """The control: what the tests below send does change the rows, where it is not hostile."""
    keeper = await desk.sign_in("keeper")
    for method, path, given in knocking(CHANGING, "{id}"):
        if given.get("data", {}).get("do") == "check" or path == "/admin/view-as":  # these change no rows
            continue
        row_id = str(await secret(desk))
        filled = {
            name: {key: text.replace("{id}", row_id) for key, text in item.items()} for name, item in given.items()
        }
        before = await world(desk)
        answer = await send(keeper, method, path.replace("{id}", row_id), filled)
        assert answer.status_code < 400, (path, answer.text)
        assert await world(desk) != before, path


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
async def test_another_site_changes_nothing(desk: Office, site: str) -> None:
    """With the cookie, and even with the token."""
    client = await desk.sign_in("keeper")
    known = await secret(desk)
    before = await world(desk)
    for method, path, given in knocking(CHANGING, known):
        answer = await send(
            client, method, path, given, headers={"Sec-Fetch-Site": site, "Origin": "http://evil.example"}
        )
        assert answer.status_code == 403, path
        assert answer.json()["code"] == "cross_origin", path
    assert await world(desk) == before


async def test_a_get_changes_nothing(desk: Office) -> None:
    """GET and HEAD of every door with all that a POST would take, token included, in the address."""
    client = await desk.sign_in("keeper")
    known = await secret(desk)
    before = await world(desk)
    for _, path, given in knocking(CHANGING, known):
        query = {**given["params"], **given["data"], "form-token": client.headers[TOKEN]}
        for method in ("GET", "HEAD"):
            answer = await client.request(method, path, params=query)
            assert answer.status_code < 500, (method, path)
    assert await world(desk) == before


async def test_a_stolen_cookie_is_worth_nothing_after_the_logout(desk: Office) -> None:
    """Nor with its token: pages lead to the login page, everything else is 401."""
    client = await desk.sign_in("keeper")
    known = await secret(desk)
    thief = desk.visitor()
    thief.cookies.update(client.cookies)
    thief.headers[TOKEN] = client.headers[TOKEN]
    assert (await thief.get("/admin/notes/list")).status_code == 200
    await client.post("/admin/logout")
    before = await world(desk)
    for method, path, given in knocking(KNOCKS, known):
        answer = await send(thief, method, path, given)
        assert answer.status_code == (302 if method == "GET" else 401), path
        assert method != "GET" or answer.headers["location"].endswith("/admin/login"), path
        assert "Secret" not in answer.text
    assert await world(desk) == before


async def test_a_row_of_somebody_else_is_not_there(desk: Office) -> None:
    """Neither shown nor changed, by any door that takes an id; where lists are asked for it, they are empty."""
    known = await secret(desk)
    reader = await desk.sign_in("reader")
    before = await world(desk)
    for method, path, given in knocking(about_rows(beside="stamp"), known):  # which the toy lets readers do to any row
        answer = await send(reader, method, path, given)
        is_list = method == "GET" and ("/list" in path or "/export/" in path or "/bulk/" in path)
        assert answer.status_code < 500, path
        assert answer.status_code >= 400 or is_list, (method, path, answer.status_code)
        assert "Secret" not in answer.text, path
        if method == "GET" and "/list" in path:
            assert "Nothing is like that" in answer.text
    lookup = await reader.get("/admin/comments/ajax/lookup", params={"name": "note_id", "term": "Secret"})
    assert lookup.json() == {"results": []}
    assert await world(desk) == before


BAD_IDS = ("x", "1", "0", "-1", UNKNOWN[:-1], f"{UNKNOWN}0", UNKNOWN.replace("-", ""), "9" * 400, "..", "a/b", "'", "%",
           "\N{SNOWMAN}", "null", UNKNOWN)  # fmt: skip


EMPTY = (UNKNOWN, UNKNOWN.replace("-", ""))
"""Ids that a list can be narrowed to, though nobody has them; an address knows only the first way to write one."""


async def test_a_bad_id_is_refused_at_every_door(desk: Office) -> None:
    """Also one that nobody has, and whatever letters it is made of."""
    await secret(desk)
    client = await desk.sign_in("keeper")
    before = await world(desk)
    for bad in BAD_IDS:
        for method, path, given in knocking(about_rows(), bad):
            answer = await send(client, method, path, given)
            is_empty = bad in EMPTY and method == "GET" and not path.endswith(bad)
            assert 400 <= answer.status_code < 500 or is_empty, (method, path, bad, answer.status_code)
    assert await world(desk) == before


async def test_a_nul_is_refused_wherever_it_stands(desk: Office) -> None:
    """In the path, in a parameter, in the name and in the value of a field."""
    known = await secret(desk)
    client = await desk.sign_in("keeper")
    before = await world(desk)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    for method, path, given in knocking(KNOCKS, known):
        for address in (f"{path}%00", f"{path}?a=%00", f"{path}?%00=a"):
            answer = await client.request(method, address, data=given.get("data"))
            assert answer.status_code == 400, (method, address)
        for text in ("title=a%00b&word=a%00b&tag=a%00b&text=title%0Aa%00b&do=import&bulk-rows={id}%00", "ti%00tle=a"):
            if method == "POST":
                answer = await client.post(path, content=text.replace("{id}", str(known)), headers=kind)
                assert 400 <= answer.status_code < 500, (path, text)
    assert await world(desk) == before


HIDDEN = {"author_id": UNKNOWN, "id": UNKNOWN, "deleted_at": "2026-01-01", "created_at": "2026-01-01T00:00:00",
          "slug": "mine", "hashed_password": "x", "__class__": "x", "nonsense": "x"}  # fmt: skip


async def test_a_field_that_no_form_has_is_refused(desk: Office) -> None:
    """One beside good ones stops the whole form, at every door that takes one; twice the same does no harm."""
    known = await secret(desk)
    client = await desk.sign_in("keeper")
    before = await world(desk)
    posts = {address: knocks for address, knocks in CHANGING.items() if address[0] == "POST"}
    for name, text in HIDDEN.items():
        for method, path, given in knocking(posts, known):
            answer = await send(client, method, path, {**given, "data": {**given["data"], name: text}})
            assert 400 <= answer.status_code < 500, (path, name, answer.status_code)
    assert await world(desk) == before


async def test_a_file_in_the_place_of_a_text_is_refused(desk: Office) -> None:
    """At every door that takes a form, whichever field it is."""
    known = await secret(desk)
    client = await desk.sign_in("keeper")
    before = await world(desk)
    posts = {address: knocks for address, knocks in CHANGING.items() if address[0] == "POST"}
    for _, path, given in knocking(posts, known):
        for name in (*given["data"], "nonsense"):
            rest = {key: text for key, text in given["data"].items() if key != name}
            answer = await client.post(path, data=rest, files={name: ("a.txt", b"Theirs")})
            assert 400 <= answer.status_code < 500, (path, name, answer.status_code)
    assert await world(desk) == before
