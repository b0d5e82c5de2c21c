"""`/openapi.json?for=me` shows what the caller may do, and no more: held against what the routes do."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import httpx2
import pytest
from fastapi import APIRouter, Depends

from charter import Caller, get_current_active_user, require_permission, require_role
from charter.openapi import View
from tests.documents import Document, asking, body_fields, choices, faults, operations, words
from tests.framework.test_policy_reload import original, save
from tests.patience import until
from tests.problems import places, problem
from tests.schemas import answer_schema, violations
from tests.toy.running import Toy, running

pytestmark = pytest.mark.anyio

ROLES = ("anonymous", "reader", "editor", "keeper")
NOWHERE = "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"
OPEN = {"/users/me/permissions", "/health", "/health/live", "/health/ready"}
"""Paths that need no decision; ``/auth`` is open too."""

router = APIRouter(prefix="/own", tags=["own"])


@router.get("/folders", dependencies=[Depends(require_permission("folders", "update"))])
async def by_permission() -> str:
    """Asks the policy."""
    return "folders"


@router.get("/notes", dependencies=[Depends(require_permission("notes", "delete"))])
async def by_another_permission() -> dict[str, int]:
    """Asks the policy for something else."""
    return {"notes": 1}


@router.post("/editors")
async def by_role(caller: Annotated[Caller, Depends(require_role("editor"))]) -> str:
    """Asks for a role."""
    return caller.role


@router.get("/account/{row_id}", dependencies=[Depends(get_current_active_user)])
async def by_account(row_id: str) -> str:
    """Asks for an account only."""
    return row_id


@pytest.fixture
async def toy(toy_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Toy]:
    """The toy with hand-written routes beside the generated ones."""
    async with running(toy_url, tmp_path, monkeypatch, routers=[router]) as found:
        yield found


async def clients(toy: Toy) -> dict[str, httpx2.AsyncClient]:
    """A caller of each role."""
    return {role: await toy.as_role(role) if role != "anonymous" else toy.client() for role in ROLES}


async def document_of(http: httpx2.AsyncClient, query: str = "?for=me") -> Document:
    """The document that a caller gets."""
    answer = await http.get(f"/openapi.json{query}")
    assert answer.status_code == 200, answer.text
    found: Document = answer.json()
    return found


async def is_open(http: httpx2.AsyncClient, path: str, method: str) -> bool:
    """Whether the decision lets the caller in: it comes before parameters and bodies, and no row is outside."""
    place = path.replace("{id}", NOWHERE).replace("{row_id}", NOWHERE)
    answer = await http.request(method, place, json={} if method in {"post", "put", "patch"} else None)
    return answer.status_code not in {401, 403}


async def test_the_operations_are_those_that_are_open(toy: Toy) -> None:
    """By role, exactly the routes that do not answer 401 or 403 by decision; what is public is always there."""
    for role, http in (await clients(toy)).items():
        whole, mine = operations(await document_of(http, "")), operations(await document_of(http))
        public = {key for key in whole if key[0].startswith("/auth/") or key[0] in OPEN}
        expected = public | {key for key in whole.keys() - public if await is_open(http, *key)}
        assert set(mine) == expected, role
        assert {("/own/account/{row_id}", "get"), ("/users/me", "get")} <= set(mine) or role == "anonymous"
        assert len(expected) < len(whole) or role == "keeper", role


async def test_the_operations_are_those_of_the_permissions(toy: Toy) -> None:
    """The same, held against `/users/me/permissions`: a resource's routes by the names of its actions."""
    names = {("", "get"): "list", ("", "post"): "create", ("/{id}", "get"): "read", ("/{id}", "put"): "update"}
    names |= {("/{id}", "patch"): "update", ("/{id}", "delete"): "delete", ("/aggregate", "get"): "list"}
    for role, http in (await clients(toy)).items():
        told = (await http.get("/users/me/permissions")).json()["resources"]
        mine = operations(await document_of(http))
        for path, method in operations(await document_of(http, "")):
            resource, _, rest = path.removeprefix("/").partition("/")
            action = names.get((f"/{rest}" if rest else "", method))
            if action is not None and resource != "health":
                assert ((path, method) in mine) is (action in told.get(resource, {})), (role, path, method)


async def test_bodies_have_what_may_be_written(toy: Toy) -> None:
    """Every member of a body is known to the door; every other field of the resource is not."""
    for role, http in (await clients(toy)).items():
        whole, mine = await document_of(http, ""), await document_of(http)
        for (path, method), item in operations(mine).items():
            if method in {"post", "put", "patch"} and not path.startswith(("/auth", "/own")):
                every = body_fields(whole, operations(whole)[path, method]) | {"id", "secret"}
                answer = await http.request(method, path.replace("{id}", NOWHERE), json={name: [[]] for name in every})
                refused = {key[1:] for key, code in places(answer).items() if code == "extra_forbidden"}
                assert body_fields(mine, item) == every - refused, (role, path, method)


async def test_parameters_are_those_that_may_be_named(toy: Toy) -> None:
    """Every filter, and every word of parameters that list theirs: in the document where the door knows it."""
    for role, http in (await clients(toy)).items():
        whole, mine = await document_of(http, ""), await document_of(http)
        for path in [path for path, methods in mine["paths"].items() if "get" in methods]:
            for name, word in {pair for pair in choices(whole, path) if "__" not in pair[0] or "__ne" in pair[0]}:
                answer = await http.get(path.replace("{id}", NOWHERE), params=asking(path, name, word))
                known = answer.status_code != 400 or answer.json()["code"] != "unknown_parameter"
                if word:
                    known = answer.status_code != 400
                assert known is ((name, word) in choices(mine, path)), (role, path, name, word)
        for pair, where in ((("sort", "fee"), "/notes"), (("agg", "sum:fee"), "/notes/aggregate")):
            assert (pair in choices(mine, where)) is (role in {"editor", "keeper"}), "negative control"


async def test_the_documents_hold_together(toy: Toy) -> None:
    """Every reference leads somewhere, no schema is left over, nothing is required that is not there."""
    for http in (await clients(toy)).values():
        for query in ("", "?for=me"):
            assert faults(await document_of(http, query)) == []
    broken: Any = await document_of(http)
    del broken["components"]["schemas"]["Folder"]
    assert faults(broken) != []


def canaries(toy: Toy, role: str, frame: set[str]) -> set[str]:
    """Names that a role may know from nowhere: resources, their classes, fields and inputs."""
    view, known, every = View(toy.services, role), set(frame), set()
    for entry in toy.services.catalog.entries.values():
        fields = {action: view.fields(entry, action) for action in ("list", "read", "create", "update", "delete")}
        every |= {entry.name, entry.title, *entry.fields, *entry.inputs}
        known |= {name for names in fields.values() for name in names or ()}
        known |= {entry.name, entry.title} if any(names is not None for names in fields.values()) else set()
    return every - known


async def test_nothing_hidden_is_named(toy: Toy) -> None:
    """No field, input or resource that a role may not know stands anywhere in its document; the others' would tell."""
    all_clients = await clients(toy)
    whole = await document_of(all_clients["keeper"], "")
    for role, http in all_clients.items():
        mine = await document_of(http)
        open_parts = [item for path, item in mine["paths"].items() if path.startswith("/auth/") or path in OPEN]
        schemas = [mine["components"]["schemas"][name] for name in ("MemberRegistered", "ProblemDetails")]
        frame = {*words([open_parts, schemas]), "count", "title", "text"}
        hidden = canaries(toy, role, frame)
        assert {"secret", "hashed_password", "epoch"} <= hidden
        assert hidden & set(words(mine)) == set(), role
        if role in {"anonymous", "reader"}:
            assert {"fee", "is_costly", "what", "Trace", "traces"} <= hidden
            assert {"fee", "is_costly", "what", "Trace", "traces"} <= set(words(whole)), "negative control"


async def test_lists_and_reads_may_show_different_fields(toy: Toy) -> None:
    """Each has a schema of its own then, and bodies fit it; a write by somebody who may not read answers the id."""
    http = await toy.as_role("reader")
    keeper = await toy.as_role("keeper")
    note = (await keeper.post("/notes", json={"title": "Seen", "is_public": True})).json()["id"]
    lines = "p, reader, traces, list, any, id|what\np, reader, traces, read, any, id|title\n"
    save(original() + lines)

    async def is_in_force() -> bool:
        return "/traces" in (await document_of(http))["paths"]

    await until(is_in_force)
    mine = await document_of(http)
    assert faults(mine) == []
    page = (await http.get("/traces")).json()
    row = (await http.get(f"/traces/{page['items'][0]['id']}?with=can")).json()
    made = (await http.post("/comments", json={"text": "hi", "note_id": note})).json()
    assert (row.keys(), page["items"][0].keys(), made.keys()) == ({"id", "title", "can"}, {"id", "what"}, {"id"})
    for path, method, status, body in (
        ("/traces", "get", 200, page),
        ("/traces/{id}", "get", 200, row),
        ("/comments", "post", 201, made),
    ):
        schema = answer_schema(mine, path, method, status)
        assert violations(body, schema, mine) == []
    assert violations(row, answer_schema(mine, "/comments", "post", 201), mine) != []
    assert violations({**page, "items": [row]}, answer_schema(mine, "/traces", "get", 200), mine) != []


async def test_a_document_is_of_the_policy_in_force(toy: Toy) -> None:
    """The same caller finds an operation when a rule gives it, and finds it gone again; the text is kept meanwhile."""
    http = toy.client()

    async def has_traces() -> bool:
        return "/traces" in (await document_of(http))["paths"]

    assert not await has_traces()
    save(original() + "p, anonymous, traces, list, any, *\n")
    await until(has_traces)
    save(original())

    async def has_none() -> bool:
        return not await has_traces()

    await until(has_none)


async def test_other_parameters_and_bad_credentials_are_refused(toy: Toy) -> None:
    """In the one format; credentials are looked at first, and only where the document is the caller's."""
    http = toy.client()
    found = problem(await http.get("/openapi.json?for=you"), 400, "malformed_parameter")
    assert found["errors"] == [{"pointer": "for", "code": "malformed_parameter", "detail": "is not a known reader"}]
    assert problem(await http.get("/openapi.json?for=mee"), 400)["errors"][0]["detail"].endswith("did you mean 'me'?")
    for query, code in (("nonsense=1", "unknown_parameter"), ("for=me&for=me", "repeated_parameter")):
        problem(await http.get(f"/openapi.json?{query}"), 400, code)
    for query in ("for=me", "for=you", "for=me&nonsense=1"):
        problem(await toy.client("no-token").get(f"/openapi.json?{query}"), 401, "not_authenticated")
    assert (await toy.client("no-token").get("/openapi.json")).status_code == 200
    problem(await http.post("/openapi.json?for=me"), 405, "method_not_allowed")


async def test_the_answer_is_the_callers_alone(toy: Toy) -> None:
    """No cache between gives it to somebody else; everybody's document is as it was."""
    answer = await (await toy.as_role("reader")).get("/openapi.json?for=me")
    assert answer.headers["cache-control"] == "private, no-cache"
    assert "Authorization" in answer.headers["vary"]
    assert "cache-control" not in (await toy.client().get("/openapi.json")).headers
    assert toy.app.openapi() == (await toy.client().get("/openapi.json")).json()


async def test_a_prefix_of_a_proxy_is_told(toy: Toy) -> None:
    """Where the application is served below a path, the document says so, as FastAPI's own does."""

    async def below(scope: Any, receive: Any, send: Any) -> None:
        await toy.app({**scope, "root_path": "/api"} if scope["type"] == "http" else scope, receive, send)

    for query in ("", "?for=me"):
        assert (await document_of(toy.client(app=below), query))["servers"] == [{"url": "/api"}]
        assert "servers" not in await document_of(toy.client(), query)
