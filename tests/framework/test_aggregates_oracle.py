"""Aggregates say what plain Python works out over the same rows, on both databases, with a row rule in force."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from math import isclose
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.framework.oracle import Row, query, some_rows
from tests.framework.test_filters_oracle import FOLDERS
from tests.framework.test_where import holds, some_tree
from tests.schemas import answer_schema, violations
from tests.toy.running import HERE, Toy

pytestmark = pytest.mark.anyio

SEED = 20261129
ROUNDS = 70

RULES = (HERE / "policy.csv").read_text().replace("-fee|-is_costly", "*")
"""Who asks sees every field of what is public, and of notes of their own."""

PLAIN = ("title", "tag", "mood", "ink", "fee", "stars", "weight", "is_public", "due", "day", "folder_id", "id")
FAR = ("folder.slug", "folder.remark", "folder.name")
NUMBERS = ("fee", "stars", "weight")
ORDERED = (*NUMBERS, "title", "tag", "due", "day", *FAR)
PARTS: dict[str, Callable[[str], str]] = {
    "year": lambda text: text[:4],
    "month": lambda text: text[:7],
    "day": lambda text: text[:10],
    "hour": lambda text: text[:13],
    "week": lambda text: "{}-W{:02}".format(*date.fromisoformat(text[:10]).isocalendar()),
}


def value_of(row: Row, word: str) -> Any:
    """What a row has for a word of ``group``."""
    part, dot, name = word.removesuffix(")").partition("(")
    kept = row[name if dot else part]
    return PARTS[part](kept) if dot and kept is not None else kept


def measured(rows: Sequence[Row], word: str) -> Any:
    """What a word of ``agg`` should say of a group."""
    function, colon, name = word.partition(":")
    if not colon:
        return len(rows)
    values = [row[name] for row in rows if row[name] is not None]
    if function in {"count", "count_distinct"}:
        return len(values if function == "count" else set(values))
    if not values:
        return None
    works: dict[str, Callable[[list[Any]], Any]] = {"min": min, "max": max, "sum": sum}
    return sum(values) / len(values) if function == "avg" else works[function](values)


def grouped(rows: Iterable[Row], groups: Sequence[str], measures: Sequence[str]) -> list[Row]:
    """Every group, in no order. Without anything to group by there is one, even of no rows."""
    found: dict[tuple[Any, ...], list[Row]] = {} if groups else {(): []}
    for row in rows:
        found.setdefault(tuple(value_of(row, word) for word in groups), []).append(row)
    return [
        dict(zip(groups, key, strict=True)) | {word: measured(held, word) for word in measures}
        for key, held in found.items()
    ]


def in_order(found: list[Row], groups: Sequence[str], terms: Sequence[str]) -> list[Row]:
    """The groups as ``sort`` would have them, ties by what is grouped by; nothing last both ways."""
    rest = [word for word in groups if word not in {term.removeprefix("-") for term in terms}]
    for term in reversed([*terms, *rest]):
        name = term.removeprefix("-")
        there = sorted(
            (item for item in found if item[name] is not None), key=lambda item: item[name], reverse=term[0] == "-"
        )
        found = there + [item for item in found if item[name] is None]
    return found


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same, numbers as far as they are exact."""
    if isinstance(one, float) or (isinstance(other, float) and isinstance(one, int)):
        return isinstance(other, float | int) and isclose(one, other, rel_tol=1e-9, abs_tol=1e-9)
    return bool(one == other) and type(one) is type(other)


def agree(found: list[Row], expected: list[Row]) -> bool:
    return len(found) == len(expected) and all(
        one.keys() == other.keys() and all(same(one[word], other[word]) for word in one)
        for one, other in zip(found, expected, strict=True)
    )


def some_words(chance: random.Random) -> tuple[list[str], list[str], list[str]]:
    """Words of ``group``, ``agg`` and ``sort``. Sums of numbers that are not exact are not sorted by."""
    dated = [f"{part}({name})" for name in ("due", "created_at") for part in PARTS]
    dated += [f"{part}(day)" for part in PARTS if part != "hour"]
    groups = chance.sample([*PLAIN, *FAR, *dated], chance.choice((0, 1, 1, 2, 3)))
    some = [*(f"{function}:{name}" for name in NUMBERS for function in ("sum", "avg"))]
    some += [f"{function}:{name}" for name in ORDERED for function in ("min", "max")]
    some += [f"{function}:{name}" for name in (*PLAIN, *FAR) for function in ("count", "count_distinct")]
    measures = chance.sample(["count", *some], chance.randint(1, 6))
    exact = [word for word in measures if word not in {"sum:weight", "avg:weight"}]
    words = [*groups, *exact]
    return groups, measures, [chance.choice(("", "-")) + word for word in chance.sample(words, len(words) // 2)]


def obey(toy: Toy, rules: str) -> None:
    """Put other rules in force, at once."""
    Path("policy.csv").write_text(rules)
    toy.services.policy.take(toy.services.policy.load())


async def filled(toy: Toy) -> tuple[httpx2.AsyncClient, list[Row], random.Random]:
    """A client that sees half of the notes, and these as its list has them, with what is at the ends of paths."""
    chance = random.Random(SEED)  # noqa: S311 # nothing secret
    keeper = await toy.as_role("keeper")
    folders = [(await keeper.post("/folders", json=body)).json() for body in FOLDERS]
    for body in some_rows(chance, 80, [folder["id"] for folder in folders]):
        later = {"due": body["due"] and f"{chance.randint(2020, 2027)}-{body['due'][5:]}"}
        far = {"day": str(date.fromordinal(date(2020, 12, 25).toordinal() + chance.randint(0, 12)))}
        answer = await keeper.post("/notes", json=body | later | (far if body["day"] else {}))
        assert answer.status_code == 201, answer.text
    obey(toy, RULES)
    http = await toy.as_role("reader")
    rows = (await http.get("/notes?size=100")).json()["items"]
    assert 25 < len(rows) < 55
    assert {row["is_public"] for row in rows} == {True}
    return http, with_paths(rows, folders), chance


def with_paths(rows: list[Row], folders: list[Row]) -> list[Row]:
    """The rows with what is at the ends of their paths."""
    by_id = {folder["id"]: folder for folder in folders}
    return [row | {path: by_id.get(row["folder_id"], {}).get(path[7:]) for path in FAR} for row in rows]


async def test_aggregates_say_what_python_says(toy: Toy) -> None:
    """Random groups, functions, orders and filters: the same groups in the same order, each body as documented."""
    http, rows, chance = await filled(toy)
    document = (await http.get("/openapi.json")).json()
    schema = answer_schema(document, "/notes/aggregate", "get", 200)
    met = 0
    for _ in range(ROUNDS):
        groups, measures, terms = some_words(chance)
        tree = some_tree(chance, rows) if chance.random() < 0.6 else {"stars__gte": 0}
        given = {"agg": measures} | ({"group": groups} if groups else {}) | ({"sort": terms} if terms else {})
        kept = [row for row in rows if holds(tree, row)]
        expected = in_order(grouped(kept, groups, measures), groups, terms)
        url = f"/notes/aggregate?size=1000&where={quote(json.dumps(tree), safe='')}&{query(**given)}"
        answer = await http.get(url)
        assert answer.status_code == 200, (url, answer.text)
        body = answer.json()
        assert agree(body["items"], expected), (url, body["items"], expected)
        assert violations(body, schema, document) == []
        met += len(kept) > 1
    assert met > ROUNDS // 2
    assert violations(body | {"items": [{"count": -1, "sum:fee": "1"}]}, schema, document), "negative control"


async def test_pages_of_groups_are_one_list(toy: Toy) -> None:
    """By page and size: every group once, in the same order; `more` until the last one."""
    http, rows, _ = await filled(toy)
    expected = in_order(grouped(rows, ["tag", "stars"], ["count"]), ["tag", "stars"], ["-count"])
    found: list[Row] = []
    body: Row = {"more": True}
    while body["more"]:
        page = len(found) // 4 + 1
        body = (await http.get(f"/notes/aggregate?group=tag,stars&sort=-count&size=4&page={page}")).json()
        assert (body["page"], body["size"]) == (page, 4)
        found += body["items"]
    assert found == expected
    assert len(found) > 8
    beyond = (await http.get("/notes/aggregate?group=tag&page=1000000000&size=1000")).json()
    assert (beyond["items"], beyond["more"]) == ([], False)


def test_the_oracle_would_notice() -> None:
    """The comparison itself: another number, another type, another order, a group too many."""
    rows: list[Row] = [{"tag": "a", "fee": 1}, {"tag": None, "fee": 2}, {"tag": "a", "fee": None}]
    right = in_order(grouped(rows, ["tag"], ["count", "sum:fee"]), ["tag"], [])
    assert right == [{"tag": "a", "count": 2, "sum:fee": 1}, {"tag": None, "count": 1, "sum:fee": 2}]
    assert agree(right, right)
    wrong = [right[::-1], right[:1], [right[0] | {"count": 3}, right[1]], [right[0] | {"sum:fee": "1"}, right[1]]]
    assert not any(agree(found, right) for found in wrong)
    moment = datetime(2027, 1, 2, 3, 4).isoformat()  # noqa: DTZ001 # only its text
    assert [value_of({"due": moment}, f"{part}(due)") for part in PARTS] == [
        *("2027", "2027-01", "2027-01-02", "2027-01-02T03", "2026-W53")
    ]
