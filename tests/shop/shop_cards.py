"""What the dashboard of the shop should show to each role, worked out in plain Python over the rows themselves."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from tests.admin.eyes import Card, Eye
from tests.matrix.shapes import Row

SOLD = ("paid", "shipped", "delivered")
STATES = ("pending", "paid", "shipped", "delivered", "cancelled", "returned")

PLACED = frozenset({"placed_at"})
EARNED = PLACED | {"grand_total", "status"}


def recent(eye: Eye, days: int) -> list[Row]:
    """The orders that the role sees of so many days of UTC, today included."""
    begin = datetime.combine(datetime.now(UTC).date() - timedelta(days=days - 1), time(), UTC)
    rows = eye.world.seen(eye.role, "orders", "list")
    return [row for row in rows if datetime.fromisoformat(row["placed_at"]) >= begin]


def earned(eye: Eye) -> list[int]:
    """What the orders of thirty days brought in."""
    return [row["grand_total"] for row in recent(eye, 30) if row["status"] in SOLD]


def euros(cents: float) -> str:
    """An amount as the dashboard writes it."""
    return f"{round(cents) / 100:,.2f}"


def first(path: str, column: str, order: Callable[[Row], Any], *, falls: bool) -> Callable[[Eye], list[str]]:
    """The first cells of five rows in an order; those that tie come by their ids, in the same direction."""

    def cells(eye: Eye) -> list[str]:
        rows = sorted(eye.world.seen(eye.role, path, "list"), key=lambda row: row["id"], reverse=falls)
        kept = [row for row in sorted(rows, key=order, reverse=falls) if row.get("is_active", True) or path == "users"]
        return [eye.at(path).cell(row, column, short=True) for row in kept[:5]]

    return cells


ORDER_CARDS = (
    Card("Orders today", PLACED, lambda eye: f"{len(recent(eye, 1))}"),
    Card("Orders, 7 days", PLACED, lambda eye: f"{len(recent(eye, 7))}"),
    Card("Revenue, 30 days", EARNED, lambda eye: euros(sum(earned(eye)))),
    Card("Average basket, 30 days", EARNED, lambda eye: euros(sum(earned(eye)) / max(len(earned(eye)), 1))),
    Card("Revenue", EARNED, lambda eye: euros(sum(earned(eye)))),
    Card(
        "Orders by state, 30 days",
        PLACED | {"status"},
        lambda eye: {state: sum(row["status"] == state for row in recent(eye, 30)) for state in STATES},
    ),
)
PRODUCT_CARDS = (
    Card(
        "Low stock", frozenset({"stock", "is_active"}), first("products", "name", lambda row: row["stock"], falls=False)
    ),
)
USER_CARDS = (
    Card("Newest users", frozenset({"created_at"}), first("users", "email", lambda row: row["created_at"], falls=True)),
)

__all__ = ["ORDER_CARDS", "PRODUCT_CARDS", "USER_CARDS"]
