"""Notices of payment providers: ``POST /payments/{provider}``, and what money does to an order."""

from fastapi import APIRouter, Request, Response
from sqlalchemy import select

from charter import CurrentStore, NotFoundException, Row, Transaction, move
from resources.checkout.books import Debt, is_known, owe, write_payment
from resources.checkout.payment import PROVIDERS, Notice, settle
from resources.orders import orders

router = APIRouter(tags=["payments"])

BODY = {"requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}}
"""What a notice looks like is up to each provider."""


@router.post("/payments/{provider}", status_code=204, name="payments:notice", openapi_extra=BODY)
async def take_notice(provider: str, request: Request, store: CurrentStore) -> Response:
    """What a provider tells about money; open to everybody, since each provider proves itself in its own way."""
    known = PROVIDERS.get(provider)
    if known is None:
        raise NotFoundException("There is no such provider.")
    notice = known.parse_notice(request.headers, await request.body())
    await settle(await store.write(lambda tx: receive(tx, provider, notice)))
    return Response(status_code=204)


def receive(tx: Transaction, provider: str, notice: Notice) -> list[Debt]:
    """Write a notice down, once, and let it do what it does; returns what has to go back.

    A capture that fits a pending order pays it. Any other one (late, double, of another amount or currency) is owed
    back; it never changes the state of an order.
    """
    order = _held(tx, notice.order_number)
    if is_known(tx, provider, notice.event):
        return []
    write_payment(tx, order, notice.kind, provider, notice.amount, notice.currency, notice.event)
    if notice.kind == "refund":
        return []
    if order["status"] == "pending" and (notice.amount, notice.currency) == (order["grand_total"], order["currency"]):
        move(tx, orders, order["id"], "pay", event=notice.event)
        return []
    return [owe(tx, order, provider, notice.amount, notice.currency)]


def _held(tx: Transaction, number: str) -> Row:
    """The order, archived ones included, held until the transaction ends."""
    table = tx.entry(orders).table
    return tx.one(select(table).where(table.c.number == number).with_for_update(key_share=True))
