"""Storms around the states of an order: whoever comes second is told so, and money and stock go back once."""

from collections import Counter

from tests.storms.crowd import Crowd, Person, Row, row_of, statuses, together
from tests.storms.stage import Length, Stage

ORDERS = 20
"""Orders that two sides pull at, in one round."""


async def cancel_often(stage: Stage, length: Length) -> None:
    """Cancel 30 times, by the customer and by staff: once, and the stock comes back once."""
    async with stage.crowd() as crowd:
        for way in (("pay",), ()) * length.rounds:
            goods, (buyer,) = await crowd.goods(stock=10), stage.people(1)
            order = await crowd.ordered(buyer, goods, 3)
            for name in way:
                row_of(await crowd.move(stage.staff, order, name))
            answers = await together(
                crowd.move(stage.staff if number % 2 else buyer, order, "cancel") for number in range(30)
            )
            assert statuses(answers) == {"200": 1, "409 invalid_transition": 29}
            assert await crowd.stock_of(goods) == 10
            kinds = ["capture", "refund_due"] if way else []
            assert payments(stage, order) == kinds


async def cancel_against_ship(stage: Stage, length: Length) -> None:
    """Cancel against ship: one of them, for each order."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods, orders = await crowd_of_orders(stage, crowd)
            for _, order in orders:
                row_of(await crowd.move(stage.staff, order, "pay"))
            cancels = [crowd.move(who, order, "cancel") for who, order in orders]
            ships = [crowd.move(stage.staff, order, "ship") for _, order in orders]
            answers = await together(one for pair in zip(cancels, ships, strict=True) for one in pair)
            pairs = [Counter(answer.status_code for answer in answers[at : at + 2]) for at in range(0, len(answers), 2)]
            assert pairs == [Counter({200: 1, 409: 1})] * ORDERS
            cancelled = sum(answer.status_code == 200 for answer in answers[::2])
            assert await crowd.stock_of(goods) == 100 - ORDERS + cancelled


async def cancel_against_notice(stage: Stage, length: Length) -> None:
    """Cancel against the notice that it is paid: it ends cancelled, and the money is owed, whoever came first."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods, orders = await crowd_of_orders(stage, crowd)
            cancels = [crowd.move(who, order, "cancel") for who, order in orders]
            notices = [crowd.notice(order) for _, order in orders]
            answers = await together(one for pair in zip(cancels, notices, strict=True) for one in pair)
            assert statuses(answers) == {"200": ORDERS, "204": ORDERS}
            for _, order in orders:
                row = row_of(await crowd.send(stage.staff, "GET", f"/orders/{order['id']}"))
                assert row["status"] == "cancelled"
                assert payments(stage, order) == ["capture", "refund_due"]
            assert await crowd.stock_of(goods) == 100


async def notices_at_once(stage: Stage, length: Length) -> None:
    """One notice sent ten times at once pays once; two payments of one order leave one of them owed."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods, buyers = await crowd.goods(stock=10), stage.people(2)
            one, other = [await crowd.ordered(who, goods) for who in buyers]
            repeated = [crowd.notice(one, event=f"of {one['number']}") for _ in range(10)]
            twice = [crowd.notice(other) for _ in range(2)]
            assert statuses(await together([*repeated, *twice])) == {"204": 12}
            assert payments(stage, one) == ["capture"]
            assert payments(stage, other) == ["capture", "capture", "refund_due"]


async def crowd_of_orders(stage: Stage, crowd: Crowd) -> tuple[Row, list[tuple[Person, Row]]]:
    """Pending orders of one piece each, and who placed them."""
    goods, buyers = await crowd.goods(stock=100), stage.people(ORDERS)
    await crowd.fill(buyers, goods)
    made = [row_of(answer, 201) for answer in await together(crowd.order(who) for who in buyers)]
    return goods, list(zip(buyers, made, strict=True))


def payments(stage: Stage, order: Row) -> list[str]:
    """What happened to an order's money."""
    sql = f"SELECT kind FROM payment WHERE order_id = '{order['id']}' ORDER BY kind"  # noqa: S608 # an id
    return [kind for (kind,) in stage.inside.rows(sql)]
