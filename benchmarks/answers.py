"""What a right answer is: checks that hold a body against the dataset and raise `WrongAnswerError`."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from benchmarks.dataset import Product
from benchmarks.requests import SERIAL

Check = Callable[[Any, int], None]
"""Takes the body and the serial number that was sent."""

SECRET_FIELDS = frozenset({"cost_price", "deleted_at"})


class WrongAnswerError(Exception):
    """A contender does not answer what the dataset says; its speed would mean nothing."""


def is_product(product: Product) -> Check:
    """The body is that product, as customers see it."""

    def check(body: Any, _: int) -> None:
        compare(product, body)

    return check


def is_page(rows: Sequence[Product], total: int | None = None) -> Check:
    """The body is a page of exactly those products in that order, with that total if there is to be one."""

    def check(body: Any, _: int) -> None:
        if total is not None and body["total"] != total:
            raise WrongAnswerError(f"total is {body['total']}, not {total}")
        if [item["id"] for item in body["items"]] != [str(product.id) for product in rows]:
            raise WrongAnswerError("the page holds other products, or in another order")
        for product, item in zip(rows, body["items"], strict=True):
            compare(product, item)

    return check


def has(fields: Mapping[str, object]) -> Check:
    """The body has these values; `SERIAL` in a text stands for the number that was sent, and alone is the number."""

    def check(body: Any, serial: int) -> None:
        for name, value in fields.items():
            if value == SERIAL:
                wanted: object = serial
            else:
                wanted = value.replace(SERIAL, str(serial)) if isinstance(value, str) else as_json(value)
            if body[name] != wanted:
                raise WrongAnswerError(f"{name} is {body[name]!r}, not {wanted!r}")

    return check


def compare(product: Product, item: Mapping[str, Any]) -> None:
    """Every public field is there with its value, and no secret one; a contender may add fields of its own."""
    for field, value in product._asdict().items():
        if field in SECRET_FIELDS:
            if item.get(field) is not None:
                raise WrongAnswerError(f"{field} is shown to everybody")
        elif item[field] != as_json(value):
            raise WrongAnswerError(f"{field} is {item[field]!r}, not {as_json(value)!r}")


def as_json(value: object) -> object:
    """A value of the dataset as an answer shows it."""
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value) if isinstance(value, UUID) else value
