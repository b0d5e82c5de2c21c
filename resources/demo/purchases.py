"""Demo orders: thirty over the last thirty days, in every state."""

from datetime import timedelta
from uuid import UUID

from charter import Caller, Change, Row, Transaction, move
from resources.cart import cart
from resources.order_events import order_events
from resources.orders import orders
from resources.users import users

ORDERS = 30

PATHS = (
    (),
    ("pay",),
    ("pay", "ship"),
    ("pay", "ship", "deliver"),
    ("pay", "ship", "deliver", "return"),
    ("cancel",),
)
"""The ways of the demo's orders through their states."""


def make_orders(tx: Transaction, goods: list[Row]) -> None:
    """Thirty orders over the last thirty days, the newest of today, in every state, made by the checkout."""
    people = tx.repository(users).get_all(tx.repository(users).columns.role == "customer")
    sold = [row for row in goods if row["is_active"]]
    for number in range(ORDERS):
        owner = people[number % len(people)]
        buyer = Caller("customer", owner["id"], owner["email"], is_verified=True)
        for step in range(1 + number % 3):
            tx.repository(cart).create(
                user_id=owner["id"], product_id=sold[(number * 5 + step) % len(sold)]["id"], quantity=1 + step
            )
        address = {"ship_name": owner["full_name"], "ship_address": f"Canal Street {number + 1}, 1017 Amsterdam"}
        change = Change("create", buyer, {**address, "phone": "+31201234567", "user_id": owner["id"]})
        order = tx.create(tx.entry(orders), change).id
        _age(tx, order, days=ORDERS - 1 - number, path=PATHS[number % len(PATHS)])


def _age(tx: Transaction, order: UUID, *, days: int, path: tuple[str, ...]) -> None:
    """Move an order along `path`, then let everything about it have happened `days` ago."""
    for name in path:
        move(tx, orders, order, name)
    then = timedelta(days=days, hours=days % 7)
    row = tx.repository(orders).get_by_id(order)
    moments = {name: row[name] - then for name in row if name.endswith("_at") and row[name] is not None}
    if not path:  # nobody will pay for it, and yet it shall not be cancelled while it is looked at
        moments["payment_due_at"] = row["placed_at"] + timedelta(days=30)
    number = f"{moments['placed_at']:%y%m%d}-{row['number'].partition('-')[2]}"
    table, events = tx.entry(orders).table, tx.entry(order_events).table
    tx.execute(table.update().where(table.c.id == order).values(moments | {"number": number}))
    for event in tx.repository(order_events).get_all(events.c.order_id == order):
        moment = {"created_at": event["created_at"] - then, "updated_at": event["updated_at"] - then}
        tx.execute(events.update().where(events.c.id == event["id"]).values(moment))
