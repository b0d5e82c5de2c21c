"""`?with=can` on an order tells which moves are possible now: for every role, in every state, one's own and others'."""

from typing import Any

import httpx2
import pytest

from tests.running import Running
from tests.shop.buying import WAYS, able, in_state
from tests.shop.people import People, Person, Row, okay, product
from tests.shop.shop_table import LADDER, allowed

SOURCES = {
    "pay": {"pending"},
    "ship": {"paid"},
    "deliver": {"shipped"},
    "cancel": {"pending", "paid"},
    "return": {"shipped", "delivered"},
}
"""Move -> the states that it starts from, as SHOP.md has them."""

DOORS = {"read", "update", "delete"}
REFUSED = {401, 403, 404, 405, 409}


@pytest.fixture(scope="module")
def goods(people: People) -> Row:
    """Something to buy, enough of it."""
    return product(people, stock=5000)


def can_of(http: httpx2.Client, row: Row) -> Row:
    """What is told of an order."""
    found: Row = okay(http.get(f"/orders/{row['id']}", params={"with": "can"}))["can"]
    return found


def expected(role: str, state: str, *, own: bool) -> set[str]:
    """The actions on an order, by SHOP.md's tables."""
    found = {action for action, rows in allowed(role)["orders"].items() if rows == "any" or own}
    return {action for action in found if action in DOORS or state in SOURCES.get(action, ())}


@pytest.mark.parametrize("state", WAYS)
@pytest.mark.parametrize("role", LADDER[1:])
def test_an_order_tells_its_moves(shop: Running, people: People, goods: Row, role: str, state: str) -> None:
    """By role, owner and state; and each move does, or is refused, as it was told."""
    person: Person = able(shop, getattr(people, role))
    row = in_state(people, person, goods, state)
    can = can_of(person.http, row)
    assert set(can) == expected(role, state, own=True)
    for move in SOURCES.keys() - can.keys():
        assert person.http.post(f"/orders/{row['id']}/{move}").status_code in REFUSED
    assert okay(person.http.get(f"/orders/{row['id']}")) == row
    for move in SOURCES.keys() & can.keys():
        assert can[move] == {}
        okay(person.http.post(f"/orders/{in_state(people, person, goods, state)['id']}/{move}"))


def test_others_orders_tell_less(shop: Running, people: People, goods: Row) -> None:
    """Support may cancel anybody's and delete nobody's but their own; a customer finds no order but their own."""
    owner = able(shop, people.customer)
    for state in WAYS:
        row = in_state(people, owner, goods, state)
        for role in LADDER[2:]:
            assert set(can_of(people.by_role(role), row)) == expected(role, state, own=False), (role, state)
        assert people.anonymous.http.get(f"/orders/{row['id']}?with=can").status_code == 401
        okay(people.customer.http.get(f"/orders/{row['id']}?with=can"))


def test_the_comparison_is_not_empty() -> None:
    """Negative control: owner, role and state each make a difference in what is expected."""
    assert expected("support", "pending", own=True) != expected("support", "pending", own=False)
    assert expected("support", "pending", own=True) != expected("manager", "pending", own=True)
    assert expected("manager", "pending", own=True) != expected("manager", "paid", own=True)


def test_a_button_for_the_stock_is_the_managers(people: People) -> None:
    """Declared actions without states are told where the rule is there; fields of a product by what may be written."""
    row = product(people)
    place = f"/products/{row['id']}?with=can"
    told: dict[str, Any] = {role: okay(people.by_role(role).get(place))["can"] for role in LADDER}
    assert {role: set(can) for role, can in told.items()} == {
        **{role: {"read"} for role in ("anonymous", "customer", "support")},
        **{role: {"read", "update", "delete", "stock"} for role in ("manager", "admin")},
    }
    assert "cost_price" not in told["support"]["read"]["fields"]
    assert "price" in told["manager"]["update"]["fields"]
    assert "stock" not in told["manager"]["update"]["fields"]


def test_the_caller_sees_what_they_may_change_of_themselves(people: People) -> None:
    """`/users/me?with=can`."""
    can = okay(people.customer.http.get("/users/me?with=can"))["can"]
    assert can["update"]["fields"] == ["current_password", "email", "full_name", "password", "phone"]
    assert can.keys() == {"read", "update"}
