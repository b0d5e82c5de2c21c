"""The states of an order: every move from every state by every role; all but the table of CHECKOUT.md is refused."""

import pytest

from tests.running import Running
from tests.shop.buying import ADDRESS, WAYS, in_state, movements_of, stock_of, verified
from tests.shop.people import People, Person, Row, okay, product, refused

MOVES = {
    "pay": (("pending",), "paid", "paid_at"),
    "ship": (("paid",), "shipped", "shipped_at"),
    "deliver": (("shipped",), "delivered", "delivered_at"),
    "cancel": (("pending", "paid"), "cancelled", "cancelled_at"),
    "return": (("shipped", "delivered"), "returned", "returned_at"),
}
"""Action -> the states it starts from, the one it leads to, and the moment that it stamps."""

MAY = {
    "customer": {"cancel"},
    "support": {"cancel"},
    "manager": set(MOVES),
    "admin": set(MOVES),
}
"""Role -> the moves that a rule gives it; the customer's are of their own order."""


@pytest.fixture(scope="module")
def owner(shop: Running) -> Person:
    """The customer whose orders are moved."""
    return verified(shop)


@pytest.fixture(scope="module")
def goods(people: People) -> Row:
    """What is ordered, as often as needed."""
    return product(people, stock=1000)


def by(people: People, owner: Person, role: str) -> Person:
    """Who acts in the name of `role`: for customers, the order's owner."""
    person: Person = owner if role == "customer" else getattr(people, role)
    return person


@pytest.mark.parametrize("role", MAY)
@pytest.mark.parametrize("state", WAYS)
def test_only_the_table_of_moves_passes(people: People, owner: Person, goods: Row, state: str, role: str) -> None:
    """No rule: 403 in any state. A rule, but not from this state: 409 naming it. Neither changes anything."""
    http = by(people, owner, role).http
    row = in_state(people, owner, goods, state)
    for action, (sources, target, stamp) in MOVES.items():
        path = f"/orders/{row['id']}/{action}"
        if action not in MAY[role]:
            refused(http.post(path), 403, "forbidden")
        elif state not in sources:
            found = refused(http.post(path), 409, "invalid_transition")
            assert found["state"] == state
            assert state in found["detail"]
        else:
            fresh = in_state(people, owner, goods, state)
            done = okay(http.post(f"/orders/{fresh['id']}/{action}"))
            assert done[stamp] is not None
            changed = {"status": target, stamp: done[stamp], "updated_at": done["updated_at"]}
            assert done == {**fresh, **changed}
    assert okay(owner.http.get(f"/orders/{row['id']}")) == row


def test_every_move_is_an_event(people: People, owner: Person, goods: Row) -> None:
    """From where to where and by whom, with the word that came along."""
    row = in_state(people, owner, goods, "paid")
    manager = okay(people.manager.http.get("/users/me"))["id"]
    okay(people.support.http.post(f"/orders/{row['id']}/cancel", json={"reason": "Out of stock"}))
    support = okay(people.support.http.get("/users/me"))["id"]
    events = okay(owner.http.get(f"/order-events?order_id={row['id']}&sort=created_at"))["items"]
    assert [(item["from_status"], item["to_status"], item["actor_id"], item["note"]) for item in events] == [
        (None, "pending", row["user_id"], None),
        ("pending", "paid", manager, None),
        ("paid", "cancelled", support, "Out of stock"),
    ]


def test_anybody_elses_order_is_not_there_in_any_state(people: People, owner: Person, goods: Row) -> None:
    """A stranger's cancel is 404 before the state is looked at; what no rule gives is 403; nobody at all is 401."""
    for state in WAYS:
        row = in_state(people, owner, goods, state)
        for action in MOVES:
            path = f"/orders/{row['id']}/{action}"
            status, code = (404, "not_found") if action in MAY["customer"] else (403, "forbidden")
            refused(people.customer.http.post(path), status, code)
            refused(people.anonymous.http.post(path), 401, "not_authenticated")


def test_a_move_takes_its_own_body_alone(people: People, owner: Person, goods: Row) -> None:
    """State, totals or anything unknown in it is 422, and the order stays; the body may be left out or be empty."""
    row = in_state(people, owner, goods, "pending")
    path = f"/orders/{row['id']}"
    http = people.manager.http
    for action, name in (("pay", "status"), ("cancel", "status"), ("cancel", "tracking"), ("ship", "reason")):
        refused(http.post(f"{path}/{action}", json={name: "x"}), 422, "validation", f"/{name}")
    for reason in ("", "x" * 501, 1):
        refused(http.post(f"{path}/cancel", json={"reason": reason}), 422, "validation", "/reason")
    refused(http.post(f"{path}/pay?status=paid"), 400, "unknown_parameter", "status")
    refused(http.post(f"{path}/pay", content=b"{"), 400, "malformed_json")
    refused(http.get(f"{path}/pay"), 405, "method_not_allowed")
    refused(http.post(f"{path}/refund"), 404, "not_found")
    assert okay(http.get(path)) == row
    assert okay(http.post(f"{path}/pay", json={}))["status"] == "paid"
    assert okay(http.post(f"{path}/ship", json={"tracking": None}))["status"] == "shipped"


@pytest.mark.parametrize("state", WAYS)
def test_only_what_is_over_is_archived(people: People, owner: Person, goods: Row, state: str) -> None:
    """DELETE of a cancelled or returned order: gone for everybody, its stock untouched; of any other: 409."""
    row = in_state(people, owner, goods, state)
    path = f"/orders/{row['id']}"
    before = stock_of(people, goods)
    refused(people.customer.http.delete(path), 404, "not_found")
    refused(people.support.http.delete(path), 403, "forbidden")
    refused(people.anonymous.http.delete(path), 401, "not_authenticated")
    for http in (owner.http, people.manager.http):
        if state not in {"cancelled", "returned"}:
            assert refused(http.delete(path), 409, "invalid_transition")["state"] == state
            assert okay(http.get(path)) == row
    if state in {"cancelled", "returned"}:
        assert owner.http.delete(path).status_code == 204
        for http in (owner.http, people.manager.http):
            refused(http.get(path), 404, "not_found")
            refused(http.delete(path), 404, "not_found")
            assert okay(http.get(f"/orders?id={row['id']}"))["items"] == []
        refused(people.manager.http.post(f"{path}/pay"), 404, "not_found")
    assert stock_of(people, goods) == before


def test_the_manager_archives_too(people: People, owner: Person, goods: Row) -> None:
    """Any order that is over."""
    row = in_state(people, owner, goods, "returned")
    assert people.manager.http.delete(f"/orders/{row['id']}").status_code == 204
    refused(owner.http.get(f"/orders/{row['id']}"), 404, "not_found")


@pytest.mark.parametrize("state", WAYS)
def test_an_order_is_redirected_until_it_is_shipped(people: People, owner: Person, goods: Row, state: str) -> None:
    """Name, address, phone and note can be changed while it is pending or paid; later that is 409 for everybody."""
    row = in_state(people, owner, goods, state)
    path = f"/orders/{row['id']}"
    moved_to = {**ADDRESS, "ship_name": "Grace Hopper", "note": "Second floor"}
    for http in (owner.http, people.support.http, people.manager.http):
        if state in {"pending", "paid"}:
            done = okay(http.patch(path, json={"ship_name": "Grace Hopper", "note": "Second floor"}))
            assert done == {**row, **moved_to, "updated_at": done["updated_at"]}
            assert okay(http.put(path, json=ADDRESS)) == {**row, "updated_at": okay(http.get(path))["updated_at"]}
        else:
            for answer in (http.patch(path, json={"note": "x"}), http.put(path, json=moved_to)):
                assert refused(answer, 409, "invalid_transition")["state"] == state
            assert okay(http.patch(path, json={})) == row
    refused(people.customer.http.patch(path, json={"note": "x"}), 404, "not_found")


def test_a_paid_order_that_is_cancelled_keeps_when_it_was_paid(people: People, owner: Person) -> None:
    """And its stock comes back, once."""
    goods = product(people, stock=4)
    row = in_state(people, owner, goods, "paid")
    over = okay(owner.http.post(f"/orders/{row['id']}/cancel"))
    assert (over["status"], over["paid_at"], over["cancel_reason"]) == ("cancelled", row["paid_at"], None)
    assert movements_of(people, goods) == [("initial", 4), ("sale", -1), ("cancel", 1)]
