"""Values as people read them, and amounts of money as people write them."""

import json
import re
from datetime import UTC, date, datetime
from typing import Any

from markupsafe import Markup

from charter.catalog import Field

LONGEST_IN_LIST = 80
"""Characters of a text that a list shows."""

_FEWER = frozenset((
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
    "XAF", "XOF", "XPF",
))  # fmt: skip
_MORE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_AMOUNT = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{1,3}))?")
_YES = Markup('<i class="fa-solid fa-check text-success" role="img" aria-label="yes"></i>')
_NO = Markup('<i class="fa-solid fa-xmark text-secondary" role="img" aria-label="no"></i>')
_BADGE = Markup('<span class="badge bg-secondary-lt">{}</span>')


def digits(currency: str) -> int:
    """Decimal digits of a currency (ISO 4217): two, but for a few."""
    return 0 if currency in _FEWER else 3 if currency in _MORE else 2


def money_text(amount: int, currency: str) -> str:
    """1999 -> ``19.99``."""
    places = digits(currency)
    if not places:
        return str(amount)
    whole, rest = divmod(abs(amount), 10**places)
    return f"{'-' if amount < 0 else ''}{whole}.{rest:0{places}}"


def money_amount(text: str, currency: str) -> int:
    """``19.99`` or ``19,9`` -> 1999 or 1990; ValueError for anything else."""
    found = _AMOUNT.fullmatch(text.strip())
    places = digits(currency)
    if found is None or len(found[2] or "") > places:
        msg = f"must be an amount such as {money_text(1999, currency)}"
        raise ValueError(msg)
    return int(f"{found[1]}{(found[2] or '').ljust(places, '0')}")


def shown(field: Field, value: Any, currency: str, *, short: bool) -> Any:
    """The value of a field for a page; what is not Markup is escaped there."""
    if value is None:
        return ""
    match field.kind:
        case "boolean":
            return _YES if value else _NO
        case "money":
            return money_text(int(value), currency)
        case "time":
            return _moment(value)
        case "enum":
            return _BADGE.format(getattr(value, "value", value))
        case "json":
            value = json.dumps(value, ensure_ascii=False)
        case _:
            value = value.isoformat() if isinstance(value, date) else str(value)
    return value if not short or len(value) <= LONGEST_IN_LIST else f"{value[: LONGEST_IN_LIST - 1]}…"


def _moment(value: datetime | str) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


__all__ = ["digits", "money_amount", "money_text", "shown"]
