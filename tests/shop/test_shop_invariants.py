"""The audit: each invariant finds what breaks it, and nothing else does; the demo's data break none.

The database would refuse every one of these mistakes: its constraints are taken away first.
"""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.running import UVICORN, copy_application, running
from tests.storms.stage import Inside, database

BROKEN = [
    (
        "negative stock",
        """INSERT INTO stock_movement (id, created_at, updated_at, product_id, delta, reason)
            SELECT <new>, created_at, updated_at, id, -1 - stock, 'adjust' FROM product WHERE id = <product>;
        UPDATE product SET stock = -1 WHERE id = <product>""",
    ),
    (
        "stock is the sum of its movements",
        """INSERT INTO stock_movement (id, created_at, updated_at, product_id, delta, reason)
            SELECT <new>, created_at, updated_at, id, -1, 'sale' FROM product WHERE id = <product>""",
    ),
    (
        "what came in is on hand or sold",
        """UPDATE stock_movement SET delta = delta + 1 WHERE product_id = <product> AND reason = 'initial';
        INSERT INTO stock_movement (id, created_at, updated_at, product_id, delta, reason)
            SELECT <new>, created_at, updated_at, id, -1, 'sale' FROM product WHERE id = <product>""",
    ),
    (
        "totals are the sums of their lines",
        "UPDATE orders SET items_total = items_total + 1, grand_total = grand_total + 1 WHERE id = <paid>",
    ),
    ("totals are the sums of their lines", "UPDATE orders SET grand_total = grand_total - 1 WHERE id = <paid>"),
    (
        "every order has items",
        """UPDATE product SET stock = stock + (
            SELECT COALESCE(SUM(quantity), 0) FROM order_item WHERE product_id = product.id AND order_id = <pending>);
        DELETE FROM stock_movement WHERE order_item_id IN (SELECT id FROM order_item WHERE order_id = <pending>);
        DELETE FROM order_item WHERE order_id = <pending>;
        UPDATE orders SET items_total = 0, grand_total = 0 WHERE id = <pending>""",
    ),
    (
        "every item was taken from stock once",
        "UPDATE stock_movement SET order_item_id = NULL WHERE order_item_id = <item> AND reason = 'sale'",
    ),
    (
        "cancelled orders gave their stock back once",
        """INSERT INTO order_event (id, created_at, updated_at, order_id, from_status, to_status)
            SELECT <new>, created_at, updated_at, id, 'pending', 'cancelled' FROM orders WHERE id = <pending>;
        UPDATE orders SET status = 'cancelled', cancelled_at = placed_at WHERE id = <pending>""",
    ),
    (
        "only orders that ended gave stock back",
        """INSERT INTO stock_movement (id, created_at, updated_at, product_id, delta, reason, order_item_id)
            SELECT <new>, created_at, updated_at, product_id, quantity, 'cancel', id FROM order_item WHERE id = <item>;
        UPDATE product SET stock = stock + (SELECT delta FROM stock_movement WHERE id = <new>)
            WHERE id = (SELECT product_id FROM stock_movement WHERE id = <new>)""",
    ),
    (
        "a kept answer has its order",
        """INSERT INTO idempotency_key (id, created_at, owner, key, path, content, status, row_id, body, access)
            SELECT <new>, created_at, 'user ' || user_id, 'k', '/orders', '', 201, <new>, '', ''
            FROM orders WHERE id = <paid>""",
    ),
    (
        "a kept answer has its order",
        """INSERT INTO idempotency_key (id, created_at, owner, key, path, content, status, row_id, body, access)
            SELECT <new>, created_at, 'user ' || id, 'k', '/orders', '', 201, id, '', ''
            FROM orders WHERE id = <paid>""",
    ),
    (
        "order numbers are unique",
        "UPDATE orders SET number = (SELECT min(number) FROM orders WHERE status = 'paid') WHERE id = <pending>",
    ),
    (
        "orders move as the table of states says",
        "DELETE FROM order_event WHERE order_id = <paid> AND to_status = 'pending'",
    ),
    (
        "orders move as the table of states says",
        """DELETE FROM order_event WHERE order_id = <delivered> AND to_status = 'shipped';
        UPDATE order_event SET from_status = 'paid' WHERE order_id = <delivered> AND to_status = 'delivered'""",
    ),
    ("the last event is the state", "UPDATE orders SET status = 'shipped', shipped_at = paid_at WHERE id = <paid>"),
    (
        "money of ended orders went back or is owed",
        "DELETE FROM payment WHERE order_id = <returned> AND kind = 'refund_due'",
    ),
    (
        "no more went back than is owed",
        """INSERT INTO payment (id, created_at, order_id, kind, provider, amount, currency)
            SELECT <new>, created_at, id, 'refund', 'offline', 1, currency FROM orders WHERE id = <paid>""",
    ),
    (
        "no more went back than is owed",
        "UPDATE payment SET amount = amount + 1 WHERE order_id = <returned> AND kind = 'refund_due'",
    ),
    (
        "categories have no circle",
        """UPDATE category SET parent_id = (
            SELECT c.id FROM category c WHERE c.parent_id = category.id ORDER BY c.name LIMIT 1)
            WHERE parent_id IS NULL""",
    ),
]
"""What an invariant finds, and the statements that break it and leave all others whole."""

WORDS = {
    "new": "'00000000-0000-7000-8000-000000000001'",
    "product": "(SELECT id FROM product WHERE sku = (SELECT min(sku) FROM product))",
    "item": "(SELECT id FROM order_item WHERE order_id = <paid> ORDER BY id LIMIT 1)",
    "(paid|pending|delivered|returned)": r"""(SELECT id FROM orders WHERE number = (
        SELECT min(number) FROM orders WHERE status = '\1'))""",
}
"""What stands for one row in the statements above."""


def written(statements: str) -> list[str]:
    """The statements with their words spelled out."""
    for word, meaning in WORDS.items():
        statements = re.sub(f"<{word}>", meaning, statements)
    return statements.split(";")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def loose(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inside]:
    """A way into a database with the demo's data and without constraints."""
    folder = copy_application(tmp_path_factory.mktemp("invariants"))
    with database(request.param) as given:
        with running(folder, UVICORN, **given):
            pass
        inside = Inside(folder, given)
        if request.param == "sqlite":
            loosen_sqlite(folder / "shop.db")
        else:
            inside.ask("change", sql=[LOOSEN])
        yield inside
        inside.close()


def loosen_sqlite(file: Path) -> None:
    """Make every table anew, of its rows alone; the full-text indexes have none of their own."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'search:%'"
        names = connection.execute(tables).fetchall()
        for (name,) in names:
            connection.execute(f"CREATE TABLE copied AS SELECT * FROM {name}")  # noqa: S608 # our own table
            connection.execute(f"DROP TABLE {name}")
            connection.execute(f"ALTER TABLE copied RENAME TO {name}")


LOOSEN = """DO $$ DECLARE found record; BEGIN
    FOR found IN SELECT conname, conrelid::regclass AS named FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND contype IN ('c', 'f', 'u') ORDER BY contype LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', found.named, found.conname);
    END LOOP;
    FOR found IN SELECT indexrelid::regclass AS named FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
        WHERE relnamespace = 'public'::regnamespace AND indisunique AND NOT indisprimary LOOP
        EXECUTE format('DROP INDEX %s', found.named);
    END LOOP;
END $$"""
"""PostgreSQL: drop each CHECK, foreign key and unique index."""


def test_nothing_is_wrong_with_the_demo(loose: Inside) -> None:
    """The order of its making is the order of a shop's life."""
    assert loose.audit() == []


@pytest.mark.parametrize(("name", "statements"), BROKEN)
def test_an_invariant_finds_what_breaks_it(loose: Inside, name: str, statements: str) -> None:
    """That one finds it, and no other one does."""
    found = loose.ask("what_if", sql=written(statements))
    assert {item for item, _ in found} == {name}, found
    assert all(line for _, line in found)
    assert loose.ask("what_if", sql=[]) == []


def test_each_invariant_is_broken_here(loose: Inside) -> None:
    """An invariant that nobody has seen fail protects nothing."""
    assert {name for name, _ in BROKEN} == set(loose.ask("invariants"))


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        (
            "DELETE FROM category WHERE parent_id IS NOT NULL AND id IN (SELECT category_id FROM product)",
            "foreign keys",
        ),
        ("UPDATE product SET price = -1", "integrity"),
    ],
)
def test_sqlite_is_asked_about_its_own_file(tmp_path: Path, statement: str, finding: str) -> None:
    """A reference to nothing, and a row that breaks a CHECK, are found by the audit."""
    folder = copy_application(tmp_path)
    with running(folder, UVICORN):
        pass
    with closing(sqlite3.connect(folder / "shop.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute(statement)
    inside = Inside(folder, {})
    assert {line.partition(":")[0] for line in inside.audit()} == {finding}
    inside.close()
