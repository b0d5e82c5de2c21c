"""Stock: every piece that comes or goes is a movement with a reason, and their sum is what there is."""

from collections import Counter

import httpx2
import pytest

from tests.running import Running
from tests.shop.buying import in_state, movements_of, ordered, stock_of, verified
from tests.shop.people import UNKNOWN_ID, People, Person, Row, created, okay, product, refused, unique

BY_HAND = ("adjust", "recount", "damage", "delivery")
BY_ITSELF = ("initial", "sale", "cancel", "return")


def change(http: httpx2.Client, goods: Row, **body: object) -> httpx2.Response:
    """The answer to a change of the stock; by a delivery where no reason is given."""
    return http.post(f"/products/{goods['id']}/stock", json={"reason": "delivery", **body})


def test_stock_comes_and_goes_by_movements(people: People) -> None:
    """Each change answers with the product as it is then, and is kept with reason, note and actor."""
    goods = product(people, stock=10)
    http = people.manager.http
    assert okay(change(http, goods, delta=5))["stock"] == 15
    assert okay(change(http, goods, delta=-15, reason="damage", note="Flooded"))["stock"] == 0
    assert okay(change(http, goods, delta=1_000_000, reason="recount", note=None))["stock"] == 1_000_000
    page = okay(http.get(f"/stock-movements?product_id={goods['id']}&sort=created_at"))
    assert [(row["reason"], row["delta"], row["note"]) for row in page["items"]] == [
        ("initial", 10, None),
        ("delivery", 5, None),
        ("damage", -15, "Flooded"),
        ("recount", 1_000_000, None),
    ]
    assert {row["actor_id"] for row in page["items"]} == {okay(http.get("/users/me"))["id"]}
    assert {row["order_item_id"] for row in page["items"]} == {None}


@pytest.mark.parametrize("reason", BY_HAND)
def test_a_person_has_four_reasons(people: People, reason: str) -> None:
    """The four of SHOP.md, up and down."""
    goods = product(people, stock=3)
    okay(change(people.manager.http, goods, delta=2, reason=reason))
    okay(change(people.admin.http, goods, delta=-1, reason=reason))
    assert movements_of(people, goods) == [("initial", 3), (reason, 2), (reason, -1)]


@pytest.mark.parametrize("reason", [*BY_ITSELF, "", "Adjust", "gift", None, 1])
def test_any_other_reason_is_refused(people: People, reason: object) -> None:
    """Those of the checkout are not for people, and made-up ones are for nobody."""
    goods = product(people, stock=3)
    refused(change(people.manager.http, goods, delta=1, reason=reason), 422, "validation", "/reason")
    assert movements_of(people, goods) == [("initial", 3)]


@pytest.mark.parametrize("delta", [0, 1_000_001, -1_000_001, 2**63, 1.5, 1.0, "1", True, None])
def test_a_change_is_a_whole_number_within_bounds(people: People, delta: object) -> None:
    """At most a million pieces at a time, and never none: 422, and nothing is written."""
    goods = product(people, stock=3)
    refused(change(people.manager.http, goods, delta=delta), 422, "validation", "/delta")
    assert movements_of(people, goods) == [("initial", 3)]


def test_a_change_says_how_much_and_why_and_nothing_else(people: People) -> None:
    """Both are needed; a note has 500 characters at most; unknown members are refused; all is told at once."""
    goods = product(people, stock=3)
    path = f"/products/{goods['id']}/stock"
    http = people.manager.http
    for answer in (http.post(path), http.post(path, json={})):
        refused(answer, 422, "validation", "/delta", "/reason")
    refused(change(http, goods, delta=1, note="x" * 501), 422, "validation", "/note")
    refused(change(http, goods, delta=1, stock=9), 422, "validation", "/stock")
    refused(change(http, goods, delta=1, actor_id=UNKNOWN_ID), 422, "validation", "/actor_id")
    assert stock_of(people, goods) == 3


def test_more_than_there_is_cannot_be_taken(people: People) -> None:
    """409 `insufficient_stock` with what was asked for and what is there; to the last piece it is fine."""
    goods = product(people, stock=3)
    http = people.manager.http
    found = refused(change(http, goods, delta=-4, reason="damage"), 409, "insufficient_stock", "/delta")
    assert (found["errors"][0]["requested"], found["errors"][0]["available"]) == (4, 3)
    assert movements_of(people, goods) == [("initial", 3)]
    assert okay(change(http, goods, delta=-3, reason="damage"))["stock"] == 0
    refused(change(http, goods, delta=-1), 409, "insufficient_stock", "/delta")


def test_more_than_the_shelf_holds_cannot_be_added(people: People) -> None:
    """A stock beyond its bound is refused, and no movement is left behind."""
    goods = product(people, stock=1_000_000_000)
    refused(change(people.manager.http, goods, delta=1), 422, "validation")
    assert movements_of(people, goods) == [("initial", 1_000_000_000)]


def test_only_managers_move_stock(people: People) -> None:
    """401 for strangers, 403 for customers and support, 404 for products that are not there (any more)."""
    goods = product(people, stock=3)
    refused(change(people.anonymous.http, goods, delta=1), 401, "not_authenticated")
    for http in (people.customer.http, people.support.http):
        refused(change(http, goods, delta=1), 403, "forbidden")
    assert stock_of(people, goods) == 3
    assert people.manager.http.delete(f"/products/{goods['id']}").status_code == 204
    for row_id in (goods["id"], UNKNOWN_ID, "x"):
        refused(change(people.manager.http, {"id": row_id}, delta=1), 404, "not_found")


def test_stock_is_no_field_of_a_change(people: People) -> None:
    """PATCH and PUT cannot write it: 422 for managers and admins; a replacement leaves it as it is."""
    goods = product(people, stock=3)
    path = f"/products/{goods['id']}"
    whole = {name: goods[name] for name in ("sku", "name", "price", "category_id")}
    for http in (people.manager.http, people.admin.http):
        for answer in (http.patch(path, json={"stock": 5}), http.put(path, json={**whole, "stock": 5})):
            assert refused(answer, 422, "validation", "/stock")["errors"][0]["code"] == "extra_forbidden"
        assert okay(http.put(path, json=whole))["stock"] == 3
    assert movements_of(people, goods) == [("initial", 3)]


def test_a_product_without_stock_has_no_movement(people: People) -> None:
    """Nothing came, so nothing is written down; the first delivery is."""
    goods = product(people, stock=0)
    assert movements_of(people, goods) == []
    okay(change(people.manager.http, goods, delta=7))
    assert movements_of(people, goods) == [("delivery", 7)]


def test_movements_cannot_be_written(people: People) -> None:
    """They come by themselves: 405 for every write, whoever asks."""
    row = okay(people.manager.http.get("/stock-movements?size=1"))["items"][0]
    path = f"/stock-movements/{row['id']}"
    for http in (people.anonymous.http, people.admin.http):
        answers = [http.request(method, path, json={}) for method in ("PUT", "PATCH", "DELETE")]
        for answer in (http.post("/stock-movements", json={}), *answers):
            refused(answer, 405, "method_not_allowed")
            assert "GET" in answer.headers["allow"]


def everything(http: httpx2.Client, path: str) -> list[Row]:
    """All rows of a resource, page by page."""
    first = okay(http.get(f"/{path}?size=100"))
    rows: list[Row] = first["items"]
    for number in range(2, first["pages"] + 1):
        rows += okay(http.get(f"/{path}?size=100&page={number}"))["items"]
    return rows


def test_stock_is_the_sum_of_its_movements(shop: Running, people: People) -> None:
    """For every product, the demo's too, after sales, cancellations, returns and changes by hand."""
    person: Person = verified(shop)
    goods = product(people, stock=20)
    for state in ("delivered", "cancelled", "paid"):
        in_state(people, person, goods, state)
    back = in_state(people, person, goods, "shipped")
    okay(people.manager.http.post(f"/orders/{back['id']}/return", json={"restock": True}))
    ordered(person, goods, 4)
    okay(change(people.manager.http, goods, delta=-2, reason="damage"))
    assert stock_of(people, goods) == 20 - 1 - 1 - 4 - 2
    sums: Counter[str] = Counter()
    for row in everything(people.manager.http, "stock-movements"):
        sums[row["product_id"]] += row["delta"]
    products = everything(people.manager.http, "products")
    assert len(products) > 60
    assert {row["id"]: row["stock"] for row in products} == {row["id"]: sums[row["id"]] for row in products}


def test_a_refused_product_leaves_no_movement(people: People) -> None:
    """What is undone is undone with its first movement."""
    goods = product(people)
    before = okay(people.manager.http.get("/stock-movements?size=1"))["total"]
    body = {"sku": goods["sku"], "name": "x", "price": 1, "stock": 5, "category_id": goods["category_id"]}
    refused(people.manager.http.post("/products", json=body), 409, "unique", "/sku")
    assert okay(people.manager.http.get("/stock-movements?size=1"))["total"] == before
    created(people.manager.http.post("/products", json={**body, "sku": unique("SKU")}))
    assert okay(people.manager.http.get("/stock-movements?size=1"))["total"] == before + 1
