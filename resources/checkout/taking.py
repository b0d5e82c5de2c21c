"""Taking what is ordered: the lines out of the cart, the pieces out of the stock."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, bindparam, delete, update
from sqlalchemy import Table as SqlTable

from charter import ConflictException, FieldError, Row, Transaction, WholeNumber, utc_now
from resources.cart import cart
from resources.products import products

REASONS = ("unavailable", "insufficient_stock", "limit_exceeded")
"""Why a line is refused; the first that applies is the answer's code."""


def consume_cart(tx: Transaction, user_id: UUID) -> list[Row]:
    """The lines of the cart, which are gone with this; products in the order of their ids, so that nobody deadlocks."""
    lines = tx.run(_consume_statement(tx.entry(cart).table), {"owner": user_id})
    if not lines:
        raise ConflictException("The cart is empty.", code="cart_empty")
    return sorted(lines, key=lambda line: str(line["product_id"]))


def take(tx: Transaction, lines: Sequence[Row]) -> list[tuple[Row, Row]]:
    """Take every line's pieces; all refusals are told together."""
    statement, now = _take_statement(tx.entry(products).table), utc_now()
    taken: list[tuple[Row, Row]] = []
    refused = []
    for line in lines:
        values = {"product": line["product_id"], "pieces": line["quantity"], "now": now}
        found = tx.run(statement, values)
        if found:
            taken.append((line, found[0]))
        else:
            refused.append(_refusal(tx, line))
    if refused:
        code = min((error.code for error in refused), key=REASONS.index)
        raise ConflictException("The cart cannot be ordered as it is.", code=code, errors=refused)
    return taken


@cache
def _consume_statement(lines: SqlTable) -> Executable:
    """Deletes the cart of an `owner`, and returns what was in it."""
    c = lines.c
    return delete(lines).where(c.user_id == bindparam("owner")).returning(c.id, c.product_id, c.quantity)


@cache
def _take_statement(goods: SqlTable) -> Executable:
    """Takes `pieces` of a `product` that is on sale, or hits no row. Made once, as a checkout runs it for each line."""
    c, pieces = goods.c, bindparam("pieces", type_=WholeNumber())
    on_sale = c.is_active.is_(True) & c.deleted_at.is_(None)
    enough = (c.stock >= pieces) & (c.max_per_order >= pieces)
    wanted = update(goods).where(c.id == bindparam("product"), on_sale, enough)
    left: dict[str, Any] = {"stock": c.stock - pieces, "updated_at": bindparam("now")}
    return wanted.values(left).returning(c.id, c.sku, c.name, c.price)


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
