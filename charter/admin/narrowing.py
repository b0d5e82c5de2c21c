"""What a list can be narrowed by: the declared filters of the API, as far as the caller may know of them."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement
from starlette.exceptions import HTTPException
from starlette.requests import Request

from charter.admin.sight import Sight
from charter.admin.values import money_amount
from charter.admin.visit import visit
from charter.catalog import Entry
from charter.plan import caller_values, lens
from charter.plugins.filtering import Filter, compile_filters, condition, is_visible
from charter.plugins.parameters import why
from charter.serve import reach

TAKEN = frozenset({"error", "page", "pageSize", "search", "sort", "sortBy"})
"""Parameters of a list that mean something else."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@lru_cache(maxsize=1024)
def _compiled(entry: Entry) -> Mapping[str, Filter]:
    return compile_filters(entry)


def parameters(sight: Sight) -> Mapping[str, Filter]:
    """The parameters that the caller's list takes: the filters of the API that they may know of."""
    kept = visit().parameters
    if sight.entry.name not in kept:
        kept[sight.entry.name] = _parameters(sight)
    return kept[sight.entry.name]


def _parameters(sight: Sight) -> Mapping[str, Filter]:
    decision = sight.decision("list")
    if decision is None or sight.caller is None:
        return {}
    seen, ask = lens(sight.entry, decision), reach(sight.services, sight.caller, sight.entry)
    found = _compiled(sight.entry).items()
    return {name: item for name, item in found if item.path.name not in TAKEN and is_visible(item.path, seen, ask)}


def operator_of(item: Filter) -> str:
    """The word behind a parameter's name: ``price__gte`` -> ``gte``; empty where values are to be equal."""
    return item.parameter.removeprefix(item.path.name).lstrip("_")


def references(sight: Sight) -> Mapping[str, Entry]:
    """The fields that a list can be narrowed by with the id of a row that the caller may look up."""
    found: dict[str, Entry] = {}
    for item in parameters(sight).values():
        relation = sight.reference(item.path.name) if item.path.relation is None else None
        target = sight.target(relation) if relation is not None else None
        if target is not None:
            found[item.path.name] = target
    return found


def conditions(sight: Sight, request: Request) -> list[ColumnElement[bool]]:
    """What the parameters of a list ask for; a value that cannot be one is refused."""
    known = parameters(sight)
    found: list[ColumnElement[bool]] = []
    for name, text in _given(known, request).items():
        assert sight.caller is not None  # noqa: S101 # nobody else knows a parameter
        item, ask = known[name], reach(sight.services, sight.caller, sight.entry)
        made = condition(sight.entry, item, _value(sight, item, text), f"f{len(found)}", ask)
        found.append(made.clause.params({**caller_values(sight.caller), **made.values}))
        visit().narrowed[name] = text
    return found


def _given(known: Mapping[str, Filter], request: Request) -> dict[str, str]:
    """Parameter -> text; one that takes several values may be there several times."""
    asked: dict[str, str] = {}
    for name, text in request.query_params.multi_items():
        item = known.get(name)
        if item is not None and text:
            asked[name] = f"{asked[name]},{text}" if item.listed and name in asked else text
    return asked


def _value(sight: Sight, item: Filter, text: str) -> Any:
    """A text as somebody writes it, as the value that the filter compares with."""
    try:
        return item.adapter.validate_python(text if item.asks_emptiness else _plain(sight, item, text))
    except ValidationError as error:
        reason = why(error.errors(include_input=False, include_url=False)[0])
    except (ValueError, OverflowError) as error:
        reason = str(error)
    raise HTTPException(400, f"This list cannot be narrowed so. {sight.label(item.path.name)}: {reason}.")


def _plain(sight: Sight, item: Filter, text: str) -> str:
    """The text as the API writes it: an amount in the smallest unit, a day as a moment."""
    kind = item.path.field.kind
    if kind == "money":
        currency = sight.services.settings.currency
        return ",".join(str(money_amount(part, currency)) for part in (text.split(",") if item.listed else [text]))
    if kind == "time" and _DAY.fullmatch(text):
        return _edge(date.fromisoformat(text), operator_of(item)).isoformat()
    return text


def _edge(day: date, operator: str) -> datetime:
    """The moment at which a day of the reader begins or, seen from behind, the last one in it."""
    begin = datetime.combine(day, time(), visit().zone)
    if operator not in {"lte", "gt"}:
        return begin
    return datetime.combine(day + timedelta(days=1), time(), visit().zone) - timedelta(microseconds=1)


__all__ = ["TAKEN", "conditions", "operator_of", "parameters", "references"]
