"""The checkout: a cart becomes an order, and what an order's later states do to the stock.

Every take is one conditional statement whose rows are the answer, in one transaction: a refusal leaves cart and stock
as they were.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import insert

from charter import (
    AuthorizationException,
    Change,
    ConflictException,
    Created,
    FieldError,
    Row,
    Transaction,
    utc_now,
    uuid7,
)
from resources.cart import cart
from resources.order_events import order_events
from resources.order_items import order_items
from resources.pricing import Line, Totals, total
from resources.products import products
from resources.stock_movements import record, stock_movements

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter looks like a digit."""

REASONS = ("unavailable", "insufficient_stock", "limit_exceeded", "price_changed")
"""Why a checkout is refused; the first that applies is the answer's code."""


def place_order(tx: Transaction, change: Change) -> Created:
    """Turn the caller's cart into an order, or refuse with everything that stands against it."""
    caller = change.caller
    if caller is None or caller.id is None or not caller.is_verified:
        raise AuthorizationException("Verify your e-mail address first.", code="email_unverified")
    taken = _take(tx, _consume_cart(tx, caller.id))
    totals = total([Line(row["price"], line["quantity"]) for line, row in taken])
    _check_expected(change.inputs.get("expected_total"), totals)
    now = utc_now()
    change.values |= {
        "number": f"{now:%y%m%d}-{''.join(secrets.choice(ALPHABET) for _ in range(6))}",
        "status": "pending",
        "email": caller.email,
        "currency": tx.settings.currency,
        "items_total": totals.items_total,
        "discount_total": totals.discount_total,
        "shipping_total": totals.shipping_total,
        "tax_total": totals.tax_total,
        "grand_total": totals.grand_total,
        "placed_at": now,
        "payment_due_at": now + timedelta(minutes=tx.settings.payment_due_minutes),
    }
    created = tx.insert(change)
    _write_items(tx, created.id, caller.id, taken)
    _write_event(tx, created.id, None, "pending", caller.id)
    return created


def _consume_cart(tx: Transaction, user_id: UUID) -> list[Row]:
    """The lines of the cart, which are gone with this; products in the order of their ids, so that nobody deadlocks."""
    rows = tx.repository(cart)
    c = rows.columns
    lines = rows.delete_where(c.user_id == user_id, returning=(c.id, c.product_id, c.quantity))
    if not lines:
        raise ConflictException("The cart is empty.", code="cart_empty")
    return sorted(lines, key=lambda line: str(line["product_id"]))


def _take(tx: Transaction, lines: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Take every line's pieces; all refusals are told together."""
    rows = tx.repository(products)
    c = rows.columns
    taken, refused = [], []
    for line in lines:
        pieces = line["quantity"]
        found = rows.update_where(
            c.id == line["product_id"],
            c.is_active.is_(True),
            c.stock >= pieces,
            c.max_per_order >= pieces,
            values={"stock": c.stock - pieces},
            returning=(c.id, c.sku, c.name, c.price),
        )
        if found:
            taken.append((line, found[0]))
        else:
            refused.append(_refusal(tx, line))
    if refused:
        code = min((error.code for error in refused), key=REASONS.index)
        raise ConflictException("The cart cannot be ordered as it is.", code=code, errors=refused)
    return taken


def _refusal(tx: Transaction, line: Row) -> FieldError:
    """Why a line could not be taken."""
    rows = tx.repository(products)
    found = rows.get_all(rows.columns.id == line["product_id"], limit=1)
    product = found[0] if found and found[0]["is_active"] else None
    asked = line["quantity"]
    if product is None:
        code, available = "unavailable", 0
    elif product["stock"] < asked:
        code, available = "insufficient_stock", product["stock"]
    else:
        code, available = "limit_exceeded", product["max_per_order"]
    more = {"requested": asked, "available": available}
    return FieldError(f"/lines/{line['id']}", code, "cannot be ordered", more)


def _check_expected(expected: int | None, totals: Totals) -> None:
    if expected is not None and expected != totals.grand_total:
        error = FieldError(
            "/expected_total", "price_changed", "is not the total any more", {"available": totals.grand_total}
        )
        raise ConflictException("The total has changed.", code="price_changed", errors=[error])


def _write_items(tx: Transaction, order_id: UUID, user_id: UUID, taken: Sequence[tuple[Row, Row]]) -> None:
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
    tx.execute(insert(tx.entry(order_items).table).values(items))
    tx.execute(insert(tx.entry(stock_movements).table).values(moves))


def _write_event(
    tx: Transaction, order_id: UUID, before: str | None, after: str, actor: UUID | None, note: str | None = None
) -> None:
    tx.repository(order_events).create(
        order_id=order_id, from_status=before, to_status=after, actor_id=actor, note=note
    )


def note_move(tx: Transaction, change: Change) -> None:
    """Write down that an order moved, by whom and with what note."""
    actor = change.caller.id if change.caller else None
    note = change.inputs.get("reason") or change.inputs.get("tracking")
    _write_event(tx, change.old["id"], change.old["status"], change.row["status"], actor, note)


def cancel_order(tx: Transaction, change: Change) -> None:
    """Give the stock back, and keep the reason."""
    change.values["cancel_reason"] = change.inputs.get("reason")
    _give_back(tx, change, "cancel")
    note_move(tx, change)


def return_order(tx: Transaction, change: Change) -> None:
    """Give the stock back where the goods can be sold again."""
    if change.inputs["restock"]:
        _give_back(tx, change, "return")
    note_move(tx, change)


def _give_back(tx: Transaction, change: Change, reason: Any) -> None:
    """Every item's pieces, once: a unique index refuses a second time."""
    items = tx.repository(order_items)
    stock = tx.entry(products).table.c.stock
    table = tx.entry(products).table
    for item in sorted(
        items.get_all(items.columns.order_id == change.old["id"]), key=lambda row: str(row["product_id"])
    ):
        # A product that was taken off sale in the meantime gets its pieces back too.
        tx.execute(table.update().where(table.c.id == item["product_id"]).values(stock=stock + item["quantity"]))
        actor = change.caller.id if change.caller else None
        record(tx, item["product_id"], item["quantity"], reason, order_item_id=item["id"], actor_id=actor)
