"""What was paid for an order, what has to go back, and what went back: rows that are only ever added."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, UniqueConstraint, insert, select
from sqlalchemy import Table as SqlTable

from charter import Change, Identifier, Instant, Row, Table, Text, Transaction, WholeNumber, utc_now, uuid7

BY_HAND = "offline"
"""The provider of payments that staff take and give back themselves."""

Kind = Literal["capture", "refund_due", "refund"]

payments = SqlTable(
    "payment",
    Table.metadata,
    Column("id", Identifier(), primary_key=True),
    Column("created_at", Instant(), nullable=False),
    Column("order_id", Identifier(), ForeignKey("orders.id", ondelete="RESTRICT"), nullable=False),
    Column("kind", Text(20), nullable=False),
    Column("provider", Text(40), nullable=False),
    Column("event", Text(200)),
    Column("amount", WholeNumber(), nullable=False),
    Column("currency", Text(3), nullable=False),
    UniqueConstraint("provider", "event"),
    CheckConstraint("amount >= 0", name="amount"),
    CheckConstraint("kind IN ('capture', 'refund_due', 'refund')", name="kind"),
    Index("ix_payment_order_id", "order_id"),
)
"""No resource: ``event`` is the provider's own id of what happened, and is taken once."""


@dataclass(frozen=True, slots=True)
class Debt:
    """Money that a provider has to give back for an order."""

    provider: str
    order: Row
    amount: int
    currency: str


def write_payment(
    tx: Transaction, order: Row, kind: Kind, provider: str, amount: int, currency: str, event: str | None = None
) -> None:
    """Add a row."""
    values = {"id": uuid7(), "created_at": utc_now(), "order_id": order["id"], "kind": kind}
    more = {"provider": provider, "event": event, "amount": amount, "currency": currency}
    tx.execute(insert(payments).values(values | more))


def is_known(tx: Transaction, provider: str, event: str) -> bool:
    """Whether a provider's event has been written down."""
    c = payments.c
    return tx.execute(select(c.id).where(c.provider == provider, c.event == event)).first() is not None


def take_by_hand(tx: Transaction, change: Change) -> None:
    """Staff say that an order is paid: that is a capture too, once for each order."""
    order = change.old
    write_payment(tx, order, "capture", BY_HAND, order["grand_total"], order["currency"], event=str(order["id"]))


def owe(tx: Transaction, order: Row, provider: str, amount: int, currency: str) -> Debt:
    """Keep that money has to go back."""
    write_payment(tx, order, "refund_due", provider, amount, currency)
    return Debt(provider, order, amount, currency)


def owe_all(tx: Transaction, order: Row) -> list[Debt]:
    """Everything that came in for an order, and is not owed already, has to go back."""
    c = payments.c
    wanted = select(c.kind, c.provider, c.amount, c.currency).where(c.order_id == order["id"])
    held: dict[tuple[str, str], int] = {}
    for row in tx.execute(wanted).mappings():
        if row["kind"] != "refund":
            key, sign = (row["provider"], row["currency"]), 1 if row["kind"] == "capture" else -1
            held[key] = held.get(key, 0) + sign * row["amount"]
    return [owe(tx, order, provider, amount, currency) for (provider, currency), amount in held.items() if amount > 0]
