"""Orders: their columns, their states, and who moves them from one to the next."""

from datetime import datetime
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text

from charter import Field, Hooks, Indexed, Input, Money, Phone, Relationship, Resource, Screen, Table, Transition
from resources.checkout import (
    Cancellation,
    Return,
    Shipment,
    cancel_order,
    keep_history,
    note_move,
    pay_order,
    place_order,
    return_order,
    tell_provider,
)
from resources.order_cards import CARDS, PACKING_SLIP

if TYPE_CHECKING:
    from resources.order_events import OrderEvent
    from resources.order_items import OrderItem
    from resources.users import User

Status = Literal["pending", "paid", "shipped", "delivered", "cancelled", "returned"]

PENDING = text("status = 'pending'")
"""Said in SQL as it stands: a partial index is not found by a condition whose value is bound."""


class Order(Table, table=True):
    """A purchase. Its lines, prices and totals never change once it is placed."""

    __tablename__ = "orders"
    __table_args__ = (
        CheckConstraint("grand_total = items_total - discount_total + shipping_total + tax_total", name="grand_total"),
        CheckConstraint("(status = 'cancelled') = (cancelled_at IS NOT NULL)", name="cancelled"),
        CheckConstraint("(status = 'returned') = (returned_at IS NOT NULL)", name="returned"),
        CheckConstraint(
            "status NOT IN ('paid', 'shipped', 'delivered', 'returned') OR paid_at IS NOT NULL", name="paid"
        ),
        CheckConstraint("(status IN ('shipped', 'delivered', 'returned')) = (shipped_at IS NOT NULL)", name="shipped"),
        CheckConstraint("status != 'delivered' OR delivered_at IS NOT NULL", name="delivered"),
        Index("ix_orders_due", "payment_due_at", sqlite_where=PENDING, postgresql_where=PENDING),
    )

    number: str = Field(max_length=20, unique=True, write="never", description="Readable and unique; no credential.")
    status: Status = Field("pending", max_length=20, write="never")
    user_id: UUID = Field(foreign_key="users.id", on_delete="RESTRICT", write="never")
    email: str = Field(max_length=254, write="never")
    currency: str = Field(min_length=3, max_length=3, write="never")
    ship_name: str = Field(min_length=1, max_length=200)
    ship_address: str = Field(min_length=1, max_length=1000)
    phone: Phone = Field(max_length=16)
    note: str | None = Field(None, max_length=1000)
    items_total: Money = Field(write="never")
    discount_total: Money = Field(write="never")
    shipping_total: Money = Field(write="never")
    tax_total: Money = Field(write="never")
    grand_total: Money = Field(write="never", description="What is to be paid.")
    placed_at: datetime = Field(write="never")
    payment_due_at: datetime = Field(write="never")
    paid_at: datetime | None = Field(None, write="never")
    shipped_at: datetime | None = Field(None, write="never")
    delivered_at: datetime | None = Field(None, write="never")
    cancelled_at: datetime | None = Field(None, write="never")
    returned_at: datetime | None = Field(None, write="never")
    cancel_reason: str | None = Field(None, max_length=500, write="never")

    user: "User" = Relationship(back_populates="orders")
    items: list["OrderItem"] = Relationship(back_populates="order")
    events: list["OrderEvent"] = Relationship(back_populates="order")


orders = Resource(
    Order,
    filter=(
        "number",
        Indexed("status", by=("placed_at",)),
        "user_id",
        "placed_at",
        "grand_total",
        "paid_at",
        "shipped_at",
    ),
    sort=("number", "status", "user_id", "placed_at", "grand_total", "paid_at", "shipped_at"),
    search=("number", "ship_name", "email"),
    include=("items", "items.product", "user", "events"),
    owner="user_id",
    soft_delete=True,
    extra=(Input("expected_total", Money | None, on=("create",), description="Refuse (409) where the total differs."),),
    actions=(
        Transition("pay", ("pending",), "paid", "paid_at", pay_order),
        Transition("ship", ("paid",), "shipped", "shipped_at", note_move, Shipment),
        Transition("deliver", ("shipped",), "delivered", "delivered_at", note_move),
        Transition("cancel", ("pending", "paid"), "cancelled", "cancelled_at", cancel_order, Cancellation),
        Transition("return", ("shipped", "delivered"), "returned", "returned_at", return_order, Return),
    ),
    hooks=Hooks(instead_of_create=place_order, before=keep_history, after_commit=tell_provider),
    admin=Screen(
        icon="receipt",
        group="Sales",
        columns=("number", "status", "email", "grand_total", "placed_at"),
        tones={"pending": "wait", "paid": "busy", "shipped": "busy", "delivered": "good", "cancelled": "bad"},
        cards=CARDS,
        printouts=(PACKING_SLIP,),
    ),
)
