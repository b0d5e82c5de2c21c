"""The opponent's tables and the models of its requests and answers, as `app` uses them."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID, uuid4

from sqlmodel import Field, SQLModel


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


class ProductFields(SQLModel):
    """What a manager writes and everybody reads."""

    sku: str = Field(min_length=1, max_length=40, unique=True)
    name: str = Field(min_length=1, max_length=200)
    price: int = Field(ge=0, index=True)
    stock: int = Field(ge=0)
    category_id: UUID = Field(foreign_key="category.id", index=True)
    description: str = Field(default="", max_length=10_000)
    max_per_order: int = Field(default=100, ge=1, le=9999)
    is_active: bool = True
    image_url: str | None = Field(default=None, max_length=500)


class ProductRead(ProductFields):
    """What everybody may see of a product."""

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    created_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    updated_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    slug: str = Field(max_length=200, unique=True)


class ProductStaff(ProductRead):
    """What a manager sees: what the shop pays for it, too."""

    cost_price: int | None = None


class Product(ProductStaff, table=True):
    """A product, and when it was put into the bin."""

    deleted_at: datetime | None = None


class ProductCreate(ProductFields):
    """A new product."""

    cost_price: int | None = Field(default=None, ge=0)


class ProductChange(SQLModel):
    """What is to be another; what is left out stays."""

    sku: str = Field(default="", min_length=1, max_length=40)
    name: str = Field(default="", min_length=1, max_length=200)
    price: int = Field(default=0, ge=0)
    category_id: UUID = Field(default_factory=uuid4)
    description: str = Field(default="", max_length=10_000)
    max_per_order: int = Field(default=100, ge=1, le=9999)
    is_active: bool = True
    image_url: str | None = Field(default=None, max_length=500)
    cost_price: int | None = Field(default=None, ge=0)


class Slice(SQLModel):
    """Some products, and the cursor of those that follow."""

    items: list[ProductRead]
    next: str | None


@dataclass(frozen=True)
class Position:
    """Behind which product a slice begins."""

    price: int
    id: UUID

    def written(self) -> str:
        """As text for a URL."""
        return base64.urlsafe_b64encode(f"{self.price} {self.id}".encode()).decode()

    @classmethod
    def read(cls, text: str) -> "Position":
        """From that text, or `ValueError`."""
        price, _, last = base64.urlsafe_b64decode(text).decode().partition(" ")
        return cls(int(price), UUID(last))
