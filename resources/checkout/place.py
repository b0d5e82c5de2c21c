"""Placing an order: the cart is consumed, the stock taken, the order written, in one transaction.

Every take is one conditional statement whose rows are the answer; a refusal leaves cart and stock as they were.
"""

import secrets
from datetime import timedelta

from charter import AuthorizationException, Change, ConflictException, Created, FieldError, Row, Transaction, utc_now
from resources.checkout.pricing import RULES, Line, Totals, total
from resources.checkout.records import write_event, write_items
from resources.checkout.taking import consume_cart, take

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: no letter looks like a digit."""

DRAWN = 8
"""Characters of a number that are drawn: forty bits, so that a busy day's numbers do not meet."""


def place_order(tx: Transaction, change: Change) -> Created:
    """Turn the caller's cart into an order, or refuse with everything that stands against it."""
    caller = change.caller
    if caller is None or caller.id is None or not caller.is_verified:
        raise AuthorizationException("Verify your e-mail address first.", code="email_unverified")
    taken = [(line, _priced(row, line["quantity"])) for line, row in take(tx, consume_cart(tx, caller.id))]
    totals = total([Line(row["price"], line["quantity"]) for line, row in taken], RULES)
    _check_expected(change.inputs.get("expected_total"), totals)
    now = utc_now()
    change.values |= {
        "number": f"{now:%y%m%d}-{''.join(secrets.choice(ALPHABET) for _ in range(DRAWN))}",
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


def _priced(product: Row, pieces: int) -> Row:
    """The product at the price that it is sold for."""
    return {**product, "price": RULES.price(product["price"], pieces)}


def _check_expected(expected: int | None, totals: Totals) -> None:
    if expected is not None and expected != totals.grand_total:
        more = {"requested": expected, "available": totals.grand_total}
        error = FieldError("/expected_total", "price_changed", "is not the total any more", more)
        raise ConflictException("The total has changed.", code="price_changed", errors=[error])
