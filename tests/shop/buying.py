"""Buying in tests: verified customers, filled carts, placed orders, and orders in any state."""

import re
from typing import Any

import httpx2

from tests.running import Running
from tests.shop.people import People, Person, Row, created, okay

ADDRESS = {"ship_name": "Ada Lovelace", "ship_address": "Canal Street 1, 1017 Amsterdam", "phone": "+31201234567"}
"""All that an order needs."""

WAYS = {
    "pending": (),
    "paid": ("pay",),
    "shipped": ("pay", "ship"),
    "delivered": ("pay", "ship", "deliver"),
    "cancelled": ("cancel",),
    "returned": ("pay", "ship", "return"),
}
"""State -> a way there."""


def verify(shop: Running, person: Person) -> None:
    """Prove the address of `person` by the mail that was sent to it."""
    found = re.search(r"\?token=(\S+)", shop.mail(person.email, containing="/verify-email?"))
    assert found is not None
    with httpx2.Client(base_url=shop.url, timeout=30) as http:
        okay(http.post("/auth/verify-email", json={"token": found[1]}))


def verified(shop: Running, role: str = "customer") -> Person:
    """A fresh account that may order."""
    person = Person(*shop.account(role))
    verify(shop, person)
    return person


def able(shop: Running, person: Person) -> Person:
    """The same person, whose address is proved at the latest now."""
    if not okay(person.http.get("/users/me"))["is_verified"]:
        verify(shop, person)
    return person


def add(person: Person, goods: Row, quantity: int = 1) -> Row:
    """A fresh line in the cart of `person`."""
    return created(person.http.post("/cart", json={"product_id": goods["id"], "quantity": quantity}))


def cart_of(person: Person) -> list[Row]:
    """Every line of the cart."""
    items: list[Row] = okay(person.http.get("/cart?size=100"))["items"]
    return items


def order(person: Person, **more: Any) -> httpx2.Response:
    """The answer to `person` ordering their cart."""
    return person.http.post("/orders", json={**ADDRESS, **more})


def ordered(person: Person, goods: Row, quantity: int = 1) -> Row:
    """A fresh order of `person` for one product."""
    add(person, goods, quantity)
    return created(order(person))


def moved(people: People, row: Row, *way: str) -> Row:
    """The order after the manager took it along `way`."""
    for name in way:
        row = okay(people.manager.http.post(f"/orders/{row['id']}/{name}"))
    return row


def in_state(people: People, person: Person, goods: Row, state: str) -> Row:
    """A fresh order of `person` that has reached `state`."""
    return moved(people, ordered(person, goods), *WAYS[state])


def stock_of(people: People, goods: Row) -> int:
    """The pieces of a product that are there."""
    return int(okay(people.manager.http.get(f"/products/{goods['id']}"))["stock"])


def movements_of(people: People, goods: Row) -> list[tuple[str, int]]:
    """Every movement of a product's stock: reason and pieces, the oldest first."""
    query = {"product_id": goods["id"], "size": "100", "sort": "created_at"}
    items = okay(people.manager.http.get("/stock-movements", params=query))["items"]
    return [(row["reason"], row["delta"]) for row in items]
