"""Aggregates at the edges, and what is refused; what they answer otherwise is in `test_aggregates_oracle`."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import httpx2
import pytest

from charter.plugins.grouping import FUNCTIONS, MOST_GROUPED, MOST_MEASURES, PARTS
from tests.framework.oracle import query
from tests.framework.test_aggregates_oracle import obey
from tests.problems import places, problem
from tests.toy.running import HERE, Toy

pytestmark = pytest.mark.anyio


async def items(http: httpx2.AsyncClient, path: str, **parameters: Any) -> list[dict[str, Any]]:
    """The groups of an answer that has no more."""
    answer = await http.get(f"{path}/aggregate?{query(**parameters)}")
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert not body["more"]
    found: list[dict[str, Any]] = body["items"]
    return found


async def keeper_with(toy: Toy, *notes: dict[str, Any]) -> httpx2.AsyncClient:
    """Somebody who sees everything, and notes with these values."""
    http = await toy.as_role("keeper")
    for number, note in enumerate(notes):
        answer = await http.post("/notes", json={"title": f"note {number}"} | note)
        assert answer.status_code == 201, answer.text
    return http


async def test_the_example_of_the_contract(toy: Toy) -> None:
    """Sums and counts by a word and a month; each item has the words that were asked for, in that order."""
    moods = [("calm", 10), ("busy", 20), ("calm", 30)]
    http = await keeper_with(toy, *({"mood": mood, "fee": fee} for mood, fee in moods))
    month = (await http.get("/notes")).json()["items"][0]["created_at"][:7]
    found = await items(http, "/notes", agg=["sum:fee", "count"], group=["mood", "month(created_at)"])
    assert found == [
        {"mood": "busy", "month(created_at)": month, "sum:fee": 20, "count": 1},
        {"mood": "calm", "month(created_at)": month, "sum:fee": 40, "count": 2},
    ]
    assert list(found[0]) == ["mood", "month(created_at)", "sum:fee", "count"]
    whole = await http.get("/notes/aggregate")
    assert whole.json() == {"items": [{"count": 3}], "page": 1, "size": 100, "more": False}


async def test_nothing_is_null_and_counts_nought(toy: Toy) -> None:
    """No rows, and rows without a value: counts are 0, all else is null; where there are groups, none is empty."""
    words = ["count", "count:weight", "count_distinct:weight", "sum:fee", "avg:weight", "min:due", "max:title"]
    http = await keeper_with(toy)
    nought = {"count": 0, "count:weight": 0, "count_distinct:weight": 0, "sum:fee": None, "avg:weight": None}
    assert await items(http, "/notes", agg=words) == [nought | {"min:due": None, "max:title": None}]
    assert await items(http, "/notes", agg=words, group="mood") == []
    await http.post("/notes", json={"title": "a"})
    found = await items(http, "/notes", agg=["count:weight", "sum:weight", "avg:weight"], group="weight")
    assert found == [{"weight": None, "count:weight": 0, "sum:weight": None, "avg:weight": None}]


async def test_sums_beyond_64_bits_are_exact(toy: Toy) -> None:
    """Amounts whose sum no 64-bit number holds: exact, ordered by size, and never a failure; means are near enough."""
    http = await keeper_with(toy, *({"tag": tag} for tag in ("a", "a", "b", "b", "c")))
    largest, least = 2**63 - 1, -(2**63)
    kept = enumerate((largest, largest, least, least, 7))
    set_to = "UPDATE note SET stars = {} WHERE title = 'note {}'"
    await without_checks(toy, [set_to.format(value, number) for number, value in kept])
    found = await items(http, "/notes", agg=["sum:stars", "avg:stars"], group="tag", sort="-sum:stars")
    assert [(item["tag"], item["sum:stars"]) for item in found] == [("a", 2 * largest), ("c", 7), ("b", 2 * least)]
    assert [item["avg:stars"] for item in found] == [pytest.approx(largest), 7, pytest.approx(least)]
    assert await items(http, "/notes", agg=["sum:stars", "min:stars"]) == [{"sum:stars": 5, "min:stars": least}]
    turned = await items(http, "/notes", agg="sum:stars", group="tag", sort="sum:stars")
    assert turned == [{word: item[word] for word in ("tag", "sum:stars")} for item in reversed(found)]
    await without_checks(toy, [set_to.format(2**62 + 2**31 + number, number) for number in (3, 1, 0, 2)])
    near = await items(http, "/notes", agg="sum:stars", group="title", sort="-sum:stars")
    assert [item["title"] for item in near] == ["note 3", "note 2", "note 1", "note 0", "note 4"]


async def without_checks(toy: Toy, statements: Sequence[str]) -> None:
    """Run SQL on notes past the CHECKs of their columns."""
    if toy.database == "sqlite":
        with closing(sqlite3.connect(toy.services.settings.database_url.partition("///")[2])) as connection:
            connection.execute("PRAGMA ignore_check_constraints=ON")
            connection.executescript(";".join(statements))
        return
    checks = "SELECT conname FROM pg_constraint WHERE conrelid = 'note'::regclass AND contype = 'c'"
    dropped = [f'ALTER TABLE note DROP CONSTRAINT "{name}"' for (name,) in await toy.rows(checks)]
    for statement in (*dropped, *statements):
        await toy.execute(statement)


async def test_numbers_beyond_all_bounds_are_null(toy: Toy) -> None:
    """A sum that no floating point number holds is null, and so is its mean; what fits in the end is there."""
    http = await keeper_with(
        toy,
        *({"tag": "too much", "weight": 1.7e308} for _ in range(3)),
        *({"tag": "back", "weight": weight} for weight in (1.7e308, 1.7e308, -1.7e308, -1.7e308, 2.5)),
        *({"tag": "tiny", "weight": weight} for weight in (5e-324, 0.0, 0.0)),
    )
    found = await items(http, "/notes", agg=["sum:weight", "avg:weight", "max:weight"], group="tag")
    assert found == [
        {"tag": "back", "sum:weight": 2.5, "avg:weight": 0.5, "max:weight": 1.7e308},
        {"tag": "tiny", "sum:weight": 5e-324, "avg:weight": 0, "max:weight": 5e-324},
        {"tag": "too much", "sum:weight": None, "avg:weight": None, "max:weight": 1.7e308},
    ]


async def test_parts_are_of_utc_to_the_edges_of_the_calendar(toy: Toy) -> None:
    """An offset is brought to UTC first; weeks are ISO weeks; the first and last years have four digits too."""
    moments = ("2026-12-31T23:30:00-01:00", "0001-01-02T00:00:00Z", "9999-12-30T12:00:00Z", "2027-01-03T23:59:59Z")
    http = await keeper_with(toy, *({"due": moment, "day": moment[:10]} for moment in moments))
    for part, expected in {
        "year": ["0001", "2027", "9999"],
        "month": ["0001-01", "2027-01", "9999-12"],
        "week": ["0001-W01", "2026-W53", "9999-W52"],
        "day": ["0001-01-02", "2027-01-01", "2027-01-03", "9999-12-30"],
        "hour": ["0001-01-02T00", "2027-01-01T00", "2027-01-03T23", "9999-12-30T12"],
    }.items():
        found = await items(http, "/notes", group=f"{part}(due)")
        assert [item[f"{part}(due)"] for item in found] == expected
    found = await items(http, "/notes", group="week(day)", sort="-week(day)")
    assert [item["week(day)"] for item in found] == ["9999-W52", "2026-W53", "0001-W01"]


async def test_filters_and_search_narrow_what_is_grouped(toy: Toy) -> None:
    """The parameters of the list, all together; a search without `sort` is a filter like any other here."""
    notes: list[dict[str, Any]] = [
        {"title": f"lamp {n}", "text": "green" if n % 2 else "red", "stars": n % 4, "tag": f"t{n % 3}"}
        for n in range(12)
    ]
    http = await keeper_with(toy, *notes)
    given = {"search": "gre", "stars__lte": 2, "where": {"not": {"tag": "t0"}}}
    kept = [note for note in notes if note["text"] == "green" and note["stars"] <= 2 and note["tag"] != "t0"]
    found = await items(http, "/notes", group="tag", **given)
    assert found == [
        {"tag": tag, "count": number}
        for tag in ("t1", "t2")
        if (number := len([note for note in kept if note["tag"] == tag]))
    ]
    assert sum(item["count"] for item in found) == len(kept) > 1
    assert await items(http, "/notes", agg=["count"], search="gre") == [{"count": 6}]


async def test_related_rows_out_of_sight_are_no_group_of_their_own(toy: Toy) -> None:
    """Over a relation, what the caller may not read counts as nothing: rows with and without it are one group."""
    keeper = await keeper_with(toy)
    for title in ("hidden", "shown", None):
        note = await keeper.post("/notes", json={"title": title or "other", "is_public": title == "shown"})
        await keeper.post("/comments", json={"text": "so", "note_id": note.json()["id"]})
    named = [("hidden", 1), ("other", 1), ("shown", 1)]
    assert [tuple(item.values()) for item in await items(keeper, "/comments", group="note.title")] == named
    obey(toy, (HERE / "policy.csv").read_text() + "p, reader, comments, list, any, *\n")
    reader = await toy.as_role("reader")
    words = ["count", "count:note.title", "max:note.title"]
    assert await items(reader, "/comments", agg=words, group="note.title") == [
        {"note.title": "shown", "count": 1, "count:note.title": 1, "max:note.title": "shown"},
        {"note.title": None, "count": 2, "count:note.title": 0, "max:note.title": None},
    ]


WRONG = (
    ("agg=sum:fees", "agg", "name 1 is not a known aggregate; did you mean 'sum:fee'?"),
    ("agg=", "agg", "name 1 is not a known aggregate"),
    ("agg=count,", "agg", "name 2 is not a known aggregate"),
    ("agg=count,count", "agg", f"has a name twice, or more than {MOST_MEASURES}"),
    ("agg=sum:title", "agg", "name 1 is not a known aggregate; did you mean 'min:title'?"),
    ("agg=secret", "agg", "name 1 is not a known aggregate"),
    ("agg=sum: fee", "agg", "name 1 is not a known aggregate; did you mean 'sum:fee'?"),
    ("group=mod", "group", "name 1 is not a known word to group by; did you mean 'mood'?"),
    ("group=mood,mood", "group", f"has a name twice, or more than {MOST_GROUPED}"),
    ("group=month(created)", "group", "name 1 is not a known word to group by; did you mean 'month(created_at)'?"),
    ("group=hour(day)", "group", "name 1 is not a known word to group by; did you mean 'hour(due)'?"),
    ("group=details", "group", "name 1 is not a known word to group by"),
    ("group=letters", "group", "name 1 is not a known word to group by"),
    ("sort=mood", "sort", "name 1 is not a known word of group or agg"),
    ("group=mood&sort=-moood", "sort", "name 1 is not a known word of group or agg; did you mean '-mood'?"),
    ("group=mood&sort=mood,-mood", "sort", "has a name twice"),
    ("size=1001", "size", "Input should be less than or equal to 1000"),
    ("size=0", "size", "Input should be greater than or equal to 1"),
    ("page=0", "page", "Input should be greater than or equal to 1"),
)
"""A query, the place of the one thing that is wrong in it, and what is said of it."""


@pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
async def test_what_is_wrong_is_named(toy: Toy) -> None:
    """Unknown, misspelt, unfit and repeated words, numbers out of range: 400 with the place and the nearest name."""
    http = await toy.as_role("keeper")
    for given, place, detail in WRONG:
        errors = problem(await http.get(f"/notes/aggregate?{given}"), 400, "malformed_parameter")["errors"]
        assert errors == [{"pointer": place, "code": "malformed_parameter", "detail": detail}], given


@pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
async def test_everything_wrong_is_told_at_once(toy: Toy) -> None:
    """Words, filters, trees and parameters that only a list has; a repeated one; too many words."""
    http = await toy.as_role("keeper")
    answer = await http.get("/notes/aggregate?agg=a&group=b&sort=c&size=x&fee=y&where=z&fields=id&cursor=1&count=none")
    assert places(answer) == dict.fromkeys(("agg", "group", "sort", "size", "fee", "where"), "malformed_parameter") | (
        dict.fromkeys(("fields", "cursor", "count"), "unknown_parameter")
    )
    assert places(await http.get("/notes/aggregate?agg=count&agg=count")) == {"agg": "repeated_parameter"}
    words = [
        f"count:{name}" for name in ("id", "fee", "tag", "ink", "day", "due", "mood", "stars", "title", "code", "slug")
    ]
    assert (await http.get(f"/notes/aggregate?agg={','.join(words[:MOST_MEASURES])}")).status_code == 200
    assert places(await http.get(f"/notes/aggregate?agg={','.join(words)}")) == {"agg": "malformed_parameter"}
    names = [word.partition(":")[2] for word in words]
    assert (await http.get(f"/notes/aggregate?group={','.join(names[:MOST_GROUPED])}")).status_code == 200
    answer = await http.get(f"/notes/aggregate?group={','.join(names[: MOST_GROUPED + 1])}")
    assert places(answer) == {"group": "malformed_parameter"}


async def test_every_word_works(toy: Toy) -> None:
    """Every function on every field of a kind that it takes, every group and part, both ways: 200 on both databases."""
    http = await keeper_with(toy, {"due": "2026-11-22T20:52:13Z", "day": "2026-11-22", "weight": 1.5}, {})
    document = (await http.get("/openapi.json")).json()
    tried = set()
    for path in (path for path in document["paths"] if path.endswith("/aggregate")):
        words = {
            item["name"]: item["schema"].get("items", {}).get("enum")
            for item in document["paths"][path]["get"]["parameters"]
        }
        for word in words["group"]:
            for sign in ("", "-"):
                assert (await http.get(f"{path}?group={word}&sort={sign}{word}")).status_code == 200, (path, word)
        for word in words["agg"]:
            assert (await http.get(f"{path}?agg={word}&group=id&sort=-{word}")).status_code == 200, (path, word)
        tried |= {word.partition(":")[0] for word in words["agg"]} | {word.partition("(")[0] for word in words["group"]}
    assert {*FUNCTIONS, *PARTS["time"]} <= tried


@pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
async def test_the_door_is_that_of_the_list(toy: Toy) -> None:
    """Who may not list may not aggregate; other methods are refused, and no row can be called `aggregate`."""
    stranger = toy.client()
    problem(await stranger.get("/users/aggregate?nonsense=1"), 401, "not_authenticated")
    problem(await (await toy.as_role("reader")).get("/users/aggregate"), 403, "forbidden")
    keeper = await toy.as_role("keeper")
    answer = await keeper.post("/notes/aggregate", json={})
    problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) >= {"GET"}
    problem(await keeper.delete("/notes/aggregate"), 404, "not_found")


@pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
async def test_a_field_called_count_is_no_group(toy: Toy) -> None:
    """`count` counts rows; the field of that name can be added up all the same."""
    http = await keeper_with(toy, {"is_public": True})
    note = (await http.get("/notes")).json()["items"][0]["id"]
    await http.post("/bookmarks", json={"note_id": note, "count": 4})
    assert await items(http, "/bookmarks", agg=["count", "sum:count"]) == [{"count": 1, "sum:count": 4}]
    assert places(await http.get("/bookmarks/aggregate?group=count")) == {"group": "malformed_parameter"}
