"""Storms between a cart and its checkout: what was put in is either ordered or still there."""

from typing import Any

import httpx2

from tests.storms.crowd import Crowd, Person, Row, row_of, together
from tests.storms.stage import Length, Stage

BUYERS = 10


async def cart_edits(stage: Stage, length: Length) -> None:
    """Checkout against additions, changes and removals of the same cart."""
    async with stage.crowd() as crowd:
        for _ in range(length.rounds):
            goods = [await crowd.goods(stock=1000) for _ in range(3)]
            buyers = stage.people(BUYERS)
            await crowd.fill(buyers, *goods)
            lines = [await cart_of(crowd, who) for who in buyers]
            work = [edits(crowd, who, goods, cart) for who, cart in zip(buyers, lines, strict=True)]
            answers = await together(one for person in work for one in person)
            each = [answers[at : at + EDITS] for at in range(0, len(answers), EDITS)]
            for who, told in zip(buyers, each, strict=True):
                await check_cart(crowd, who, goods, told)


ADDED = 4
EDITS = 3 + 2 * ADDED


def edits(crowd: Crowd, who: Person, goods: list[Row], cart: dict[str, Row]) -> list[Any]:
    """An order in the midst of additions to the first line; the second is changed, the third removed."""
    change, remove = (f"/cart/{cart[item['id']]['id']}" for item in goods[1:])
    return [
        *(crowd.add(who, goods[0]) for _ in range(ADDED)),
        crowd.send(who, "PATCH", change, json={"quantity": 7}),
        crowd.order(who),
        crowd.send(who, "DELETE", remove),
        *(crowd.add(who, goods[0]) for _ in range(ADDED)),
    ]


async def check_cart(crowd: Crowd, who: Person, goods: list[Row], told: list[httpx2.Response]) -> None:
    """Every piece that was acknowledged is in the order or in the cart, and in one of them alone."""
    added, changed, ordered, removed = [*told[:ADDED], *told[-ADDED:]], *told[ADDED:-ADDED]
    assert {answer.status_code for answer in added} <= {200, 201}, [answer.text for answer in added]
    cart = {key: line["quantity"] for key, line in (await cart_of(crowd, who)).items()}
    path = f"/orders/{row_of(ordered, 201)['id']}?include=items"
    bought = {item["product_id"]: item["quantity"] for item in row_of(await crowd.send(who, "GET", path))["items"]}
    first, second, third = (item["id"] for item in goods)
    assert bought[first] + cart.get(first, 0) == 1 + 2 * ADDED
    assert changed.status_code in {200, 404}
    assert (bought[second], second in cart) == ((7, False) if changed.status_code == 200 else (1, False))
    assert (third in bought, third in cart) == (removed.status_code == 404, False)


async def cart_of(crowd: Crowd, who: Person) -> dict[str, Row]:
    """The lines of a cart by product."""
    page = row_of(await crowd.send(who, "GET", "/cart?size=100"))
    return {line["product_id"]: line for line in page["items"]}
