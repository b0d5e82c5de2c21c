"""What the tests of the shop share: its people, goods to look at, and how a refusal has to look."""

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from threading import Barrier
from typing import Any

import httpx2

ROLES = ("anonymous", "customer", "support", "manager", "admin")
UNKNOWN_ID = "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Person:
    """An account, and a client that is signed in with it."""

    email: str
    password: str
    http: httpx2.Client


@dataclass(frozen=True, slots=True)
class People:
    """One person of each role."""

    anonymous: Person
    customer: Person
    support: Person
    manager: Person
    admin: Person

    def by_role(self, role: str) -> httpx2.Client:
        """The client of `role`."""
        person: Person = getattr(self, role)
        return person.http

    def others(self, *roles: str) -> list[httpx2.Client]:
        """The clients of everybody but `roles`."""
        return [self.by_role(field.name) for field in fields(self) if field.name not in roles]


def unique(word: str) -> str:
    """`word` with something behind it that nobody else has."""
    return f"{word} {secrets.token_hex(5)}"


def created(answer: httpx2.Response) -> Row:
    """The row that was made."""
    assert answer.status_code == 201, answer.text
    row: Row = answer.json()
    return row


def okay(answer: httpx2.Response) -> Row:
    """The row or page that was asked for."""
    assert answer.status_code == 200, answer.text
    row: Row = answer.json()
    return row


def category(people: People, **values: Any) -> Row:
    """A fresh category."""
    return created(people.manager.http.post("/categories", json={"name": unique("Shelf"), **values}))


def product(people: People, **values: Any) -> Row:
    """A fresh product, as its manager sees it; in the first category where none is given."""
    if "category_id" not in values:
        values["category_id"] = okay(people.anonymous.http.get("/categories?size=1"))["items"][0]["id"]
    given = {"sku": unique("SKU"), "name": unique("Thing"), "price": 1999, "stock": 50, "cost_price": 700, **values}
    return created(people.manager.http.post("/products", json=given))


def refused(answer: httpx2.Response, status: int, code: str, *pointers: str) -> Row:
    """The problem document of a refusal: its status, its code, and where it points."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: Row = answer.json()
    assert body["code"] == code, body
    assert body["status"] == status
    assert body.keys() >= {"type", "title", "status", "detail", "instance", "code", "request_id", "errors"}
    if pointers:
        assert [item["pointer"] for item in body["errors"]] == list(pointers), body
    return body


def at_once(count: int, work: Callable[[int], httpx2.Response]) -> list[httpx2.Response]:
    """The answers to `count` requests that are sent together; `work` gets the number of each."""
    together = Barrier(count)

    def one(number: int) -> httpx2.Response:
        together.wait(10)
        return work(number)

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))
