"""Every filter and sort that the shop declares has its index, and both databases use it: they say so themselves.

A process of its own, in the application's folder, asks: the process of the tests never imports the shop.
"""

import json
from pathlib import Path

import pytest

from tests.running import copy_application, run_once
from tests.storms.stage import database

ASK = """
import asyncio, json
from datetime import timedelta
from sqlalchemy import insert, text
from app import app
from charter import close_db, init_db, utc_now, uuid7
from charter.assemble import metadata
from resources.categories import categories
from tests.explaining import promised, unserved

services = app.state.charter
entries = services.catalog.entries
MANY, SHELVES = 3000, 60

def fill(tx):
    # PostgreSQL leaves an index alone where there are few rows, or where they are all alike
    shelves = [tx.repository(categories).create(name=f"shelf {number}")["id"] for number in range(SHELVES)]
    table, now, rows = entries["products"].table, utc_now(), []
    for number in range(MANY):
        times = {name: now + timedelta(seconds=number) for name in ("created_at", "updated_at")}
        numbers = {name: number for name in ("price", "cost_price", "stock")}
        texts = {name: f"n{number}" for name in ("sku", "name", "slug", "description")}
        row = {"id": uuid7(), "category_id": shelves[number % SHELVES], "is_active": True, "max_per_order": 9}
        rows.append({**dict.fromkeys(table.c.keys()), **row, **times, **numbers, **texts})
    tx.execute(insert(table), rows)
    tx.execute(text("ANALYZE"))

async def main():
    await init_db(services, metadata())
    about = ()
    if not services.store.is_sqlite:
        await services.store.write(fill)
        about = ("products",)
    first = await services.store.write(lambda tx: unserved(tx, services, *about))
    await services.store.write(lambda tx: tx.execute(text("DROP INDEX ix_product_name")))
    then = await services.store.write(lambda tx: unserved(tx, services, *about))
    await close_db(services)
    print(json.dumps([promised(services), first, then]))

asyncio.run(main())
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_what_the_shop_declares_uses_an_index(tmp_path: Path, kind: str) -> None:
    """Equal, in, ranges, beginnings and all sorts; without the index on names, those by name are told."""
    with database(kind) as given:
        done = run_once(copy_application(tmp_path), "-c", ASK, **given)
    assert done.returncode == 0, done.stderr
    promised, first, then = json.loads(done.stdout.splitlines()[-1])
    assert promised > 400
    assert first == []
    told = {line.partition(":")[0] for line in then}
    assert {"products filter name", "products filter name__in", "products sort name", "products sort -name"} <= told
    assert not [line for line in told if " name" not in line and "-name" not in line]
