"""A purchase, from the registration to the parcel; what is refused on the way, and that a refusal changes nothing."""

import re

import httpx2
import pytest

from tests.running import Running
from tests.shop.buying import ADDRESS, add, cart_of, moved, movements_of, order, ordered, stock_of, verify
from tests.shop.people import UNKNOWN_ID, People, Person, Row, category, created, okay, product, refused, unique

PASSWORD = "correct horse battery"


def signed_up(shop: Running) -> Person:
    """Somebody who registers, proves their address and signs in."""
    email = f"{unique('buyer').replace(' ', '-')}@example.com"
    with httpx2.Client(base_url=shop.url, timeout=30) as http:
        created(http.post("/auth/register", json={"email": email, "password": PASSWORD}))
    verify(shop, Person(email, PASSWORD, shop.client()))
    return Person(email, PASSWORD, shop.client(shop.login(email, PASSWORD)))


def test_a_person_buys_and_sees_the_parcel_leave(shop: Running, people: People) -> None:
    """Register, verify, log in, browse, fill the cart, order, read it; the manager gets paid and ships."""
    me = signed_up(shop)
    shelf = category(people)
    lamp = product(people, category_id=shelf["id"], price=4999, stock=10)
    bulb = product(people, category_id=shelf["id"], price=350, stock=10)
    found = okay(me.http.get(f"/products?category.slug={shelf['slug']}&sort=-price"))["items"]
    assert [row["id"] for row in found] == [lamp["id"], bulb["id"]]
    add(me, found[0])
    add(me, found[1], 3)

    answer = order(me, note="Ring twice", expected_total=4999 + 3 * 350)
    row = created(answer)
    path = f"/orders/{row['id']}"
    assert answer.headers["location"] == path
    check_new_order(row, me)
    assert cart_of(me) == []
    assert [stock_of(people, goods) for goods in (lamp, bulb)] == [9, 7]
    check_lines(okay(me.http.get(f"{path}?include=items.product,events")), lamp, bulb)

    moved(people, row, "pay")
    okay(people.manager.http.post(f"{path}/ship", json={"tracking": "3SABCD123"}))
    check_shipped(me, row)


def check_new_order(row: Row, me: Person) -> None:
    """What the server set, and what was sent."""
    assert {name: row[name] for name in ADDRESS} == ADDRESS
    assert (row["status"], row["email"], row["currency"], row["note"]) == ("pending", me.email, "EUR", "Ring twice")
    totals = [row[f"{name}_total"] for name in ("items", "discount", "shipping", "tax", "grand")]
    assert totals == [4999 + 3 * 350, 0, 0, 0, 4999 + 3 * 350]
    assert re.fullmatch(r"\d{6}-[0-9A-HJKMNP-TV-Z]{8}", row["number"])
    assert row["placed_at"] < row["payment_due_at"]
    assert [row[f"{name}_at"] for name in ("paid", "shipped", "delivered", "cancelled", "returned")] == [None] * 5
    assert row["user_id"] == okay(me.http.get("/users/me"))["id"]
    assert "expected_total" not in row


def check_lines(row: Row, lamp: Row, bulb: Row) -> None:
    """One line for each product, as it was when it was bought, and the first event."""
    lines = {line["product_id"]: line for line in row["items"]}
    for goods, quantity in ((lamp, 1), (bulb, 3)):
        line = lines.pop(goods["id"])
        assert (line["sku"], line["product_name"]) == (goods["sku"], goods["name"])
        assert (line["unit_price"], line["quantity"]) == (goods["price"], quantity)
        assert line["line_total"] == goods["price"] * quantity
        assert line["product"]["id"] == goods["id"]
        assert "cost_price" not in line["product"], "what the policy hides stays hidden two hops away"
    assert lines == {}
    assert [(event["from_status"], event["to_status"]) for event in row["events"]] == [(None, "pending")]


def check_shipped(me: Person, row: Row) -> None:
    """The customer sees where the order is, and its whole way."""
    seen = okay(me.http.get(f"/orders/{row['id']}?include=events"))
    assert seen["status"] == "shipped"
    assert seen["paid_at"] < seen["shipped_at"]
    events = sorted(seen["events"], key=lambda event: str(event["created_at"]))
    assert [(event["from_status"], event["to_status"], event["note"]) for event in events] == [
        (None, "pending", None),
        ("pending", "paid", None),
        ("paid", "shipped", "3SABCD123"),
    ]
    assert events[0]["actor_id"] == row["user_id"]
    assert events[1]["actor_id"] == events[2]["actor_id"] != row["user_id"]
    kept = [name for name in row if name not in {"status", "paid_at", "shipped_at", "updated_at"}]
    assert {name: seen[name] for name in kept} == {name: row[name] for name in kept}
    assert okay(me.http.get("/orders?status=shipped"))["total"] == 1


def test_a_cancelled_order_gives_its_stock_back_once(people: People, buyer: Person) -> None:
    """The customer cancels: every piece is back; a second time is 409, and the stock stays."""
    goods = product(people, stock=5)
    row = ordered(buyer, goods, 3)
    assert stock_of(people, goods) == 2
    path = f"/orders/{row['id']}"
    over = okay(buyer.http.post(f"{path}/cancel", json={"reason": "Too late"}))
    assert (over["status"], over["cancel_reason"]) == ("cancelled", "Too late")
    assert over["cancelled_at"] is not None
    assert stock_of(people, goods) == 5
    for http in (buyer.http, people.manager.http):
        found = refused(http.post(f"{path}/cancel"), 409, "invalid_transition")
        assert found["state"] == "cancelled"
    assert stock_of(people, goods) == 5
    assert movements_of(people, goods) == [("initial", 5), ("sale", -3), ("cancel", 3)]
    assert okay(buyer.http.get(path)) == over


def test_a_product_that_is_off_sale_gets_its_pieces_back_too(people: People, buyer: Person) -> None:
    """Cancelling works although what was bought is not sold any more."""
    goods = product(people, stock=5)
    row = ordered(buyer, goods, 3)
    okay(people.manager.http.patch(f"/products/{goods['id']}", json={"is_active": False}))
    okay(buyer.http.post(f"/orders/{row['id']}/cancel"))
    assert stock_of(people, goods) == 5


@pytest.mark.parametrize("restock", [True, False])
def test_a_return_gives_stock_back_where_asked(people: People, buyer: Person, *, restock: bool) -> None:
    """`restock` puts the pieces back once; without it they are gone."""
    goods = product(people, stock=5)
    row = moved(people, ordered(buyer, goods, 2), "pay", "ship", "deliver")
    back = okay(people.manager.http.post(f"/orders/{row['id']}/return", json={"restock": restock}))
    assert (back["status"], back["returned_at"] is not None) == ("returned", True)
    assert stock_of(people, goods) == (5 if restock else 3)
    refused(people.manager.http.post(f"/orders/{row['id']}/return", json={"restock": True}), 409, "invalid_transition")
    assert movements_of(people, goods) == [("initial", 5), ("sale", -2), *([("return", 2)] if restock else [])]


def test_a_return_without_a_word_does_not_restock(people: People, buyer: Person) -> None:
    """The body may be left out, and then nothing comes back; nonsense in it is 422 and moves nothing."""
    goods = product(people, stock=5)
    row = moved(people, ordered(buyer, goods), "pay", "ship")
    path = f"/orders/{row['id']}/return"
    for body, pointer in (({"restock": "yes"}, "/restock"), ({"restock": None}, "/restock"), ({"x": 1}, "/x")):
        refused(people.manager.http.post(path, json=body), 422, "validation", pointer)
    assert okay(people.manager.http.get(f"/orders/{row['id']}"))["status"] == "shipped"
    okay(people.manager.http.post(path))
    assert stock_of(people, goods) == 4


def test_an_unverified_address_cannot_order(people: People, customer: Person) -> None:
    """403 `email_unverified`; cart and stock stay as they are."""
    goods = product(people, stock=5)
    line = add(customer, goods)
    refused(order(customer), 403, "email_unverified")
    assert cart_of(customer) == [line]
    assert stock_of(people, goods) == 5
    assert okay(customer.http.get("/orders"))["items"] == []


def test_an_empty_cart_cannot_be_ordered(people: People, buyer: Person) -> None:
    """409 `cart_empty`, before and right after an order."""
    refused(order(buyer), 409, "cart_empty")
    ordered(buyer, product(people))
    refused(order(buyer), 409, "cart_empty")
    assert okay(buyer.http.get("/orders"))["total"] == 1


def spoil(people: People, goods: Row, how: str) -> None:
    """Make a product such that five pieces of it cannot be ordered."""
    http, path = people.manager.http, f"/products/{goods['id']}"
    if how == "inactive":
        okay(http.patch(path, json={"is_active": False}))
    elif how == "deleted":
        assert http.delete(path).status_code == 204
    elif how == "sold":
        okay(http.post(f"{path}/stock", json={"delta": -47, "reason": "adjust"}))
    elif how == "limited":
        okay(http.patch(path, json={"max_per_order": 4}))


ENTRIES = {
    "inactive": ("unavailable", 0),
    "deleted": ("unavailable", 0),
    "sold": ("insufficient_stock", 3),
    "limited": ("limit_exceeded", 4),
}
"""What was done to a product of 50 pieces -> code and pieces available, where five are asked for."""


@pytest.mark.parametrize(
    ("spoiled", "code"),
    [
        (("limited", "sold", "good", "inactive", "deleted"), "unavailable"),
        (("limited", "good", "sold"), "insufficient_stock"),
        (("good", "limited"), "limit_exceeded"),
    ],
)
def test_a_refused_checkout_lists_every_bad_line(
    people: People, buyer: Person, spoiled: tuple[str, ...], code: str
) -> None:
    """One 409 with an entry for each bad line; its code is the gravest one; cart and stock are as before."""
    goods = [product(people) for _ in spoiled]
    lines = [add(buyer, row, 5) for row in goods]
    for row, how in zip(goods, spoiled, strict=True):
        spoil(people, row, how)
    living = [row for row, how in zip(goods, spoiled, strict=True) if how != "deleted"]
    before = (cart_of(buyer), [stock_of(people, row) for row in living])
    found = refused(order(buyer, expected_total=1), 409, code)
    assert {(item["pointer"], item["code"], item["requested"], item["available"]) for item in found["errors"]} == {
        (f"/lines/{line['id']}", ENTRIES[how][0], 5, ENTRIES[how][1])
        for line, how in zip(lines, spoiled, strict=True)
        if how != "good"
    }
    assert (cart_of(buyer), [stock_of(people, row) for row in living]) == before
    assert okay(buyer.http.get("/orders"))["items"] == []


def test_a_line_with_two_faults_is_told_by_the_first(people: People, buyer: Person) -> None:
    """Too few pieces and over the limit: `insufficient_stock`, as the cart says."""
    goods = product(people)
    add(buyer, goods, 5)
    spoil(people, goods, "limited")
    spoil(people, goods, "sold")
    assert cart_of(buyer)[0]["problem"] == "insufficient_stock"
    assert refused(order(buyer), 409, "insufficient_stock")["errors"][0]["available"] == 3


def test_another_total_than_expected_is_refused(people: People, buyer: Person) -> None:
    """409 `price_changed` with both totals; the right one is taken."""
    goods = product(people, price=1000, stock=5)
    line = add(buyer, goods, 2)
    okay(people.manager.http.patch(f"/products/{goods['id']}", json={"price": 1100}))
    found = refused(order(buyer, expected_total=2000), 409, "price_changed", "/expected_total")
    assert (found["errors"][0]["requested"], found["errors"][0]["available"]) == (2000, 2200)
    assert [row["id"] for row in cart_of(buyer)] == [line["id"]]
    assert stock_of(people, goods) == 5
    assert created(order(buyer, expected_total=2200))["grand_total"] == 2200


@pytest.mark.parametrize("total", [-1, 1.5, "2000", True, 10**13])
def test_an_expected_total_is_an_amount(people: People, buyer: Person, total: object) -> None:
    """Anything else is 422."""
    add(buyer, product(people))
    refused(order(buyer, expected_total=total), 422, "validation", "/expected_total")
    assert len(cart_of(buyer)) == 1


@pytest.mark.parametrize(
    "field",
    [
        "number", "status", "user_id", "email", "currency", "items_total", "discount_total", "shipping_total",
        "tax_total", "grand_total", "placed_at", "paid_at", "items", "unit_price", "price", "id", "deleted_at",
    ],
)  # fmt: skip
def test_what_the_server_knows_cannot_be_sent(people: People, buyer: Person, field: str) -> None:
    """Totals, prices, state, number and owner in a body are 422, on placing and on changing; nothing changes."""
    goods = product(people, stock=5)
    line = add(buyer, goods)
    for value in (1, "paid", UNKNOWN_ID):
        found = refused(order(buyer, **{field: value}), 422, "validation", f"/{field}")
        assert found["errors"][0]["code"] == "extra_forbidden"
    assert cart_of(buyer) == [line]
    assert stock_of(people, goods) == 5
    row = created(order(buyer))
    path = f"/orders/{row['id']}"
    for http in (buyer.http, people.admin.http):
        refused(http.patch(path, json={field: 1}), 422, "validation", f"/{field}")
        refused(http.put(path, json={**ADDRESS, field: 1}), 422, "validation", f"/{field}")
    assert okay(buyer.http.get(path)) == row


@pytest.mark.parametrize(
    ("phone", "kept"),
    [
        ("+31 20 123 4567", "+31201234567"),
        ("+49 (151) 123-45678", "+4915112345678"),
        ("+1-202-555-0173", "+12025550173"),
    ],
)
def test_a_phone_number_is_kept_in_one_form(people: People, buyer: Person, phone: str, kept: str) -> None:
    """However it is written, it is kept as E.164."""
    add(buyer, product(people))
    row = created(order(buyer, phone=phone))
    assert row["phone"] == kept
    assert okay(buyer.http.patch(f"/orders/{row['id']}", json={"phone": phone}))["phone"] == kept


@pytest.mark.parametrize(
    "phone",
    [
        "", "123", "020 123 4567", "+0123456789", "+31x", "+49151x", "+1 555 0173", "+31 20 123 4567 ext. 5",
        "call +31201234567", "+" + "1" * 30, 31201234567, None,
    ],
)  # fmt: skip
def test_what_is_no_phone_number_is_refused(people: People, buyer: Person, phone: object) -> None:
    """422 at the field, and the cart stays."""
    add(buyer, product(people))
    refused(order(buyer, phone=phone), 422, "validation", "/phone")
    assert len(cart_of(buyer)) == 1


def test_every_missing_field_is_told_at_once(buyer: Person) -> None:
    """Name, address and phone are all that an order needs."""
    found = refused(buyer.http.post("/orders", json={"note": "x"}), 422, "validation")
    assert {item["pointer"]: item["code"] for item in found["errors"]} == dict.fromkeys(
        ("/ship_name", "/ship_address", "/phone"), "missing"
    )


def test_a_strangers_order_is_not_there(people: People, buyer: Person, customer: Person) -> None:
    """404 for another customer, by every road; not in their lists; 401 for nobody."""
    row = okay(buyer.http.get(f"/orders/{ordered(buyer, product(people))['id']}?include=items,events"))
    path = f"/orders/{row['id']}"
    unknown = f"/orders/{UNKNOWN_ID}"
    for place in (path, unknown):
        for answer in (
            customer.http.get(place),
            customer.http.patch(place, json={"note": "mine"}),
            customer.http.put(place, json=ADDRESS),
            customer.http.delete(place),
            customer.http.post(f"{place}/cancel"),
        ):
            refused(answer, 404, "not_found")
    for other in ("/orders", f"/order-items?order_id={row['id']}", f"/order-events?order_id={row['id']}"):
        assert okay(customer.http.get(other))["items"] == []
        refused(people.anonymous.http.get(other), 401, "not_authenticated")
    for inner in (f"/order-items/{row['items'][0]['id']}", f"/order-events/{row['events'][0]['id']}"):
        refused(customer.http.get(inner), 404, "not_found")
        okay(buyer.http.get(inner))
    assert okay(people.support.http.get(path))["id"] == row["id"]


def test_an_order_stays_what_it_was(people: People, buyer: Person) -> None:
    """Byte for byte, whatever becomes of its product: renamed, repriced, off sale, deleted."""
    goods = product(people, price=1000)
    row = ordered(buyer, goods, 2)
    path = f"/orders/{row['id']}?include=items,events"
    before = buyer.http.get(path).content
    http, place = people.manager.http, f"/products/{goods['id']}"
    for change in ({"name": "Renamed"}, {"price": 1}, {"sku": unique("SKU")}, {"is_active": False}):
        okay(http.patch(place, json=change))
        assert buyer.http.get(path).content == before
    assert http.delete(place).status_code == 204
    assert buyer.http.get(path).content == before
    line = okay(buyer.http.get(f"/orders/{row['id']}?include=items.product"))["items"][0]
    assert (line["product_id"], line["product"]) == (goods["id"], None), "what is gone is not shown through its order"
