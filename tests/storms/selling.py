"""Storms around the one transaction of a checkout: many buyers for few pieces, one buyer many times."""

import random

from tests.storms.crowd import Row, row_of, statuses, together
from tests.storms.stage import Length, Stage, column


async def one_unit(stage: Stage, length: Length) -> None:
    """50 buyers for one unit: one 201, 49 times 409."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods, buyers = await crowd.goods(stock=1), stage.people(50)
            await crowd.fill(buyers, goods)
            answers = await together(crowd.order(who) for who in buyers)
            assert statuses(answers) == {"201": 1, "409 insufficient_stock": 49}
            assert await crowd.stock_of(goods) == 0


async def many_buyers(stage: Stage, length: Length) -> None:
    """200 buyers for 1 to 3 of 100 units: every unit is sold that somebody could have had, and no other."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods, buyers = await crowd.goods(stock=100), stage.people(200)
            wanted = [random.randint(1, 3) for _ in buyers]  # noqa: S311 # a choice of rows
            for answer in await together(crowd.add(*one) for one in zip(buyers, [goods] * 200, wanted, strict=True)):
                row_of(answer, 201)
            answers = await together(crowd.order(who) for who in buyers)
            assert statuses(answers).keys() == {"201", "409 insufficient_stock"}
            done = [pieces for pieces, answer in zip(wanted, answers, strict=True) if answer.status_code == 201]
            left = await crowd.stock_of(goods)
            assert left + sum(done) == 100
            refused = [pieces for pieces, answer in zip(wanted, answers, strict=True) if answer.status_code == 409]
            assert left < min(refused), "somebody was refused what is still there"


async def one_key(stage: Stage, length: Length) -> None:
    """One key 50 times in parallel: one order, and the same answer for everybody who gets one."""
    async with stage.crowd() as crowd:
        for number in range(length.rounds):
            goods, (buyer,) = await crowd.goods(stock=100), stage.people(1)
            await crowd.fill([buyer], goods)
            answers = await together(crowd.order(buyer, key=f"key-{number}") for _ in range(50))
            good = [answer for answer in answers if answer.status_code == 201]
            assert {answer.json()["code"] for answer in answers if answer not in good} <= {"idempotency_in_flight"}
            assert len({answer.content for answer in good}) == 1
            assert [answer for answer in good if "Idempotency-Replayed" not in answer.headers] != []
            assert sum("Idempotency-Replayed" in answer.headers for answer in good) == len(good) - 1
            assert orders_of(stage, buyer.id) == [good[0].json()["id"]]
            assert await crowd.stock_of(goods) == 99


async def no_key(stage: Stage, length: Length) -> None:
    """One user, no key, 50 times: one order, and 49 who find the cart empty."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods, (buyer,) = await crowd.goods(stock=100), stage.people(1)
            await crowd.fill([buyer], goods, quantity=2)
            answers = await together(crowd.order(buyer) for _ in range(50))
            assert statuses(answers) == {"201": 1, "409 cart_empty": 49}
            assert len(orders_of(stage, buyer.id)) == 1
            assert await crowd.stock_of(goods) == 98


async def crossed_carts(stage: Stage, length: Length) -> None:
    """Carts {A, B} against {B, A}: nobody waits for each other forever, and the stock goes to the last piece."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods = [await crowd.goods(stock=30), await crowd.goods(stock=30)]
            buyers = stage.people(40)
            await crowd.fill(buyers[::2], *goods)
            await crowd.fill(buyers[1::2], *reversed(goods))
            answers = await together(crowd.order(who) for who in buyers)
            assert statuses(answers) == {"201": 30, "409 insufficient_stock": 10}
            assert [await crowd.stock_of(item) for item in goods] == [0, 0]


async def stock_edits(stage: Stage, length: Length) -> None:
    """Two stock edits against 20 sales: neither forgets the other."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods, buyers = await crowd.goods(stock=50), stage.people(20)
            await crowd.fill(buyers, goods)
            path, reason = f"/products/{goods['id']}/stock", {"reason": "recount"}
            edits = [crowd.send(stage.staff, "POST", path, json={**reason, "delta": delta}) for delta in (7, -5)]
            sales = [crowd.order(who) for who in buyers]
            answers = await together([*sales[:10], *edits, *sales[10:]])
            assert statuses(answers) == {"201": 20, "200": 2}
            assert await crowd.stock_of(goods) == 50 - 20 + 7 - 5


async def price_and_sight(stage: Stage, length: Length) -> None:
    """Checkouts while the price changes and the product goes off sale: what was agreed to is paid, or nothing is."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods, buyers = await crowd.goods(stock=100, price=1000), stage.people(40)
            await crowd.fill(buyers, goods)
            path = f"/products/{goods['id']}"
            edits = [crowd.send(stage.staff, "PATCH", path, json=body) for body in ({"price": 1100}, OFF_SALE)]
            orders = [crowd.order(who, expected_total=1000) for who in buyers]
            answers = await together([*orders[:20], *edits, *orders[20:]])
            made: list[Row] = [answer.json() for answer in answers if answer.status_code == 201]
            assert statuses(answers).keys() <= {"200", "201", "409 price_changed", "409 unavailable"}
            assert {row["grand_total"] for row in made} <= {1000}
            assert await crowd.stock_of(goods) == 100 - len(made)


OFF_SALE = {"is_active": False}


def orders_of(stage: Stage, user_id: str) -> list[str]:
    """The ids of somebody's orders."""
    return [str(found) for found in column(stage.inside.rows(f"SELECT id FROM orders WHERE user_id = '{user_id}'"))]  # noqa: S608 # an id
