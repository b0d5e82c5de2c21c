"""Users: whoever has an account, customers and staff alike."""

from typing import TYPE_CHECKING

from charter import ACCOUNT_INPUTS, Account, Field, First, Phone, Relationship, Resource, Screen, Unindexed

if TYPE_CHECKING:
    from resources.cart import CartItem
    from resources.orders import Order


class User(Account, table=True):
    """Somebody with an account. The role decides what they may do."""

    full_name: str = Field("", max_length=200)
    phone: Phone | None = Field(None, max_length=16, description="E.164, such as +4915112345678.")

    orders: list["Order"] = Relationship(back_populates="user")
    cart_items: list["CartItem"] = Relationship(back_populates="user")


FLAGS = (
    Unindexed("is_active", "nearly all accounts are"),
    Unindexed("is_verified", "most accounts are"),
)

users = Resource(
    User,
    filter=("email", "role", *FLAGS, "full_name"),
    sort=("email", "role", *FLAGS, "full_name"),
    search=("email", "full_name"),
    include=("orders",),
    owner="id",
    extra=ACCOUNT_INPUTS,
    admin=Screen(
        icon="users",
        group="People",
        cards=(First("Newest users", ("email", "role", "created_at")),),
        columns=("email", "full_name", "role", "is_active", "is_verified"),
    ),
)
