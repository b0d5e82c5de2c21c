"""The shop as the admin's matrix knows it: what each screen shows, by hand, and what somebody types into its forms."""

from dataclasses import replace

import httpx2

from tests.admin.desk import TOKEN, token_on
from tests.admin.eyes import Eye, Paper, Screen
from tests.admin.writing import Bodies
from tests.matrix.shapes import Relation, Row, Shape
from tests.matrix.world import World
from tests.running import Running
from tests.shop.doorway import enter
from tests.shop.matrix_world import SHAPES, new_account
from tests.shop.people import People, Person, unique
from tests.shop.shop_cards import ORDER_CARDS, PRODUCT_CARDS, USER_CARDS

MOMENTS = frozenset({"created_at", "updated_at"})


def shape(path: str, **more: Relation) -> Shape:
    """A shape with all relations of its class: those that an include may name, and these."""
    found = SHAPES[path]
    return replace(found, relations={**found.relations, **more})


def many(target: str, remote: str) -> Relation:
    """What refers here."""
    return Relation(target, "id", remote, many=True)


def product_of(world: World, row: Row) -> Row:
    """The product of a line, deleted or not."""
    found = world.row("products", row["product_id"])
    assert found is not None
    return found


def problem(world: World, row: Row) -> str | None:
    """Why a line of a cart could not be ordered."""
    product = product_of(world, row)
    reasons = {
        "unavailable": not product["is_active"] or product["deleted_at"] is not None,
        "insufficient_stock": product["stock"] < row["quantity"],
        "limit_exceeded": product["max_per_order"] < row["quantity"],
        "price_changed": product["price"] != row["price_seen"],
    }
    return next((name for name, holds in reasons.items() if holds), None)


SCREENS = {
    screen.path: replace(screen, sorts=screen.shape.noun.sorts)
    for screen in (
        Screen(
            shape("users", cart_items=many("cart", "user_id")),
            columns=("email", "full_name", "role", "is_active", "is_verified"),
            titles=("email", "full_name", "role", "phone"),
            unique=frozenset({"email"}),
            search=("email", "full_name"),
            few=("role", "is_active", "is_verified"),
            cards=USER_CARDS,
            changes={"full_name": ("Somebody Else", "Somebody Else"), "phone": ("+4915112345678", "+4915112345678")},
        ),
        Screen(
            shape("roles"),
            columns=("rank", "name", "inherits"),
            titles=("name", "inherits"),
        ),
        Screen(
            shape("permissions", role_permissions=many("role-permissions", "permission_id")),
            columns=("resource", "action", "rows", "fields"),
            titles=("resource", "action", "rows", "fields"),
        ),
        Screen(
            shape("role-permissions"),
            columns=("role", "permission.resource", "permission.action", "permission.rows", "permission.fields"),
        ),
        Screen(
            shape("categories", products=many("products", "category_id")),
            columns=("name", "slug", "parent", "position"),
            inline=("name", "position"),
            titles=("name", "slug", "description"),
            search=("name",),
            changes={"position": ("5", 5), "description": ("rewritten", "rewritten")},
        ),
        Screen(
            shape(
                "products",
                order_items=many("order-items", "product_id"),
                cart_items=many("cart", "product_id"),
                stock_movements=many("stock-movements", "product_id"),
            ),
            columns=("image_url", "sku", "name", "price", "stock", "category", "is_active"),
            titles=("name", "sku", "slug", "description", "image_url"),
            unique=frozenset({"sku"}),
            inline=("name", "price", "is_active"),
            search=("name", "description", "sku"),
            few=("is_active",),
            money=frozenset({"price", "cost_price"}),
            bodies={"stock": frozenset({"delta", "reason", "note"})},
            cards=PRODUCT_CARDS,
            changes={"price": ("3.21", 321), "cost_price": ("1.23", 123), "description": ("rewritten", "rewritten")},
        ),
        Screen(
            shape("cart", user=Relation("users", "user_id")),
            columns=("user", "product", "quantity", "price_seen"),
            money=frozenset({"price_seen", "line_total"}),
            computed={
                "line_total": lambda world, row: product_of(world, row)["price"] * row["quantity"],
                "problem": problem,
            },
        ),
        Screen(
            shape("orders"),
            columns=("number", "status", "email", "grand_total", "placed_at"),
            titles=("number", "email"),
            search=("number", "ship_name", "email"),
            few=("status",),
            papers={
                "packing_slip": Paper(
                    ("placed_at", "phone", "note"),
                    ("ship_name", "ship_address"),
                    "items",
                    ("sku", "product_name", "quantity"),
                )
            },
            money=frozenset({"items_total", "discount_total", "shipping_total", "tax_total", "grand_total"}),
            moments=MOMENTS | {f"{word}_at" for word in ("placed", "payment_due", "paid", "shipped", "delivered")}
            | {"cancelled_at", "returned_at"},
            bodies={"ship": frozenset({"tracking"}), "cancel": frozenset({"reason"}), "return": frozenset({"restock"})},
            cards=ORDER_CARDS,
            changes={"note": ("By the back door", "By the back door")},
        ),
        Screen(
            shape("order-items"),
            columns=("order", "sku", "product_name", "unit_price", "quantity", "line_total"),
            titles=("sku", "product_name"),
            money=frozenset({"unit_price", "line_total"}),
        ),
        Screen(shape("order-events"), columns=("created_at", "order", "from_status", "to_status", "note")),
        Screen(
            shape("stock-movements", order_item=Relation("order-items", "order_item_id")),
            columns=("created_at", "product", "delta", "reason", "note"),
            few=("reason",),
        ),
    )
}  # fmt: skip


def _goods(eye: Eye) -> dict[str, str]:
    shelf = str(eye.world.rows["categories"][0]["id"])
    return {"sku": unique("SKU"), "name": unique("Thing"), "price": "1.00", "stock": "1", "category_id": shelf}


BODIES: Bodies = {
    "products": _goods,
    "categories": lambda _: {"name": unique("Shelf"), "position": "3"},
    "cart": lambda eye: {"product_id": str(eye.world.seen("anonymous", "products")[0]["id"]), "quantity": "1"},
    "users": lambda _: {name: str(value) for name, value in new_account().items()},
    "products/stock": lambda _: {"delta": "1", "reason": "adjust"},
}
"""What makes a row of each kind. An order is made by more than a form."""


def visitors(shop: Running, people: People) -> dict[str, httpx2.Client]:
    """A browser for each role; those whose role is not let in have no cookie, like strangers."""
    return {
        role: browser(shop, getattr(people, role)) for role in ("anonymous", "customer", "support", "manager", "admin")
    }


def browser(shop: Running, person: Person) -> httpx2.Client:
    """A browser that tried to sign in at the admin."""
    client = shop.client()
    client.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
    if person.email:
        enter(client, person.email, person.password)
        client.headers[TOKEN] = token_on(client.get("/admin/").text)
    return client
