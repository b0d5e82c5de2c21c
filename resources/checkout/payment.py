"""Money from outside: what a payment provider has to be able to do, and the one that ships, `offline`.

A provider is called after the commit, never inside a transaction; what it tells us comes back as notices.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from charter import Change, NotFoundException, Row, ValidationException
from resources.checkout.books import BY_HAND, Debt

log = logging.getLogger("shop.payments")


@dataclass(frozen=True, slots=True)
class Notice:
    """What a provider tells: money came (``capture``) or went back (``refund``). ``event`` is its own id of that."""

    kind: Literal["capture", "refund"]
    event: str
    order_number: str
    amount: int
    currency: str

    def __post_init__(self) -> None:
        """Providers write amounts in many ways; one that was not understood must never reach the book."""
        is_amount = type(self.amount) is int and self.amount >= 0
        texts = ((self.event, 200), (self.order_number, 20), (self.currency, 3))
        if self.kind not in {"capture", "refund"} or not is_amount or not all(_is_word(*text) for text in texts):
            raise ValidationException("The notice cannot be read.")


def _is_word(text: object, longest: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= longest and text.isprintable()


class Provider(Protocol):
    """One way to pay."""

    name: str

    async def start(self, order: Row) -> None:
        """Begin to collect ``grand_total`` for a placed order."""

    async def refund(self, order: Row, amount: int) -> None:
        """Give back `amount`, in minor units of the order's currency. Its notice says when that is done."""

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:
        """What a notice says; an ApiException for one that is not the provider's own."""


class Offline:
    """Paid by transfer or in cash: staff say so by ``pay``, and give back by hand what is due."""

    name = BY_HAND

    async def start(self, order: Row) -> None:
        """Nothing to do; the order says what to pay until when."""

    async def refund(self, order: Row, amount: int) -> None:
        """Nothing to do; what is due is kept until somebody has paid it back."""

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> Notice:  # noqa: ARG002 # the face of a provider
        """Nobody sends one."""
        raise NotFoundException("This provider sends no notices.")


PROVIDERS: dict[str, Provider] = {BY_HAND: Offline()}
"""Every provider whose notices are taken, by name."""

DEBTS = "debts"
"""Where a transition leaves, for after the commit, what has to go back."""


def chosen() -> Provider:
    """The one that new orders are paid with."""
    return PROVIDERS[BY_HAND]


async def tell_provider(change: Change) -> None:
    """After the commit: begin to collect for a new order, give back what one that ended had paid."""
    if change.action == "create":
        await chosen().start(change.row)
    await settle(change.inputs.get(DEBTS, ()))


async def settle(debts: Iterable[Debt]) -> None:
    """Ask the providers to give back what is owed. What they cannot do now stays owed.

    So does what came in another currency than the order's: `refund` knows of no other one.
    """
    for debt in debts:
        if debt.currency != debt.order["currency"]:
            log.warning("money in another currency has to go back by hand", extra={"order": debt.order["number"]})
            continue
        try:
            await PROVIDERS[debt.provider].refund(debt.order, debt.amount)
        except Exception:
            log.exception("a refund could not be asked for", extra={"order": debt.order["number"]})
