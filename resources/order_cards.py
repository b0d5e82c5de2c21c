"""What the dashboard shows of orders, and what is printed of one."""

from typing import Any

from sqlalchemy import ColumnElement

from charter import Number, Printout, Split, Trend

SOLD = ("paid", "shipped", "delivered")
"""States of orders that the shop has earned by: paid, and not given back."""


def is_sold(row: Any) -> ColumnElement[bool]:
    """Whether an order counts as revenue."""
    found: ColumnElement[bool] = row.status.in_(SOLD)
    return found


CARDS = (
    Number("Orders today", days=1, on="placed_at"),
    Number("Orders, 7 days", days=7, on="placed_at"),
    Number("Revenue, 30 days", "grand_total", "sum", days=30, on="placed_at", where=is_sold),
    Number("Average basket, 30 days", "grand_total", "average", days=30, on="placed_at", where=is_sold),
    Trend("Revenue", "grand_total", on="placed_at", where=is_sold),
    Split("Orders by state, 30 days", "status", days=30, on="placed_at"),
)

PACKING_SLIP = Printout(
    "packing_slip",
    fields=("placed_at", "phone", "note"),
    block=("ship_name", "ship_address"),
    rows="items",
    columns=("sku", "product_name", "quantity"),
)
