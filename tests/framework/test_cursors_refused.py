"""A cursor is good for one list, that of the page it came from. Anything else in its place is 400, in one sentence."""

import json
import random
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from sqlalchemy import BigInteger, column

from charter.declare import Caller
from charter.errors import BadRequestException
from charter.plan import Lens, ListPlan, Order, Seek, Window
from charter.plugins.cursors import LONGEST_CURSOR, Cursors
from charter.types import INT64_MAX, INT64_MIN
from tests.framework.oracle import query
from tests.problems import places, problem
from tests.toy.running import Toy, toy_settings

pytestmark = pytest.mark.anyio

SENTENCE = "does not belong to this list: it goes with the filters, the sort and the caller of the page it came from"

GARBAGE = (
    *("", "x", "=", "null", "0", "-1", "....", "%20", "%00", "%ff", "a+b", "a/b", "a=b=", "ü", "%C3%BC", "🗼", "{}"),
    *("A" * 22, "A" * 5001, "A" * LONGEST_CURSOR, "A" * (LONGEST_CURSOR + 1), "_" * 100, "-" * 43, "AAAA%0AAAAA"),
    *(urlsafe_b64encode(text.encode()).decode() for text in ('[0,"x"]', "x" * 16 + "[", "x" * 16 + "[[[[", "9" * 4400)),
)


async def filled(toy: Toy, role: str = "keeper", name: str = "") -> httpx2.AsyncClient:
    """A client with a few notes of its own."""
    http = await toy.as_role(role, name)
    for index in range(4):
        answer = await http.post("/notes", json={"title": f"{name}{index}", "stars": index % 2, "tag": "x"})
        assert answer.status_code == 201
    return http


async def cursor_of(http: httpx2.AsyncClient, given: str = "", path: str = "/notes") -> str:
    """The ``next`` of a list's first row."""
    answer = await http.get(f"{path}?size=1&{given}")
    assert answer.status_code == 200, answer.text
    return str(answer.json()["next"])


async def refused(http: httpx2.AsyncClient, cursor: str, given: str = "", path: str = "/notes") -> None:
    """The cursor is no good there, and is not repeated."""
    answer = await http.get(f"{path}?size=1&{given}&cursor={cursor}")
    found = problem(answer, 400, "malformed_parameter")
    assert places(answer) == {"cursor": "malformed_parameter"}
    assert len(cursor) < 8 or cursor not in json.dumps(found["errors"])


async def taken(http: httpx2.AsyncClient, cursor: str, given: str = "") -> None:
    assert (await http.get(f"/notes?size=1&{given}&cursor={cursor}")).status_code == 200


async def test_anything_that_is_no_cursor_is_400(toy: Toy) -> None:
    """Text of any sort, and JSON in the cursor's own dress but without its mark."""
    http = await filled(toy)
    for text in GARBAGE:
        answer = await http.get(f"/notes?cursor={text}")
        problem(answer, 400, "malformed_parameter")
    answer = await http.get("/notes?cursor=x")
    assert answer.json()["errors"] == [
        {"pointer": "cursor", "code": "malformed_parameter", "detail": SENTENCE},
    ]


async def test_a_cursor_with_one_letter_changed_is_400(toy: Toy) -> None:
    """Every letter of it counts, the last one too; so do its ends."""
    http = await filled(toy)
    chance = random.Random(7)  # noqa: S311 # nothing secret
    cursor = await cursor_of(http, "sort=tag")
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    wrong = [
        cursor[:place] + chance.choice(letters.replace(char, "")) + cursor[place + 1 :]
        for place, char in enumerate(cursor)
    ]
    wrong += [cursor[:-1] + letter for letter in letters if letter != cursor[-1]]
    wrong += [cursor[:-1], cursor[1:], cursor + "A", "A" + cursor, cursor + "=", cursor * 2, cursor[:22]]
    for text in wrong:
        await refused(http, text, "sort=tag")
    await taken(http, cursor, "sort=tag")


async def test_a_cursor_goes_with_its_filters_and_its_sort(toy: Toy) -> None:
    """One more filter, one less, another value, another sort or resource: 400. Their order does not matter."""
    http = await filled(toy)
    tree = query(where={"stars__gte": 0})
    given = f"sort=-stars,title&stars__gte=0&title__contains=1&{tree}".replace("title__contains=1", "tag=x")
    cursor = await cursor_of(http, given)
    await taken(http, cursor, given)
    await taken(http, cursor, f"{tree}&tag=x&stars__gte=0&sort=-stars,title")
    for before, after in (
        ("stars__gte=0", "stars__gte=1"),
        ("stars__gte=0", "stars__gt=0"),
        ("stars__gte=0&", ""),
        ("stars__gte=0", "stars__gte=0&fee=0"),
        ("tag=x", "tag=y"),
        (tree, query(where={"stars__gte": 1})),
        (f"&{tree}", ""),
        ("-stars,title", "stars,title"),
        ("-stars,title", "-stars,-title"),
        ("-stars,title", "-stars"),
        ("-stars,title", "title,-stars"),
        ("sort=-stars,title&", ""),
    ):
        assert before in given
        await refused(http, cursor, given.replace(before, after))
    for path in ("/traces", "/users"):
        assert (await http.get(path)).status_code == 200
        await refused(http, await cursor_of(http), path=path)
    await taken(http, await cursor_of(http), "sort=id")  # which is the order without a sort


async def test_a_cursor_goes_with_its_callers_rows(toy: Toy) -> None:
    """Where rows depend on the caller, so does the cursor; those who see the same rows may share one."""
    ada, bob = await filled(toy, "reader", "ada"), await filled(toy, "reader", "bob")
    keeper, editor, stranger = await filled(toy), await toy.as_role("editor"), toy.client()
    cursor = await cursor_of(ada, "sort=title")
    await taken(ada, cursor, "sort=title")
    for other in (bob, keeper, stranger):
        await refused(other, cursor, "sort=title")
    shared = await cursor_of(keeper, "sort=title")
    await taken(editor, shared, "sort=title")
    for other in (ada, stranger):
        await refused(other, shared, "sort=title")
    for index in range(3):
        await keeper.post("/notes", json={"title": f"p{index}", "is_public": True})
    await taken(toy.client(), await cursor_of(stranger, "sort=title"), "sort=title")


async def test_a_kept_cursor_obeys_the_rules_of_today(toy: Toy, tmp_path: Path) -> None:
    """Other row rules end it; what may no longer be read is no longer sorted by, and its cursor is no way around."""
    http = await filled(toy)
    by_fee, plain = await cursor_of(http, "sort=fee"), await cursor_of(http)
    policy = toy.services.policy
    file = tmp_path / "policy.csv"
    rules = file.read_text()
    file.write_text(rules.replace("p, editor, notes, list, any, *", "p, editor, notes, list, any, -fee"))
    policy.take(policy.load())
    answer = await http.get(f"/notes?size=1&sort=fee&cursor={by_fee}")
    assert places(answer) == {"sort": "malformed_parameter"}
    await refused(http, by_fee)
    await taken(http, plain)
    file.write_text(rules.replace("p, editor, notes, list, any, *", "p, editor, notes, list, draft, -fee|-is_costly"))
    policy.take(policy.load())
    await refused(http, plain)


def plan_of(toy: Toy, *order: Order) -> ListPlan:
    entry = toy.services.catalog.entries["notes"]
    return ListPlan(Lens(entry, ("any",), ("id",)), order=order)


def read(cursors: Cursors, plan: ListPlan, caller: Caller, text: str) -> Seek | None:
    """What a cursor says, None where it is refused."""
    try:
        return cursors.narrow(replace(plan, window=Window(page=None)), caller, text).seek
    except BadRequestException:
        return None


def an_order(name: str, kind: Any, *, nullable: bool = False) -> Order:
    return Order(name, descending=False, expression=column(name, BigInteger()), nullable=nullable, kind=kind)


async def test_a_cursor_keeps_its_values_and_its_key(toy: Toy, tmp_path: Path) -> None:
    """Written and read with the same secret it is what it was; with another secret, or as other types, nothing."""
    plan = plan_of(toy, an_order("a", "integer"), an_order("b", "number", nullable=True), an_order("id", "uuid"))
    cursors, caller, row = toy.services.cursors, Caller("keeper"), UUID(int=7)
    other = Cursors(
        toy_settings("sqlite+aiosqlite:///x", tmp_path, secret_key="another secret that is long enough, too")
    )
    for number in (0, INT64_MAX, INT64_MIN, 2**53 + 1):
        for weight in (None, 0.1 + 0.2, -1e308, 5e-324):
            for backwards, including in ((False, False), (True, False), (False, True), (True, True)):
                seek = Seek((number, weight, row), backwards, including)
                text = cursors.writer(plan, caller)(seek)
                assert text is not None
                assert read(cursors, plan, caller, text) == seek
                assert read(other, plan, caller, text) is None
    kinds = (("text", False), ("uuid", False), ("time", True), ("date", False))
    text = cursors.writer(plan, caller)(Seek((1, None, row))) or ""
    for kind, nullable in kinds:  # as after a change of the declaration
        changed = plan_of(toy, an_order("a", kind), an_order("b", "number", nullable=nullable), an_order("id", "uuid"))
        assert read(cursors, changed, caller, text) is None
    assert read(cursors, plan_of(toy, *plan.order[:2]), caller, text) is None


async def test_a_position_that_is_too_long_has_no_cursor(toy: Toy) -> None:
    """What would not fit into an address is not written, and never read."""
    plan, caller = plan_of(toy, an_order("a", "text")), Caller("keeper")
    cursors = toy.services.cursors
    assert cursors.writer(plan, caller)(Seek(("x" * 4400,))) is not None
    assert cursors.writer(plan, caller)(Seek(("x" * 4600,))) is None
    assert len(urlsafe_b64decode("A" * LONGEST_CURSOR)) < 4600
