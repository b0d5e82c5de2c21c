"""Everything at once, for a while: buyers, staff and the bank, each doing what they do in any order."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random

import httpx2

from tests.storms.crowd import Crowd, Person, Row
from tests.storms.stage import Length, Stage, column

BUYERS, STAFF = 16, 4

chance = Random()  # noqa: S311 # what people do next


@dataclass
class Market:
    """What everybody shares."""

    crowd: Crowd
    goods: list[Row]
    end: float
    orders: list[tuple[Person, Row]] = field(default_factory=list)

    def some_goods(self) -> Row:
        """Any product."""
        return chance.choice(self.goods)

    def some_order(self) -> tuple[Person, Row]:
        """Any order, the latest ones first of all."""
        return chance.choice(self.orders[-50:])


async def mixed(stage: Stage, length: Length) -> None:
    """Nothing breaks, and the orders that were acknowledged are the orders that there are."""
    async with stage.crowd() as crowd:
        goods = [await crowd.goods(stock=300, max_per_order=20) for _ in range(8)]
        buyers = stage.people(BUYERS)
        market = Market(crowd, goods, time.monotonic() + length.seconds)
        lanes = [buyer(market, who) for who in buyers]
        await asyncio.gather(*lanes, *(staff(market, stage.staff) for _ in range(STAFF)))
    people = ", ".join(f"'{who.id}'" for who in buyers)
    found = column(stage.inside.rows(f"SELECT id FROM orders WHERE user_id IN ({people})"))  # noqa: S608 # ids
    assert sorted(map(str, found)) == sorted(order["id"] for _, order in market.orders)


async def buyer(market: Market, who: Person) -> None:
    """Fill a cart, change it, order it with or without a key, cancel now and then."""
    crowd = market.crowd
    while time.monotonic() < market.end:
        for _ in range(chance.randint(1, 4)):
            allowed(await crowd.add(who, market.some_goods(), chance.randint(1, 4)), *OFF)
        await checkout(market, who)
        if market.orders and chance.random() < 0.2:
            owner, order = market.some_order()
            allowed(await crowd.move(owner, order, "cancel"), "invalid_transition")


async def checkout(market: Market, who: Person) -> None:
    """One order, sometimes sent twice; what cannot be ordered is taken out of the cart."""
    crowd = market.crowd
    key = chance.choice(["", secrets.token_hex(8)])
    answers = await asyncio.gather(*(crowd.order(who, key=key) for _ in range(2 if key else 1)))
    rows = {answer.json()["id"]: answer.json() for answer in answers if answer.status_code == 201}
    assert len(rows) <= 1
    market.orders += [(who, row) for row in rows.values()]
    for answer in answers:
        allowed(answer, *REFUSALS)
    for item in {error["pointer"].rpartition("/")[2] for error in answers[0].json().get("errors", ())}:
        allowed(await crowd.send(who, "DELETE", f"/cart/{item}"), "not_found")


OFF = ("limit_exceeded", "foreign_key", "not_found")
"""What somebody may be told who puts into a cart what is taken off sale at that moment."""

SEEN_OR_NOT = [{"is_active": False}, *3 * [{"is_active": True}]]

REFUSALS = ("insufficient_stock", "unavailable", "limit_exceeded", "cart_empty", "idempotency_in_flight")


async def staff(market: Market, who: Person) -> None:
    """Whatever staff and the bank do, in any order."""
    while time.monotonic() < market.end:
        if market.orders:
            allowed(await deed(market, who), "invalid_transition", "insufficient_stock")
        else:
            await asyncio.sleep(0.05)


def deed(market: Market, who: Person) -> Awaitable[httpx2.Response]:
    """Move an order on, move stock, change a price, take something off sale or put it back, pass on a payment."""
    crowd, (_, order), goods = market.crowd, market.some_order(), market.some_goods()
    path = f"/products/{goods['id']}"
    stock = {"delta": chance.choice([50, 20, -10]), "reason": "recount"}
    change = chance.choice([{"price": chance.randint(1, 5000)}, *SEEN_OR_NOT])
    restock = {"restock": chance.choice([True, False])}
    deeds: list[Callable[[], Awaitable[httpx2.Response]]] = [
        *(partial(crowd.move, who, order, name) for name in ("pay", "ship", "deliver", "cancel")),
        partial(crowd.send, who, "POST", f"/orders/{order['id']}/return", json=restock),
        partial(crowd.notice, order),
        partial(crowd.notice, order, amount=1),
        partial(crowd.send, who, "POST", f"{path}/stock", json=stock),
        partial(crowd.send, who, "PATCH", path, json=change),
    ]
    return chance.choice(deeds)()


def allowed(answer: httpx2.Response, *codes: str) -> None:
    """The answer is good, or a refusal that may come."""
    if answer.status_code >= 400:
        assert answer.json()["code"] in codes, answer.text
