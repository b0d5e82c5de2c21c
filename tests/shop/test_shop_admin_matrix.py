"""The access matrix of the shop's admin over HTTP: all roles, resources, rows and doors against the policy oracle."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.admin.asks import ask_there
from tests.admin.crawl import crawl_there, leaks
from tests.admin.doors import unasked
from tests.admin.looking import looking
from tests.admin.writing import writing
from tests.matrix.snapshot import rows_now, surprises
from tests.running import SERVE, Running, copy_application, running
from tests.shop.admin_screens import BODIES, SCREENS, browser, visitors
from tests.shop.buying import add, ordered, verified
from tests.shop.matrix_world import SHAPES, SIDE_EFFECTS, database_of, make_world
from tests.shop.people import People, product
from tests.shop.shop_table import LADDER

HASHED, EPOCH = "canary-of-a-hash", 917_355_102
COST, SEEN = 7_712_345, 8_812_399
CANARIES = {
    HASHED: "hashed_password",
    str(EPOCH): "epoch",
    "77123.45": "what the shop pays, on a page",
    str(COST): "what the shop pays",
    "88123.99": "somebody's cart, on a page",
    str(SEEN): "somebody's cart",
}
KNOWN = {"support": set[str](), "manager": {"77123.45", str(COST)}, "admin": {"77123.45", str(COST)}}
"""Role -> canaries that it may see."""

NO_CELLS = [f"support was never at {door}" for door in ("inline extra", "inline inputs", "inline values")]
"""Support may change no field that a list of the shop has a cell in place for."""


@pytest.mark.thorough
def test_no_cell_of_the_admins_matrix_differs_from_the_oracle(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """Zero differences in status, rows, order, counts, cells, inputs and buttons; what was refused left no trace."""
    with running(copy_application(tmp_path), SERVE, DEMO_DATA="false", **empty_database) as shop:
        world, people = make_world(shop)
        world.shapes = {path: screen.shape for path, screen in SCREENS.items()}
        browsers = visitors(shop, people)
        looked = ask_there(looking(world, SCREENS), browsers)
        assert not looked.differences, looked.table()
        written = ask_there(writing(world, SCREENS, BODIES), browsers)
        assert not written.differences, written.table()
        assert not surprises(world, rows_now(database_of(shop), SHAPES), SHAPES.keys() - SIDE_EFFECTS)
    assert unasked([looked, written], LADDER, refused=["anonymous", "customer"]) == NO_CELLS
    print(f"{looked.cells} + {written.cells} cells, no difference")  # noqa: T201 # shown by -s


def plant(url: str, statements: Sequence[str]) -> None:
    """Change the database behind the application's back."""

    async def work() -> None:
        engine = create_async_engine(url)
        async with engine.begin() as connection:
            for statement in statements:
                await connection.execute(text(statement))
        await engine.dispose()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work()).result()


@pytest.mark.parametrize("role", ["support", "manager", "admin"])
def test_no_canary_is_on_any_page_of_the_admin_or_in_the_log(shop: Running, people: People, role: str) -> None:
    """Hashes and epochs, what the shop pays, other people's carts: in no body, no header, and not in the log."""
    buyer = verified(shop)
    goods = product(people, cost_price=COST)
    row, line = ordered(buyer, goods), add(buyer, goods)
    mine = buyer.http.get("/users/me").json()["id"]
    plant(
        database_of(shop),
        [
            f"UPDATE users SET hashed_password = '{HASHED}', epoch = {EPOCH} WHERE id = '{mine}'",  # noqa: S608 # ours
            f"UPDATE cart_item SET price_seen = {SEEN} WHERE id = '{line['id']}'",  # noqa: S608 # same
        ],
    )
    starts = ["/admin/", "/admin/access", "/admin/cart/list", f"/admin/products/list?search={goods['sku']}"]
    for path, row_id in (("users", mine), ("products", goods["id"]), ("orders", row["id"]), ("cart", line["id"])):
        starts += [f"/admin/{path}/{page}/{row_id}" for page in ("details", "edit")]
        starts += [f"/admin/{path}/create", f"/admin/{path}/list", f"/admin/{path}/list?sortBy=hashed_password"]
        starts += [f"/admin/{path}/list?search={word}" for word in ("canary", COST, EPOCH)]
        starts += [f"/admin/{path}/ajax/lookup?name={name}&term=a" for name in ("category_id", "user_id")]
    answers = crawl_there(browser(shop, getattr(people, role)), starts, 90)
    typed = {str(number) for number in (COST, EPOCH)}  # a search for it stands in the page that answers
    forbidden = {word: place for word, place in CANARIES.items() if word not in KNOWN[role]}
    kept = [answer for answer in answers if not any(number in str(answer.url) for number in typed)]
    assert leaks(kept, forbidden) == []
    assert len(kept) > 50
    assert sum("of 0 items" in answer.text for answer in answers if answer not in kept) > 2
    if KNOWN[role]:
        assert leaks(kept, dict.fromkeys(KNOWN[role], ""))
    log = shop.log()
    assert "/admin/" in log
    assert [place for word, place in CANARIES.items() if word in log.replace(f"search={word}", "")] == []
