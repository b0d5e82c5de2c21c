"""The list of doors holds every route of a running application; one that nobody has listed is reported."""

from pathlib import Path

import pytest
from fastapi import APIRouter, Depends

from charter import require_permission
from tests.doors import doors_of, routes_documented, routes_here, unasked, unlisted, unlisted_parameters
from tests.framework.matrix_toy import SHAPES, STRICT, stage

pytestmark = pytest.mark.anyio

extra = APIRouter()


@extra.get("/notes/{row_id}/history", dependencies=[Depends(require_permission("notes", "read"))])
async def history(row_id: str) -> str:
    """A door that asks for a decision, and that no cell of the matrix is for."""
    return row_id


@pytest.mark.parametrize("routers", [(), (extra,)], ids=["as_it_is", "with_a_new_door"])
async def test_every_route_of_the_toy_is_a_listed_door(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, routers: tuple[APIRouter, ...]
) -> None:
    """What `iter_route_contexts` finds is listed, and nothing else; a new route is named, though it has a rule."""
    url = f"sqlite+aiosqlite:///{tmp_path}/toy.db"
    async with stage(url, tmp_path, monkeypatch, STRICT, routers=routers) as found:
        doors = doors_of(SHAPES.values())
        routes, document = routes_here(found.toy.app), (await found.client("keeper").get("/openapi.json")).json()
    new = ["GET /notes/{row_id}/history is a door that no cell of the matrix is for"] if routers else []
    assert unlisted(routes, doors) == new
    assert not routes_documented(document) - routes
    assert not unlisted_parameters(document, SHAPES)


def test_a_new_kind_of_door_is_reported() -> None:
    """A generated route of a new kind, a parameter of a new name, and a listed door that is gone."""
    doors = doors_of(SHAPES.values())
    routes = {*doors, ("POST", "/notes/bulk"), ("GET", "/health")} - {("GET", "/notes")}
    found = unlisted(routes, doors)
    assert "POST /notes/bulk is a door that no cell of the matrix is for" in found
    assert "GET /notes is listed and not there" in found
    given = [{"name": name, "in": "query"} for name in ("trash", "title__contains", "secret", "sort")]
    document = {"paths": {"/notes": {"get": {"parameters": given}}}}
    assert unlisted_parameters(document, SHAPES) == ["GET /notes?trash", "GET /notes?secret"]


def test_a_door_where_nobody_knocked_is_reported() -> None:
    """Every role has to have been at every listed door, and the door asked by each kind of cell it is listed with."""
    doors = {route: door for route, door in doors_of(SHAPES.values()).items() if route[1] == "/notes/{id}/star"}
    asked = [("keeper", "POST", "/notes/01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10/star?x=1", "act")]
    assert unasked(doors, asked, ["keeper"]) == []
    assert unasked(doors, asked, ["reader"]) == ["reader was never at ('POST', '/notes/{id}/star')"]
    assert len(unasked(doors, [], ["keeper"])) == 2
