"""SHOP.md's two tables as data: what each noun consists of, and who may do what with it.

Marks of a column, as there: ``*`` required on create, ``^`` create-only, ``§`` set by the server only, ``~`` hidden
always; and two more: ``+`` taken but never shown, ``=`` taken by changes alone.
"""

from dataclasses import dataclass

MARKS = "*^§~+="
BASE = ("id", "created_at", "updated_at")
"""Columns of every noun, set by the server; all filter and sort by them."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column with its marks."""

    name: str
    marks: str

    @property
    def shown(self) -> bool:
        """Whether a read may have it."""
        return not set("~+=") & set(self.marks)

    @property
    def required(self) -> bool:
        """Whether a create has to have it."""
        return "*" in self.marks

    def taken_by(self, kind: str) -> bool:
        """Whether the body of a ``Create``, ``Replace`` or ``Update`` may have it."""
        refused = "§~=" if kind == "Create" else "§~^"
        return not set(refused) & set(self.marks)


@dataclass(frozen=True, slots=True)
class Noun:
    """One row of the first table; ``schema`` is its name in the OpenAPI document."""

    path: str
    schema: str
    text: str
    filters: tuple[str, ...]
    include: tuple[str, ...] = ()
    more_sorts: tuple[str, ...] = ()
    search: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column, the base ones first."""
        words = [*(f"{name}§" for name in BASE), *self.text.split()]
        named = [(word, word.rstrip(MARKS)) for word in words]
        return tuple(Column(name, word[len(name) :]) for word, name in named)

    @property
    def sorts(self) -> tuple[str, ...]:
        """What it can be sorted by; the same as the filters but where more is said."""
        return (*BASE, *self.filters, *self.more_sorts)

    @property
    def is_written(self) -> bool:
        """Whether anybody could ever write a row over HTTP."""
        return any(column.taken_by("Create") for column in self.columns)


NOUNS = (
    Noun(
        "users",
        "User",
        "email* full_name phone role is_active is_verified§ hashed_password~ epoch~ password*+ current_password+=",
        ("email", "role", "is_active", "is_verified", "full_name"),
        ("orders",),
        search=("email", "full_name"),
    ),
    Noun("roles", "Role", "name§ rank§ inherits§", ("name",), ("role_permissions",), ("rank",)),
    Noun("permissions", "Permission", "resource§ action§ rows§ fields§", ("resource", "action")),
    Noun(
        "role-permissions",
        "RolePermission",
        "role_id§ permission_id§",
        ("role_id", "permission_id"),
        ("role", "permission"),
    ),
    Noun(
        "categories",
        "Category",
        "name* slug§ description position parent_id",
        ("name", "slug", "parent_id", "position"),
        ("parent", "children"),
        search=("name",),
    ),
    Noun(
        "products",
        "Product",
        "sku* name* slug§ price* stock*^ category_id* description max_per_order is_active image_url cost_price",
        ("sku", "name", "slug", "price", "cost_price", "stock", "category_id", "category.slug", "is_active"),
        ("category",),
        search=("name", "description", "sku"),
    ),
    Noun(
        "cart",
        "CartItem",
        "product_id*^ quantity* price_seen§ user_id§ line_total§ problem§",
        ("product_id",),
        ("product",),
    ),
    Noun(
        "orders",
        "Order",
        "ship_name* ship_address* phone* note expected_total+^ number§ status§ user_id§ email§ currency§ items_total§ "
        "discount_total§ shipping_total§ tax_total§ grand_total§ placed_at§ payment_due_at§ paid_at§ shipped_at§ "
        "delivered_at§ cancelled_at§ returned_at§ cancel_reason§",
        ("number", "status", "user_id", "placed_at", "grand_total", "paid_at", "shipped_at"),
        ("items", "items.product", "user", "events"),
        search=("number", "ship_name", "email"),
    ),
    Noun(
        "order-items",
        "OrderItem",
        "order_id§ product_id§ sku§ product_name§ unit_price§ quantity§ line_total§",
        ("order_id", "product_id"),
        ("product",),
    ),
    Noun("order-events", "OrderEvent", "order_id§ from_status§ to_status§ actor_id§ note§", ("order_id", "to_status")),
    Noun(
        "stock-movements",
        "StockMovement",
        "product_id§ delta§ reason§ order_item_id§ actor_id§ note§",
        ("product_id", "reason"),
        ("product",),
    ),
)
"""The first table."""

BY_PATH = {noun.path: noun for noun in NOUNS}

LADDER = ("anonymous", "customer", "support", "manager", "admin")
"""Each role has what those before it have."""

CRUD = "list read create update delete"
LOOK = "list read"
MOVES = "pay ship deliver return"

POLICY: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "products": {
        "anonymous": ((LOOK, "published"),),
        "support": ((LOOK, "any"),),
        "manager": ((f"{CRUD} stock export import", "any"),),
    },
    "categories": {
        "anonymous": ((LOOK, "any"),),
        "manager": (("create update delete export import", "any"),),
    },
    "cart": {"customer": ((f"{CRUD} export import", "own"),)},  # `*`: all that a resource knows
    "orders": {
        "customer": ((f"{CRUD} cancel", "own"),),
        "support": ((f"{LOOK} update cancel", "any"),),
        "manager": ((f"{MOVES} delete export", "any"),),
    },
    "order-items": {"customer": ((LOOK, "own"),), "support": ((LOOK, "any"),), "manager": (("export", "any"),)},
    "order-events": {"customer": ((LOOK, "own"),), "support": ((LOOK, "any"),), "manager": (("export", "any"),)},
    "stock-movements": {"support": ((LOOK, "any"),), "manager": (("export", "any"),)},
    "users": {
        "customer": (("read update", "own"),),
        "support": ((LOOK, "any"),),
        "admin": (("create update delete export", "any"),),
    },
    "roles": {"manager": ((LOOK, "any"),)},
    "permissions": {"manager": ((LOOK, "any"),)},
    "role-permissions": {"manager": ((LOOK, "any"),)},
    "admin": {"support": (("access", "any"),)},
    "docs": {"anonymous": (("access", "any"),)},
}
"""The second table: resource -> role -> actions and the rows they are for."""

KNOWS_COST = ("manager", "admin")
"""The roles that may know what the shop pays."""

OWN_FIELDS = {"full_name", "phone", "email", "password", "current_password"}
ADMIN_FIELDS = OWN_FIELDS | {"role", "is_active"}
"""What of an account its owner, and what an admin may change."""


def allowed(role: str) -> dict[str, dict[str, str]]:
    """Resource -> action -> rows for a role with all it inherits; ``any`` is wider than every other word."""
    found: dict[str, dict[str, str]] = {}
    for resource, cells in POLICY.items():
        for step in LADDER[: LADDER.index(role) + 1]:
            for actions, rows in cells.get(step, ()):
                for action in actions.split():
                    held = found.setdefault(resource, {})
                    held[action] = rows if held.get(action) != "any" else "any"
    return found
