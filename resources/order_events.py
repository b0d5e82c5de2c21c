"""Order events: the way of an order from state to state, and who moved it."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import UniqueConstraint

from charter import Field, Relationship, Resource, Screen, Table

if TYPE_CHECKING:
    from resources.orders import Order


class OrderEvent(Table, table=True):
    """An order reached a state."""

    __table_args__ = (UniqueConstraint("order_id", "to_status"),)

    order_id: UUID = Field(foreign_key="orders.id", on_delete="CASCADE", write="never")
    from_status: str | None = Field(None, max_length=20, write="never")
    to_status: str = Field(max_length=20, write="never")
    actor_id: UUID | None = Field(None, foreign_key="users.id", on_delete="SET NULL", write="never")
    note: str | None = Field(None, max_length=500, write="never")

    order: "Order" = Relationship(back_populates="events")


order_events = Resource(
    OrderEvent,
    filter=("order_id", "to_status"),
    sort=("order_id", "to_status"),
    owner="order.user_id",
    admin=Screen(
        icon="clock-rotate-left", group="Sales", columns=("created_at", "order", "from_status", "to_status", "note")
    ),
)
