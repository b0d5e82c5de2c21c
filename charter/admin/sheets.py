"""Values in a file: as text for a CSV that a spreadsheet opens, as JSON for a program, and back from a CSV's cells.

A spreadsheet takes a text that begins like a formula for one, and runs it. Such a text gets a ``'`` before it on the
way out and loses it on the way in; so does one that has such a mark already, so that the trip changes nothing.
"""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from charter.admin.fields import codec_of
from charter.admin.values import money_text
from charter.catalog import Field

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
"""How a text begins that a spreadsheet may take for a formula, the wide forms of East Asia included."""

_MARKED = re.compile(r"'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")

NUMBERS = frozenset({"integer", "number", "money"})
"""Kinds whose text is digits and a sign: never a formula, and no number any more with a mark before it."""

_WORDS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def neutral(text: str) -> str:
    """`text` as no spreadsheet runs it."""
    return f"'{text}" if _FORMULA.match(text) else text


def plain(text: str) -> str:
    """`text` as it was before `neutral`."""
    return text[1:] if _MARKED.match(text) else text


def csv_cell(field: Field, value: Any, currency: str) -> str:
    """A value as a cell: money as 19.99, moments in UTC, yes or no as true or false; nothing where there is none."""
    if value is None:
        return ""
    if field.kind == "money":
        return money_text(int(value), currency)
    if field.kind == "json":
        return neutral(json.dumps(value, ensure_ascii=False))
    found = json_value(field, value)
    text = json.dumps(found) if isinstance(found, bool) else str(found)
    return text if field.kind in NUMBERS else neutral(text)


def json_value(field: Field, value: Any) -> Any:
    """A value as the API writes it."""
    write: Callable[[Any], Any] = _JSON.get(field.kind, _text)
    return None if value is None else write(value)


def _moment(value: datetime | str) -> str:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, date) else str(getattr(value, "value", value))


def _same(value: Any) -> Any:
    return value


_JSON: Mapping[str, Callable[[Any], Any]] = {
    "integer": int,
    "money": int,
    "number": float,
    "boolean": bool,
    "time": _moment,
    "json": _same,
}
"""How each kind of value looks as JSON, where it is no text."""


def cell_value(field: Field, text: str, currency: str) -> Any:
    """What a cell means as JSON; ValueError with words where it cannot be read."""
    if field.kind == "boolean":
        known = _WORDS.get(text.strip().casefold())
        if known is None:
            raise ValueError("must be true or false")
        return known
    if field.kind in {"time", "date", "uuid"}:
        return text.strip()  # the API's own schema reads these, offsets and all
    if field.kind in NUMBERS:
        return codec_of(field, currency).read(text.strip())
    return codec_of(field, currency).read(plain(text))


__all__ = ["cell_value", "csv_cell", "json_value", "neutral", "plain"]
