"""Eight servers at once on an empty folder: whatever they do together is done once, whole and only once."""

import re
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.running import ADMIN, ROOT, UVICORN, Running, copy_application, launch, run_once, wait_until_up
from tests.shop.people import ROLES, okay

EIGHT = 8
STATES = ("pending", "paid", "shipped", "delivered", "returned", "cancelled")

ROWS = {
    "products": 60, "categories": 24, "users": 13, "orders": 30, "roles": 5,
    "order-items": sum(1 + number % 3 for number in range(30)),
}  # fmt: skip
"""What one demo set consists of, and one image of the policy."""


@pytest.mark.thorough
def test_eight_servers_start_on_an_empty_folder(tmp_path: Path) -> None:
    """One schema, one admin, one secret, one demo set, one image of the policy; every process serves all of it."""
    folder = copy_application(tmp_path)
    given = {"ENVIRONMENT": "development", "SECRET_KEY": "", "DEMO_DATA": ""}
    with ExitStack() as stack:
        shops = [launch(folder, UVICORN, f"output-{number}.log", **given) for number in range(EIGHT)]
        for shop in shops:
            stack.callback(shop.stop)
        for shop in shops:
            wait_until_up(shop)
        token = shops[0].login(*ADMIN)
        for shop in shops:
            check_rows(shop, token)
        check_demo(shops[0], token)
    log = "".join(shop.log() for shop in shops)
    assert "Traceback" not in log
    assert [len(re.findall(rf"^{word}: ", log, re.MULTILINE)) for word in ("admin", "customers", "manager")] == [
        1,
        1,
        1,
    ]
    assert len(re.findall(r"^SECRET_KEY=\S{32,}$", (folder / ".env").read_text(), re.MULTILINE)) == 1
    shipped = {file.name for file in (ROOT / "migrations" / "versions").glob("*.py")}
    assert {file.name for file in (folder / "migrations" / "versions").glob("*.py")} == shipped
    told = run_once(folder, "-m", "charter", "db", "check", **given)
    assert told.stdout == "The schema is as declared.\n", told.stderr


def check_rows(shop: Running, token: str) -> None:
    """As many rows as one start makes, as this process sees them."""
    with shop.client(token) as http:
        assert {name: okay(http.get(f"/{name}?size=1"))["total"] for name in ROWS} == ROWS
        accounts = okay(http.get("/users?size=100"))["items"]
        assert Counter(row["role"] for row in accounts) == {"customer": 10, "support": 1, "manager": 1, "admin": 1}
        assert {row["name"] for row in okay(http.get("/roles"))["items"]} == set(ROLES)


def check_demo(shop: Running, token: str) -> None:
    """Orders of ten customers in every state over the last thirty days, and a tree three deep; stock adds up."""
    with shop.client(token) as http:
        orders = okay(http.get("/orders?size=100&sort=placed_at"))["items"]
        assert Counter(row["status"] for row in orders) == dict.fromkeys(STATES, 5)
        assert len({row["user_id"] for row in orders}) == 10
        assert len({row["placed_at"][:10] for row in orders}) > 20
        assert len({row["number"] for row in orders}) == 30
        products = okay(http.get("/products?size=100"))["items"]
        found = [okay(http.get(f"/stock-movements?size=100&page={page}"))["items"] for page in (1, 2)]
        sums: Counter[str] = Counter()
        for row in (row for page in found for row in page):
            sums[row["product_id"]] += row["delta"]
        assert {row["id"]: row["stock"] for row in products} == {row["id"]: sums[row["id"]] for row in products}
        parents = {row["id"]: row["parent_id"] for row in okay(http.get("/categories?size=100"))["items"]}
        leaves = {row["category_id"] for row in products}
        assert all(parents[parents[parents[leaf]]] is None for leaf in leaves)
