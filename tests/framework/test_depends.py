"""A hand-written router with every name that the contract gives it, mounted beside the generated routes."""

from typing import Annotated, Any
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends, Request
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from charter import (
    AuthenticationException,
    AuthorizationException,
    Caller,
    Database,
    DatabaseException,
    NotFoundException,
    ValidationException,
    check_resource_ownership,
    create_access_token,
    create_refresh_token,
    decode_token,
    get_current_active_user,
    get_current_user,
    get_db,
    get_token_from_header,
    hash_password,
    require_permission,
    require_role,
    verify_password,
    verify_token,
)
from charter.access import Decision
from tests.framework.test_commit import Probe
from tests.problems import problem
from tests.toy.resources.folders import Folder
from tests.toy.resources.notes import Note
from tests.toy.running import Toy, running

pytestmark = pytest.mark.anyio

router = APIRouter(prefix="/own")
guarded = [Depends(require_permission("folders", "read"))]
ERRORS = {
    "missing": NotFoundException,
    "invalid": ValidationException,
    "unknown": AuthenticationException,
    "refused": AuthorizationException,
    "busy": DatabaseException,
}


@router.get("/count", dependencies=guarded)
async def count(database: Annotated[AsyncSession, Depends(get_db)]) -> int:
    """A session that reads."""
    return int((await database.execute(select(func.count()).select_from(Folder))).scalar_one())


@router.post("/notes")
async def write(database: Database, caller: Annotated[Caller, Depends(get_current_active_user)]) -> str:
    """A session that writes."""
    assert caller.id is not None
    note = Note(title="seen", slug="seen", author_id=caller.id)
    database.add(note)
    return str(note.id)


@router.post("/notes/broken")
async def broken(database: Database, caller: Annotated[Caller, Depends(get_current_user)]) -> None:
    """A session whose route fails after the write."""
    assert caller.id is not None
    database.add(Note(title="seen", slug="seen", author_id=caller.id))
    await database.flush()
    raise NotFoundException("Not after all.")


@router.get("/notes/{row_id}", dependencies=[Depends(get_current_user)])
async def own(request: Request, row_id: UUID) -> str:
    """One's own rows."""
    await check_resource_ownership(request, "notes", row_id)
    return "yours"


@router.get("/editors")
async def editors(caller: Annotated[Caller, Depends(require_role("editor"))]) -> str:
    """A role and those above it."""
    return caller.role


@router.get("/decision")
async def decision(found: Annotated[Decision, Depends(require_permission("notes", "update"))]) -> list[str]:
    """The policy's decision."""
    return list(found.rows)


@router.post("/tokens")
async def tokens(
    request: Request,
    caller: Annotated[Caller, Depends(get_current_user)],
    token: Annotated[str, Depends(get_token_from_header)],
) -> dict[str, Any]:
    """Everything about tokens."""
    assert caller.id is not None
    made = await create_access_token(request, caller.id)
    again = await verify_token(request, made)
    return {
        "same": again.id == caller.id == decode_token(request, made).user_id,
        "mine": decode_token(request, token).session == caller.session,
        "refresh": await create_refresh_token(request, caller.id),
    }


@router.get("/password", dependencies=guarded)
async def password() -> list[bool]:
    """Hashing off the event loop."""
    hashed = await hash_password("correct horse battery")
    return [await verify_password(given, hashed) for given in ("correct horse battery", "wrong")]


@router.get("/errors/{name}", dependencies=guarded)
async def errors(name: str) -> None:
    """The exceptions."""
    raise ERRORS[name]("As you wished.")


@pytest.fixture
async def toy(toy_url: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The toy with the router."""
    async with running(toy_url, tmp_path, monkeypatch, routers=[router]) as found:
        yield found


async def test_every_name_of_the_contract_works_in_a_hand_written_route(toy: Toy) -> None:
    """Sessions, callers, roles, decisions, ownership, tokens and passwords."""
    stranger, reader, editor = toy.client(), await toy.as_role("reader"), await toy.as_role("editor")
    await editor.post("/folders", json={"name": "Box"})
    assert (await stranger.get("/own/count")).json() == 1
    note = (await reader.post("/own/notes")).json()
    assert (await reader.get(f"/notes/{note}")).json()["title"] == "seen"
    assert (await reader.get(f"/own/notes/{note}")).json() == "yours"
    problem(await editor.get(f"/own/notes/{note}"), 404, "not_found")
    problem(await stranger.get(f"/own/notes/{note}"), 401, "not_authenticated")
    assert (await editor.get("/own/editors")).json() == "editor"
    problem(await reader.get("/own/editors"), 403, "forbidden")
    assert (await reader.get("/own/decision")).json() == ["own"]
    problem(await stranger.get("/own/decision"), 401, "not_authenticated")
    found = (await reader.post("/own/tokens")).json()
    assert (found["same"], found["mine"]) == (True, True)
    assert (await stranger.post("/auth/refresh", json={"refresh_token": found["refresh"]})).status_code == 200
    assert (await stranger.get("/own/password")).json() == [True, False]


async def test_the_exceptions_have_the_one_form(toy: Toy) -> None:
    """Raised anywhere, each is its status, its code and the sentence that it was given."""
    http = toy.client()
    expected = {"missing": 404, "invalid": 422, "unknown": 401, "refused": 403, "busy": 503}
    for name, status in expected.items():
        assert problem(await http.get(f"/own/errors/{name}"), status)["detail"] == "As you wished."
    problem(await http.get("/own/notes/not-an-id", headers={}), 401)
    problem(await (await toy.as_role("reader")).get("/own/notes/not-an-id"), 422, "validation")


async def test_a_session_is_committed_before_the_answer_and_undone_on_errors(toy: Toy) -> None:
    """As everywhere: who hears of a row can read it; a route that fails leaves nothing."""
    probe = Probe(toy)
    _, token = await toy.member("reader")
    http = toy.client(token, app=probe)
    problem(await http.post("/own/notes/broken"), 404, "not_found")
    assert (await http.post("/own/notes")).status_code == 200
    assert probe.seen == [(404, False), (200, True)]
