"""A shop that has been busy: products, customers and orders of the last weeks, written straight into its tables.

Charter's database may be a file of SQLite or a database of PostgreSQL; the rows are the same, from one seed.
"""

import asyncio
import random
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice
from pathlib import Path
from typing import Any
from uuid import UUID

from benchmarks.dataset import Product, charter_text, make_categories, make_products, uuid7

SOLD = 5_000  # products that orders are about, the first ones
BEST = 0.05  # share of the orders that have the best-selling one in them
DAYS = 60  # how far back the orders lie: as far as the dashboard looks for a comparison
CUSTOMERS = 20_000
RARE = "zirconium"  # in the name of every 50,000th product
STATES = {"pending": 2, "paid": 8, "shipped": 10, "delivered": 70, "cancelled": 7, "returned": 3}
_CHUNK = 20_000

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Known:
    """Rows that the pages under test are about: the best-selling product, and a category."""

    product: UUID
    category: UUID


def rows(products: int, orders: int, now: datetime) -> Iterator[tuple[str, Iterable[Row]]]:
    """Table by table what is in the shop; each one's rows are made while they are read, and have to be read in turn."""
    chance = random.Random(20260101)  # noqa: S311 - rows, not secrets
    categories = make_categories(chance)
    yield "category", (item._asdict() for item in categories)
    sold: list[Product] = []

    def goods() -> Iterator[Row]:
        for number, item in enumerate(make_products(products, categories, chance)):
            if number < SOLD:
                sold.append(item)
            is_rare = number % 50_000 == 7
            named = item._replace(name=f"{RARE.title()} {item.name}", is_active=True) if is_rare else item
            yield named._asdict()

    yield "product", goods()
    people = [_customer(number, now, chance) for number in range(CUSTOMERS)]
    yield "users", people
    made = [_order(number, orders, now, people, chance) for number in range(orders)]
    yield "orders", made
    lines = [line for order in made for line in _lines(order, sold, chance)]
    yield "order_item", lines
    yield "stock_movement", (_movement(line, chance) for line in lines)


def _customer(number: int, now: datetime, chance: random.Random) -> Row:
    made = now - timedelta(minutes=30 * (CUSTOMERS - number))
    about = {"email": f"customer{number}@example.org", "full_name": f"Customer {number}", "phone": None}
    state = {"role": "customer", "is_active": True, "is_verified": True, "hashed_password": "", "epoch": 0}
    return {"id": uuid7(made, chance), "created_at": made, "updated_at": made, **about, **state}


def _order(number: int, orders: int, now: datetime, people: Sequence[Row], chance: random.Random) -> Row:
    placed = now - timedelta(days=DAYS) * ((orders - number) / orders)
    user = chance.choice(people)
    status = chance.choices([*STATES], [*STATES.values()])[0]
    total = 100 * chance.randrange(10, 400)
    is_sent = status in {"shipped", "delivered", "returned"}
    later = placed + timedelta(hours=1)
    return {
        "id": uuid7(placed, chance), "created_at": placed, "updated_at": placed, "number": f"B-{number:08}",
        "status": status, "user_id": user["id"], "email": user["email"], "currency": "EUR",
        "ship_name": user["full_name"], "ship_address": "Canal Street 1", "phone": "+31201234567", "note": None,
        "items_total": total, "discount_total": 0, "shipping_total": 0, "tax_total": 0, "grand_total": total,
        "placed_at": placed, "payment_due_at": now + timedelta(days=1),
        "paid_at": later if is_sent or status == "paid" else None,
        "shipped_at": later if is_sent else None,
        "delivered_at": later if status == "delivered" else None,
        "cancelled_at": later if status == "cancelled" else None,
        "returned_at": later if status == "returned" else None,
        "cancel_reason": None, "deleted_at": None,
    }  # fmt: skip


def _lines(order: Row, sold: Sequence[Product], chance: random.Random) -> Iterator[Row]:
    """Two lines; the second one of many orders is the best-selling product."""
    first = chance.randrange(1, len(sold))
    second = 0 if chance.random() < BEST else first % (len(sold) - 1) + 1
    for product in {first: sold[first], second: sold[second]}.values():
        made = order["placed_at"]
        yield {
            "id": uuid7(made, chance), "created_at": made, "updated_at": made, "order_id": order["id"],
            "product_id": product.id, "sku": product.sku, "product_name": product.name,
            "unit_price": product.price, "quantity": 1, "line_total": product.price,
        }  # fmt: skip


def _movement(line: Row, chance: random.Random) -> Row:
    made = line["created_at"]
    about = {"product_id": line["product_id"], "order_item_id": line["id"], "actor_id": None, "note": None}
    when = {"id": uuid7(made, chance), "created_at": made, "updated_at": made}
    return {**when, **about, "delta": -1, "reason": "sale"}


def fill(url: str, products: int, orders: int) -> Known:
    """Write it all into the empty tables of `url`; the server must not run meanwhile."""
    now = datetime.now(UTC)
    if url.startswith("sqlite"):
        _fill_sqlite(Path(url.partition("///")[2]), rows(products, orders, now))
    else:
        asyncio.run(_fill_postgresql(url.replace("+asyncpg", ""), rows(products, orders, now)))
    return known()


def known() -> Known:
    """What `fill` knows of its rows, whenever that was."""
    chance = random.Random(20260101)  # noqa: S311 - rows, not secrets
    categories = make_categories(chance)
    best = next(make_products(1, categories, chance))
    return Known(best.id, best.category_id)


def _fill_sqlite(file: Path, tables: Iterable[tuple[str, Iterable[Row]]]) -> None:
    connection = sqlite3.connect(file)
    for pragma in ("journal_mode=DELETE", "synchronous=OFF", "cache_size=-1000000"):  # a gigabyte, for so many indexes
        connection.execute(f"PRAGMA {pragma}")
    with connection:
        for table, content in tables:
            names, values = _apart(content)
            marks = ", ".join("?" * len(names))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608 - our own names
                ([charter_text(value) for value in row] for row in values),
            )
    connection.close()


async def _fill_postgresql(url: str, tables: Iterable[tuple[str, Iterable[Row]]]) -> None:
    import asyncpg  # type: ignore[import-untyped] # noqa: PLC0415 # it ships no types; only where PostgreSQL is there

    connection = await asyncpg.connect(url)
    try:
        for table, content in tables:
            names, values = _apart(content)
            while chunk := list(islice(values, _CHUNK)):
                await connection.copy_records_to_table(table, columns=names, records=chunk)
        await connection.execute("VACUUM ANALYZE")  # a server that runs for longer does so by itself
    finally:
        await connection.close()


def _apart(content: Iterable[Row]) -> tuple[list[str], Iterator[tuple[Any, ...]]]:
    """The names of the columns, and the rows as tuples."""
    left = iter(content)
    first = next(left)
    return [*first], (tuple(row.values()) for row in chain([first], left))


__all__ = ["RARE", "Known", "fill", "known"]
