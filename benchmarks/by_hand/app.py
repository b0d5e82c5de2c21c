"""The opponent: the measured endpoints as a good developer writes them, with FastAPI, async SQLModel and
fastapi-pagination. It knows nothing of charter, and of the shop only what the workloads ask for."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, HTTPException, Query
from fastapi_pagination import Page, add_pagination
from fastapi_pagination.ext.sqlmodel import apaginate
from slugify import slugify
from sqlalchemy import ColumnElement, tuple_
from sqlalchemy.exc import IntegrityError
from sqlmodel import SQLModel, col, select

from benchmarks.by_hand.accounts import CurrentUser, Session, User, allowed, engine, require, router
from benchmarks.by_hand.tables import Position, Product, ProductChange, ProductCreate, ProductRead, ProductStaff, Slice


class ProductSort(StrEnum):
    """The orders that the list offers; the primary key is always the tie-break."""

    PRICE = "price"
    PRICE_DOWN = "-price"
    NAME = "name"
    NAME_DOWN = "-name"


ORDERS: dict[ProductSort, ColumnElement[Any]] = {
    ProductSort.PRICE: col(Product.price).asc(),
    ProductSort.PRICE_DOWN: col(Product.price).desc(),
    ProductSort.NAME: col(Product.name).asc(),
    ProductSort.NAME_DOWN: col(Product.name).desc(),
}


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The tables are there before the first request."""
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    yield
    await engine.dispose()


app = FastAPI(title="Products, by hand", lifespan=lifespan)
app.include_router(router)


def visible_to(user: User) -> list[ColumnElement[bool]]:
    """Which products somebody sees: what is not in the bin, and for customers only what is on sale."""
    conditions: list[ColumnElement[bool]] = [col(Product.deleted_at).is_(None)]
    if not allowed(user, "products:read-all"):
        conditions.append(col(Product.is_active) == True)  # noqa: E712 - a column, not a truth
    return conditions


@app.get("/products", response_model=Page[ProductRead], dependencies=[require("products:read")])
async def list_products(
    session: Session, user: CurrentUser, category_id: UUID | None = None, sort: ProductSort = ProductSort.NAME
) -> Any:
    """One page of the products, of one category if asked for."""
    statement = select(Product).where(*visible_to(user))
    if category_id is not None:
        statement = statement.where(Product.category_id == category_id)
    return await apaginate(session, statement.order_by(ORDERS[sort], col(Product.id)))


@app.get("/products/scroll", response_model=Slice, dependencies=[require("products:read")])
async def scroll_products(
    session: Session,
    user: CurrentUser,
    cursor: str | None = None,
    size: Annotated[int, Query(ge=1, le=100)] = 50,
) -> Any:
    """The products after a position, the cheapest first."""
    order = tuple_(col(Product.price), col(Product.id))
    statement = select(Product).where(*visible_to(user)).order_by(col(Product.price), col(Product.id)).limit(size + 1)
    if cursor is not None:
        try:
            position = Position.read(cursor)
        except ValueError as error:
            raise HTTPException(status_code=400, detail="No such position") from error
        statement = statement.where(order > (position.price, position.id))
    products = (await session.exec(statement)).all()
    items = products[:size]
    more = len(products) > size
    return {"items": items, "next": Position(items[-1].price, items[-1].id).written() if more else None}


@app.get("/products/{product_id}", response_model=ProductRead, dependencies=[require("products:read")])
async def read_product(session: Session, user: CurrentUser, product_id: UUID) -> Any:
    """One product."""
    product = (await session.exec(select(Product).where(Product.id == product_id, *visible_to(user)))).first()
    if product is None:
        raise HTTPException(status_code=404, detail="No such product")
    return product


async def save(session: Session, product: Product) -> Product:
    """Commit the product, and read what the database made of it."""
    session.add(product)
    try:
        await session.commit()
    except IntegrityError as error:
        raise HTTPException(status_code=409, detail="Such a product is there, or no such category") from error
    await session.refresh(product)
    return product


@app.post("/products", response_model=ProductStaff, status_code=201, dependencies=[require("products:create")])
async def create_product(session: Session, body: ProductCreate) -> Any:
    """Make a product; its slug comes from its name."""
    return await save(session, Product.model_validate(body, update={"slug": slugify(body.name, max_length=200)}))


@app.patch("/products/{product_id}", response_model=ProductStaff, dependencies=[require("products:update")])
async def change_product(session: Session, user: CurrentUser, product_id: UUID, body: ProductChange) -> Any:
    """Change what is sent."""
    product = (await session.exec(select(Product).where(Product.id == product_id, *visible_to(user)))).first()
    if product is None:
        raise HTTPException(status_code=404, detail="No such product")
    changes = body.model_dump(exclude_unset=True)
    if changes:
        product.sqlmodel_update({**changes, "updated_at": datetime.now(UTC)})
        await save(session, product)
    return product


@app.get("/health")
async def health() -> dict[str, str]:
    """The server answers."""
    return {"status": "ok"}


add_pagination(app)
