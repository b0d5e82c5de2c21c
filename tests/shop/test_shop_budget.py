"""How many statements a checkout takes: what a customer waits for, and what everybody else waits for behind it."""

import asyncio
from collections.abc import Iterator
from itertools import product

import pytest

from tests.storms.crowd import row_of
from tests.storms.prelude import COMPILED, STATEMENTS, WRITE_DOWN, sweeping
from tests.storms.stage import Stage, database, staged

SIGN_IN = "FROM users JOIN refresh_token"
"""The statement that finds out who calls, where this process does not remember; it does not count."""

LOOKS = ("FROM account_notice", "FROM mail_outbox")
"""What every process looks for by itself: whose sign-in has ended, which mails are due; nobody waits for it."""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop of one process that writes down every statement and does nothing unasked."""
    folder = tmp_path_factory.mktemp("budget")
    with database(request.param) as given, staged(folder, WRITE_DOWN, sweeping(1e6), workers=1, given=given) as found:
        yield found


async def statements_of_an_order(stage: Stage, lines: int, *, key: str) -> list[str]:
    """The statements of one order with so many lines, in order, without those that say who calls."""
    file = stage.shop.folder / STATEMENTS
    async with stage.crowd() as crowd:
        (buyer,) = stage.people(1)
        for _ in range(lines):
            await crowd.fill([buyer], await crowd.goods(stock=10))
        file.unlink()
        order = row_of(await crowd.order(buyer, key=key, expected_total=lines * 1999), 201)
        lines_written = file.read_text().splitlines()
        assert order["items_total"] == lines * 1999
    aside = (SIGN_IN, *LOOKS)
    return [line for line in lines_written if not line.startswith("BEGIN") and not any(word in line for word in aside)]


@pytest.mark.parametrize("lines", [1, 3, 10])
def test_an_order_takes_seven_statements_and_three_for_each_line(stage: Stage, lines: int) -> None:
    """At most, once it is known who calls: the key of a repeated request, the event and the answer included.

    It takes fewer than that: one for each line, and eight.
    """
    found = asyncio.run(statements_of_an_order(stage, lines, key=f"budget-{lines}"))
    assert len(found) <= 8 + lines <= 7 + 3 * lines, "\n".join(found)
    assert len(asyncio.run(statements_of_an_order(stage, lines, key=""))) == len(found) - 2


async def day(stage: Stage, number: int) -> None:
    """Goods come in and are changed, looked at, ordered, paid and sent; other goods go."""
    async with stage.crowd() as crowd:
        (buyer,) = stage.people(1)
        shelf = {"name": f"Shelf {number}"}
        row_of(await crowd.send(crowd.staff, "POST", "/categories", json=shelf), 201)
        goods = [await crowd.goods(stock=number + 10) for _ in range(3)]
        for item in goods:
            path = f"/products/{item['id']}"
            row_of(await crowd.send(crowd.staff, "PATCH", path, json={"price": 2000 + number}))
            row_of(await crowd.send(buyer, "GET", path))
        for look in (
            f"products?price__gte={number}&sort=price&size=2&count=capped",
            f"products?search=thing&stock__lte={number + 10}",
            f"products/aggregate?agg=count,min:price&group=category_id&stock__gte={number}",
            f"products/{goods[0]['id']}?with=can&include=category",
        ):
            row_of(await crowd.send(buyer, "GET", f"/{look}"))
        await crowd.fill([buyer], *goods[:2])
        order = row_of(await crowd.order(buyer, key=f"day-{number}"), 201)
        assert (await crowd.notice(order)).status_code == 204
        for step in ("ship", "deliver"):
            row_of(await crowd.move(crowd.staff, order, step))
        for who, look in product((buyer, crowd.staff), ("orders?include=items.product", "orders?status=delivered")):
            row_of(await crowd.send(who, "GET", f"/{look}&created_at__gte=2026-01-0{number}T00:00:00Z"))
        assert (await crowd.send(crowd.staff, "DELETE", f"/products/{goods[2]['id']}")).status_code == 204


def test_no_statement_is_written_out_twice(stage: Stage) -> None:
    """A day like the one before makes SQLAlchemy compile nothing: that takes several times as long as to run it."""
    asyncio.run(day(stage, 1))
    asyncio.run(day(stage, 2))
    file = stage.shop.folder / COMPILED
    assert file.read_text()
    file.unlink()
    asyncio.run(day(stage, 3))
    assert not file.exists(), file.read_text()
