"""A storm of writes, each read back at once over a connection of its own, in whatever process answers there."""

import asyncio

from tests.storms.crowd import Crowd, Person, Row, row_of
from tests.storms.stage import Length, Stage

LANES = 10


async def read_your_write(stage: Stage, length: Length) -> None:
    """Whoever was told that something is written finds it, wherever they ask next."""
    async with stage.crowd() as crowd, stage.crowd(kept=0) as elsewhere:
        goods = await crowd.goods(stock=100_000)
        lanes = [lane(crowd, elsewhere, who, goods, length.reads // LANES) for who in stage.people(LANES)]
        await asyncio.gather(*lanes)


async def lane(crowd: Crowd, elsewhere: Crowd, who: Person, goods: Row, times: int) -> None:
    """An order, and a change of it, in turn."""
    row: Row = {}
    for number in range(times):
        if number % 2 == 0:
            row = await crowd.ordered(who, goods)
        else:
            body = {"note": f"number {number}"}
            row = row_of(await crowd.send(who, "PATCH", f"/orders/{row['id']}", json=body))
        assert row_of(await elsewhere.send(who, "GET", f"/orders/{row['id']}")) == row
