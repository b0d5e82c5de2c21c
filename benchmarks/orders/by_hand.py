"""The opponent: one endpoint that places an order, as a good developer writes it for this very schema.

The same statements in one transaction, with FastAPI and SQLAlchemy's async engine. It has no access rules, limits,
request ids or log lines; it checks a token and its account, as everybody would.
"""

import os
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Annotated, Any
from uuid import uuid4

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from pydantic import BaseModel
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine

from benchmarks.orders.statements import (
    CLAIM,
    CONSUME,
    EVENT,
    ITEMS,
    KEEP,
    MOVEMENTS,
    ORDER,
    ROW,
    TAKE,
    USER,
    many,
)

URL = os.environ["DATABASE_URL"]
SECRET = os.environ["TOKEN_SECRET"]
IS_SQLITE = URL.startswith("sqlite")

engine = create_async_engine(
    URL, **({"connect_args": {"isolation_level": None, "timeout": 10}} if IS_SQLITE else {"pool_size": 10})
)


if IS_SQLITE:

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        """The settings that Charter uses."""
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:
        """Take the write lock at once, so that nobody has to be turned away later."""
        connection.exec_driver_sql("BEGIN IMMEDIATE")


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Nothing to prepare; close what was opened."""
    yield
    await engine.dispose()


app = FastAPI(lifespan=lifespan)


class Address(BaseModel):
    """What an order needs."""

    ship_name: str
    ship_address: str
    phone: str
    note: str | None = None


def moment(value: datetime) -> Any:
    """A time as the database keeps it."""
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if IS_SQLITE else value


async def current_user(authorization: Annotated[str, Header()]) -> dict[str, Any]:
    """Whose token it is."""
    try:
        claims = jwt.decode(authorization.removeprefix("Bearer "), SECRET, algorithms=["HS256"])
    except jwt.PyJWTError:
        raise HTTPException(401) from None
    async with engine.connect() as connection:
        found = (await connection.execute(text(USER), {"id": claims["sub"]})).mappings().first()
    if found is None or not found["is_active"]:
        raise HTTPException(401)
    return dict(found)


@app.get("/health/ready")
async def ready() -> dict[str, str]:
    """Whether it answers."""
    return {"status": "ok"}


@app.post("/orders", status_code=201)
async def place(
    request: Request,
    body: Address,
    user: Annotated[dict[str, Any], Depends(current_user)],
    idempotency_key: Annotated[str, Header()],
) -> dict[str, Any]:
    """The whole checkout in one transaction."""
    content = sha256(await request.body()).hexdigest()
    async with engine.begin() as connection:
        return await _place(connection, user, body, idempotency_key, content)


async def _place(
    connection: AsyncConnection, user: dict[str, Any], body: Address, key: str, content: str
) -> dict[str, Any]:
    at = datetime.now(UTC)
    now, due = moment(at), moment(at + timedelta(hours=1))
    owner = f"user {user['id']}"
    claim = {"id": str(uuid4()), "owner": owner, "key": key, "content": content, "now": now}
    if (await connection.execute(text(CLAIM), claim)).first() is None:
        raise HTTPException(409, "seen before")
    lines = (await connection.execute(text(CONSUME), {"user": user["id"]})).mappings().all()
    if not lines:
        raise HTTPException(409, "cart_empty")
    taken = []
    for line in sorted(lines, key=lambda line: str(line["product_id"])):
        values = {"id": line["product_id"], "quantity": line["quantity"], "now": now}
        product = (await connection.execute(text(TAKE), values)).mappings().first()
        if product is None:
            raise HTTPException(409, "insufficient_stock")
        taken.append((line["quantity"], product))
    total = sum(product["price"] * quantity for quantity, product in taken)
    order_id = str(uuid4())
    order = {
        **body.model_dump(),
        "id": order_id,
        "now": now,
        "due": due,
        "number": f"{at:%y%m%d}-{secrets.token_hex(4)}",
        "user": user["id"],
        "email": user["email"],
        "total": total,
    }
    await connection.execute(text(ORDER), order)
    items = [_item(order_id, now, quantity, product) for quantity, product in taken]
    await connection.execute(text(many(ITEMS, len(items))), _numbered(items))
    moves = [_movement(item, now, user["id"]) for item in items]
    await connection.execute(text(many(MOVEMENTS, len(moves))), _numbered(moves))
    await connection.execute(text(EVENT), {"id": str(uuid4()), "now": now, "order": order_id, "actor": user["id"]})
    row = dict((await connection.execute(text(ROW), {"id": order_id})).mappings().one())
    kept = {"owner": owner, "key": key, "row": order_id, "body": str(row)}
    await connection.execute(text(KEEP), kept)
    return row


def _item(order_id: str, now: Any, quantity: int, product: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "now": now,
        "order": order_id,
        "product": product["id"],
        "sku": product["sku"],
        "name": product["name"],
        "price": product["price"],
        "quantity": quantity,
        "line": product["price"] * quantity,
    }


def _movement(item: dict[str, Any], now: Any, actor: Any) -> dict[str, Any]:
    return {
        "id": str(uuid4()),
        "now": now,
        "product": item["product"],
        "delta": -item["quantity"],
        "item": item["id"],
        "actor": actor,
    }


def _numbered(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {f"{name}{number}": value for number, row in enumerate(rows) for name, value in row.items()}
