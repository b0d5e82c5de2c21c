"""The first page, the page about the policy, and the choice of a role to look as, with what the oracle says of them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import httpx2

from tests.admin import pages
from tests.admin.asks import Ask
from tests.admin.eyes import Eye

NONSENSE = "nonsense"
MOST_NAMED = 5
LOGIN = "302 login"
POLICY_ROWS = "role-permissions"
"""The resource whose rows are the policy's rules, where an application has it."""


def index(eye: Eye) -> Iterator[Ask]:
    """The first page, what it leads to, and the page about the policy itself: for whoever may list its rules."""
    menu = {path for path in eye.screens if eye.at(path).may("list")}
    knows = POLICY_ROWS in eye.screens and eye.at(POLICY_ROWS).may("list")
    expected: dict[str, Any] = {"index": LOGIN}
    if eye.admitted:
        expected = {"index": "200", "menu": menu, "policy link": knows, "dashboard": cards(eye)}

    def view(answer: httpx2.Response) -> Mapping[str, Any]:
        page = pages.Page(answer)
        found: dict[str, Any] = {"index": pages.told(answer)}
        if answer.status_code == 200:
            found |= {"menu": page.menu, "policy link": bool(page.leads_to("access"))}
            found |= {"dashboard": pages.dashboard(answer)}
        return found

    yield Ask(eye.role, "-", "-", "GET", "/admin/", expected, view)
    opened: dict[str, Any] = {"policy page": ("200" if knows else "403") if eye.admitted else LOGIN}
    opened["people"] = None
    if opened["policy page"] == "200":
        opened["people"] = {role: people_of(eye.at("users"), role) for role in eye.world.order[1:]}
    yield Ask(eye.role, "-", "-", "GET", "/admin/access", opened, pages.policy)
    for role in (*eye.world.order, NONSENSE):
        is_up_to = role in eye.world.order[: eye.world.order.index(eye.role) + 1]
        enters = bool(eye.world.rule(role, "admin", "access")[0])
        answer = ("302" if knows and is_up_to and enters else "403") if eye.admitted else "401"
        look = Ask(eye.role, "-", role, "POST", "/admin/view-as", {"view as": answer}, under("view as", pages.told))
        yield replace(look, data={"role": role})
    leave = {"view as": "302" if eye.admitted else "401"}
    yield Ask(eye.role, "-", "-", "POST", "/admin/view-as", leave, under("view as", pages.told), {"role": ""})


def people_of(eye: Eye, role: str) -> tuple[str, list[str]]:
    """How many accounts have a role, and the first five of them, each with the page that it has."""
    listed, readable = (eye.world.seen(eye.role, "users", action) for action in ("list", "read"))
    knows = {action: eye.may(action) and "role" in eye.fields(action) for action in ("list", "read")}
    count = f"{sum(row['role'] == role for row in listed):,}" if knows["list"] else "-"
    named = [row for row in readable if row["role"] == role][:MOST_NAMED] if knows["read"] else []
    pages_of = [f"users/details/{row['id']}" if eye.may("list") else "" for row in named]
    return count, sorted([*(eye.title(row) for row in named), *filter(None, pages_of)])


def cards(eye: Eye) -> dict[str, Any]:
    """The cards of the dashboard that the role sees: made of rows and fields that it may list."""
    there = [(eye.at(path), card) for path, screen in eye.screens.items() for card in screen.cards]
    return {card.title: card.value(seer) for seer, card in there if seer.may("list") and card.of <= seer.fields("list")}


def under(door: str, view: Callable[[httpx2.Response], Any]) -> Callable[[httpx2.Response], Mapping[str, Any]]:
    """A view with one value."""
    return lambda answer: {door: view(answer)}
