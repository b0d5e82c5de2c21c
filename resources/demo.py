"""Demo data: a small catalogue that is pleasant to browse, ten customers, and one account for each role."""

import secrets
from datetime import timedelta
from uuid import UUID

from charter import Caller, Change, Row, Seed, Transaction, move
from resources.cart import cart
from resources.categories import categories
from resources.orders import orders
from resources.products import products
from resources.users import users

TREE: dict[str, dict[str, tuple[str, ...]]] = {
    "Living": {
        "Lighting": ("Desk lamps", "Floor lamps", "Pendant lamps"),
        "Textiles": ("Blankets", "Cushions"),
    },
    "Kitchen": {
        "Cookware": ("Pans", "Pots", "Knives"),
        "Tableware": ("Bowls", "Glasses", "Mugs"),
    },
    "Workspace": {
        "Stationery": ("Notebooks", "Pens"),
        "Furniture": ("Desks", "Chairs"),
    },
}
"""Three levels of categories."""

LINES: dict[str, tuple[str, ...]] = {
    "Desk lamps": ("Arc desk lamp", "Clamp desk lamp", "Brass desk lamp", "Folding desk lamp"),
    "Floor lamps": ("Tripod floor lamp", "Paper floor lamp", "Reading floor lamp", "Globe floor lamp"),
    "Pendant lamps": ("Linen pendant", "Glass pendant", "Enamel pendant", "Rattan pendant"),
    "Blankets": ("Merino blanket", "Waffle blanket", "Picnic blanket", "Mohair blanket"),
    "Cushions": ("Linen cushion", "Velvet cushion", "Boucle cushion", "Floor cushion"),
    "Pans": ("Cast iron pan 24 cm", "Cast iron pan 28 cm", "Steel pan 26 cm", "Crêpe pan"),
    "Pots": ("Enamel pot 3 l", "Enamel pot 5 l", "Copper saucepan", "Stock pot 9 l"),
    "Knives": ("Chef's knife 20 cm", "Paring knife", "Bread knife", "Santoku 18 cm"),
    "Bowls": ("Stoneware bowl", "Noodle bowl", "Salad bowl", "Mixing bowl"),
    "Glasses": ("Water glass", "Wine glass", "Espresso glass", "Carafe 1 l"),
    "Mugs": ("Stoneware mug", "Enamel mug", "Porcelain mug", "Travel mug"),
    "Notebooks": ("Dot grid notebook A5", "Plain notebook A4", "Pocket notebook", "Weekly planner"),
    "Pens": ("Brass ballpoint", "Fountain pen", "Gel pen set", "Mechanical pencil"),
    "Desks": ("Oak desk 140 cm", "Standing desk", "Wall desk", "Secretary desk"),
    "Chairs": ("Task chair", "Bentwood chair", "Saddle stool", "Lounge chair"),
}
"""Four products in each of fifteen branches."""

PEOPLE = (
    "Ada Lovelace", "Grace Hopper", "Alan Turing", "Katherine Johnson", "Edsger Dijkstra",
    "Barbara Liskov", "Donald Knuth", "Radia Perlman", "Tony Hoare", "Frances Allen",
)  # fmt: skip


ORDERS = 30

PATHS = (
    (),
    ("pay",),
    ("pay", "ship"),
    ("pay", "ship", "deliver"),
    ("pay", "ship", "deliver", "return"),
    ("cancel",),
)
"""The ways of the demo's orders through their states."""


def fill(tx: Transaction) -> list[str]:
    """Categories, products, accounts and orders; returns the passwords to tell once."""
    goods = _products(tx, _categories(tx))
    told = _accounts(tx)
    _orders(tx, goods)
    return told


def _categories(tx: Transaction) -> dict[str, UUID]:
    rows = tx.repository(categories)
    leaves: dict[str, UUID] = {}
    for first, (root, branches) in enumerate(TREE.items()):
        top = rows.create(name=root, position=first)
        for second, (branch, names) in enumerate(branches.items()):
            middle = rows.create(name=branch, position=second, parent_id=top["id"])
            for third, name in enumerate(names):
                leaves[name] = rows.create(name=name, position=third, parent_id=middle["id"])["id"]
    return leaves


def _products(tx: Transaction, leaves: dict[str, UUID]) -> list[Row]:
    rows = tx.repository(products)
    made: list[Row] = []
    for branch, names in LINES.items():
        for name in names:
            number = len(made) + 1
            price = 900 + (number * 1_370) % 24_000
            row = rows.create(
                sku=f"CH-{number:04d}",
                name=name,
                description=f"{name}, from our {branch.lower()}. Made to be used every day and to be mended.",
                price=price,
                cost_price=price * 55 // 100,
                stock=20 + (number * 7) % 40,
                category_id=leaves[branch],
                is_active=number % 20 != 0,
            )
            made.append(row)
    return made


def _accounts(tx: Transaction) -> list[str]:
    rows = tx.repository(users)
    told = []
    shared = secrets.token_urlsafe(9)
    for name in PEOPLE:
        email = f"{name.split()[0].lower()}@example.org"
        rows.create(email=email, full_name=name, password=shared, role="customer", is_verified=True)
    told.append(f"customers: ada@example.org and nine others, password: {shared}")
    for role in ("support", "manager"):
        password = secrets.token_urlsafe(9)
        rows.create(email=f"{role}@example.org", full_name=role.title(), password=password, role=role, is_verified=True)
        told.append(f"{role}: {role}@example.org, password: {password}")
    return told


def _orders(tx: Transaction, goods: list[Row]) -> None:
    """Thirty orders over the last thirty days, in every state, made as the checkout makes them."""
    people = tx.repository(users).get_all(tx.repository(users).columns.role == "customer")
    sold = [row for row in goods if row["is_active"]]
    for number in range(ORDERS):
        owner = people[number % len(people)]
        buyer = Caller("customer", owner["id"], owner["email"], is_verified=True)
        for step in range(1 + number % 3):
            tx.repository(cart).create(
                user_id=owner["id"], product_id=sold[(number * 5 + step) % len(sold)]["id"], quantity=1 + step
            )
        address = {"ship_name": owner["full_name"], "ship_address": f"Canal Street {number + 1}, 1017 Amsterdam"}
        change = Change("create", buyer, {**address, "phone": "+31201234567", "user_id": owner["id"]})
        order = tx.create(tx.entry(orders), change).id
        _age(tx, order, days=number % 30, path=PATHS[number % len(PATHS)])


def _age(tx: Transaction, order: UUID, *, days: int, path: tuple[str, ...]) -> None:
    """Move an order along `path`, then let everything about it have happened `days` ago."""
    for name in path:
        move(tx, orders, order, name)
    then = timedelta(days=days, hours=days % 7)
    row = tx.repository(orders).get_by_id(order)
    moments = {name: row[name] - then for name in row if name.endswith("_at") and row[name] is not None}
    table = tx.entry(orders).table
    tx.execute(table.update().where(table.c.id == order).values(moments))


demo = Seed(fill)
