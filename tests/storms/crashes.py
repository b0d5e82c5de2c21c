"""Storms that end the server in the middle: what was acknowledged is there; nothing is there by halves, or twice."""

import asyncio
import os
import random
import secrets
import signal
import time
from dataclasses import dataclass, field

import httpx2

from tests.storms.crowd import Crowd, Person, Row, row_of
from tests.storms.stage import Length, Stage, column

BUYERS = 12


@dataclass
class Till:
    """What the buyers know: the orders that were acknowledged, and the keys of those that got no answer."""

    acknowledged: list[str] = field(default_factory=list)
    unanswered: dict[str, Person] = field(default_factory=dict)

    async def order(self, crowd: Crowd, who: Person, key: str) -> None:
        """Order, and remember what is said to that."""
        self.unanswered[key] = who
        self.acknowledged.append(row_of(await crowd.order(who, key=key), 201)["id"])
        del self.unanswered[key]

    async def order_again(self, crowd: Crowd) -> None:
        """Send everything again that got no answer."""
        for key, who in [*self.unanswered.items()]:
            await self.order(crowd, who, key)


async def kill_nine(stage: Stage, length: Length) -> None:
    """Kill -9 during checkouts, again and again; each time the audit is clean and every acknowledged 201 exists.

    Whoever got no answer orders again under the same key, and nobody has one order too many then.
    """
    for _ in range(length.kills):
        before = set(orders(stage))
        till = await under_way(stage, signal.SIGKILL)
        stage.shop.process.wait(15)
        assert stage.inside.audit() == []
        assert set(orders(stage)) >= set(till.acknowledged)
        async with stage.crowd() as crowd:
            await till.order_again(crowd)
        assert sorted(set(orders(stage)) - before) == sorted(till.acknowledged)


async def terminated(stage: Stage, _: Length) -> None:
    """SIGTERM under load: what is under way is answered, the exit code is 0, every acknowledged 201 exists."""
    till = await under_way(stage, signal.SIGTERM)
    assert stage.shop.process.wait(30) == 0, stage.shop.log()
    assert "Traceback" not in stage.shop.log()
    assert set(orders(stage)) >= set(till.acknowledged)


async def under_way(stage: Stage, number: signal.Signals) -> Till:
    """Send the shop a signal while everybody orders."""
    till = Till()
    async with stage.crowd() as crowd:
        goods = [await crowd.goods(stock=100_000) for _ in range(3)]
        buying = [asyncio.create_task(buy(crowd, who, goods, till)) for who in stage.people(BUYERS)]
        enough = random.randint(1, 40)  # noqa: S311 # at any moment
        while len(till.acknowledged) < enough and not all(task.done() for task in buying):  # noqa: ASYNC110 # they count
            await asyncio.sleep(0.005)
        if number is signal.SIGKILL:
            os.killpg(stage.shop.process.pid, number)
        else:
            stage.shop.process.send_signal(number)
        await asyncio.gather(*buying)
    return till


async def buy(crowd: Crowd, who: Person, goods: list[Row], till: Till) -> None:
    """Order again and again until nobody answers any more."""
    end = time.monotonic() + 60
    try:
        while time.monotonic() < end:
            for item in goods:
                assert (await crowd.add(who, item)).status_code in {200, 201}
            await till.order(crowd, who, secrets.token_hex(8))
    except httpx2.TransportError:
        return
    raise AssertionError("the shop goes on")


def orders(stage: Stage) -> list[str]:
    """The ids of all orders."""
    return [str(found) for found in column(stage.inside.rows("SELECT id FROM orders"))]
