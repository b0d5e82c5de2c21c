"""The parameters of generated operations, typed: those that the reader of the document may name."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, get_args

from pydantic import BaseModel

from charter.auth.documents import resolved
from charter.catalog import Entry
from charter.openapi.about import About
from charter.openapi.aggregates import named
from charter.openapi.view import View
from charter.plan import Counting, Lens
from charter.plugins import search, where
from charter.plugins.filtering import Filter
from charter.plugins.pagination import CursorPageParams, GroupPageParams, PageParams
from charter.query.search import fields_to_search
from charter.replay import HEADER
from charter.serve import Parameters

Parameter = dict[str, Any]

_COUNT = "Whether to count: `exact` (default of pages), `capped` (no further than 10,000), `none` (default of cursors)."


def parameters(entry: Entry, about: About, table: Parameters, view: View) -> list[Parameter]:
    """The parameters of one operation."""
    if about.name == "list":
        return _of_list(entry, table, view)
    if about.name == "aggregate":
        return _of_aggregate(entry, table, view)
    found = [_id()] if not about.name.startswith("me") and about.name != "create" else []
    found += [_key()] if about.is_repeatable else []
    seen = view.lens(entry, "read")
    if about.name not in {"read", "me"} or seen is None:
        return found
    return [*found, *_fields(seen), *_include(seen, view), _with()]


def _of_list(entry: Entry, table: Parameters, view: View) -> list[Parameter]:
    """Every parameter of a list."""
    seen = view.lens(entry, "list")
    if seen is None:
        return []
    found = _pages(CursorPageParams, PageParams)
    found.append(_parameter("count", {"type": "string", "enum": list(get_args(Counting))}, _COUNT))
    terms = [term for term, (path, _) in table.sorts.items() if view.names(path, seen)]
    found += _chosen("sort", terms, "Fields to sort by, `-` for descending; the id breaks ties.")
    found += [*_fields(seen), *_include(seen, view), *_filters(table, seen, view)]
    return [*found, *_search(seen, " Without `sort`, what fits best comes first.")]


def _of_aggregate(entry: Entry, table: Parameters, view: View) -> list[Parameter]:
    """Every parameter of an aggregate."""
    seen = view.lens(entry, "list")
    if seen is None:
        return []
    measures, groups = named(entry, seen, view)
    terms = [way + word.text for word in (*groups, *measures) for way in ("", "-")]
    order = "Words of `group` and `agg` to sort by, `-` for descending; what is grouped by breaks ties."
    return [
        *_chosen("agg", [word.text for word in measures], "What to work out for each group; left out, `count`."),
        *_chosen("group", [word.text for word in groups], "What to group by; without it, all rows are one group."),
        *_chosen("sort", terms, order),
        *_pages(GroupPageParams),
        *_filters(table, seen, view),
        *_search(seen),
    ]


def _pages(*models: type[BaseModel]) -> list[Parameter]:
    """Which page."""
    page = {name: item for model in models for name, item in model.model_json_schema()["properties"].items()}
    return [
        _parameter(name, {key: value for key, value in schema.items() if key != "description"}, schema["description"])
        for name, schema in page.items()
    ]


def _filters(table: Parameters, seen: Lens, view: View) -> list[Parameter]:
    """The filters, alone and as a tree."""
    found, known = [], [item for item in table.filters.values() if view.names(item.path, seen)]
    for item in known:
        schema = _value_of(item)
        make = _listed if schema.get("type") == "array" else _parameter
        found.append(make(item.parameter, schema, item.description))
    return [*found, _where(known)]


def _search(seen: Lens, order: str = "") -> list[Parameter]:
    """``search``: words, where there is a searched field to see."""
    names = ", ".join(f"`{name}`" for _, name in fields_to_search(seen.entry.table, seen.fields))
    text = f"Words that have to be in {names}, the last as a beginning.{order}"
    schema = {"type": "string", "minLength": 1, "maxLength": search.LONGEST_SEARCH}
    return [_parameter(search.SEARCH, schema, text)] if names else []


def _where(named: list[Filter]) -> Parameter:
    """``where``: a tree of filters."""
    schema = {"type": "string", "contentMediaType": "application/json", "maxLength": where.LONGEST_TREE}
    text = "Filters joined by `and`, `or` and `not`, as JSON; arrays where a filter takes several values."
    return _parameter(where.WHERE, schema, text) | {"example": where.example(named)}


@lru_cache(maxsize=4096)
def _value_of(item: Filter) -> Mapping[str, Any]:
    """What a filter takes. Not to be changed."""
    return {key: part for key, part in resolved(item.adapter.json_schema()).items() if key != "explode"}


def _include(seen: Lens, view: View) -> list[Parameter]:
    """``include``: which related rows to answer with."""
    return _chosen("include", view.includes(seen), "Related rows to answer with, by their own access rules.")


def _fields(seen: Lens) -> list[Parameter]:
    """``fields``: which fields to answer with."""
    return _chosen("fields", list(seen.fields), "Only these fields, and `id`.")


def _with() -> Parameter:
    """``with``: what to add to the row that is no part of it."""
    return _parameter("with", {"type": "string", "enum": ["can"]}, "Adds what you may do with the row, as `can`.")


def _id() -> Parameter:
    """The ``id`` in a path."""
    schema = {"type": "string", "format": "uuid"}
    return {"name": "id", "in": "path", "required": True, "schema": schema, "description": "The row's id."}


def _key() -> Parameter:
    """``Idempotency-Key``."""
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x21-\\x7e]+$"}
    what = "A name for this request, best a fresh UUID: sent again under it, the request gets its first answer again."
    return {"name": HEADER, "in": "header", "required": False, "schema": schema, "description": what}


def _chosen(name: str, words: list[str], description: str) -> list[Parameter]:
    """A parameter that takes some of these words; none where there is no word to choose."""
    schema = {"type": "array", "items": {"type": "string", "enum": words}}
    return [_listed(name, schema, description)] if words else []


def _parameter(name: str, schema: Mapping[str, Any], description: str) -> Parameter:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _listed(name: str, schema: Mapping[str, Any], description: str) -> Parameter:
    return _parameter(name, schema, description) | {"style": "form", "explode": False}


__all__ = ["parameters"]
