"""The tree of filters finds what plain Python finds, on both databases; what is wrong in it is told with its place."""

import json
import random
from typing import Any
from urllib.parse import quote

import pytest

from charter.declare import Caller
from charter.plan import lens
from charter.plugins.filtering import MOST_IN
from charter.plugins.where import LONGEST_TREE, MOST_DEPTH, MOST_TERMS
from charter.query import list_statement
from charter.serve import compile_parameters
from charter.serve.doors import decide
from charter.serve.plans import plan_list
from tests.framework.oracle import NUMERIC, TEXTUAL, Row, ids, matches, ordered
from tests.framework.test_filters_oracle import filled
from tests.problems import places, problem
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

SEED = 20261124
TREES = 60

PLAIN = ("fee", "stars", "weight", "due", "day", "title", "tag", "created_at", "mood", "ink", "is_public", "folder_id")
FAR = ("folder.slug", "folder.remark")
NULLABLE = ("tag", "ink", "weight", "due", "day", "folder_id", "folder.remark")
SINGLE = ("is_public",)
UNORDERED = ("mood", "ink", "folder_id", *SINGLE)


def tree_of(value: Any) -> str:
    """The parameter, as a client writes it."""
    return "where=" + quote(json.dumps(value), safe="")


def holds(tree: dict[str, Any], row: Row) -> bool:
    """Whether a row satisfies a tree: every member of an object holds, and ``not`` is the other half."""
    return all(member_holds(name, value, row) for name, value in tree.items())


def member_holds(name: str, value: Any, row: Row) -> bool:
    if name == "not":
        return not holds(value, row)
    if name in {"and", "or"}:
        return (all if name == "and" else any)(holds(part, row) for part in value)
    field, _, word = name.partition("__")
    if field in FAR and row["folder_id"] is None:
        return False
    return matches(row, field, f"__{word}" if word else "", value)


def some_term(chance: random.Random, rows: list[Row]) -> tuple[str, Any]:
    """A comparison with a value that some row has."""
    name = chance.choice(PLAIN + FAR)
    values = sorted({row[name] for row in rows if row[name] is not None})
    words = ["", "__ne"] + (["__in", "__not_in"] if name not in SINGLE else [])
    words += [*NUMERIC][1:] if name not in UNORDERED else []
    words += [*TEXTUAL] if name in {"title", "tag", *FAR} else []
    word = chance.choice(words + (["__is_null"] if name in NULLABLE else []))
    if word == "__is_null":
        return name + word, chance.random() < 0.5
    several = chance.sample(values, min(len(values), chance.randint(1, 3)))
    return name + word, several if word in {"__in", "__not_in"} else chance.choice(values)


def some_tree(chance: random.Random, rows: list[Row], depth: int = 1) -> dict[str, Any]:
    """A random tree, no deeper than is taken."""
    tree = dict(some_term(chance, rows) for _ in range(chance.choice((1, 1, 2))))
    if depth < MOST_DEPTH and chance.random() < 0.7:
        word = chance.choice(("and", "or", "not"))
        parts = [some_tree(chance, rows, depth + 1) for _ in range(1 if word == "not" else chance.randint(1, 3))]
        tree = {**(tree if chance.random() < 0.3 else {}), word: parts[0] if word == "not" else parts}
    return tree


def with_folders(rows: list[Row], folders: list[Row]) -> list[Row]:
    """The rows, each with what its folder has."""
    there = {folder["id"]: folder for folder in folders}
    for row in rows:
        folder = there.get(row["folder_id"], {})
        row |= {path: folder.get(path.partition(".")[2]) for path in FAR}
    return rows


async def test_random_trees_find_what_python_finds(toy: Toy) -> None:
    """Any tree, alone and beside a flat filter: the same rows in the same order; ``not`` finds exactly the others."""
    http, rows, _ = await filled(toy)
    rows = with_folders(rows, (await http.get("/folders")).json()["items"])
    chance = random.Random(SEED)  # noqa: S311 # not for secrets
    for _ in range(TREES):
        tree = some_tree(chance, rows)
        expected = [row["id"] for row in ordered(rows, ()) if holds(tree, row)]
        assert await ids(http, "/notes", tree_of(tree)) == expected, tree
        public = [row["id"] for row in ordered(rows, ()) if holds(tree, row) and row["is_public"]]
        assert await ids(http, "/notes", f"{tree_of(tree)}&is_public=true") == public, tree
    every = {row["id"] for row in rows}
    for _ in range(TREES // 4):
        tree = dict([some_term(chance, rows)])
        found, others = [set(await ids(http, "/notes", tree_of(one))) for one in (tree, {"not": tree})]
        assert (found | others, found & others) == (every, set()), tree


async def test_the_complement_has_rows_with_empty_values(toy: Toy) -> None:
    """``tag__ne`` finds no row without a tag, ``not`` of ``tag`` finds them all; likewise over a relation."""
    http = await toy.as_role("keeper")
    made = {name: (await http.post("/notes", json={"title": name, "tag": name})).json()["id"] for name in ("a", "b")}
    empty = (await http.post("/notes", json={"title": "empty"})).json()["id"]
    assert await ids(http, "/notes", "tag__ne=a") == [made["b"]]
    assert await ids(http, "/notes", tree_of({"tag__ne": "a"})) == [made["b"]]
    assert await ids(http, "/notes", tree_of({"not": {"tag": "a"}})) == [made["b"], empty]
    assert await ids(http, "/notes", tree_of({"not": {"not": {"tag": "a"}}})) == [made["a"]]
    assert await ids(http, "/notes", tree_of({"not": {"folder.slug": "x"}})) == [*made.values(), empty]


async def test_a_text_in_an_array_may_have_a_comma(toy: Toy) -> None:
    """What commas cannot say in a flat filter, a tree can."""
    http = await toy.as_role("keeper")
    row_id = (await http.post("/notes", json={"title": "one", "tag": "a,b"})).json()["id"]
    assert await ids(http, "/notes", tree_of({"tag__in": ["a,b"]})) == [row_id]
    assert await ids(http, "/notes", tree_of({"tag__in": ["a", "b"]})) == []


WRONG: tuple[tuple[Any, str], ...] = (
    *(({"fee": "5"}, "/fee"), ({"fee": True}, "/fee"), ({"fee": None}, "/fee"), ({"fee": 1.5}, "/fee")),
    *(({"fee": 2**63}, "/fee"), ({"fee": [1]}, "/fee"), ({"fee__in": 1}, "/fee__in"), ({"fee__in": []}, "/fee__in")),
    *(
        ({"fee__in": [1, "x"]}, "/fee__in/1"),
        ({"fee__in": [1, 10**30]}, "/fee__in/1"),
        ({"fee__in": "1,2"}, "/fee__in"),
    ),
    ({"fee__in": [1] * (MOST_IN + 1)}, "/fee__in"),
    *(({"weight": "1"}, "/weight"), ({"weight": 10**400}, "/weight"), ({"weight": False}, "/weight")),
    *(({"is_public": 1}, "/is_public"), ({"is_public": "true"}, "/is_public"), ({"tag__is_null": 1}, "/tag__is_null")),
    *(({"tag": 1}, "/tag"), ({"tag": None}, "/tag"), ({"tag": "\x00"}, "/tag"), ({"tag": "x" * 1001}, "/tag")),
    *(({"tag": "\ud800"}, "/tag"), ({"mood": "sad"}, "/mood"), ({"ink": 1}, "/ink"), ({"ink": {}}, "/ink")),
    *(({"due": 5}, "/due"), ({"due": "2026-01-01"}, "/due"), ({"day": 5}, "/day"), ({"folder_id": "x"}, "/folder_id")),
    *(({"titel": 1}, "/titel"), ({"fee__like": 1}, "/fee__like"), ({"folder.name": "x"}, "/folder.name")),
    *(({"details": {}}, "/details"), ({"secret": "x"}, "/secret"), ({"a/b~": 1}, "/a~1b~0"), ({"\ud800": 1}, "/?")),
    *(({}, ""), ([], ""), (None, ""), ("fee", ""), (5, ""), ({"or": []}, "/or"), ({"and": {}}, "/and")),
    *(({"or": {"fee": 1}}, "/or"), ({"or": [1]}, "/or/0"), ({"not": []}, "/not"), ({"not": {}}, "/not")),
    *(({"or": [{"fee": 1}, {"not": {"fee": "x"}}]}, "/or/1/not/fee"), ({"OR": [{"fee": 1}]}, "/OR")),
)
"""Trees that cannot be read, and the place that is told."""

BROKEN = (
    *("", "{", "{]", '{"fee":1}x', "{'fee':1}", '{"fee":1,"fee":1}', '{"or":[{"fee":1,"fee":2}]}', '{"fee":NaN}'),
    *('{"fee":-Infinity}', '{"fee":01}', "[" * 3900, '{"not":' * 500, "[" * 1900 + "]" * 1900, "\ufeff{}", "1e999"),
    *('{"a":' * 700 + "1" + "}" * 700, "x" * (LONGEST_TREE + 1), '{"tag":"\x1f"}', "9" * 3900),
)
"""Texts that are no tree at all."""


async def test_what_cannot_be_read_is_told_with_its_place(toy: Toy) -> None:
    """Strict types as in bodies, names as in the flat filters, a pointer into the tree; nothing is run."""
    http = await toy.as_role("keeper")
    for tree, place in WRONG:
        answer = await http.get(f"/notes?{tree_of(tree)}")
        problem(answer, 400, "malformed_parameter")
        assert list(places(answer)) == [f"where{place}"], tree
    for text in BROKEN:
        answer = await http.get(f"/notes?where={quote(text, safe='[]{}:')}")
        problem(answer, 400, "malformed_parameter")
        assert {place.partition("/")[0] for place in places(answer)} == {"where"}, text


async def test_everything_wrong_in_a_tree_is_told_at_once_with_near_names(toy: Toy) -> None:
    """Beside what is wrong in other parameters; the nearest name is one that the caller may read."""
    http = await toy.as_role("keeper")
    answer = await http.get(f"/notes?{tree_of({'or': [{'titel': 1}, {'fee': 'x'}], 'nott': 1})}&page=0")
    problem(answer, 400)
    assert set(places(answer)) == {"page", "where/or/0/titel", "where/or/1/fee", "where/nott"}
    assert [name in answer.text for name in ("'title'?", "'not'?")] == [True, True]
    reader = await toy.as_role("reader")
    answer = await reader.get(f"/notes?{tree_of({'fee': 1})}")
    assert "is not a known filter" in problem(answer, 400, "malformed_parameter")["errors"][0]["detail"]


def nested(depth: int) -> dict[str, Any]:
    """A tree of so many objects in one another."""
    return {"fee": 1} if depth == 1 else {"not": nested(depth - 1)}


async def test_depth_terms_and_length_are_bounded(toy: Toy) -> None:
    """What is just within the bounds is taken, one more is not."""
    http = await toy.as_role("keeper")
    terms = [{"stars": number} for number in range(MOST_TERMS)]
    blank = '{"fee":1' + " " * LONGEST_TREE
    for within, beyond in (
        (tree_of(nested(MOST_DEPTH)), tree_of(nested(MOST_DEPTH + 1))),
        (tree_of({"or": terms}), tree_of({"or": [*terms, {"fee": 1}]})),
        (f"where={blank[: LONGEST_TREE - 1].replace(' ', '+')}}}", f"where={blank[:LONGEST_TREE].replace(' ', '+')}}}"),
        (tree_of({"stars__in": [1] * MOST_IN}), tree_of({"stars__in": [1] * (MOST_IN + 1)})),
    ):
        assert (await http.get(f"/notes?{within}")).status_code == 200, within
        problem(await http.get(f"/notes?{beyond}"), 400, "malformed_parameter")
    problem(await http.get(f"/notes?{tree_of({'or': [{}] * 900})}"), 400, "malformed_parameter")


async def test_trees_of_one_shape_share_a_statement(toy: Toy) -> None:
    """Other values, the same SQL object: it is made once. Another shape has another."""
    services, entry, keeper = toy.services, toy.services.catalog.entries["notes"], Caller("keeper")
    seen, table = lens(entry, decide(services, keeper, "notes", "list")), compile_parameters(entry)

    def statement(tree: Any) -> Any:
        return list_statement(plan_list(services, keeper, seen, table, tree_of(tree).encode()).plan)

    assert statement({"or": [{"fee": 1}, {"tag": "a"}]}) is statement({"or": [{"fee": 2}, {"tag": "b"}]})
    different = [
        *({"or": [{"fee": 1}, {"tag": "a"}]}, {"and": [{"fee": 1}, {"tag": "a"}]}, {"not": {"fee": 1, "tag": "a"}}),
        *({"not": {"fee": 1}, "tag": "a"}, {"or": [{"fee": 1, "tag": "a"}, {"stars": 1}]}),
        *({"or": [{"fee": 1}, {"tag": "a", "stars": 1}]}, {"tag__is_null": True}, {"tag__is_null": False}),
    ]
    assert len({id(statement(tree)) for tree in different}) == len(different)


async def test_the_documented_example_of_every_resource_is_taken(toy: Toy) -> None:
    """The parameter's example in OpenAPI is made of the resource's own filters, and is a good one."""
    http = await toy.as_role("keeper")
    document = (await http.get("/openapi.json?for=me")).json()
    told = 0
    for path, item in document["paths"].items():
        for given in item.get("get", {}).get("parameters", []):
            if given["name"] == "where":
                told += not path.endswith("/aggregate")
                assert (await http.get(f"{path}?where={quote(given['example'])}")).status_code == 200, given
    assert told == len([entry for entry in toy.services.catalog.entries if f"/{entry}" in document["paths"]])
