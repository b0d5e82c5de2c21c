"""Orders that nobody paid: cancelled when their payment is overdue, so that their stock can be sold again."""

from sqlalchemy import select

from charter import Job, Transaction, move, utc_now
from resources.orders import PENDING, orders

REASON = "Payment overdue"


def cancel_overdue(tx: Transaction) -> bool:
    """Cancel the order whose payment is overdue the longest; whether there was one.

    One in a transaction, so that no buyer waits for more. One that somebody else holds (a payment, a cancellation,
    the same work in another process) is passed over: it will not be pending any more, or be here the next time.
    """
    c = tx.entry(orders).table.c
    late = select(c.id).where(PENDING, c.payment_due_at < utc_now()).order_by(c.payment_due_at).limit(1)
    found = tx.execute(late.with_for_update(key_share=True, skip_locked=True)).scalar()
    if found is not None:
        move(tx, orders, found, "cancel", reason=REASON)
    return found is not None


sweeper = Job("overdue orders", 5, cancel_overdue)
