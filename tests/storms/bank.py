"""A payment provider of the tests' own, as one would be added: signed notices in JSON; it forgets and fails on demand.

The launcher of a storm's shop opens it before ``app`` is built.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from charter import AuthorizationException, Row, ValidationException

if TYPE_CHECKING:
    from resources.checkout.payment import Notice

NAME = "bank"
SECRET = b"known to the shop and the bank"
HEADER = "X-Bank-Signature"

CLOSED = "the bank is closed"
"""An order with this note is one that the bank can do nothing for."""

BOOK = Path("bank.txt")
"""Where the bank writes down what it was asked for, in the application's folder."""


def signed(**notice: Any) -> tuple[bytes, dict[str, str]]:
    """The body and the headers of a notice."""
    body = json.dumps(notice).encode()
    return body, {HEADER: hmac.new(SECRET, body, hashlib.sha256).hexdigest(), "Content-Type": "application/json"}


class Bank:
    """Collects, gives back, and tells of both."""

    name = NAME

    async def start(self, order: Row) -> None:
        """Begin to collect."""
        self._asked("start", order, order["grand_total"])

    async def refund(self, order: Row, amount: int) -> None:
        """Give back."""
        self._asked("refund", order, amount)

    def _asked(self, what: str, order: Row, amount: int) -> None:
        with BOOK.open("a") as book:
            book.write(f"{what} {order['number']} {amount}\n")
        if order["note"] == CLOSED:
            raise RuntimeError(CLOSED)

    def parse_notice(self, headers: Mapping[str, str], body: bytes) -> "Notice":
        """A notice that bears our signature."""
        from resources.checkout.payment import Notice  # noqa: PLC0415 # the application's, found only where it runs

        right = hmac.new(SECRET, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, headers.get(HEADER, "")):
            raise AuthorizationException("The signature is wrong.")
        try:
            said = json.loads(body)
            return Notice(said["kind"], said["event"], said["order"], said["amount"], said["currency"])
        except (ValueError, KeyError, TypeError):
            raise ValidationException("This is no notice.") from None


def open_bank() -> None:
    """Take the bank's notices, and let it collect for new orders."""
    from resources.checkout import payment  # noqa: PLC0415 # the application's, found only where it runs

    bank = Bank()
    payment.PROVIDERS[NAME] = bank
    payment.chosen = lambda: bank
