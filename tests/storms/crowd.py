"""Many people at once: each request with its own sign-in over connections of its own, every answer counted."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx2

from tests.storms import bank

ADDRESS = {"ship_name": "Ada Lovelace", "ship_address": "Canal Street 1, 1017 Amsterdam", "phone": "+31201234567"}

Row = dict[str, Any]


@dataclass(frozen=True)
class Person:
    """An account, and a token of it."""

    id: str
    email: str
    token: str


class BrokenError(AssertionError):
    """An answer that nobody may ever get."""


@dataclass(frozen=True)
class Crowd:
    """People at the doors of one shop. A 5xx ends the storm."""

    http: httpx2.AsyncClient
    staff: Person
    shelf: str
    seen: Counter[str]

    async def send(self, who: Person, method: str, path: str, **more: Any) -> httpx2.Response:
        """One request of `who`."""
        headers = {"Authorization": f"Bearer {who.token}", **more.pop("headers", {})}
        answer = await self.http.request(method, path, headers=headers, **more)
        return self._counted(answer, method, path)

    def _counted(self, answer: httpx2.Response, method: str, path: str) -> httpx2.Response:
        noun, *rest = path.strip("/").split("/")
        name = "/".join([noun, *("{id}" if number == 0 else part for number, part in enumerate(rest))])
        self.seen[f"{method} /{name} {answer.status_code}{_code(answer)}"] += 1
        if answer.status_code >= 500:
            raise BrokenError(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    async def goods(self, **values: Any) -> Row:
        """A fresh product."""
        word = secrets.token_hex(5)
        body = {"sku": word, "name": f"Thing {word}", "price": 1999, "category_id": self.shelf, **values}
        return row_of(await self.send(self.staff, "POST", "/products", json=body), 201)

    async def stock_of(self, goods: Row) -> int:
        """The pieces that are there."""
        return int(row_of(await self.send(self.staff, "GET", f"/products/{goods['id']}"))["stock"])

    async def add(self, who: Person, goods: Row, quantity: int = 1) -> httpx2.Response:
        """Put something into a cart."""
        return await self.send(who, "POST", "/cart", json={"product_id": goods["id"], "quantity": quantity})

    async def fill(self, people: Sequence[Person], *goods: Row, quantity: int = 1) -> None:
        """Put the goods into everybody's empty cart."""
        for item in goods:
            for answer in await together(self.add(who, item, quantity) for who in people):
                row_of(answer, 201)

    async def order(self, who: Person, key: str = "", **more: Any) -> httpx2.Response:
        """Order what is in the cart."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self.send(who, "POST", "/orders", json={**ADDRESS, **more}, headers=headers)

    async def ordered(self, who: Person, goods: Row, quantity: int = 1) -> Row:
        """A fresh order."""
        row_of(await self.add(who, goods, quantity), 201)
        return row_of(await self.order(who), 201)

    async def move(self, who: Person, order: Row, name: str) -> httpx2.Response:
        """Move an order to its next state."""
        return await self.send(who, "POST", f"/orders/{order['id']}/{name}")

    async def notice(self, order: Row, **more: Any) -> httpx2.Response:
        """What the bank tells: by default that the order is paid."""
        said = {"kind": "capture", "event": secrets.token_hex(8), "order": order["number"], "currency": "EUR"}
        body, headers = bank.signed(**{**said, "amount": order["grand_total"], **more})
        answer = await self.http.post(f"/payments/{bank.NAME}", content=body, headers=headers)
        return self._counted(answer, "POST", f"/payments/{bank.NAME}")


def _code(answer: httpx2.Response) -> str:
    """The code of a refusal, the mark of a replay."""
    if answer.status_code >= 400:
        return f" {answer.json()['code']}"
    return " replayed" if "Idempotency-Replayed" in answer.headers else ""


def row_of(answer: httpx2.Response, status: int = 200) -> Row:
    """The row of an answer that has to be good."""
    assert answer.status_code == status, answer.text
    row: Row = answer.json()
    return row


async def together(work: Iterable[Awaitable[httpx2.Response]]) -> list[httpx2.Response]:
    """The answers to requests that are sent at once."""
    return await asyncio.gather(*work)


def statuses(answers: Iterable[httpx2.Response]) -> dict[str, int]:
    """How often each status came, refusals with their codes."""
    return dict(Counter(f"{answer.status_code}{_code(answer)}" for answer in answers))
