"""Products: what the shop sells."""

from typing import TYPE_CHECKING
from uuid import UUID

from charter import (
    Action,
    Field,
    First,
    Hooks,
    Indexed,
    Money,
    Relationship,
    Resource,
    Screen,
    Slug,
    Table,
    Unindexed,
    from_field,
)
from resources.stock_movements import StockChange, first_stock, move_stock

if TYPE_CHECKING:
    from resources.cart import CartItem
    from resources.categories import Category
    from resources.order_items import OrderItem
    from resources.stock_movements import StockMovement


class Product(Table, table=True):
    """Something that can be put into a cart."""

    sku: str = Field(min_length=1, max_length=40, unique=True, description="Stock keeping unit, unique.")
    name: str = Field(min_length=1, max_length=200)
    slug: Slug = from_field("name")
    description: str = Field("", max_length=10_000)
    price: Money
    stock: int = Field(
        ge=0, le=1_000_000_000, write="create", description="Pieces on hand; later changed by stock moves."
    )
    category_id: UUID = Field(foreign_key="category.id", on_delete="RESTRICT")
    max_per_order: int = Field(100, ge=1, le=9999, description="Most pieces that one order may have.")
    is_active: bool = Field(True, description="Whether customers see it.")
    image_url: str | None = Field(None, max_length=500)
    cost_price: Money | None = Field(None, description="What the shop pays for one; for staff only, by the policy.")

    category: "Category" = Relationship(back_populates="products")
    order_items: list["OrderItem"] = Relationship(back_populates="product")
    cart_items: list["CartItem"] = Relationship(back_populates="product")
    stock_movements: list["StockMovement"] = Relationship(back_populates="product")


SHELF = Indexed("category_id", by=("price",))
FOR_SALE = Unindexed("is_active", "nearly all of them are, so an index would only be in the way of better ones")
BY_CATEGORY = Unindexed("category.slug", "no index orders the rows of one table by another one")

products = Resource(
    Product,
    filter=("sku", "name", "slug", "price", "stock", "cost_price", SHELF, "category.slug", FOR_SALE),
    sort=("sku", "name", "slug", "price", "stock", "cost_price", "category_id", BY_CATEGORY, FOR_SALE),
    search=("name", "description", "sku"),
    include=("category",),
    soft_delete=True,
    actions=(Action("stock", move_stock, StockChange, "Add to the stock or take from it"),),
    hooks=Hooks(after=first_stock),
    admin=Screen(
        icon="box",
        group="Catalogue",
        cards=(First("Low stock", ("name", "sku", "stock"), "stock", where=lambda row: row.is_active),),
        images=("image_url",),
        columns=("image_url", "sku", "name", "price", "stock", "category", "is_active"),
        inline=("name", "price", "is_active"),
    ),
)
