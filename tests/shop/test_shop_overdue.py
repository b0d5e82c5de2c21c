"""Orders that nobody pays: cancelled by the shop itself once they are overdue, whatever else happens to them then."""

import asyncio
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.shop.people import People, okay
from tests.storms.crowd import Crowd, Person, Row, row_of, together
from tests.storms.prelude import STATEMENTS, WRITE_DOWN, sweeping
from tests.storms.stage import Stage, database, staged

SOON = 2.4
"""Seconds after which an order is overdue here."""

OFTEN = 0.1
"""Seconds between two looks of each process."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop of two processes that both look for overdue orders, many times a second."""
    with database(request.param) as url:
        given = {**url, "PAYMENT_DUE_MINUTES": str(SOON / 60)}
        with staged(tmp_path_factory.mktemp("overdue"), sweeping(OFTEN), given=given) as found:
            yield found
            assert found.inside.audit() == []


async def ordered(stage: Stage, crowd: Crowd, count: int, pieces: int = 2) -> tuple[Row, list[tuple[Person, Row]]]:
    """Orders of some pieces of a product that there are a thousand of, and whose they are."""
    goods, people = await crowd.goods(stock=1000), stage.people(count)
    await crowd.fill(people, goods, quantity=pieces)
    answers = await together(crowd.order(who) for who in people)
    return goods, list(zip(people, [row_of(answer, 201) for answer in answers], strict=True))


async def reached(crowd: Crowd, who: Person, order: Row, state: str) -> Row:
    """The order once it is in that state."""
    end, row = time.monotonic() + PATIENCE, order
    while row["status"] != state and time.monotonic() < end:
        await asyncio.sleep(0.05)
        row = row_of(await crowd.send(who, "GET", f"/orders/{order['id']}?include=events"))
    assert row["status"] == state
    return row


def test_what_is_overdue_is_cancelled(stage: Stage) -> None:
    """After its moment, by nobody, with a word why; the stock is back; nothing is due to anybody."""

    async def work() -> None:
        async with stage.crowd() as crowd:
            goods, ((who, order),) = await ordered(stage, crowd, 1)
            over = await reached(crowd, who, order, "cancelled")
            assert over["cancelled_at"] > over["payment_due_at"] > over["placed_at"]
            assert over["cancel_reason"] == "Payment overdue"
            last = max(over["events"], key=lambda event: str(event["created_at"]))
            assert (last["from_status"], last["to_status"], last["actor_id"], last["note"]) == (
                "pending", "cancelled", None, "Payment overdue",
            )  # fmt: skip
            assert await crowd.stock_of(goods) == 1000
            assert stage.inside.rows(f"SELECT kind FROM payment WHERE order_id = '{order['id']}'") == []  # noqa: S608 # an id

    asyncio.run(work())


def test_what_is_paid_or_cancelled_is_left_alone(stage: Stage) -> None:
    """However long ago it was due."""

    async def work() -> None:
        async with stage.crowd() as crowd:
            goods, ((_, paid), (owner, cancelled), (late, pending)) = await ordered(stage, crowd, 3)
            before = row_of(await crowd.move(stage.staff, paid, "pay"))
            row_of(await crowd.move(owner, cancelled, "cancel"))
            await reached(crowd, late, pending, "cancelled")
            await asyncio.sleep(5 * OFTEN)
            assert row_of(await crowd.send(stage.staff, "GET", f"/orders/{paid['id']}")) == before
            row = row_of(await crowd.send(owner, "GET", f"/orders/{cancelled['id']}"))
            assert row["cancel_reason"] is None
            assert await crowd.stock_of(goods) == 1000 - 2

    asyncio.run(work())


def test_many_are_cancelled_once_each_by_two_processes(stage: Stage) -> None:
    """Both look at the same moment, again and again: each order gives its stock back once and has one event."""

    async def work() -> None:
        async with stage.crowd() as crowd:
            goods, orders = await ordered(stage, crowd, 60)
            for who, order in orders:
                await reached(crowd, who, order, "cancelled")
            assert await crowd.stock_of(goods) == 1000
            backs = stage.inside.rows(
                f"SELECT delta FROM stock_movement WHERE product_id = '{goods['id']}' AND reason = 'cancel'"  # noqa: S608 # an id
            )
            assert backs == [[2]] * 60

    asyncio.run(work())


def test_a_payment_at_the_last_moment_wins_or_is_too_late(stage: Stage) -> None:
    """Never both: paid and sold, or cancelled and back; a notice that came too late is owed."""

    async def pay(crowd: Crowd, number: int, order: Row) -> int:
        due = datetime.fromisoformat(order["payment_due_at"])
        await asyncio.sleep((due - datetime.now(UTC)).total_seconds() + (number % 8) * OFTEN / 8)
        if number % 2:
            return (await crowd.notice(order)).status_code
        return (await crowd.move(stage.staff, order, "pay")).status_code

    async def work() -> None:
        async with stage.crowd() as crowd:
            goods, orders = await ordered(stage, crowd, 40)
            answers = await asyncio.gather(*(pay(crowd, number, order) for number, (_, order) in enumerate(orders)))
            assert set(answers) <= {200, 204, 409}
            paid = 0
            for (who, order), status in zip(orders, answers, strict=True):
                row = row_of(await crowd.send(who, "GET", f"/orders/{order['id']}"))
                if status != 204:
                    assert row["status"] == ("paid" if status == 200 else "cancelled")
                paid += row["status"] == "paid"
            assert await crowd.stock_of(goods) == 1000 - 2 * paid
            assert stage.inside.audit() == []

    asyncio.run(work())


def test_the_orders_of_the_demo_are_not_overdue(people: People) -> None:
    """Those that wait for a payment do so for as long as anybody looks at them."""
    now = datetime.now(UTC).isoformat()
    pending = okay(people.manager.http.get("/orders?status=pending&size=100"))["items"]
    assert pending
    assert all(row["payment_due_at"] > now for row in pending)


def test_looking_for_them_reads_no_other_orders(tmp_path: Path) -> None:
    """It goes over an index to those that are pending: on SQLite it holds up every writer as long as it lasts."""
    with staged(tmp_path, WRITE_DOWN, sweeping(OFTEN), given={}, workers=1) as stage:
        time.sleep(5 * OFTEN)
        found = [line for line in (tmp_path / STATEMENTS).read_text().splitlines() if "payment_due_at <" in line]
        plan = stage.inside.rows(f"EXPLAIN QUERY PLAN {found[0]}".replace("?", "9"))
        assert plan[0][-1].startswith("SEARCH orders USING INDEX"), plan
