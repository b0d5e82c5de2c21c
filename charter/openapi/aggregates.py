"""What the document says of aggregates: the words that its reader may use, and the groups that are answered."""

from collections.abc import Mapping
from typing import Any

from charter.catalog import Entry, Field, Path, example_of
from charter.catalog.entry import Kind
from charter.openapi.view import View
from charter.plan import Lens
from charter.plugins.grouping import Word, words_of

Schema = dict[str, Any]

_VALUES: Mapping[Kind, Schema] = {
    "text": {"type": "string"},
    "enum": {"type": "string"},
    "integer": {"type": "integer"},
    "money": {"type": "integer", "format": "money"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "uuid": {"type": "string", "format": "uuid"},
    "time": {"type": "string", "format": "date-time"},
    "date": {"type": "string", "format": "date"},
}
_PARTS = {"year": "2026", "month": "2026-11", "week": "2026-W47", "day": "2026-11-22", "hour": "2026-11-22T20"}


def named(entry: Entry, seen: Lens, view: View) -> tuple[list[Word], list[Word]]:
    """What ``agg`` and ``group`` may name beside `seen`."""
    words, reach = words_of(entry), view.reach(entry)
    measures, groups = words.measures.values(), words.groups.values()
    return [word for word in measures if word.visible(seen, reach)], [
        word for word in groups if word.visible(seen, reach)
    ]


def group_schema(seen: Lens, view: View) -> Schema:
    """One group: what was asked for, by the words that asked."""
    measures, groups = named(seen.entry, seen, view)
    return {
        "type": "object",
        "title": f"{seen.entry.title}Group",
        "description": "One group: each word of `group` and `agg` that was asked for, with its value.",
        "properties": {word.text: _value(word) for word in (*groups, *measures)},
        "additionalProperties": False,
    }


def groups_schema(title: str, group: Schema) -> Schema:
    """A page of groups."""
    properties: Schema = {
        "items": {"type": "array", "items": group},
        "page": {"type": "integer"},
        "size": {"type": "integer"},
        "more": {"type": "boolean", "description": "Whether there are groups after these."},
    }
    required = [*properties]
    return {"type": "object", "title": f"{title}Groups", "properties": properties, "required": required} | {
        "additionalProperties": False
    }


def groups_example(entry: Entry, seen: Lens, view: View) -> Schema:
    """An answer."""
    measures, groups = named(entry, seen, view)
    dated = [word for word in groups if word.part == "month"][:1]
    chosen = [*dated, *measures[:1], *[word for word in measures if word.function == "sum"][:1]]
    return {"items": [{word.text: _example(word) for word in chosen}], "page": 1, "size": 100, "more": False}


def _example(word: Word) -> Any:
    if word.part:
        return _PARTS[word.part]
    return example_of(word.path.field) if word.path and word.function == "sum" else 1


def _value(word: Word) -> Schema:
    """What a word is answered with."""
    path, function = word.path, word.function
    if path is None or function in {"count", "count_distinct"}:
        return {"type": "integer", "minimum": 0}
    if function == "avg":
        return _or_null({"type": "number"})
    if word.part:
        schema: Schema = {"type": "string", "examples": [_PARTS[word.part]]}
    else:
        schema = {**_VALUES[path.field.kind]} | ({"enum": [*path.field.choices]} if path.field.choices else {})
    return _or_null(schema) if function or _may_be_empty(path, path.field) else schema


def _may_be_empty(path: Path, field: Field) -> bool:
    return path.relation is not None or field.nullable


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


__all__ = ["group_schema", "groups_example", "groups_schema", "named"]
