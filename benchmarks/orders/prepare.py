"""Fills a shop with buyers whose carts are full; runs in a copy of the application. Prints who they are, as JSON."""

import asyncio
import json
import random
import sys
from typing import Any

from sqlalchemy import insert

from app import app
from charter import close_db, init_db
from charter.assemble import metadata
from charter.auth.sessions import Origin
from charter.services import Services
from charter.store import Transaction
from charter.types import utc_now, uuid7
from resources.cart import cart
from resources.categories import categories
from resources.products import products
from resources.users import users

PRODUCTS = 200
STOCK = 1_000_000
LINES = 3


def fill(tx: Transaction, services: Services, buyers: int) -> list[dict[str, str]]:
    """Products, and buyers with `LINES` different ones in each cart; their ids and access tokens."""
    chance = random.Random(20260101)  # noqa: S311 # rows, not secrets
    shelf = tx.repository(categories).create(name="Everything")["id"]
    goods = [
        tx.repository(products).create(
            sku=f"SKU-{number:04}", name=f"Thing {number}", price=100 + number, stock=STOCK, category_id=shelf
        )["id"]
        for number in range(PRODUCTS)
    ]
    now, lines, found = utc_now(), list[dict[str, Any]](), list[dict[str, str]]()
    for number in range(buyers):
        account = tx.repository(users).create(email=f"buyer{number}@example.org", is_verified=True)
        grant = services.auth.sessions.open(tx, account["id"], account["epoch"], Origin("benchmark", "127.0.0.1"))
        if grant is None:
            raise LookupError(account["id"])
        token = services.auth.access_tokens.write(grant.user_id, grant.session, grant.epoch)
        found.append({"id": str(account["id"]), "token": token})
        base = {"created_at": now, "updated_at": now, "user_id": account["id"]}
        lines += [
            {**base, "id": uuid7(), "product_id": product, "quantity": 1, "price_seen": 1}
            for product in chance.sample(goods, LINES)
        ]
    for start in range(0, len(lines), 500):
        tx.execute(insert(tx.entry(cart).table).values(lines[start : start + 500]))
    return found


async def main(buyers: int) -> None:
    """Make the schema, fill it, tell."""
    services: Services = app.state.charter
    await init_db(services, metadata())
    found = await services.store.write(lambda tx: fill(tx, services, buyers))
    await close_db(services)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
