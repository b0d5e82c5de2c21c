"""The world that the shop's matrix is about: its shapes by hand, a few rows of every kind, and who may use them up."""

from collections.abc import Sequence
from itertools import count
from typing import Any

from tests.matrix.shapes import Relation, Row, Shape
from tests.matrix.snapshot import rows_now
from tests.matrix.world import Word, World, flag, is_own
from tests.policy_oracle import Oracle, read_oracle
from tests.running import ADMIN, Running
from tests.shop.buying import ADDRESS, able, add, cart_of, in_state
from tests.shop.people import People, Person, category, created, product, unique
from tests.shop.shop_table import BY_PATH, LADDER

SIDE_EFFECTS = {"order-items", "order-events", "stock-movements", "cart"}
"""What allowed writes to other resources make and take away."""

ROLES = frozenset({"role", "is_active"})

SHAPES = {
    shape.path: shape
    for shape in (
        Shape(
            BY_PATH["users"],
            "users",
            {"orders": Relation("orders", "id", "user_id", many=True)},
            owner="id",
            granted=ROLES,
        ),
        Shape(BY_PATH["roles"], "role", {"role_permissions": Relation("role-permissions", "id", "role_id", many=True)}),
        Shape(BY_PATH["permissions"], "permission"),
        Shape(
            BY_PATH["role-permissions"],
            "role_permission",
            {"role": Relation("roles", "role_id"), "permission": Relation("permissions", "permission_id")},
        ),
        Shape(
            BY_PATH["categories"],
            "category",
            {
                "parent": Relation("categories", "parent_id"),
                "children": Relation("categories", "id", "parent_id", many=True),
            },
        ),
        Shape(BY_PATH["products"], "product", {"category": Relation("categories", "category_id")}, actions=("stock",)),
        Shape(BY_PATH["cart"], "cart_item", {"product": Relation("products", "product_id")}, owner="user_id"),
        Shape(
            BY_PATH["orders"],
            "orders",
            {
                "items": Relation("order-items", "id", "order_id", many=True),
                "events": Relation("order-events", "id", "order_id", many=True),
                "user": Relation("users", "user_id"),
            },
            owner="user_id",
            actions=("pay", "ship", "deliver", "cancel", "return"),
            moves={
                "pay": ("status", ("pending",)),
                "ship": ("status", ("paid",)),
                "deliver": ("status", ("shipped",)),
                "cancel": ("status", ("pending", "paid")),
                "return": ("status", ("shipped", "delivered")),
            },
        ),
        Shape(
            BY_PATH["order-items"],
            "order_item",
            {"product": Relation("products", "product_id"), "order": Relation("orders", "order_id")},
            owner="order.user_id",
        ),
        Shape(BY_PATH["order-events"], "order_event", {"order": Relation("orders", "order_id")}, owner="order.user_id"),
        Shape(BY_PATH["stock-movements"], "stock_movement", {"product": Relation("products", "product_id")}),
    )
}

WORDS = {"own": Word(is_own), "published": flag("is_active")}

FIT = {
    "pay": ("pending",),
    "ship": ("paid",),
    "deliver": ("shipped",),
    "cancel": ("pending", "paid"),
    "return": ("shipped",),
    "delete": ("cancelled",),
}
"""Action on an order -> states that it starts from."""

FOREIGN = ("pending",) * 8 + ("paid",) * 2 + ("shipped",) * 4 + ("cancelled",) * 2
OWN = {
    "customer": ("pending", "pending", "cancelled", "cancelled"),
    "support": ("pending", "pending", "cancelled"),
    "manager": ("pending", "pending", "pending", "paid", "shipped", "shipped", "cancelled"),
    "admin": ("pending", "pending", "pending", "paid", "shipped", "shipped", "cancelled"),
}
"""Orders that the matrix needs: one that stays, and one for each action that may use it up."""


def staff(shop: Running) -> tuple[People, Person]:
    """One person of each role who may order, and a stranger."""
    some = {role: able(shop, Person(*shop.account(role))) for role in ("customer", "support", "manager")}
    admin = able(shop, Person(*ADMIN, shop.as_admin()))
    people = People(anonymous=Person("", "", shop.client()), admin=admin, **some)
    return people, able(shop, Person(*shop.account("customer")))


def fill(people: People, stranger: Person) -> None:
    """Rows of every kind: published, withdrawn and deleted goods, a tree, carts, orders in each state, accounts."""
    root = category(people)
    shelf = category(people, parent_id=root["id"])
    for _ in range(4):
        category(people, parent_id=root["id"])
    goods = [product(people, category_id=shelf["id"], stock=10_000) for _ in range(10)]
    for _ in range(4):
        product(people, category_id=root["id"], is_active=False)
    for person in (stranger, people.customer):
        row = in_state(people, person, goods[0], "cancelled")
        person.http.delete(f"/orders/{row['id']}").raise_for_status()
    everybody = [stranger, *(getattr(people, role) for role in LADDER[1:])]
    places: list[Sequence[str]] = [FOREIGN, *(OWN[role] for role in LADDER[1:])]
    for person, states in zip(everybody, places, strict=True):
        for number, state in enumerate(states):
            in_state(people, person, goods[number % 3], state)
        for item in goods[1:6]:
            add(person, item)
    for item in goods[1:3]:
        people.manager.http.patch(f"/products/{item['id']}", json={"is_active": False}).raise_for_status()
    for item in (goods[0], product(people, is_active=False)):
        people.manager.http.delete(f"/products/{item['id']}").raise_for_status()
    for active in (True, False) * 3:
        account(people, is_active=active)


def account(people: People, **more: Any) -> Row:
    """An account that nobody uses."""
    return created(people.admin.http.post("/users", json={**new_account(), **more}))


def new_account() -> Row:
    """A body that makes an account."""
    return {"email": f"{unique('new').replace(' ', '-')}@example.com", "password": "a-password-of-a-test"}


def make_world(shop: Running) -> tuple[World, People]:
    """The world as the database has it once everything is there."""
    people, stranger = staff(shop)
    fill(people, stranger)
    callers = {role: people.by_role(role).get("/users/me").json()["id"] for role in LADDER[1:]}
    rows = rows_now(database_of(shop), SHAPES)
    return World(oracle_of(shop), LADDER, SHAPES, WORDS, callers, rows, bodies(people), fits, above), people


def oracle_of(shop: Running) -> Oracle:
    """What the shop's policy file says."""
    actions = {path: shape.words for path, shape in SHAPES.items()} | {"admin": ("access",), "docs": ("access",)}
    granted = {path: shape.granted for path, shape in SHAPES.items()}
    return read_oracle((shop.folder / "policy.csv").read_text(), actions, granted)


def database_of(shop: Running) -> str:
    """The URL of a running shop's database."""
    return shop.environment.get("DATABASE_URL") or f"sqlite+aiosqlite:///{shop.folder / 'shop.db'}"


def bodies(people: People) -> dict[str, Any]:
    """What makes a row of each kind, or runs an action."""
    number = count()

    def goods(world: World, _: str) -> Row:
        shelf = world.rows["categories"][0]["id"]
        more = {"description": "", "cost_price": 5, "is_active": True}
        return {"sku": unique("SKU"), "name": unique("Thing"), "price": 1, "stock": 1, "category_id": shelf, **more}

    def line(world: World, role: str) -> Row:
        held = {row["product_id"] for row in world.rows["cart"] if row["user_id"] == world.callers.get(role)}
        free = [row for row in world.seen("anonymous", "products") if row["id"] not in held]
        return {"product_id": free[next(number) % len(free)]["id"], "quantity": 1}

    def purchase(world: World, role: str) -> Row:
        """An address; the cart of who orders is emptied of what cannot be bought."""
        sold = {row["id"] for row in world.seen("anonymous", "products")}
        for item in cart_of(getattr(people, role)) if role in world.callers else []:
            if item["product_id"] not in sold:
                people.by_role(role).delete(f"/cart/{item['id']}").raise_for_status()
        return dict(ADDRESS)

    return {
        "products": goods,
        "categories": lambda _world, _role: {"name": unique("Shelf"), "position": 3},
        "cart": line,
        "orders": purchase,
        "users": lambda _world, _role: new_account(),
        "products/stock": lambda _world, _role: {"delta": 1, "reason": "adjust"},
    }


def fits(world: World, path: str, action: str, row: Row) -> bool:
    """Whether nothing but the policy could stand against the action on that row."""
    if row.get("used"):
        return False
    if path == "orders":
        return row["status"] in FIT[action]
    if path == "categories":
        hangs = [*(item["parent_id"] for item in world.rows[path]), *(p["category_id"] for p in world.rows["products"])]
        return row["id"] not in hangs
    if path == "users":
        return row["id"] not in {*world.callers.values(), *(item["user_id"] for item in world.rows["orders"])}
    return True


def above(world: World, role: str, path: str, row: Row) -> bool:
    """Nobody touches an account whose role is above their own."""
    return path == "users" and world.order.index(row["role"]) > world.order.index(role)
