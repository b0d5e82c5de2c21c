"""Holds a JSON value against its schema in an OpenAPI document: as much of JSON Schema as our documents use."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any
from uuid import UUID

FORMATS: dict[str, Callable[[str], Any]] = {
    "uuid": UUID,
    "date": date.fromisoformat,
    "date-time": datetime.fromisoformat,
}
KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}
KNOWN = {
    *("$ref", "type", "anyOf", "enum", "const", "format", "minimum", "maximum", "minLength", "maxLength", "pattern"),
    *("items", "properties", "required", "additionalProperties"),
    *("title", "description", "default", "example", "examples"),
}
"""Words that are looked at, or mean nothing here. Another one is a finding: it would not be checked."""


def violations(value: Any, schema: Any, document: Any, at: str = "") -> list[str]:
    """Everything in `value` that its schema does not allow; `document` resolves references."""
    return [f"{at or '/'}: {finding}" for at, finding in _violations(value, schema, document, at)]


def answer_schema(document: Any, path: str, method: str, status: int) -> Any:
    """The schema that the document gives for an answer."""
    content = document["paths"][path][method.lower()]["responses"][str(status)]["content"]
    return next(iter(content.values()))["schema"]


def _violations(value: Any, schema: Any, document: Any, at: str) -> Iterator[tuple[str, str]]:
    if unknown := set(schema) - KNOWN:
        yield at, f"the schema has {unknown}"
    if "$ref" in schema:
        target = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        yield from _violations(value, target, document, at)
    if "anyOf" in schema and all(violations(value, option, document, at) for option in schema["anyOf"]):
        yield at, "fits none of the options"
    kind = schema.get("type")
    is_flag = isinstance(value, bool) and kind != "boolean"
    if kind is not None and (is_flag or not isinstance(value, KINDS[kind])):
        yield at, f"is {type(value).__name__}, not {kind}"
        return
    yield from ((at, finding) for finding in (*_word(value, schema), *_text(value, schema)))
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from _violations(item, schema["items"], document, f"{at}/{index}")
    if isinstance(value, dict):
        yield from _members(value, schema, document, at)


def _word(value: Any, schema: Any) -> Iterator[str]:
    if "enum" in schema and value not in schema["enum"]:
        yield "is none of the choices"
    if "const" in schema and value != schema["const"]:
        yield "is not the constant"
    if isinstance(value, int | float) and not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        yield "is out of bounds"


def _text(value: Any, schema: Any) -> Iterator[str]:
    if not isinstance(value, str):
        return
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        yield "has the wrong length"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield "does not match the pattern"
    if schema.get("format") in FORMATS:
        try:
            FORMATS[schema["format"]](value)
        except ValueError:
            yield f"is no {schema['format']}"


def _members(value: Any, schema: Any, document: Any, at: str) -> Iterator[tuple[str, str]]:
    known = schema.get("properties", {})
    for name in set(schema.get("required", ())) - set(value):
        yield f"{at}/{name}", "is missing"
    rest = schema.get("additionalProperties", True)
    for name, item in value.items():
        if name in known:
            yield from _violations(item, known[name], document, f"{at}/{name}")
        elif rest is False:
            yield f"{at}/{name}", "is not in the schema"
        elif isinstance(rest, dict):
            yield from _violations(item, rest, document, f"{at}/{name}")
