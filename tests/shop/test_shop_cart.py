"""The cart: one's own, one line for each product, with the price that was seen and what stands against ordering."""

import pytest

from tests.running import Running
from tests.shop.people import UNKNOWN_ID, People, Person, Row, at_once, category, created, okay, product, refused

LINE = {
    "id", "product_id", "quantity", "price_seen", "user_id", "line_total", "problem", "created_at", "updated_at"
}  # fmt: skip


def add(person: Person, goods: Row, quantity: int = 1) -> Row:
    """A fresh line in the cart of `person`."""
    return created(person.http.post("/cart", json={"product_id": goods["id"], "quantity": quantity}))


def line(person: Person, made: Row) -> Row:
    """The line as it is now."""
    return okay(person.http.get(f"/cart/{made['id']}"))


def test_a_stranger_has_no_cart(people: People) -> None:
    """401 for every request to it."""
    http = people.anonymous.http
    for answer in (http.get("/cart"), http.post("/cart", json={}), http.delete(f"/cart/{UNKNOWN_ID}")):
        refused(answer, 401, "not_authenticated")


def test_a_line_knows_its_price_and_its_owner(people: People, customer: Person) -> None:
    """A new line is 201 with its place; price, owner and total come from the server."""
    goods = product(people, price=250)
    answer = customer.http.post("/cart", json={"product_id": goods["id"], "quantity": 3})
    made = created(answer)
    assert answer.headers["location"] == f"/cart/{made['id']}"
    assert made.keys() == LINE
    assert (made["quantity"], made["price_seen"], made["line_total"], made["problem"]) == (3, 250, 750, None)
    assert made["user_id"] == okay(customer.http.get("/users/me"))["id"]
    page = okay(customer.http.get("/cart"))
    assert (page["items"], page["total"]) == ([made], 1)


def test_the_same_product_again_adds_to_its_line(people: People, customer: Person) -> None:
    """201 for a new line, 200 for one that was there: quantities add up, and the present price has been seen."""
    goods = product(people, price=100)
    made = add(customer, goods, 2)
    okay(people.manager.http.patch(f"/products/{goods['id']}", json={"price": 150}))
    answer = customer.http.post("/cart", json={"product_id": goods["id"], "quantity": 3})
    merged = okay(answer)
    assert answer.headers["location"] == f"/cart/{made['id']}"
    assert (merged["id"], merged["quantity"], merged["price_seen"]) == (made["id"], 5, 150)
    assert okay(customer.http.get("/cart"))["total"] == 1


@pytest.mark.parametrize("role", ["customer", "support", "manager", "admin"])
def test_a_cart_is_its_owners_alone(people: People, role: str, customer: Person) -> None:
    """Nobody sees, changes or empties another's cart, whatever their role: 404."""
    made, other = add(customer, product(people)), people.by_role(role)
    path = f"/cart/{made['id']}"
    refused(other.get(path), 404, "not_found")
    refused(other.patch(path, json={"quantity": 2}), 404, "not_found")
    refused(other.put(path, json={"quantity": 2}), 404, "not_found")
    refused(other.delete(path), 404, "not_found")
    assert made["id"] not in [row["id"] for row in okay(other.get("/cart?size=100"))["items"]]
    assert line(customer, made) == made


@pytest.mark.parametrize("field", ["user_id", "price_seen", "line_total", "problem"])
def test_what_the_server_knows_cannot_be_sent(people: People, customer: Person, field: str) -> None:
    """Owner, price, total and problem are no fields of a body."""
    body = {"product_id": product(people)["id"], "quantity": 1, field: UNKNOWN_ID}
    refused(customer.http.post("/cart", json=body), 422, "validation", f"/{field}")


@pytest.mark.parametrize("quantity", [0, -1, 10_000, 10**12, 2**63, 1.5, "2", True, None, [2]])
def test_a_quantity_is_one_to_9999(people: People, customer: Person, quantity: object) -> None:
    """Anything else is 422, on POST, PUT and PATCH alike."""
    goods = product(people, max_per_order=9999)
    body = {"product_id": goods["id"], "quantity": quantity}
    refused(customer.http.post("/cart", json=body), 422, "validation", "/quantity")
    path = f"/cart/{add(customer, goods)['id']}"
    refused(customer.http.put(path, json={"quantity": quantity}), 422, "validation", "/quantity")
    refused(customer.http.patch(path, json={"quantity": quantity}), 422, "validation", "/quantity")


def test_the_bounds_themselves_are_taken_and_a_merge_stays_inside_them(people: People, customer: Person) -> None:
    """1 and 9999 are good; what would be more than 9999 by adding is refused."""
    goods = product(people, max_per_order=9999)
    made = add(customer, goods, 1)
    assert okay(customer.http.patch(f"/cart/{made['id']}", json={"quantity": 9999}))["quantity"] == 9999
    answer = customer.http.post("/cart", json={"product_id": goods["id"], "quantity": 1})
    refused(answer, 409, "limit_exceeded", "/quantity")
    assert line(customer, made)["quantity"] == 9999


def test_a_line_is_changed_replaced_and_deleted(people: People, customer: Person) -> None:
    """The quantity can change, the product cannot."""
    goods = product(people)
    made = add(customer, goods, 2)
    path = f"/cart/{made['id']}"
    assert okay(customer.http.patch(path, json={"quantity": 4}))["quantity"] == 4
    assert okay(customer.http.put(path, json={"quantity": 5}))["quantity"] == 5
    body = {"quantity": 5, "product_id": goods["id"]}
    refused(customer.http.patch(path, json=body), 422, "validation", "/product_id")
    refused(customer.http.put(path, json=body), 422, "validation", "/product_id")
    assert customer.http.delete(path).status_code == 204
    assert okay(customer.http.get("/cart"))["items"] == []


def test_more_than_one_order_may_have_is_refused_on_every_road(people: People, customer: Person) -> None:
    """409 `limit_exceeded` on POST (merged as well), PUT and PATCH, telling what was asked and what there is."""
    goods = product(people, max_per_order=5)
    body = {"product_id": goods["id"], "quantity": 6}
    found = refused(customer.http.post("/cart", json=body), 409, "limit_exceeded", "/quantity")
    assert found["errors"][0]["code"] == "limit_exceeded"
    assert (found["errors"][0]["requested"], found["errors"][0]["available"]) == (6, 5)
    made = add(customer, goods, 3)
    body = {"product_id": goods["id"], "quantity": 3}
    refused(customer.http.post("/cart", json=body), 409, "limit_exceeded", "/quantity")
    path = f"/cart/{made['id']}"
    refused(customer.http.put(path, json={"quantity": 6}), 409, "limit_exceeded", "/quantity")
    refused(customer.http.patch(path, json={"quantity": 6}), 409, "limit_exceeded", "/quantity")
    assert line(customer, made)["quantity"] == 3
    assert okay(customer.http.patch(path, json={"quantity": 5}))["quantity"] == 5


def test_a_cart_has_a_hundred_lines_at_most(shop: Running, people: People, customer: Person) -> None:
    """The 101st line is 409 `limit_exceeded`; a line that is there still takes more."""
    shelf = category(people)["id"]
    goods = [product(people, category_id=shelf) for _ in range(101)]
    for item in goods[:100]:
        add(customer, item)
    body = {"product_id": goods[100]["id"], "quantity": 1}
    refused(customer.http.post("/cart", json=body), 409, "limit_exceeded")
    okay(customer.http.post("/cart", json={"product_id": goods[0]["id"], "quantity": 1}))
    assert okay(customer.http.get("/cart"))["total"] == 100
    kept = okay(customer.http.get(f"/cart?product_id={goods[0]['id']}"))["items"][0]
    okay(customer.http.patch(f"/cart/{kept['id']}", json={"quantity": 1}))


@pytest.mark.parametrize("case", ["unknown", "unpublished", "deleted"])
def test_what_a_customer_cannot_see_they_cannot_put_into_a_cart(people: People, customer: Person, case: str) -> None:
    """An unknown, unpublished or deleted product: one and the same 409 `foreign_key`."""
    goods = product(people, is_active=case != "unpublished")
    if case == "deleted":
        assert people.manager.http.delete(f"/products/{goods['id']}").status_code == 204
    body = {"product_id": UNKNOWN_ID if case == "unknown" else goods["id"], "quantity": 1}
    refused(customer.http.post("/cart", json=body), 409, "foreign_key", "/product_id")


def test_a_line_says_what_stands_against_it(people: People, customer: Person) -> None:
    """The first that holds of unavailable, insufficient_stock, limit_exceeded, price_changed; nothing else null."""
    goods = product(people, price=100, stock=8)
    path = f"/products/{goods['id']}"
    made = add(customer, goods, 8)

    def after(**values: object) -> Row:
        okay(people.manager.http.patch(path, json=values))
        return line(customer, made)

    assert made["problem"] is None
    found = after(price=110)
    assert (found["problem"], found["price_seen"], found["line_total"]) == ("price_changed", 100, 880)
    assert after(max_per_order=7)["problem"] == "limit_exceeded"
    assert after(is_active=False)["problem"] == "unavailable"
    assert after(is_active=True)["problem"] == "limit_exceeded"
    assert after(max_per_order=100)["problem"] == "price_changed"
    assert after(price=100)["problem"] is None


def test_stock_is_shown_and_not_checked(people: People, customer: Person) -> None:
    """More than there is may lie in a cart; the line says so before it says anything less pressing."""
    goods = product(people, price=100, stock=2)
    made = add(customer, goods, 3)
    assert made["problem"] == "insufficient_stock"
    okay(people.manager.http.patch(f"/products/{goods['id']}", json={"price": 90, "max_per_order": 1}))
    assert line(customer, made)["problem"] == "insufficient_stock"


def test_a_line_outlives_its_product(people: People, customer: Person) -> None:
    """After a soft deletion the line is still shown, as unavailable, and can be taken out."""
    goods = product(people, price=100)
    made = add(customer, goods, 2)
    assert people.manager.http.delete(f"/products/{goods['id']}").status_code == 204
    found = line(customer, made)
    assert (found["problem"], found["quantity"], found["line_total"]) == ("unavailable", 2, 200)
    assert okay(customer.http.get("/cart"))["items"] == [found]
    assert customer.http.delete(f"/cart/{made['id']}").status_code == 204


def test_a_seen_price_is_refreshed_by_a_change(people: People, customer: Person) -> None:
    """Writing a line means having seen the present price: PATCH and PUT clear `price_changed`."""
    goods = product(people, price=100)
    made = add(customer, goods)
    for price, send in ((120, customer.http.patch), (140, customer.http.put)):
        okay(people.manager.http.patch(f"/products/{goods['id']}", json={"price": price}))
        assert line(customer, made)["problem"] == "price_changed"
        found = okay(send(f"/cart/{made['id']}", json={"quantity": 2}))
        assert (found["price_seen"], found["problem"], found["line_total"]) == (price, None, 2 * price)


def test_carts_are_filtered_by_product_and_by_nothing_undeclared(people: People, customer: Person) -> None:
    """`product_id` filters; a computed value does not."""
    first, second = (add(customer, product(people)) for _ in range(2))
    found = okay(customer.http.get(f"/cart?product_id={second['product_id']}"))
    assert found["items"] == [second]
    rows = okay(customer.http.get("/cart?sort=-created_at"))["items"]
    assert [row["id"] for row in rows] == [second["id"], first["id"]]
    refused(customer.http.get("/cart?problem=unavailable"), 400, "unknown_parameter", "problem")


def test_adding_in_the_same_instant_loses_nothing(people: People, customer: Person) -> None:
    """Eight requests for one product make one line of eight: one 201, seven 200."""
    body = {"product_id": product(people)["id"], "quantity": 1}
    answers = at_once(8, lambda _: customer.http.post("/cart", json=body))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    page = okay(customer.http.get("/cart"))
    assert [row["quantity"] for row in page["items"]] == [8]
