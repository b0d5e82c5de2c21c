"""The mistakes that hurt the big shops, made on purpose: a storm that does not notice them proves nothing.

Each is a line at the top of the shop's `app.py`. What is decided about was read before the transaction began.
"""

import importlib
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from charter import Change, ConflictException, Created, Row, Transaction
from charter.services import Services

CHECK_THEN_TAKE = "from tests.storms.sabotage import check_then_take\n\ncheck_then_take()\n"
CART_READ_OUTSIDE = "from tests.storms.sabotage import cart_read_outside\n\ncart_read_outside()\n"

SEEN: WeakKeyDictionary[Transaction, list[tuple[Row, Row]]] = WeakKeyDictionary()
"""Transaction -> the lines of the caller's cart with their products, as they were before it began."""


async def look(change: Change) -> None:
    """Read the caller's cart, and the stock of what is in it, in a transaction of its own."""
    services: Services = importlib.import_module("app").app.state.charter
    if change.action == "create" and change.caller is not None:
        user_id = change.caller.id
        change.inputs["seen"] = await services.store.read(lambda tx: _cart_of(tx, user_id))


def _cart_of(tx: Transaction, user_id: UUID | None) -> list[tuple[Row, Row]]:
    lines, products = (tx.rows(tx.catalog.entries[name]) for name in ("cart", "products"))
    c = lines.columns
    found = lines.get_all(c.user_id == user_id, order_by=(c.product_id,))
    return [(line, products.get_by_id(line["product_id"])) for line in found]


def check_then_take() -> None:
    """Look whether there is enough; then write down what must be left of it."""
    place = _look_first()

    def take(tx: Transaction, _: Sequence[Row]) -> list[tuple[Row, Row]]:
        table = tx.catalog.entries["products"].table
        for line, product in SEEN[tx]:
            left = product["stock"] - line["quantity"]
            if left < 0:
                raise ConflictException("Too late.", code="insufficient_stock")
            tx.execute(table.update().where(table.c.id == product["id"]).values(stock=left))
        return SEEN[tx]

    place.take = take


def cart_read_outside() -> None:
    """Order what was in the cart when it was looked at; empty it afterwards."""
    place = _look_first()

    def consume(tx: Transaction, user_id: UUID) -> list[Row]:
        table = tx.catalog.entries["cart"].table
        tx.execute(table.delete().where(table.c.user_id == user_id))
        if not SEEN[tx]:
            raise ConflictException("The cart is empty.", code="cart_empty")
        return [line for line, _ in SEEN[tx]]

    place.consume_cart = consume


def _look_first() -> Any:
    """Let `look` run before each order's transaction, which remembers it; returns the module that places orders."""
    place = importlib.import_module("resources.checkout.place")
    hooks = importlib.import_module("resources.orders").orders.hooks

    def place_order(tx: Transaction, change: Change) -> Created:
        SEEN[tx] = change.inputs["seen"]
        made: Created = place.place_order(tx, change)
        return made

    object.__setattr__(hooks, "prepare", look)
    object.__setattr__(hooks, "instead_of_create", place_order)
    return place
