"""Categories: read by everybody, kept by managers, and always a tree."""

from uuid import UUID, uuid4

import httpx2
import pytest

from resources.tree import DEEPEST, depth_of, would_cycle
from tests.running import Running
from tests.shop.people import UNKNOWN_ID, People, at_once, category, created, okay, product, refused, unique

A, B, C, D = (uuid4() for _ in range(4))


def chain(people: People, length: int) -> list[str]:
    """The ids of `length` categories, each below the one before."""
    found: list[str] = []
    for _ in range(length):
        found.append(category(people, parent_id=found[-1] if found else None)["id"])
    return found


def move(people: People, moved: str, parent: str | None) -> httpx2.Response:
    return people.manager.http.patch(f"/categories/{moved}", json={"parent_id": parent})


def test_a_category_may_not_hang_below_itself_or_its_own_branches() -> None:
    """A move is a cycle exactly where the new parent is the category or lies below it."""
    parents: dict[UUID, UUID | None] = {A: None, B: A, C: B, D: None}
    assert would_cycle(parents, A, A)
    assert would_cycle(parents, A, B)
    assert would_cycle(parents, A, C)
    assert not would_cycle(parents, C, A)
    assert not would_cycle(parents, A, D)


def test_depth_is_that_of_the_deepest_branch() -> None:
    """A category's depth counts from the root to the deepest level of its own subtree."""
    parents: dict[UUID, UUID | None] = {A: None, B: A, C: B, D: None}
    assert depth_of(parents, A) == depth_of(parents, B) == depth_of(parents, C) == 3
    assert depth_of(parents, D) == 1
    assert depth_of({**parents, D: C}, D) == 4
    assert depth_of({**parents, B: D}, B) == 3


def test_a_tree_that_is_none_already_is_still_walked_to_an_end() -> None:
    """Rows that came into a loop past the hooks do not hang a request."""
    looped: dict[UUID, UUID | None] = {A: B, B: A, C: B}
    assert would_cycle(looped, A, C)
    assert depth_of(looped, C) == 3


@pytest.mark.parametrize("role", ["anonymous", "customer", "support", "manager", "admin"])
def test_everybody_reads_categories(people: People, role: str) -> None:
    """Each role lists and reads all categories, with every field."""
    http = people.by_role(role)
    page = okay(http.get("/categories?sort=position,name&size=2"))
    assert len(page["items"]) == 2
    assert page["total"] >= 24
    row = page["items"][0]
    assert row.keys() == {
        "id", "name", "slug", "description", "position", "parent_id", "created_at", "updated_at"
    }  # fmt: skip
    assert okay(http.get(f"/categories/{row['id']}")) == row


def test_only_managers_keep_categories(people: People) -> None:
    """Create, replace, change and delete: 401 for strangers, 403 for customers and support."""
    made = category(people)
    path = f"/categories/{made['id']}"
    for http in people.others("manager", "admin"):
        status, code = (401, "not_authenticated") if http is people.anonymous.http else (403, "forbidden")
        refused(http.post("/categories", json={"name": "No"}), status, code)
        refused(http.put(path, json={"name": "No"}), status, code)
        refused(http.patch(path, json={"name": "No"}), status, code)
        refused(http.delete(path), status, code)
    assert okay(people.anonymous.http.get(path)) == made


def test_a_manager_makes_changes_replaces_and_deletes_a_category(people: People) -> None:
    """The whole life of a category over HTTP."""
    http = people.manager.http
    name = unique("Ünïcode Shelf")
    answer = http.post("/categories", json={"name": name, "description": "first", "position": 7})
    row = created(answer)
    path = f"/categories/{row['id']}"
    assert answer.headers["location"] == path
    assert row["slug"] == name.lower().replace(" ", "-"), "letters of any script stay"
    changed = okay(http.patch(path, json={"name": "Renamed"}))
    assert (changed["name"], changed["description"], changed["position"]) == ("Renamed", "first", 7)
    assert changed["slug"] == row["slug"], "a slug stays after a rename"
    replaced = okay(http.put(path, json={"name": "Replaced"}))
    assert (replaced["name"], replaced["description"], replaced["position"]) == ("Replaced", "", 0)
    assert replaced["slug"] == row["slug"]
    assert http.delete(path).status_code == 204
    refused(http.get(path), 404, "not_found")


def test_equal_names_get_different_slugs(people: People) -> None:
    """A slug is unique, so the second category of a name gets another one."""
    name = unique("Twin")
    first, second = (category(people, name=name)["slug"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize("field", ["id", "slug", "created_at", "updated_at"])
def test_what_the_server_sets_cannot_be_sent(people: People, field: str) -> None:
    """A field that is set by the server only is an unknown one in a body: 422."""
    body = {"name": unique("Shelf"), field: "x"}
    refused(people.manager.http.post("/categories", json=body), 422, "validation", f"/{field}")


def test_bounds_are_told_all_at_once(people: People) -> None:
    """Each field out of its bounds is named, in one answer."""
    body = {"name": "", "position": -1, "description": "x" * 2001}
    found = refused(people.manager.http.post("/categories", json=body), 422, "validation")
    assert {item["pointer"] for item in found["errors"]} == {"/name", "/position", "/description"}


def test_categories_are_filtered_and_sorted(people: People) -> None:
    """By name, slug, parent and position; roots are those whose parent is empty."""
    http = people.anonymous.http
    parent = category(people)
    low = category(people, parent_id=parent["id"], position=1)
    high = category(people, parent_id=parent["id"], position=2)
    query = f"/categories?parent_id={parent['id']}&sort=-position"
    assert [row["id"] for row in okay(http.get(query))["items"]] == [high["id"], low["id"]]
    assert [row["id"] for row in okay(http.get(f"{query}&position__lt=2"))["items"]] == [low["id"]]
    assert okay(http.get(f"/categories?slug={low['slug']}"))["items"] == [low]
    found = okay(http.get("/categories", params={"name__contains": low["name"].upper()}))
    assert found["items"] == [low]
    roots = okay(http.get("/categories?parent_id__is_null=true&size=100"))["items"]
    assert parent in roots
    assert low not in roots


def test_a_category_with_children_or_products_is_not_deleted(people: People) -> None:
    """409 while anything hangs on it; 204 once it is bare."""
    http = people.manager.http
    parent = category(people)
    child = category(people, parent_id=parent["id"])
    refused(http.delete(f"/categories/{parent['id']}"), 409, "foreign_key")
    made = product(people, category_id=child["id"])
    refused(http.delete(f"/categories/{child['id']}"), 409, "foreign_key")
    okay(http.patch(f"/products/{made['id']}", json={"category_id": parent["id"]}))
    assert http.delete(f"/categories/{child['id']}").status_code == 204
    refused(http.delete(f"/categories/{parent['id']}"), 409, "foreign_key")


def test_an_unknown_parent_is_refused(people: People) -> None:
    """A parent that is not there is 409 `foreign_key` at its field."""
    answer = people.manager.http.post("/categories", json={"name": "Lost", "parent_id": UNKNOWN_ID})
    refused(answer, 409, "foreign_key", "/parent_id")


def test_a_move_that_would_make_a_loop_is_refused(people: People) -> None:
    """Below itself or its own branches: 422 `category_cycle`, and nothing has changed."""
    top, middle, leaf = chain(people, 3)
    for parent in (top, middle, leaf):
        found = refused(move(people, top, parent), 422, "validation", "/parent_id")
        assert found["errors"][0]["code"] == "category_cycle"
    assert okay(people.manager.http.get(f"/categories/{top}"))["parent_id"] is None
    answer = people.manager.http.put(f"/categories/{top}", json={"name": "Loop", "parent_id": leaf})
    assert refused(answer, 422, "validation", "/parent_id")["errors"][0]["code"] == "category_cycle"
    okay(move(people, leaf, None))
    okay(move(people, top, leaf))


def test_ten_levels_are_the_most(people: People) -> None:
    """The tenth level is made, an eleventh is not, and a moved subtree counts whole."""
    deep = chain(people, DEEPEST)
    body = {"name": "Eleventh", "parent_id": deep[-1]}
    found = refused(people.manager.http.post("/categories", json=body), 422, "validation", "/parent_id")
    assert found["errors"][0]["code"] == "category_depth"
    root, branch = chain(people, 2)
    found = refused(move(people, root, deep[-2]), 422, "validation", "/parent_id")
    assert found["errors"][0]["code"] == "category_depth"
    okay(move(people, root, deep[-3]))
    okay(move(people, branch, deep[-2]))


def test_the_demo_tree_is_three_deep(shop: Running, people: People) -> None:
    """The demo's categories nest three deep, and its products hang on the leaves."""
    rows = okay(people.anonymous.http.get("/categories?name=Desk lamps"))["items"]
    middle = okay(people.anonymous.http.get(f"/categories/{rows[0]['parent_id']}"))
    top = okay(people.anonymous.http.get(f"/categories/{middle['parent_id']}"))
    assert (middle["name"], top["name"], top["parent_id"]) == ("Lighting", "Living", None)


def test_two_moves_in_the_same_instant_make_no_loop(people: People) -> None:
    """Each below the other: one of them is refused, whichever comes second."""
    for _ in range(5):
        pair = [category(people)["id"] for _ in range(2)]
        answers = at_once(2, lambda number, pair=pair: move(people, pair[number], pair[1 - number]))  # type: ignore[misc] # the loop's own pair
        assert sorted(answer.status_code for answer in answers) == [200, 422]


def test_one_name_in_the_same_instant_gives_different_slugs(people: People) -> None:
    """Six categories of one name are all made."""
    name = unique("Rush")
    answers = at_once(6, lambda _: people.manager.http.post("/categories", json={"name": name}))
    assert len({created(answer)["slug"] for answer in answers}) == 6
