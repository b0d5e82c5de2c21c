"""Whatever is sent to whichever route by whomever: a refusal in the one form or a legal answer, never a failure."""

import os
from collections import Counter

import httpx2
import pytest

from tests.hostile import Attack, attacks, verdict, walk
from tests.toy.running import Toy

EVERY = int(os.environ.get("ATTACK_EVERY", "16"))
ROLES = ("anonymous", "reader", "editor")

pytestmark = pytest.mark.anyio


async def prepared(toy: Toy) -> tuple[httpx2.AsyncClient, dict[str, str], dict[str, str]]:
    """A powerful client, a row of each kind to aim at, and references that lead somewhere."""
    http = await toy.as_role("keeper")
    folder = (await http.post("/folders", json={"name": "Target"})).json()["id"]
    note = (await http.post("/notes", json={"title": "Target", "folder_id": folder, "is_public": True})).json()["id"]
    comment = (await http.post("/comments", json={"text": "Target", "note_id": note})).json()["id"]
    bookmark = (await http.post("/bookmarks", json={"note_id": note})).json()["id"]
    trace = (await http.get("/traces")).json()["items"][0]["id"]
    victim, _ = await toy.member("reader", "victim")
    found = {"folders": folder, "notes": note, "comments": comment, "bookmarks": bookmark, "traces": trace}
    ids = {f"/{name}/{{id}}": row for name, row in {**found, "users": str(victim)}.items()}
    return http, ids, {"note_id": note, "folder_id": folder, "parent_id": folder}


async def test_no_request_of_a_powerful_caller_breaks_anything(toy: Toy) -> None:
    """Attacks on every route, field and parameter by who may do everything; afterwards all lists still answer.

    Each database meets another part of them; ``ATTACK_EVERY=1`` sends all to both.
    """
    http, ids, values = await prepared(toy)
    document = (await http.get("/openapi.json")).json()
    shift = 0 if toy.database == "sqlite" else 3
    assert await walk(http, attacks(document, ids, values, every=EVERY, shift=shift)) == []
    http = await toy.as_role("keeper", "another")
    for path in ("/notes", "/folders", "/comments", "/bookmarks", "/traces", "/users"):
        for page in (1, 2, 3):
            assert (await http.get(f"{path}?size=100&page={page}")).status_code == 200


@pytest.mark.parametrize("role", ROLES)
async def test_no_request_of_any_other_caller_breaks_anything(toy: Toy, role: str) -> None:
    """A part of the same attacks by every other role: refusals have the same form whoever asks."""
    keeper, ids, values = await prepared(toy)
    document = (await keeper.get("/openapi.json")).json()
    http = toy.client() if role == "anonymous" else await toy.as_role(role)
    shift = 2 * ROLES.index(role) + (toy.database == "sqlite")
    found = attacks(document, ids, values, every=4 * EVERY, shift=shift)
    assert await walk(http, found, signed_in=role != "anonymous") == []


async def test_the_walk_meets_every_route_and_sees_failures(toy: Toy) -> None:
    """The walk itself: no operation is left out, and a failure, a foreign form or an echo would be told."""
    document = (await toy.client().get("/openapi.json")).json()
    met = Counter(
        (attack.method, attack.path.partition("?")[0])
        for attack in attacks(document, every=2)
        if "id" not in attack.why
    )
    for path, methods in document["paths"].items():
        for method in methods:
            assert met[method.upper(), path.replace("{id}", "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10")] > 5, path
    attack = Attack("", "GET", "/")
    assert verdict(attack, httpx2.Response(500, json={}), 0)
    assert verdict(attack, httpx2.Response(302), 0)
    assert verdict(attack, httpx2.Response(404, json={"detail": "Not Found"}), 0)
    assert verdict(attack, httpx2.Response(422, text="dontrepeatme"), 0)
    assert verdict(attack, httpx2.Response(200), 6)
    assert not verdict(attack, httpx2.Response(200), 0)
