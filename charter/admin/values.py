"""Values as people read them, and amounts of money as people write them."""

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any

from markupsafe import Markup

from charter.catalog import Field

LONGEST_IN_LIST = 80
"""Characters of a text that a list shows."""

NO_TONES: Mapping[str, str] = MappingProxyType({})

_FEWER = frozenset((
    "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV",
    "XAF", "XOF", "XPF",
))  # fmt: skip
_MORE = frozenset(["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"])
_AMOUNT = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{1,3}))?")
_YES = Markup('<i class="fa-solid fa-check text-success" role="img" aria-label="yes"></i>')
_NO = Markup('<i class="fa-solid fa-xmark text-secondary" role="img" aria-label="no"></i>')
_BADGE = Markup('<span class="badge tone-{}">{}</span>')
_TIME = Markup('<time datetime="{}" title="{}">{}</time>')
_PICTURE = Markup('<img class="ch-thumb" src="{}" alt="" loading="lazy">')
_NO_PICTURE = Markup('<span class="ch-thumb"><i class="fa-regular fa-image" aria-hidden="true"></i></span>')


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


def picture(address: Any) -> Any:
    """A picture of this server, small; the address alone of one elsewhere, which no page of ours asks for."""
    text = str(address or "")
    if not text:
        return _NO_PICTURE
    is_ours = text.startswith("/") and not text.startswith(("//", "/\\"))
    return _PICTURE.format(text) if is_ours else text


def shown(field: Field, value: Any, currency: str, *, short: bool, tones: Mapping[str, str] = NO_TONES) -> Any:
    """The value of a field for a page; what is not Markup is escaped there."""
    if value is None:
        return ""
    match field.kind:
        case "boolean":
            return _YES if value else _NO
        case "money":
            return money_text(int(value), currency)
        case "time":
            return moment(value)
        case "enum":
            word = str(getattr(value, "value", value))
            return _BADGE.format(tones.get(word, "plain"), word)
        case "json":
            value = json.dumps(value, ensure_ascii=False)
        case _:
            value = value.isoformat() if isinstance(value, date) else str(value)
    return value if not short or len(value) <= LONGEST_IN_LIST else f"{value[: LONGEST_IN_LIST - 1]}…"


def moment(value: datetime | str) -> Markup:
    """A moment in UTC; the page's script puts it into the reader's own zone."""
    at = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(UTC)
    text = f"{at:%Y-%m-%d %H:%M:%S} UTC"
    return _TIME.format(f"{at:%Y-%m-%dT%H:%M:%SZ}", text, text)


__all__ = ["digits", "moment", "money_amount", "money_text", "picture", "shown"]
