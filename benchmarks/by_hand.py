"""The opponent: the measured endpoints as a good developer writes them, with FastAPI, async SQLModel and
fastapi-pagination. It knows nothing of charter, and of the shop only what the workloads ask for."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID, uuid4

from fastapi import Depends, FastAPI, HTTPException
from fastapi_pagination import Page, add_pagination
from fastapi_pagination.ext.sqlmodel import apaginate
from sqlalchemy import ColumnElement, event
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlmodel import Field, SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession


class Category(SQLModel, table=True):
    """A shelf of the shop."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    name: str = Field(max_length=200)
    slug: str = Field(max_length=200, unique=True)
    description: str = ""
    position: int = 0
    parent_id: UUID | None = Field(default=None, foreign_key="category.id", index=True)


class ProductRead(SQLModel):
    """What everybody may see of a product."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    sku: str = Field(max_length=40, unique=True)
    name: str = Field(max_length=200)
    slug: str = Field(max_length=200, unique=True)
    price: int = Field(ge=0, index=True)
    stock: int = Field(ge=0)
    category_id: UUID = Field(foreign_key="category.id", index=True)
    description: str = ""
    max_per_order: int = 100
    is_active: bool = True
    image_url: str | None = None


class Product(ProductRead, table=True):
    """A product: what everybody sees, what the shop pays for it, and when it was put into the bin."""

    cost_price: int | None = None
    deleted_at: datetime | None = None


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

engine = create_async_engine(os.environ.get("DATABASE_URL", "sqlite+aiosqlite:///./by_hand.db"))
sessions = async_sessionmaker(engine, class_=AsyncSession, expire_on_commit=False)


@event.listens_for(engine.sync_engine, "connect")
def set_pragmas(connection: Any, _record: object) -> None:
    """Every connection reads while another one writes, and keeps foreign keys."""
    if engine.dialect.name != "sqlite":
        return
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "busy_timeout = 10000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """The tables are there before the first request."""
    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    yield
    await engine.dispose()


async def get_session() -> AsyncIterator[AsyncSession]:
    """One session per request."""
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(get_session)]
app = FastAPI(title="Products, by hand", lifespan=lifespan)
PUBLISHED = (col(Product.is_active).is_(True), col(Product.deleted_at).is_(None))


@app.get("/products", response_model=Page[ProductRead])
async def list_products(session: Session, category_id: UUID | None = None, sort: ProductSort = ProductSort.NAME) -> Any:
    """One page of the published products, of one category if asked for."""
    statement = select(Product).where(*PUBLISHED)
    if category_id is not None:
        statement = statement.where(Product.category_id == category_id)
    return await apaginate(session, statement.order_by(ORDERS[sort], col(Product.id)))


@app.get("/products/{product_id}", response_model=ProductRead)
async def read_product(session: Session, product_id: UUID) -> Any:
    """One published product."""
    product = (await session.exec(select(Product).where(Product.id == product_id, *PUBLISHED))).first()
    if product is None:
        raise HTTPException(status_code=404, detail="No such product")
    return product


@app.get("/health")
async def health() -> dict[str, str]:
    """The server answers."""
    return {"status": "ok"}


add_pagination(app)
