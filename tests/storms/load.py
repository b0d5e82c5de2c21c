"""The load: threads that ask without a pause, and keep what every answer shows of the policy behind it."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count, cycle

import httpx2

from tests.storms.verdict import Seen
from tests.storms.versions import HASH, MOVEMENTS, STOCK, Shown

HANGS = 10.0
"""Seconds after which a request counts as one that hangs."""

KEPT = 40
"""Requests over one connection. The next one may well reach another process."""

Shows = Mapping[str, Shown]


@dataclass(frozen=True, slots=True)
class Question:
    """A request, and how its answer is read; no entry for what is not an answer to it."""

    path: str
    read: Callable[[httpx2.Response], Shows]
    signed_in: bool = False


def _page(answer: httpx2.Response) -> Shows:
    rows = answer.json()["items"]
    shapes = {(frozenset(row) - {"category"}, frozenset(row["category"])) for row in rows}
    ((product, category),) = shapes  # all rows of a page are cut alike
    return {"products.list": product, "categories.read": category}


def _row(answer: httpx2.Response) -> Shows:
    row = answer.json()
    return {"products.read": frozenset(row) - {"category"}, "categories.read": frozenset(row["category"])}


def _permissions(answer: httpx2.Response) -> Shows:
    told = answer.json()["resources"]
    parts = ("products.list", "products.read", "categories.read")
    fields = {part: frozenset(told[part.split(".")[0]][part.split(".")[1]]["fields"]) for part in parts}
    return {**fields, MOVEMENTS: "stock-movements" in told}


def _health(answer: httpx2.Response) -> Shows:
    return {HASH: str(answer.json()["policy"]["version"])}


def _by_status(part: str, otherwise: int) -> Callable[[httpx2.Response], Shows]:
    return lambda answer: {part: answer.status_code == 200} if answer.status_code in {200, otherwise} else {}


HEALTH = Question("/health", _health)


def questions(product: str) -> tuple[Question, ...]:
    """What is asked, in turns; `product` is the id of one."""
    return (
        Question("/products?size=3&include=category", _page),
        Question(f"/products/{product}?include=category", _row),
        Question("/stock-movements?size=1", _by_status(MOVEMENTS, 401)),
        Question("/users/me/permissions", _permissions, signed_in=True),
        Question("/products?size=1&sort=-stock&fields=id", _by_status(STOCK, 400)),
        Question("/products?size=2&page=2&include=category", _page, signed_in=True),
        HEALTH,
    )


@dataclass(slots=True)
class Load:
    """What was seen so far; ``troubles`` are requests without an answer, and answers that cannot be read."""

    url: str
    token: str
    asked: Sequence[Question]
    seen: list[Seen] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def ask(self, http: httpx2.Client, question: Question, *, last: bool = False) -> httpx2.Response | None:
        """One request, kept; the `last` one over its connection."""
        headers = {"Authorization": f"Bearer {self.token}"} if question.signed_in else {}
        headers |= {"Connection": "close"} if last else {}
        started = time.monotonic()
        try:
            answer = http.get(question.path, headers=headers)
            ended = time.monotonic()
            is_read = answer.status_code in {200, 400, 401}
            shown = question.read(answer) if is_read else {}
        except (httpx2.TransportError, LookupError, TypeError, ValueError) as error:
            self.troubles.append(f"{question.path} at {started:.3f}: {error!r}")
            return None
        self.seen.append(Seen(question.path, started, ended, answer.status_code, shown))
        return answer

    def client(self) -> httpx2.Client:
        """A client with connections of its own."""
        return httpx2.Client(base_url=self.url, timeout=HANGS)

    def run(self, first: int) -> None:
        """Ask until it is over, beginning with the question number `first`."""
        turns = cycle([*self.asked[first:], *self.asked[:first]])
        with self.client() as http:
            for number in count(1):
                if self.over.is_set():
                    break
                self.ask(http, next(turns), last=number % KEPT == 0)


@contextmanager
def under(load: Load, threads: int) -> Iterator[None]:
    """The load, while the block lasts."""
    running = [threading.Thread(target=load.run, args=(number % len(load.asked),)) for number in range(threads)]
    for thread in running:
        thread.start()
    try:
        yield
    finally:
        load.over.set()
        for thread in running:
            thread.join(HANGS * 2)
        load.troubles += [f"{thread.name} hangs" for thread in running if thread.is_alive()]


__all__ = ["HEALTH", "Load", "Question", "questions", "under"]
