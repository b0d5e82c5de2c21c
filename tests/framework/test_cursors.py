"""Cursors and pages of one list: what they answer, what may change from page to page, and the links beside them."""

import re
from itertools import pairwise
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from sqlalchemy import insert

from charter.plugins.links import LONGEST_LINKS
from charter.query import MOST_COUNTED
from charter.types import utc_now, uuid7
from tests.framework.oracle import query
from tests.problems import places, problem
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

AWKWARD: tuple[dict[str, Any], ...] = (
    {"tag": "", "weight": 5e-324, "day": "0001-01-02", "fee": 10**12},
    {"tag": "\\\"'%_\t\n\x7f", "weight": -1e300, "due": "0001-01-02T00:00:00.000001Z"},
    {"tag": "🗼ẞİ\ufdd0" * 10, "weight": 0.1 + 0.2, "due": "9999-12-30T23:59:59.999999Z"},
    {"tag": "null", "weight": 0.0, "day": "9999-12-30", "ink": "pen"},
    {"tag": None, "weight": None, "is_public": True},
    {"tag": "null", "weight": 2.0**53, "due": "2026-01-01T00:00:00Z", "ink": "pencil"},
)
"""Values that a text of JSON or a reader of numbers could spoil."""


async def filled(toy: Toy, count: int) -> httpx2.AsyncClient:
    """A client that sees everything, of `count` notes whose stars tie."""
    http = await toy.as_role("keeper")
    for index in range(count):
        answer = await http.post("/notes", json={"title": f"n{index:02}", "stars": index % 3, "is_public": index > 2})
        assert answer.status_code == 201
    return http


async def page(http: httpx2.AsyncClient, **given: Any) -> dict[str, Any]:
    """A page that is there."""
    answer = await http.get(f"/notes?{query(**given)}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def titles(body: dict[str, Any]) -> list[str]:
    return [item["title"] for item in body["items"]]


async def test_pages_come_with_cursors_to_their_neighbours(toy: Toy) -> None:
    """A page's ``next`` is the page after it, its ``prev`` the one before; null at the ends and past them."""
    http = await filled(toy, 11)
    pages = [await page(http, sort="-stars,title", size=4, page=number) for number in (1, 2, 3, 4)]
    for before, after in pairwise(pages[:3]):
        assert titles(await page(http, sort="-stars,title", size=4, cursor=before["next"])) == titles(after)
        assert titles(await page(http, sort="-stars,title", size=4, cursor=after["prev"])) == titles(before)
    assert [body["prev"] is None for body in pages] == [True, False, False, True]
    assert [body["next"] is None for body in pages] == [False, False, True, True]
    assert pages[3]["items"] == []
    whole = await page(http, size=11)
    assert (whole["next"], whole["prev"], len(whole["items"])) == (None, None, 11)


async def test_a_page_by_cursor_has_no_number(toy: Toy) -> None:
    """``page`` and ``pages`` are null; ``total`` too unless it is asked for, and then it is that of the whole list."""
    http = await filled(toy, 7)
    following = (await page(http, size=3))["next"]
    for counting, total in (({}, None), ({"count": "none"}, None), ({"count": "exact"}, 7), ({"count": "capped"}, 7)):
        body = await page(http, size=3, cursor=following, **counting)
        assert list(body) == ["items", "total", "page", "size", "pages", "next", "prev"]
        assert (body["total"], body["page"], body["size"], body["pages"]) == (total, None, 3, None)


async def test_page_and_cursor_do_not_go_together(toy: Toy) -> None:
    """Both at once are 400, whatever they say."""
    http = await filled(toy, 3)
    cursor = (await page(http, size=1))["next"]
    for given in (f"page=1&cursor={cursor}", f"cursor={cursor}&page=2", "cursor=x&page=x", "page=&cursor="):
        answer = await http.get(f"/notes?size=1&{given}")
        problem(answer, 400, "malformed_parameter")
        assert places(answer) == {"cursor": "malformed_parameter"}


async def test_what_does_not_narrow_may_change_between_pages(toy: Toy) -> None:
    """Size, count, fields and include, and the order of parameters, are no part of what a cursor is bound to."""
    http = await filled(toy, 9)
    first = await page(http, sort="title", size=2, stars__gte=0, is_public=True, fields="title")
    assert first["items"][0].keys() == {"id", "title"}  # and what it is sorted by need not be shown
    again = await page(http, include="folder", is_public=True, cursor=first["next"], size=3, sort="title", stars__gte=0)
    assert titles(again) == ["n05", "n06", "n07"]
    back = await page(http, cursor=again["prev"], count="exact", sort="title", stars__gte=0, is_public=True)
    assert (titles(back), back["total"]) == (["n03", "n04"], 6)
    by_fee = await page(http, sort="-fee", size=4, fields="id")
    assert len((await page(http, sort="-fee", cursor=by_fee["next"], fields="id"))["items"]) == 5


async def test_a_cursor_takes_every_value_as_it_is(toy: Toy) -> None:
    """Texts of any script, the smallest and largest numbers, moments to the microsecond, nothing at all: one by one."""
    http = await toy.as_role("keeper")
    for index, body in enumerate(AWKWARD):
        answer = await http.post("/notes", json={"title": f"n{index}", **body})
        assert answer.status_code == 201, answer.text
    for sort in ("tag,weight", "-tag,-weight", "weight", "-due,tag", "day,-ink", "-fee", "-is_public,due", "title"):
        expected = titles(await page(http, sort=sort))
        body = await page(http, sort=sort, size=1)
        found = titles(body)
        while body["next"]:
            body = await page(http, sort=sort, size=1, cursor=body["next"])
            found += titles(body)
        assert found == expected, sort


async def test_a_cursor_leads_back_where_nothing_is_left(toy: Toy) -> None:
    """A page whose rows have gone is empty, and its cursor leads to the row that it started from, on both sides."""
    http = await filled(toy, 6)
    for way, back in (("next", "prev"), ("prev", "next")):
        sort = "title" if way == "next" else "-title"
        rows = (await page(http, sort="title"))["items"]
        edge, gone = rows[-2], rows[-1]
        at_edge = await page(http, sort=sort, size=len(rows) - 1)
        if way == "prev":
            at_edge = await page(http, sort=sort, size=1, page=2)
        await http.delete(f"/notes/{gone['id']}")
        empty = await page(http, sort=sort, size=1, cursor=at_edge[way])
        assert (empty["items"], empty[way]) == ([], None)
        assert [row["id"] for row in (await page(http, sort=sort, size=1, cursor=empty[back]))["items"]] == [edge["id"]]


async def test_a_capped_count_stops(toy: Toy) -> None:
    """``count=capped``: as many as there are, or 10,000 where there are that many or more, and then no ``pages``."""
    http = await toy.as_role("keeper")
    now, made = utc_now(), MOST_COUNTED + 1
    rows = [
        {"id": uuid7(), "created_at": now, "updated_at": now, "what": "few" if index < 30 else "many", "title": "t"}
        for index in range(made)
    ]
    table = toy.services.catalog.entries["traces"].table
    await toy.in_transaction(lambda tx: tx.execute(insert(table), rows))
    many = await http.get("/traces?count=capped")
    few = await http.get("/traces?count=capped&what=few")
    exact = await http.get("/traces?count=exact")
    assert (many.json()["total"], many.json()["pages"]) == (MOST_COUNTED, None)
    assert (few.json()["total"], few.json()["pages"]) == (30, 2)
    assert (exact.json()["total"], exact.json()["pages"]) == (made, 501)
    assert [sorted(linked(answer)) for answer in (many, few)] == [["first", "next"], ["first", "last", "next"]]


def linked(answer: httpx2.Response) -> dict[str, str]:
    """The ``Link`` header: relation -> target."""
    return {rel: target for target, rel in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("link", ""))}


async def test_links_lead_through_the_list(toy: Toy) -> None:
    """Pages link to pages, cursor pages to cursors; every other parameter stays as it was, safely written."""
    http = await filled(toy, 9)
    given = query(size=2, sort="-title", title__ne='a<b>,"&=%+ #ü;', count="exact", fields="title")
    answer = await http.get(f"/notes?{given}&page=2")
    found = linked(answer)
    assert {rel: parse_qs(urlsplit(target).query)["page"] for rel, target in found.items()} == {
        "first": ["1"],
        "prev": ["1"],
        "next": ["3"],
        "last": ["5"],
    }
    for target in found.values():
        assert urlsplit(target).path == "/notes"
        assert parse_qs(urlsplit(target).query)["title__ne"] == ['a<b>,"&=%+ #ü;']
        assert re.fullmatch(r"[!-~]+", target)
    seen = titles((await http.get(found["first"])).json())
    answer = await http.get(f"/notes?{given}&cursor={(await page(http, size=2, sort='-title'))['next']}")
    problem(answer, 400)  # other filters
    following = (await http.get(found["first"])).json()["next"]
    answer = await http.get(f"/notes?{given}&cursor={following}")
    assert sorted(linked(answer)) == ["next", "prev"]
    while True:
        seen += titles(answer.json())
        if "next" not in linked(answer):
            break
        answer = await http.get(linked(answer)["next"])
    assert seen == [f"n{index:02}" for index in reversed(range(9))]


async def test_links_are_left_out_where_there_is_nothing_to_link(toy: Toy) -> None:
    """One page links to itself alone; past the end it leads back; what is too long for a header has none."""
    http = await filled(toy, 3)
    assert linked(await http.get("/notes")) == {"first": "/notes?page=1", "last": "/notes?page=1"}
    assert linked(await http.get("/notes?count=none")) == {"first": "/notes?page=1&count=none"}
    assert linked(await http.get("/notes?size=2&page=9"))["prev"] == "/notes?page=2&size=2"
    assert linked(await http.get("/notes?size=2&page=9&count=none"))["prev"] == "/notes?page=8&size=2&count=none"
    long = query(title__ne="x" * 900, tag__ne="ü" * 300)
    assert len(long) * 2 > LONGEST_LINKS
    assert "link" not in (await http.get(f"/notes?{long}")).headers


async def test_a_walk_keeps_to_every_kind_of_filter(toy: Toy) -> None:
    """Flat filters, a path over a relation, a tree and a search: the rows of the pages, and no others."""
    http = await filled(toy, 12)
    folder = (await http.post("/folders", json={"name": "Box"})).json()
    for index in range(8):
        await http.post("/notes", json={"title": f"desk {index}", "stars": index % 2, "folder_id": folder["id"]})
    for given in (
        {"stars__lt": 2, "sort": "-stars,title"},
        {"folder.slug": folder["slug"], "sort": "-folder.name,-title"},
        {"where": {"or": [{"stars": 0}, {"title__contains": "1"}]}, "sort": "title"},
        {"search": "des", "sort": "-stars"},
    ):
        expected = titles(await page(http, **given))
        assert len(expected) > 3
        body = await page(http, size=3, **given)
        found = titles(body)
        while body["next"]:
            body = await page(http, size=3, cursor=body["next"], **given)
            found += titles(body)
        assert found == expected, given
    assert (await page(http, search="des", size=3))["next"] is None
    answer = await http.get(f"/notes?search=des&cursor={(await page(http, search='des', sort='id', size=1))['next']}")
    assert places(answer) == {"cursor": "malformed_parameter"}
