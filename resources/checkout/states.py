"""What an order's later states do: stock comes back once, and every move is written down."""

from typing import Annotated, Literal

from pydantic import StringConstraints

from charter import Body, Change, ConflictException, Transaction
from resources.checkout.books import owe_all, take_by_hand
from resources.checkout.payment import DEBTS
from resources.checkout.records import write_event
from resources.order_items import order_items
from resources.products import products
from resources.stock_movements import record

OVER = ("cancelled", "returned")
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500)]


class Cancellation(Body):
    """Why an order is cancelled."""

    reason: Reason | None = None


class Shipment(Body):
    """How the parcel can be followed."""

    tracking: Reason | None = None


class Return(Body):
    """Whether what came back can be sold again."""

    restock: bool = False


def keep_history(_: Transaction, change: Change) -> None:
    """Only an order that is over can be archived, and only one that is not under way yet can be redirected."""
    status = change.old.get("status")
    if change.action == "delete" and status not in OVER:
        message = f"Only {' and '.join(OVER)} orders can be archived; this one is {status}."
        raise ConflictException(message, code="invalid_transition", extra={"state": status})
    if change.action == "update" and change.values and status not in {"pending", "paid"}:
        message = f"The address can be changed until the order is shipped; this one is {status}."
        raise ConflictException(message, code="invalid_transition", extra={"state": status})


def note_move(tx: Transaction, change: Change) -> None:
    """Write down that an order moved, by whom and with what note."""
    actor = change.caller.id if change.caller else None
    note = change.inputs.get("reason") or change.inputs.get("tracking")
    write_event(tx, change.old["id"], change.old["status"], change.row["status"], actor, note)


def pay_order(tx: Transaction, change: Change) -> None:
    """Write the payment down, where no provider's notice did so before."""
    if "event" not in change.inputs:
        take_by_hand(tx, change)
    note_move(tx, change)


def cancel_order(tx: Transaction, change: Change) -> None:
    """Give the stock back, owe what was paid, and keep the reason."""
    change.values["cancel_reason"] = change.inputs.get("reason")
    _give_back(tx, change, "cancel")
    if change.old["status"] != "pending":
        change.inputs[DEBTS] = owe_all(tx, change.old)
    note_move(tx, change)


def return_order(tx: Transaction, change: Change) -> None:
    """Owe what was paid, and give the stock back where the goods can be sold again."""
    if change.inputs["restock"]:
        _give_back(tx, change, "return")
    change.inputs[DEBTS] = owe_all(tx, change.old)
    note_move(tx, change)


def _give_back(tx: Transaction, change: Change, reason: Literal["cancel", "return"]) -> None:
    """Every item's pieces, once: a unique index refuses a second time."""
    items = tx.repository(order_items)
    stock = tx.entry(products).table.c.stock
    table = tx.entry(products).table
    for item in sorted(
        items.get_all(items.columns.order_id == change.old["id"]), key=lambda row: str(row["product_id"])
    ):
        # A product that was taken off sale in the meantime gets its pieces back too.
        tx.execute(table.update().where(table.c.id == item["product_id"]).values(stock=stock + item["quantity"]))
        actor = change.caller.id if change.caller else None
        record(tx, item["product_id"], item["quantity"], reason, order_item_id=item["id"], actor_id=actor)
