"""What stands above a list: the fields that it can be narrowed by, and what it is narrowed by at the moment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup
from starlette.datastructures import URL
from starlette.requests import Request

from charter.admin.fields import look_up_box
from charter.admin.lookups import Lookup
from charter.admin.narrowing import operator_of, parameters, references
from charter.admin.sight import Sight, sight_of
from charter.admin.visit import visit
from charter.catalog import Field

YES_NO = (("true", "yes"), ("false", "no"))

LATE = frozenset({"created_at", "updated_at"})
"""Fields of every row, which stand behind its own."""

Shape = Literal["words", "row", "range", "days", "text"]
"""Words to choose from, a look-up of a row, two bounds, two days, a part of a text."""

_SHAPES: Mapping[str, Shape] = {
    "money": "range",
    "integer": "range",
    "number": "range",
    "time": "days",
    "date": "days",
    "text": "text",
}

_SAID: Mapping[str, str] = {
    "ne": "not",
    "not_in": "none of",
    "gt": "above",
    "gte": "from",
    "lt": "below",
    "lte": "up to",
    "contains": "contains",
    "starts_with": "begins with",
    "ends_with": "ends with",
    "is_null": "is empty:",
}
"""The operator of a parameter, as a chip says it; equality goes without saying."""


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One field of the panel; ``name`` begins its parameters, ``box`` is the look-up of a row, ``unit`` a currency."""

    name: str
    label: str
    shape: Shape
    choices: tuple[tuple[str, str], ...] = ()
    box: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Chip:
    """Something that the list is narrowed by; ``without`` is the list that is not."""

    label: str
    text: str
    without: URL


async def panel(view: Any, sight: Sight, request: Request) -> list[Narrowing]:
    """Every field whose filter the caller may know of, as what suits its values."""
    found: list[Narrowing] = []
    names = dict.fromkeys(item.path.name for item in parameters(sight).values())
    for name in sorted(names, key=LATE.__contains__):
        field = sight.entry.filters[name].field
        shape = _shape(sight, name, field)
        if shape is None:
            continue
        unit = sight.services.settings.currency if field.kind == "money" else ""
        box = await _box(view, sight, request, name) if shape == "row" else ""
        found.append(Narrowing(name, sight.label(name), shape, _choices(sight, name, field), box, unit))
    return found


def _shape(sight: Sight, name: str, field: Field) -> Shape | None:
    if _choices(sight, name, field):
        return "words"
    return "row" if name in references(sight) else _SHAPES.get(field.kind)


def _choices(sight: Sight, name: str, field: Field) -> tuple[tuple[str, str], ...]:
    """The few values that a field has, with what they are called."""
    if field.kind == "boolean":
        return YES_NO
    return tuple((word, word) for word in (field.choices if "." in name else sight.choices(field)))


async def _box(view: Any, sight: Sight, request: Request, name: str) -> Markup:
    text = visit().narrowed.get(name, "")
    url = request.url_for("admin:ajax_lookup", identity=sight.entry.name)
    return look_up_box(name, f"filter-{name}", (text, await _called(view, sight, name, text)), str(url))


async def _called(view: Any, sight: Sight, name: str, text: str) -> str:
    """The row of an id by its title, or by the id where the caller cannot read it."""
    target = references(sight).get(name)
    if target is None or not text:
        return text
    return (await Lookup(name, view, sight_of(sight.services, target)).format_by_pk(text)).get("text", text)


async def chips(view: Any, sight: Sight, request: Request) -> list[Chip]:
    """Everything that the list is narrowed by."""
    found = []
    for parameter, text in visit().narrowed.items():
        item = parameters(sight)[parameter]
        words = text.replace(",", ", ") if item.listed else await _called(view, sight, parameter, text)
        if item.path.field.kind == "boolean" or item.asks_emptiness:
            words = dict(YES_NO).get(words, words)
        said = f"{_SAID.get(operator_of(item), '')} {words}".strip()
        found.append(Chip(sight.label(item.path.name), said, request.url.remove_query_params([parameter, "page"])))
    return found


__all__ = ["Chip", "Narrowing", "chips", "panel"]
