"""Stock movements: why a product's stock is what it is. Their sum is the stock."""

from typing import TYPE_CHECKING, Annotated, Any, Literal
from uuid import UUID

from annotated_types import Ge, Le, MaxLen
from pydantic import AfterValidator
from sqlalchemy import Index, text

from charter import (
    Body,
    Change,
    ConflictException,
    Field,
    FieldError,
    Relationship,
    Resource,
    Screen,
    Table,
    Transaction,
)

if TYPE_CHECKING:
    from resources.order_items import OrderItem
    from resources.products import Product

Reason = Literal["initial", "adjust", "recount", "damage", "delivery", "sale", "cancel", "return"]

MOST = 1_000_000
"""Pieces that one change may add or take."""


def _once(name: str, condition: str) -> Index:
    """One movement of a kind per order item: nothing is sold, or given back, twice."""
    where: Any = text(condition)
    return Index(name, "order_item_id", unique=True, sqlite_where=where, postgresql_where=where)


class StockMovement(Table, table=True):
    """One change of a product's stock."""

    __table_args__ = (
        _once("uq_stock_movement_sale", "reason = 'sale'"),
        _once("uq_stock_movement_give_back", "reason IN ('cancel', 'return')"),
    )

    product_id: UUID = Field(foreign_key="product.id", on_delete="RESTRICT", write="never")
    delta: int = Field(write="never", description="Pieces added (or, negative, taken).")
    reason: Reason = Field(max_length=20, write="never")
    order_item_id: UUID | None = Field(None, foreign_key="order_item.id", on_delete="RESTRICT", write="never")
    actor_id: UUID | None = Field(None, foreign_key="users.id", on_delete="SET NULL", write="never")
    note: str | None = Field(None, max_length=500, write="never")

    product: "Product" = Relationship(back_populates="stock_movements")
    order_item: "OrderItem" = Relationship()


stock_movements = Resource(
    StockMovement,
    filter=("product_id", "reason"),
    sort=("product_id", "reason"),
    include=("product",),
    admin=Screen(
        icon="truck-ramp-box", group="Catalogue", columns=("created_at", "product", "delta", "reason", "note")
    ),
)


def _some(pieces: int) -> int:
    """A change of nothing is none."""
    if not pieces:
        msg = "must not be 0"
        raise ValueError(msg)
    return pieces


class StockChange(Body):
    """How many pieces came or went, and why."""

    delta: Annotated[int, Ge(-MOST), Le(MOST), AfterValidator(_some)]
    reason: Literal["adjust", "recount", "damage", "delivery"]
    note: Annotated[str, MaxLen(500)] | None = None


def record(tx: Transaction, product_id: UUID, delta: int, reason: Reason, **more: Any) -> None:
    """Write down one movement."""
    tx.repository(stock_movements).create(product_id=product_id, delta=delta, reason=reason, **more)


def move_stock(tx: Transaction, change: Change) -> None:
    """Add to the stock or take from it, never below nothing: one conditional statement."""
    assert change.entry is not None  # noqa: S101 # an action has its resource
    delta = change.inputs["delta"]
    stock = change.entry.table.c.stock
    rows = tx.rows(change.entry)
    moved = rows.update_where(rows.columns.id == change.old["id"], stock + delta >= 0, values={"stock": stock + delta})
    if not moved:
        error = FieldError(
            "/delta",
            "insufficient_stock",
            "takes more than there is",
            {"requested": -delta, "available": change.old["stock"]},
        )
        raise ConflictException("There is not that much.", code="insufficient_stock", errors=[error])
    actor = change.caller.id if change.caller else None
    record(tx, change.old["id"], delta, change.inputs["reason"], actor_id=actor, note=change.inputs["note"])


def first_stock(tx: Transaction, change: Change) -> None:
    """A new product's stock is its first movement."""
    if change.action == "create" and change.row["stock"]:
        actor = change.caller.id if change.caller else None
        record(tx, change.row["id"], change.row["stock"], "initial", actor_id=actor)
