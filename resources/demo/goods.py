"""Demo categories, three levels of them, and sixty products."""

from uuid import UUID

from charter import Row, Transaction
from resources.categories import categories
from resources.products import products

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


def make_categories(tx: Transaction) -> dict[str, UUID]:
    """The tree; returns the ids of its leaves by name."""
    rows = tx.repository(categories)
    leaves: dict[str, UUID] = {}
    for first, (root, branches) in enumerate(TREE.items()):
        top = rows.create(name=root, position=first)
        for second, (branch, names) in enumerate(branches.items()):
            middle = rows.create(name=branch, position=second, parent_id=top["id"])
            for third, name in enumerate(names):
                leaves[name] = rows.create(name=name, position=third, parent_id=middle["id"])["id"]
    return leaves


def make_products(tx: Transaction, leaves: dict[str, UUID]) -> list[Row]:
    """Four products on each leaf; every twentieth is not for sale."""
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
