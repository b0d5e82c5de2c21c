"""The same shop for every contender: rows made from one seed, written straight into whatever tables they have."""

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

CATEGORIES = 200
ROOTS = 20  # the other categories stand below one of these
INACTIVE = 0.05  # products that a customer must not see
FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
ADJECTIVES = ("amber", "brisk", "calm", "deep", "early", "fair", "gentle", "hollow", "ivory", "keen", "light", "mellow")
NOUNS = ("basket", "bench", "bowl", "chair", "clock", "desk", "frame", "glass", "lamp", "mirror", "mug", "rug", "shelf")
PROSE = "made by hand from solid oak and linen with a warm finish that lasts for years in any bright room"
WORDS = PROSE.split()

Value = str | int | bool | UUID | datetime | None
Encode = Callable[[Value], str | int | None]


class Category(NamedTuple):
    """A row of ``category``."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    name: str
    slug: str
    description: str
    position: int
    parent_id: UUID | None


class Product(NamedTuple):
    """A row of ``product``."""

    id: UUID
    created_at: datetime
    updated_at: datetime
    sku: str
    name: str
    slug: str
    price: int
    stock: int
    category_id: UUID
    description: str
    max_per_order: int
    is_active: bool
    image_url: str
    cost_price: int
    deleted_at: None = None


@dataclass(frozen=True)
class Dataset:
    """Everything that is in the shop."""

    categories: Sequence[Category]
    products: Sequence[Product]

    @cached_property
    def published(self) -> Sequence[Product]:
        """What a customer may see, the cheapest first and ties by id."""
        seen = (product for product in self.products if product.is_active)
        return sorted(seen, key=lambda product: (product.price, str(product.id)))


class DatasetError(Exception):
    """A contender's tables cannot take the dataset."""


def make(products: int) -> Dataset:
    """The shop with that many products; the same number gives the same shop, to the last byte."""
    chance = random.Random(20260101)  # noqa: S311 - rows, not secrets
    categories = make_categories(chance)
    return Dataset(categories, tuple(make_products(products, categories, chance)))


def make_categories(chance: random.Random) -> tuple[Category, ...]:
    """The categories of the shop, parents first."""
    categories: list[Category] = []
    for number in range(CATEGORIES):
        parent = None if number < ROOTS else categories[number % ROOTS].id
        made = _moment(number)
        name = f"{NOUNS[number % len(NOUNS)].title()} range {number:03d}"
        slug = name.lower().replace(" ", "-")
        categories.append(Category(uuid7(made, chance), made, made, name, slug, "", number, parent))
    return tuple(categories)


def make_products(count: int, categories: Sequence[Category], chance: random.Random) -> Iterator[Product]:
    """So many products of these categories, one by one: a million of them need not be in memory together."""
    for number in range(count):
        yield _product(number, chance.choice(categories).id, chance)


def _product(number: int, category: UUID, chance: random.Random) -> Product:
    made = _moment(CATEGORIES + number)
    name = f"{chance.choice(ADJECTIVES).title()} {chance.choice(NOUNS)} {number:06d}"
    # Few different prices: ties are common, so that the tie-break is measured too.
    price = 100 * chance.randrange(2, 200) - 1
    return Product(
        id=uuid7(made, chance),
        created_at=made,
        updated_at=made,
        sku=f"SKU-{number:06d}",
        name=name,
        slug=name.lower().replace(" ", "-"),
        price=price,
        stock=chance.randrange(500),
        category_id=category,
        description=" ".join(chance.choices(WORDS, k=25)).capitalize() + ".",
        max_per_order=100,
        is_active=chance.random() >= INACTIVE,
        image_url=f"https://images.example/{number:06d}.jpg",
        cost_price=price * 3 // 5,
    )


def _moment(number: int) -> datetime:
    """Distinct, rising, and never on a full second, where the libraries print the fraction differently."""
    return FIRST_DAY + timedelta(seconds=97 * number, microseconds=1 + 7919 * number % 999_999)


def uuid7(moment: datetime, chance: random.Random) -> UUID:
    """An id of a row made at `moment`."""
    milliseconds = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)
    return UUID(int=milliseconds << 80 | 7 << 76 | chance.getrandbits(12) << 64 | 2 << 62 | chance.getrandbits(62))


def charter_text(value: Value) -> str | int | None:
    """How charter stores a value on SQLite: 36 characters of UUID, 27 of time."""
    if isinstance(value, UUID):
        return str(value)
    return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if isinstance(value, datetime) else value


def sqlmodel_text(value: Value) -> str | int | None:
    """How SQLModel stores a value on SQLite when nobody tells it otherwise."""
    if isinstance(value, UUID):
        return value.hex
    return value.strftime("%Y-%m-%d %H:%M:%S.%f") if isinstance(value, datetime) else value


def fill(database: Path, data: Dataset, encode: Encode) -> None:
    """Write the shop into the empty tables of ``database``."""
    with sqlite3.connect(database) as connection:
        _insert(connection, "category", Category._fields, data.categories, encode)
        _insert(connection, "product", Product._fields, data.products, encode)
    connection.close()


def _insert(
    connection: sqlite3.Connection,
    table: str,
    fields: Sequence[str],
    rows: Iterable[tuple[Value, ...]],
    encode: Encode,
) -> None:
    """Fill the columns that the table shares with the dataset; the others must do with NULL or their default."""
    columns: list[str] = []
    for _, column, _, required, default, key in connection.execute(f"PRAGMA table_info({table})"):
        if column in fields:
            columns.append(column)
        elif default is None and (required or key):
            raise DatasetError(f"{table}.{column} is required: give it a value in benchmarks/dataset.py")
    if not columns:
        raise DatasetError(f"there is no table {table}")
    if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:  # noqa: S608 - one of two names
        raise DatasetError(f"{table} is not empty")
    places = [fields.index(column) for column in columns]
    marks = ", ".join("?" * len(columns))
    connection.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - names from the table itself
        ([encode(row[place]) for place in places] for row in rows),
    )
