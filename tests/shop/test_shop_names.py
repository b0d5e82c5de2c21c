"""Relationships by name, on the mapped classes, and walked by a session on the demo data.

A process of its own, in the application's folder, looks at them: the process of the tests never imports the shop.
"""

import json
from typing import Any

import pytest

from tests.running import Running, run_once

LOOK = """
import asyncio, json
from sqlalchemy import inspect, select
from sqlalchemy.orm import selectinload
from app import app
from charter import Table

store = app.state.charter.store
mappers = {mapper.local_table.name: mapper for mapper in Table._sa_registry.mappers if mapper.local_table is not None}

def related(mapper):
    return {
        item.key: [item.mapper.local_table.name, item.uselist, item.back_populates or ""]
        for item in mapper.relationships
    }

async def walk(session, mapper, name):
    # a row that has something at the other end, so that loading it means something
    model = mapper.class_
    there = getattr(model, name)
    many = mapper.relationships[name].uselist
    statement = select(model).where(there.any() if many else there.has()).options(selectinload(there)).limit(1)
    row = (await session.scalars(statement)).first()
    found = getattr(row, name) if row is not None else None
    other = found[0] if many and found else found
    return inspect(type(other)).local_table.name if other else None

async def main():
    told = {"tables": {table: related(mapper) for table, mapper in mappers.items()}, "loaded": {}}
    async with store.session(writes=False) as session:
        for table, mapper in mappers.items():
            for name in mapper.relationships.keys():
                told["loaded"][f"{table}.{name}"] = await walk(session, mapper, name)
    await store.close()
    print(json.dumps(told))

asyncio.run(main())
"""

NAMES = {
    "users": {
        "orders": ("orders", True), "cart_items": ("cart_item", True), "refresh_tokens": ("refresh_token", True)
    },
    "refresh_token": {"user": ("users", False)},
    "role": {"role_permissions": ("role_permission", True)},
    "permission": {"role_permissions": ("role_permission", True)},
    "role_permission": {"role": ("role", False), "permission": ("permission", False)},
    "category": {
        "parent": ("category", False), "children": ("category", True), "products": ("product", True)
    },
    "product": {
        "category": ("category", False), "order_items": ("order_item", True), "cart_items": ("cart_item", True),
        "stock_movements": ("stock_movement", True),
    },
    "cart_item": {"user": ("users", False), "product": ("product", False)},
    "orders": {
        "user": ("users", False), "items": ("order_item", True), "events": ("order_event", True)
    },
    "order_item": {"order": ("orders", False), "product": ("product", False)},
    "order_event": {"order": ("orders", False)},
    "stock_movement": {"product": ("product", False), "order_item": ("order_item", False)},
}  # fmt: skip
"""Table -> relationship -> the table at its other end, and whether there are many rows of it."""


@pytest.fixture(scope="module")
def told(shop: Running) -> dict[str, Any]:
    """What the process said of the mapped classes; the admin's sign-in and cart fill what the demo leaves empty."""
    with shop.as_admin() as http:
        goods = http.get("/products?is_active=true&size=1").json()["items"][0]
        assert http.post("/cart", json={"product_id": goods["id"], "quantity": 1}).status_code in {200, 201}
    given = {key: value for key, value in shop.environment.items() if key == "DATABASE_URL"}
    done = run_once(shop.folder, "-c", LOOK, **given)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.mark.parametrize("table", NAMES)
def test_a_class_has_its_relationships(told: dict[str, Any], table: str) -> None:
    """By the names of SHOP.md, to the right table, one row or many: these and no others."""
    found = {name: (target, many) for name, (target, many, _) in told["tables"][table].items()}
    assert found == NAMES[table]


def test_there_is_no_other_table(told: dict[str, Any]) -> None:
    """Twelve tables, named in the singular but for `users` and `orders`."""
    assert told["tables"].keys() == NAMES.keys()


def test_relationships_know_their_other_side(told: dict[str, Any]) -> None:
    """What is set at one end is seen at the other; the roads without a way back are read-only."""
    back = {table: {name: other for name, (_, _, other) in ends.items()} for table, ends in told["tables"].items()}
    for table, ends in told["tables"].items():
        for name, (target, _, other) in ends.items():
            assert not other or back[target][other] == name, (table, name)
    one_way = {f"{table}.{name}" for table, ends in back.items() for name, other in ends.items() if not other}
    assert one_way == {"users.refresh_tokens", "refresh_token.user", "stock_movement.order_item"}


@pytest.mark.parametrize("name", [f"{table}.{name}" for table, ends in NAMES.items() for name in ends])
def test_a_relationship_is_walked_by_a_session(told: dict[str, Any], name: str) -> None:
    """A row with something at the other end is loaded with it."""
    table, _, relation = name.partition(".")
    assert told["loaded"][name] == NAMES[table][relation][0]
