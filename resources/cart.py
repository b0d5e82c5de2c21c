"""The cart: one line per product and user. Stock is shown here, and checked only at the checkout."""

from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, UniqueConstraint, case, func, null, select

from charter import (
    Change,
    Computed,
    ConflictException,
    Created,
    Field,
    FieldError,
    Hooks,
    Money,
    Relationship,
    Resource,
    Screen,
    Table,
    Transaction,
)
from resources.products import products
from resources.users import users

if TYPE_CHECKING:
    from resources.products import Product
    from resources.users import User

Problem = Literal["unavailable", "insufficient_stock", "limit_exceeded", "price_changed"]

MOST_LINES = 100
"""Lines that one cart may have."""


class CartItem(Table, table=True):
    """A product in somebody's cart, and how many of it."""

    __table_args__ = (UniqueConstraint("user_id", "product_id"),)

    product_id: UUID = Field(foreign_key="product.id", on_delete="CASCADE", write="create")
    quantity: int = Field(ge=1, le=9999)
    price_seen: Money | None = Field(None, write="never", description="The price when the line was last written.")
    user_id: UUID = Field(foreign_key="users.id", on_delete="CASCADE", write="never")

    product: "Product" = Relationship(back_populates="cart_items")
    user: "User" = Relationship(back_populates="cart_items")


def problem_of(row: Any) -> ColumnElement[Any]:
    """Why the line could not be ordered as it is: the first reason that holds, or nothing."""
    product = row.product
    gone = product.is_active.is_not(True) | product.deleted_at.is_not(None)
    return case(
        (gone, "unavailable"),
        (product.stock < row.quantity, "insufficient_stock"),
        (product.max_per_order < row.quantity, "limit_exceeded"),
        (product.price != row.price_seen, "price_changed"),
        else_=null(),
    )


def add_to_line(tx: Transaction, change: Change) -> Created:
    """Add to the caller's line for that product, or make it. The line is held: a checkout waits, or is waited for."""
    _hold_cart(tx, change.values["user_id"])
    lines = tx.repository(cart)
    columns = lines.columns
    mine = columns.user_id == change.values["user_id"]
    wanted = select(columns.id, columns.quantity).where(mine, columns.product_id == change.values["product_id"])
    found = tx.execute(wanted.with_for_update()).first()
    quantity = change.values["quantity"] + (found.quantity if found else 0)
    price = check_line(tx, change.values["product_id"], quantity)
    if found:
        lines.update_where(columns.id == found.id, values={"quantity": quantity, "price_seen": price})
        return Created(found.id, new=False)
    if tx.execute(select(func.count()).select_from(CartItem).where(mine)).scalar_one() >= MOST_LINES:
        raise ConflictException(f"A cart has at most {MOST_LINES} lines.", code="limit_exceeded")
    change.values["price_seen"] = price
    return tx.insert(change)


def _hold_cart(tx: Transaction, user_id: UUID) -> None:
    """Let one request at a time add to a cart, so that none overlooks what another one just did."""
    tx.repository(users).hold(user_id)


def check_line(tx: Transaction, product_id: UUID, quantity: int) -> int:
    """The product's price, once the quantity is within what one order may have of it."""
    product = tx.repository(products).get_by_id(product_id)
    most = int(product["max_per_order"])
    if quantity > most:
        error = FieldError(
            "/quantity", "limit_exceeded", f"at most {most} per order", {"requested": quantity, "available": most}
        )
        raise ConflictException("More than one order may have.", code="limit_exceeded", errors=[error])
    return int(product["price"])


def reprice(tx: Transaction, change: Change) -> None:
    """A changed line keeps the rules of a new one, and has seen the present price."""
    if change.action == "update":
        quantity = change.values.get("quantity", change.old["quantity"])
        change.values["price_seen"] = check_line(tx, change.old["product_id"], quantity)


cart = Resource(
    CartItem,
    path="cart",
    filter=("product_id",),
    sort=("product_id",),
    include=("product",),
    owner="user_id",
    extra=(
        Computed("line_total", Money, lambda row: row.product.price * row.quantity, "Price now, times quantity."),
        Computed("problem", Problem | None, problem_of, "Why the line could not be ordered as it is."),
    ),
    hooks=Hooks(instead_of_create=add_to_line, before=reprice),
    admin=Screen(icon="cart-shopping", group="Sales", columns=("user", "product", "quantity", "price_seen")),
)
