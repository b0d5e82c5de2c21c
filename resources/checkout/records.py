"""What a checkout writes beside the order itself: its lines, the movements of stock, and its way through the states."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from charter import Row, Transaction, utc_now, uuid7
from resources.order_events import order_events
from resources.order_items import order_items
from resources.stock_movements import stock_movements


def write_items(tx: Transaction, order_id: UUID, user_id: UUID, taken: Sequence[tuple[Row, Row]]) -> None:
    """The lines as they are now, and a movement of stock for each: two statements."""
    now = utc_now()
    base = {"created_at": now, "updated_at": now}
    items: list[dict[str, Any]] = [
        {
            **base,
            "id": uuid7(),
            "order_id": order_id,
            "product_id": product["id"],
            "sku": product["sku"],
            "product_name": product["name"],
            "unit_price": product["price"],
            "quantity": line["quantity"],
            "line_total": product["price"] * line["quantity"],
        }
        for line, product in taken
    ]
    moves = [
        {
            **base,
            "id": uuid7(),
            "product_id": item["product_id"],
            "delta": -item["quantity"],
            "reason": "sale",
            "order_item_id": item["id"],
            "actor_id": user_id,
        }
        for item in items
    ]
    tx.insert_rows(tx.entry(order_items).table, items)
    tx.insert_rows(tx.entry(stock_movements).table, moves)


def write_event(
    tx: Transaction, order_id: UUID, before: str | None, after: str, actor: UUID | None, note: str | None = None
) -> None:
    """An order reached a state."""
    tx.repository(order_events).create(
        order_id=order_id, from_status=before, to_status=after, actor_id=actor, note=note
    )
