"""What is asked: each workload's requests, the same for every contender, and the answers that they must give."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from benchmarks.dataset import Dataset, Product

PAGE = 50
READS = 5000  # different products asked for; more than any cache of a page or two would help
SECRET_FIELDS = frozenset({"cost_price", "deleted_at"})


class WrongAnswerError(Exception):
    """A contender does not answer what the dataset says; its speed would mean nothing."""


@dataclass(frozen=True)
class Question:
    """One request, and a check that raises `WrongAnswerError` unless the body is the right answer."""

    path: str
    check: Callable[[Any], None]


@dataclass(frozen=True)
class Workload:
    """Many requests of one kind."""

    name: str
    title: str
    questions: Callable[[Dataset], Sequence[Question]]


def verify(question: Question, status: int, body: bytes) -> None:
    """The answer is complete and right, or `WrongAnswerError`."""
    if status != 200:
        raise WrongAnswerError(f"{question.path} answered {status}: {body[:300].decode(errors='replace')}")
    try:
        question.check(json.loads(body))
    except (WrongAnswerError, KeyError, TypeError, ValueError) as error:
        raise WrongAnswerError(f"{question.path}: {error!r}") from error


def _read(data: Dataset) -> list[Question]:
    chance = random.Random(1)  # noqa: S311 - a choice of rows
    chosen = chance.choices(data.published(), k=READS)
    return [Question(f"/products/{product.id}", _is(product)) for product in chosen]


def _list(data: Dataset) -> list[Question]:
    shelves: dict[UUID, list[Product]] = {category.id: [] for category in data.categories}
    for product in data.published():
        shelves[product.category_id].append(product)
    questions = [
        Question(
            f"/products?category_id={category}&sort=price&size={PAGE}",
            _is_page(sorted(shelf, key=lambda product: (product.price, str(product.id)))),
        )
        for category, shelf in shelves.items()
    ]
    random.Random(2).shuffle(questions)  # noqa: S311 - an order of requests
    return questions


def _is(product: Product) -> Callable[[Any], None]:
    def check(body: Any) -> None:
        _compare(product, body)

    return check


def _is_page(shelf: list[Product]) -> Callable[[Any], None]:
    def check(body: Any) -> None:
        if body["total"] != len(shelf):
            raise WrongAnswerError(f"total is {body['total']}, not {len(shelf)}")
        if [item["id"] for item in body["items"]] != [str(product.id) for product in shelf[:PAGE]]:
            raise WrongAnswerError("the page holds other products, or in another order")
        for product, item in zip(shelf, body["items"], strict=False):
            _compare(product, item)

    return check


def _compare(product: Product, item: dict[str, Any]) -> None:
    """Every public field is there with its value, and no secret one; a contender may add fields of its own."""
    for field, value in product._asdict().items():
        if field in SECRET_FIELDS:
            if item.get(field) is not None:
                raise WrongAnswerError(f"{field} is shown to everybody")
        elif item[field] != _json(value):
            raise WrongAnswerError(f"{field} is {item[field]!r}, not {_json(value)!r}")


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value) if isinstance(value, UUID) else value


WORKLOADS = (
    Workload("read", "GET /products/{id}", _read),
    Workload("list", f"GET /products?category_id=…&sort=price&size={PAGE}, with total", _list),
)
