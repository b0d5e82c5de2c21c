"""Order items: what was bought, as it was then."""

from typing import TYPE_CHECKING
from uuid import UUID

from sqlalchemy import CheckConstraint, UniqueConstraint

from charter import Field, Money, Relationship, Resource, Screen, Table

if TYPE_CHECKING:
    from resources.orders import Order
    from resources.products import Product


class OrderItem(Table, table=True):
    """One line of an order; name and price stay what they were."""

    __table_args__ = (
        UniqueConstraint("order_id", "product_id"),
        CheckConstraint("line_total = unit_price * quantity", name="line_total"),
    )

    order_id: UUID = Field(foreign_key="orders.id", on_delete="RESTRICT", write="never")
    product_id: UUID = Field(foreign_key="product.id", on_delete="RESTRICT", write="never")
    sku: str = Field(max_length=40, write="never")
    product_name: str = Field(max_length=200, write="never")
    unit_price: Money = Field(write="never")
    quantity: int = Field(ge=1, le=9999, write="never")
    line_total: Money = Field(write="never")

    order: "Order" = Relationship(back_populates="items")
    product: "Product" = Relationship(back_populates="order_items")


order_items = Resource(
    OrderItem,
    filter=("order_id", "product_id"),
    sort=("order_id", "product_id"),
    include=("product",),
    owner="order.user_id",
    admin=Screen(
        icon="list", group="Sales", columns=("order", "sku", "product_name", "unit_price", "quantity", "line_total")
    ),
)
