"""The access matrix of the shop over HTTP: every role, resource, action, row and door against the policy oracle."""

from pathlib import Path

import httpx2

from tests.doors import (
    PAGES,
    PUBLIC_IN_SHOP,
    doors_of,
    routes_documented,
    routes_told,
    unasked,
    unlisted,
    unlisted_parameters,
)
from tests.matrix import power
from tests.matrix.cells import Outcome, ask_all
from tests.matrix.run import changing, looking
from tests.matrix.snapshot import rows_now, surprises
from tests.running import SERVE, Running, copy_application, run_once, running
from tests.shop.matrix_world import SHAPES, SIDE_EFFECTS, database_of, make_world, new_account, oracle_of
from tests.shop.people import People
from tests.shop.shop_table import LADDER

DOORS = doors_of(SHAPES.values())

SABOTAGE = """
from dataclasses import replace
from charter import query
from charter.serve import actions, totals
related, count, target = query.related_rows, totals.count_statement, actions.target_of
def wide(lens): return replace(lens, rows=("any",))
query.related_rows = lambda table, relation, lens: related(table, relation, wide(lens))
totals.count_statement = lambda plan: count(replace(plan, lens=wide(plan.lens)))
actions.target_of = lambda tx, plan: target(tx, replace(plan, lens=wide(plan.lens)))
import runpy
runpy.run_path("app.py", run_name="__main__")
"""
"""Starts the shop without the row rule in includes, in counts and in actions."""


def test_no_cell_of_the_matrix_differs_from_the_oracle(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """Zero differences in status, rows, counts and keys; what was refused left nothing; no door was left out."""
    folder = copy_application(tmp_path)
    with running(folder, SERVE, DEMO_DATA="false", **empty_database) as shop:
        if not empty_database:
            check_doors(shop)
        world, people = make_world(shop)
        looked = ask_all(looking(world), people.by_role)
        assert not looked.differences, looked.table()
        changed = ask_all(changing(world), people.by_role)
        assert not changed.differences, changed.table()
        assert not surprises(world, rows_now(database_of(shop), SHAPES), SHAPES.keys() - SIDE_EFFECTS)
    assert world.untried == ["admin users delete own published"]  # nobody deletes themselves here
    asked = [(cell.role, cell.method, cell.url, cell.door) for cell in (*looked.asked, *changed.asked)]
    assert not unasked(DOORS, asked, LADDER)
    assert len(asked) > 2_500
    print(f"{len(looked.asked)} + {len(changed.asked)} cells, no difference")  # noqa: T201 # shown by -s


def check_doors(shop: Running) -> None:
    """The routes that the application tells of, its document and the list of doors are the same, each with its rule."""
    told = run_once(shop.folder, "-m", "charter", "routes", **{**shop.environment, "PORT": "0"})
    assert told.returncode == 0, told.stderr
    rules = routes_told(told.stdout)
    document = httpx2.get(f"{shop.url}/openapi.json").json()
    assert not unlisted(rules, DOORS, PUBLIC_IN_SHOP)
    assert not routes_documented(document) - rules.keys()
    assert not unlisted_parameters(document, SHAPES)
    expected = dict.fromkeys(PUBLIC_IN_SHOP, "public") | {
        route: "public" if route in PAGES else f"{door.resource} {door.action}" for route, door in DOORS.items()
    }
    assert rules == expected


def test_the_matrix_notices_a_sabotaged_server(tmp_path: Path) -> None:
    """Without the row rule in includes, counts and actions, cells at those doors differ, and at no other."""
    folder = copy_application(tmp_path)
    shows = {"include", "count", "page beyond", "act"}
    with running(folder, ("-c", SABOTAGE), DEMO_DATA="false") as shop:
        world, people = make_world(shop)
        looked = ask_all((cell for cell in looking(world) if cell.door in {*shows, "list"}), people.by_role)
        changed = ask_all((cell for cell in changing(world) if cell.door in {*shows, "delete"}), people.by_role)
    both = Outcome(looked.asked + changed.asked, looked.differences + changed.differences)
    assert both.doors == shows, both.table()


def test_what_gives_power_is_in_no_body_unless_a_rule_names_it(shop: Running, people: People) -> None:
    """Role, flags, owner, state and hidden columns: 422 as for nonsense, in POST, PUT and PATCH; not documented."""
    oracle = oracle_of(shop)
    outcome = ask_all(power.cells(oracle, LADDER, SHAPES), people.by_role)
    assert not outcome.differences, outcome.table()
    assert len(outcome.asked) >= 30
    assert not power.documented(people.anonymous.http.get("/openapi.json").json(), oracle, SHAPES)
    answer = people.anonymous.http.post("/auth/register", json={**new_account(), "role": "admin", "is_active": True})
    assert {error["pointer"] for error in answer.json()["errors"]} == {"/role", "/is_active"}
