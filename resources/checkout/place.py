"""Placing an order: the cart is consumed, the stock taken, the order written, in one transaction.

Every take is one conditional statement whose rows are the answer; a refusal leaves cart and stock as they were.
"""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from charter import AuthorizationException, Change, ConflictException, Created, FieldError, Row, Transaction, utc_now
from resources.cart import cart
from resources.checkout.pricing import Line, Totals, total
from resources.checkout.records import write_event, write_items
from resources.products import products

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
    write_items(tx, created.id, caller.id, taken)
    write_event(tx, created.id, None, "pending", caller.id)
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
        more = {"requested": expected, "available": totals.grand_total}
        error = FieldError("/expected_total", "price_changed", "is not the total any more", more)
        raise ConflictException("The total has changed.", code="price_changed", errors=[error])
