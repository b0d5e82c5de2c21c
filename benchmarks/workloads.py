"""What is asked: each workload's requests, the same for every contender, and the answers that they must give."""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote
from uuid import UUID

from benchmarks.answers import Check, WrongAnswerError, has, is_page, is_product
from benchmarks.dataset import Dataset, Product
from benchmarks.indexes import State
from benchmarks.requests import MANAGER, SERIAL, Request
from benchmarks.servers import Server

PAGE = 50
STRIDE = 100  # rows of a page while walking to where cursors are wanted
READS = 5000  # different products asked for; more than any cache of a page or two would help
DEEP_PAGES = 20  # different pages asked for from the depth on
LEAST_PRODUCTS = 5000  # below that there are no pages at the depth


@dataclass(frozen=True)
class Question:
    """One request, and a check of its answer; a `lasting` answer is what the product reads as afterwards, too."""

    request: Request
    check: Check
    lasting: bool = False


@dataclass(frozen=True)
class Workload:
    """Many requests of one kind, in one state of the indexes.

    `wanted` is how many times as fast as each other contender the first one should be, by server time.
    """

    name: str
    title: str
    questions: Callable[[Dataset, Server], Sequence[Question]]
    wanted: Mapping[str, float]
    state: State = State.DECLARED
    writes: bool = False


def verify(server: Server, question: Question, serial: int) -> None:
    """The server's answer is complete and right, and lasts if it should, or `WrongAnswerError`."""
    asked, name = question.request, server.contender.title
    status, body = server.send(asked, serial)
    if status != (201 if asked.method == "POST" else 200):
        told = body[:300].decode(errors="replace")
        raise WrongAnswerError(f"{name}: {asked.method} {asked.path} answered {status}: {told}")
    try:
        answer = json.loads(body)
        question.check(answer, serial)
        if question.lasting:
            question.check(server.read(f"/products/{answer['id']}"), serial)
    except (WrongAnswerError, KeyError, TypeError, ValueError) as error:
        raise WrongAnswerError(f"{name}: {asked.method} {asked.path}: {error!r}") from error


def depth(data: Dataset) -> int:
    """How many products lie before the deep pages: nine tenths of all, whole pages."""
    return len(data.products) * 9 // 10 // PAGE * PAGE


def _read(data: Dataset, _: Server) -> list[Question]:
    chosen = random.Random(1).choices(data.published, k=READS)  # noqa: S311 - a choice of rows
    return [Question(Request(f"/products/{product.id}"), is_product(product)) for product in chosen]


def _list(data: Dataset, _: Server) -> list[Question]:
    shelves: dict[UUID, list[Product]] = {category.id: [] for category in data.categories}
    for product in data.published:
        shelves[product.category_id].append(product)
    questions = [
        Question(Request(f"/products?category_id={category}&sort=price&size={PAGE}"), is_page(shelf[:PAGE], len(shelf)))
        for category, shelf in shelves.items()
    ]
    random.Random(2).shuffle(questions)  # noqa: S311 - an order of requests
    return questions


def _deep(data: Dataset) -> list[int]:
    """How many products lie before each of the deep pages; those that are full."""
    starts = range(depth(data), len(data.published) - PAGE + 1, PAGE)
    return list(starts[:DEEP_PAGES])


def _page(data: Dataset, _: Server) -> list[Question]:
    rows = data.published
    return [
        Question(
            Request(f"/products?sort=price&page={start // PAGE + 1}&size={PAGE}"),
            is_page(rows[start : start + PAGE], len(rows)),
        )
        for start in _deep(data)
    ]


def _cursor(data: Dataset, server: Server) -> list[Question]:
    """Cursors are the server's own: they are found by walking there from the first page, which is checked as well."""
    rows, questions, cursor, start = data.published, list[Question](), "", 0
    deep = _deep(data)
    while start <= deep[-1]:
        size = min(STRIDE, deep[0] - start) if start < deep[0] else PAGE
        path = f"{server.contender.scroll}?sort=price&size={size}{cursor}"
        if start >= deep[0]:
            questions.append(Question(Request(path), is_page(rows[start : start + size])))
        answer = server.read(path)
        if [item["id"] for item in answer["items"]] != [str(row.id) for row in rows[start : start + size]]:
            raise WrongAnswerError(f"{server.contender.title}: other rows than expected after {start} by cursor")
        cursor, start = f"&cursor={quote(answer['next'] or '')}", start + size
    return questions


def _create(data: Dataset, _: Server) -> list[Question]:
    """No stock, since charter's shop would write a stock movement for it."""
    common = {"price": 1999, "stock": 0, "max_per_order": 20, "description": data.products[0].description}
    questions: list[Question] = []
    for category in data.categories:
        sent = {"sku": f"NEW-{SERIAL}", "name": f"New thing {SERIAL}", "category_id": str(category.id), **common}
        made = has({**sent, "slug": f"new-thing-{SERIAL}", "is_active": True})
        questions.append(Question(Request("/products", "POST", json.dumps(sent), MANAGER), made, lasting=True))
    return questions


def _change(data: Dataset, _: Server) -> list[Question]:
    chosen = random.Random(3).choices(data.published, k=READS)  # noqa: S311 - a choice of rows
    body = f'{{"price": {SERIAL}}}'
    return [
        Question(
            Request(f"/products/{product.id}", "PATCH", body, MANAGER),
            has({"id": product.id, "sku": product.sku, "name": product.name, "price": SERIAL}),
            lasting=True,
        )
        for product in chosen
    ]


LIST = f"GET /products?category_id=…&sort=price&size={PAGE}, with total"
WORKLOADS = (  # those that write come last: the others are checked against the dataset as it was made
    Workload("list", f"{LIST}; single-column indexes", _list, {"by_hand": 2.4, "bare": 0.65}, state=State.SINGLE),
    Workload("read", "GET /products/{id}", _read, {"by_hand": 6, "bare": 0.3}),
    Workload("list_indexed", f"{LIST}; the declared indexes", _list, {"by_hand": 5, "bare": 0.4}),
    Workload(
        "page",
        f"GET /products?sort=price&page=…&size={PAGE} behind nine tenths of all, with total",
        _page,
        {"by_hand": 4, "bare": 3},
    ),
    Workload("cursor", f"GET /products?sort=price&size={PAGE}&cursor=…, as deep", _cursor, {"by_hand": 6, "bare": 0.5}),
    Workload("create", "POST /products", _create, {"by_hand": 2.5}, writes=True),
    Workload("change", "PATCH /products/{id} with a new price", _change, {"by_hand": 2.5}, writes=True),
)
