"""Totals that are not counted from the beginning: true on every page, whatever the sort, with and without a cap."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from sqlalchemy import func, select, text

from charter.catalog import Entry
from charter.declare import Caller
from charter.plan import Lens, ListPlan, Order, Window
from charter.plugins.folding import Folded
from charter.serve import totals
from tests.framework.oracle import some_rows
from tests.framework.test_cursors_walk import WALKS
from tests.statements import statements
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

ROWS = 31


@pytest.fixture
async def http(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> httpx2.AsyncClient:
    """A client of a toy with notes of every kind of value, in which every page but the first is a far one."""
    monkeypatch.setattr(totals, "FAR", 1)
    http = await toy.as_role("keeper")
    folders = [(await http.post("/folders", json={"name": name})).json()["id"] for name in ("a", "b")]
    for body in some_rows(random.Random(4), ROWS, folders):  # noqa: S311 # not for secrets
        answer = await http.post("/notes", json=body)
        assert answer.status_code == 201, answer.text
    return http


def order_by_id(entry: Entry) -> Order:
    """The order that every list ends with."""
    return Order("id", descending=False, expression=entry.table.c.id)


def kinds(seen: list[str]) -> list[str]:
    """What was counted by each of these statements: everything, or what comes after a row."""
    return ["after" if re.search(r"note\.id\)? [<>]", text) else "all" for text in seen]


@pytest.mark.parametrize("sort", WALKS, ids=lambda sort: ",".join(sort) or "none")
async def test_every_page_of_every_sort_tells_the_same_total(http: httpx2.AsyncClient, sort: list[str]) -> None:
    """Values of every kind as they come from each driver, NULLs, ties, mixed directions, sorts over a relation."""
    for page in range(1, 10):
        asked = {"sort": ",".join(sort), "size": "4", "page": str(page)} if sort else {"size": "4", "page": str(page)}
        body = (await http.get("/notes", params=asked)).json()
        assert (body["total"], body["pages"]) == (ROWS, 8), page
        capped = (await http.get("/notes", params={**asked, "count": "capped"})).json()
        assert capped["total"] == ROWS


async def test_what_the_page_tells_is_not_counted(toy: Toy, http: httpx2.AsyncClient) -> None:
    """A page that ends the list counts nothing; one far inside counts what comes after it; all others count all."""
    expected = {
        "size=100": [],
        f"size={ROWS}": [],
        "size=4&page=8": [],
        "size=4&page=1": ["all"],
        "size=4&page=3": ["after"],
        "size=4&page=3&stars__gte=0": ["all"],
        "size=4&page=99": ["all"],
        "size=4&page=3&count=none": [],
        "size=4&page=3&count=capped": ["all"],
    }
    for asked, counted in expected.items():
        await toy.execute("UPDATE note SET stars = stars")  # nothing is known any more
        with statements("count(") as seen:
            body = (await http.get(f"/notes?{asked}")).json()
        assert kinds(seen) == counted, asked
        assert body["total"] == (None if "none" in asked else ROWS), asked


async def test_a_capped_count_stops_where_the_cap_is(http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that ends beyond the cap says the cap, and asks nothing."""
    monkeypatch.setattr(totals, "MOST_COUNTED", 10)
    with statements("count(") as seen:
        for page, size, expected in ((1, 100, 10), (3, 4, 10), (8, 4, 10)):
            body = (await http.get(f"/notes?count=capped&size={size}&page={page}")).json()
            assert (body["total"], seen) == (expected, [])


async def test_a_total_is_counted_once_until_somebody_writes(toy: Toy, http: httpx2.AsyncClient) -> None:
    """SQLite tells of every commit, of this process and of others; PostgreSQL does not, and is asked each time."""
    again = [] if toy.database == "sqlite" else ["all"]

    async def asked(query: str = "size=4") -> tuple[int, list[str]]:
        with statements("count(") as seen:
            body = (await http.get(f"/notes?{query}")).json()
        return body["total"], kinds(seen)

    for query in ("size=4", "size=4&stars__gte=0"):
        await asked(query)  # what is not prepared yet is counted in a thread, over a connection of its own
    await toy.execute("UPDATE note SET stars = stars")
    assert await asked() == (ROWS, ["all"])
    assert await asked() == (ROWS, again)
    assert (await asked("size=4&stars__gte=0"))[1] == ["all"]  # another filter is another number
    assert await asked("size=5") == (ROWS, again)
    made = await http.post("/notes", json={"title": "one more"})
    assert await asked() == (ROWS + 1, ["all"])
    assert (await http.delete(f"/notes/{made.json()['id']}")).status_code == 204
    assert await asked() == (ROWS, ["all"])
    await toy.execute("UPDATE note SET deleted_at = created_at WHERE title = (SELECT min(title) FROM note)")
    assert (await asked())[0] < ROWS


@pytest.mark.parametrize(
    ("rule", "lasts"),
    [
        (lambda c: c.created_at < func.now(), False),
        (lambda c: c.title.is_not(None) & (func.random() > c.stars), False),
        (lambda _: text("CURRENT_TIMESTAMP > '2020-01-01'"), False),
        (lambda c: c.id.in_(select(c.id).where(c.created_at < func.current_timestamp())), False),
        (lambda c: c.stars.is_(None) | (c.stars >= 0), True),
        (lambda c: Folded(c.title) != "", True),
    ],
)
async def test_a_number_that_changes_by_itself_is_counted_each_time(
    toy: Toy, http: httpx2.AsyncClient, rule: Callable[[Any], Any], lasts: bool
) -> None:
    """A row rule that looks at the clock or at dice lets rows come and go though nobody writes."""
    assert (await http.get("/notes")).status_code == 200
    entry = toy.services.catalog.entries["notes"]
    ruled = replace(entry, scopes={**entry.scopes, "now": rule(entry.table.c)})
    plan = ListPlan(Lens(ruled, ("now",), ("title",)), window=Window(page=1, size=2), order=(order_by_id(entry),))
    values = {**plan.values(Caller("keeper")), "limit": 3, "offset": 0}
    for again in (False, True):
        with statements("count(") as seen:
            await toy.services.store.fetch(lambda fetch: totals.total(fetch, plan, values, [("", 1)] * 3))
        assert len(seen) == (0 if again and lasts and toy.database == "sqlite" else 1)


@pytest.mark.parametrize("sort", WALKS, ids=lambda sort: ",".join(sort) or "none")
async def test_pages_behind_the_middle_are_the_same_from_the_end(http: httpx2.AsyncClient, sort: list[str]) -> None:
    """Rows, their order, cursors and totals, on the last pages too and behind them; whatever the sort."""
    words = {"sort": ",".join(sort)} if sort else {}
    whole = [row["id"] for row in (await http.get("/notes", params={**words, "size": "100"})).json()["items"]]
    for size in (4, 7, 10, 30):
        await http.get("/notes", params={**words, "size": "1"})  # so that the total is known
        for page in range(1, ROWS // size + 4):
            body = (await http.get("/notes", params={**words, "size": str(size), "page": str(page)})).json()
            start = (page - 1) * size
            assert [row["id"] for row in body["items"]] == whole[start : start + size], (size, page)
            assert body["total"] == ROWS
            assert (body["next"] is None) is (start + size >= ROWS or not body["items"] or _has_no_cursor(body)), page


def _has_no_cursor(body: dict[str, Any]) -> bool:
    """Whether the sort knows pages only."""
    return body["next"] is None and body["prev"] is None
