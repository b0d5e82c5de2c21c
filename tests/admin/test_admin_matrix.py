"""The access matrix of the admin: every role, resource, row and door against the policy oracle, and its controls."""

import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy.orm import ORMExecuteState
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from charter.admin.rows import Rules
from tests.admin import desk as office_file
from tests.admin.asks import Outcome, ask_here
from tests.admin.desk import POLICY, ROLES, Office, office
from tests.admin.doors import (
    PUBLIC,
    QUERIES,
    ROUTES,
    admin_of,
    asking,
    routes_here,
    unasked,
    unknown_queries,
    unlisted,
)
from tests.admin.looking import looking
from tests.admin.saboteurs import LEAVES_A_TRACE, SABOTEURS
from tests.admin.toy_screens import BODIES, ORDER, SCREENS, fill, toy_world
from tests.admin.writing import writing
from tests.matrix.policies import some_policy
from tests.matrix.snapshot import rows_of, surprises
from tests.matrix.world import World

pytestmark = pytest.mark.anyio

CHANCE = random.Random(5)  # noqa: S311 # the same every time
GUESSED = "p, reader, admin, access, any, *\n"
SHAPES = [screen.shape for screen in SCREENS.values()]
POLICIES = {"office": POLICY, "by chance": some_policy(CHANCE, ORDER, SHAPES) + GUESSED}
"""One policy that people could have written, and one that nobody would: lists wider than reads, changes than both."""


@asynccontextmanager
async def peopled(
    policy: str, folder: Path, patch: pytest.MonkeyPatch, **given: Any
) -> AsyncIterator[tuple[Office, World]]:
    """The toy under `policy` with rows of every kind, and the world as it then is."""
    patch.setattr(office_file, "POLICY", policy)
    async with office(f"sqlite+aiosqlite:///{folder}/toy.db", folder, patch, **given) as place:
        await fill(place)
        yield place, await toy_world(place, policy)


async def visitors(place: Office) -> Mapping[str, httpx2.AsyncClient]:
    """A client for each role; a stranger has no cookie."""
    return {"anonymous": place.visitor(), **{role: await place.sign_in(role) for role in ROLES}}


def queries_seen(patch: pytest.MonkeyPatch) -> set[str]:
    """The functions of the admin that run a query from now on."""
    seen: set[str] = set()
    kept = Rules.apply

    def apply(rules: Rules, state: ORMExecuteState) -> None:
        seen.add(asking())
        kept(rules, state)

    patch.setattr(Rules, "apply", apply)
    return seen


@pytest.mark.parametrize(
    "policy",
    [
        pytest.param(POLICIES["office"], id="office"),
        pytest.param(POLICIES["by chance"], id="by chance", marks=pytest.mark.thorough),
    ],
)
async def test_no_cell_of_the_matrix_differs_from_the_oracle(
    policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Zero differences in status, rows, order, counts, cells, inputs and buttons; what was refused left no trace."""
    seen = queries_seen(monkeypatch)
    async with peopled(policy, tmp_path, monkeypatch) as (place, world):
        clients = await visitors(place)
        looked = await ask_here(looking(world, SCREENS), clients)
        assert not looked.differences, looked.table()
        written = await ask_here(writing(world, SCREENS, BODIES), clients)
        assert not written.differences, written.table()
        now = await rows_of(place.toy.services.settings.database_url, world.shapes)
        assert surprises(world, now, SCREENS.keys() - {"traces"}) == []
        routes = list(routes_here(admin_of(place.toy.app)))
    assert unlisted(routes) == []
    assert seen <= QUERIES.keys()
    if policy == POLICY:
        assert unknown_queries(seen) == []
        assert unasked([looked, written], ORDER, refused=["anonymous"]) == []
        assert looked.cells + written.cells > 2000
    print(f"{looked.cells} + {written.cells} cells, no difference")  # noqa: T201 # shown by -s


@pytest.mark.thorough
async def test_the_matrix_sees_each_rule_that_is_taken_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the rule of one door there are differences, at that door; with it there were none."""
    async with peopled(POLICY, tmp_path, monkeypatch) as (place, world):
        clients = await visitors(place)
        overlooked = []
        for saboteur in SABOTEURS:
            with pytest.MonkeyPatch.context() as patch:
                saboteur.spoil(patch)
                outcome = await ask_here(saboteur.asks(world), clients)
            if saboteur.door not in outcome.doors:
                overlooked.append((saboteur.name, saboteur.door, outcome.doors))
        assert overlooked == []


async def test_a_row_that_is_gone_for_nothing_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of what is looked at afterwards: the answers were right, and the database is not."""
    async with peopled(POLICY, tmp_path, monkeypatch) as (place, world):
        LEAVES_A_TRACE.spoil(monkeypatch)
        outcome = await ask_here(LEAVES_A_TRACE.asks(world), await visitors(place))
        assert LEAVES_A_TRACE.door not in outcome.doors
        now = await rows_of(place.toy.services.settings.database_url, world.shapes)
        assert any("is deleted" in words for words in surprises(world, now, ["notes"]))


def test_a_new_door_without_a_case_is_reported() -> None:
    """The control of the list: a route, a query and a role that nobody thought of are each a finding."""
    known = [*ROUTES, *PUBLIC]
    assert unlisted(known) == []
    assert unlisted([*known, ("GET", "/{identity}/print")]) == [
        "GET /{identity}/print is a door that no cell of the matrix is for"
    ]
    assert unlisted(known[1:]) == ["GET / is listed and not there"]
    assert unknown_queries([*QUERIES, "views.print"]) == ["views.print"]
    assert "keeper was never at delete" in unasked([Outcome()], ["keeper"], [])


async def test_a_route_that_sqladmin_adds_is_reported(desk: Office) -> None:
    """The same on the running application: the routes are those that it serves."""
    admin = admin_of(desk.toy.app)
    assert unlisted(routes_here(admin)) == []
    admin.router.routes.append(Route("/{identity}/print", PlainTextResponse("paper")))
    assert unlisted(routes_here(admin)) != []
