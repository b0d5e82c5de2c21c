"""The floor: Starlette, sqlite3 in the event loop and orjson; no token, no checks, nothing that could be left out.

Nobody should write a shop like this. It tells how much of the time is the server and the database alone.
"""

import base64
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

TABLES = """
CREATE TABLE IF NOT EXISTS category (
    id TEXT PRIMARY KEY, created_at TEXT, updated_at TEXT, name TEXT, slug TEXT, description TEXT, position INTEGER,
    parent_id TEXT);
CREATE TABLE IF NOT EXISTS product (
    id TEXT PRIMARY KEY, created_at TEXT, updated_at TEXT, sku TEXT, name TEXT, slug TEXT, price INTEGER, stock INTEGER,
    category_id TEXT, description TEXT, max_per_order INTEGER, is_active INTEGER, image_url TEXT, cost_price INTEGER,
    deleted_at TEXT);
"""
FIELDS = (
    *("id", "created_at", "updated_at", "sku", "name", "slug", "price", "stock", "category_id", "description"),
    *("max_per_order", "image_url"),
)
ROWS = f"SELECT {', '.join(FIELDS)} FROM product WHERE deleted_at IS NULL AND is_active = 1"  # noqa: S608 - names above
COUNT = "SELECT count(*) FROM product WHERE deleted_at IS NULL AND is_active = 1"
ONE = f"{ROWS} AND id = ?"
SHELF = f"{ROWS} AND category_id = ? ORDER BY price, id LIMIT ? OFFSET ?"
SHELF_COUNT = f"{COUNT} AND category_id = ?"
PAGE = f"{ROWS} ORDER BY price, id LIMIT ? OFFSET ?"
FIRST = f"{ROWS} ORDER BY price, id LIMIT ?"
NEXT = f"{ROWS} AND (price, id) > (?, ?) ORDER BY price, id LIMIT ?"


def row_as_dict(_: object, values: tuple[Any, ...]) -> dict[str, Any]:
    """A row as it is shown; the conditions of every statement say that it is active."""
    return {**dict(zip(FIELDS, values, strict=True)), "is_active": True}


database = sqlite3.connect(os.environ["DATABASE"], isolation_level=None, check_same_thread=False)
database.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000;" + TABLES)


def select(statement: str, *values: object) -> list[dict[str, Any]]:
    """The rows of a statement that sqlite3 keeps prepared."""
    cursor = database.cursor()
    cursor.row_factory = row_as_dict
    return cursor.execute(statement, values).fetchall()


def answer(value: object) -> Response:
    """The value as JSON."""
    return Response(orjson.dumps(value), media_type="application/json")


async def read_product(request: Request) -> Response:
    """One published product."""
    found = select(ONE, request.path_params["id"])
    return answer(found[0]) if found else Response(status_code=404)


async def list_products(request: Request) -> Response:
    """One page of the published products, of one category if asked for."""
    asked = request.query_params
    size, category = int(asked["size"]), asked.get("category_id")
    skipped = size * (int(asked.get("page", "1")) - 1)
    if category is None:
        items, total = select(PAGE, size, skipped), database.execute(COUNT).fetchone()[0]
    else:
        items, total = (
            select(SHELF, category, size, skipped),
            database.execute(SHELF_COUNT, (category,)).fetchone()[0],
        )
    return answer({"items": items, "total": total})


async def scroll_products(request: Request) -> Response:
    """The published products after a position, the cheapest first."""
    size, cursor = int(request.query_params["size"]), request.query_params.get("cursor")
    if cursor is None:
        items = select(FIRST, size)
    else:
        price, last = base64.urlsafe_b64decode(cursor).decode().split(" ")
        items = select(NEXT, int(price), last, size)
    mark = f"{items[-1]['price']} {items[-1]['id']}".encode() if items else b""
    return answer({"items": items, "next": base64.urlsafe_b64encode(mark).decode() or None})


async def health(_: Request) -> Response:
    """The server answers."""
    return answer({"status": "ok"})


@asynccontextmanager
async def lifespan(_: Starlette) -> AsyncIterator[None]:
    """Close what was opened."""
    yield
    database.close()


app = Starlette(
    routes=[
        Route("/products", list_products),
        Route("/products/scroll", scroll_products),
        Route("/products/{id}", read_product),
        Route("/health", health),
    ],
    lifespan=lifespan,
)
