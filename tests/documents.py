"""An OpenAPI document, taken apart for tests: operations, parameters, words, and whether it holds together."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")
PREFIX = "#/components/schemas/"
WORD = re.compile(r"-?([A-Za-z_][\w.-]*)")
QUOTED = re.compile(r"`([^`]+)`")

CHOSEN = {"sort", "fields", "include", "group", "agg"}
"""Parameters whose words a document lists."""

Document = Mapping[str, Any]
Operation = tuple[str, str]


def operations(document: Document) -> dict[Operation, Any]:
    """Every operation, by path and method."""
    return {(path, method): item for path, methods in document["paths"].items() for method, item in methods.items()}


def choices(document: Document, path: str) -> set[tuple[str, str]]:
    """Everything that the query of a GET may name: parameters without a choice, and each word of those with one."""
    found = set()
    for item in document["paths"].get(path, {}).get("get", {}).get("parameters", ()):
        if item["in"] == "query":
            schema = item["schema"]
            words = schema.get("items", {}).get("enum") if item["name"] in CHOSEN else None
            found |= {(item["name"], word) for word in words or [""]}
    return found


def asking(path: str, name: str, word: str) -> dict[str, str]:
    """A parameter, with what it needs beside it: groups are sorted only by what they have."""
    bare = word.removeprefix("-")
    needed = {"agg" if ":" in bare or bare == "count" else "group": bare}
    return {name: word} | (needed if name == "sort" and path.endswith("/aggregate") else {})


def body_fields(document: Document, item: Mapping[str, Any]) -> set[str]:
    """The members of an operation's JSON body."""
    schema = item["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].removeprefix(PREFIX)]
    return set(schema.get("properties", ()))


def words(part: Any) -> Iterator[str]:
    """Every name that stands anywhere in a document: as a key, as a value, or marked in a sentence."""
    if isinstance(part, Mapping):
        for key, item in part.items():
            yield from words(key)
            yield from words(item)
    elif isinstance(part, list):
        for item in part:
            yield from words(item)
    elif isinstance(part, str):
        named = (part, part.rpartition("/")[2], part.strip("/").partition("/")[0])
        for text in (*named, *re.split("[:()]", part), *QUOTED.findall(part)):
            if found := WORD.fullmatch(text):
                yield from (piece for name in found[1].split(".") for piece in (name, name.partition("__")[0]))


def faults(document: Document) -> list[str]:
    """What makes a document invalid, as far as ours could go wrong: references, ids, parameters, empty choices."""
    found = [*_loose(document)]
    ids = [item.get("operationId") for item in operations(document).values()]
    found += [f"{name} is there twice" for name in {name for name in ids if ids.count(name) > 1}]
    for (path, method), item in operations(document).items():
        named = [(one["in"], one["name"]) for one in item.get("parameters", ())]
        if {name for place, name in named if place == "path"} != set(re.findall(r"{(\w+)}", path)):
            found.append(f"{method} {path}: the parameters of the path are others")
        if method not in METHODS or not item.get("responses") or len(named) != len(set(named)):
            found.append(f"{method} {path}: no method, no answer, or a parameter twice")
    shown = {tag for item in operations(document).values() for tag in item.get("tags", ())}
    found += [f"the tag {tag['name']} has no operation" for tag in document.get("tags", ()) if tag["name"] not in shown]
    return found + [fault for _, part in _parts(document, "") for fault in _schema_faults(part)]


def _loose(document: Document) -> Iterator[str]:
    """References that lead nowhere, and schemas that nothing refers to."""
    schemas = document.get("components", {}).get("schemas", {})
    used: set[str] = set()
    for place, part in _parts(document, ""):
        if "$ref" in part:
            name = str(part["$ref"]).removeprefix(PREFIX)
            if name not in schemas:
                yield f"{place}: {part['$ref']} leads nowhere"
            if not f"{place}/".startswith(f"/components/schemas/{name}/"):
                used.add(name)
    yield from (f"nothing refers to {name}" for name in schemas.keys() - used)


def _parts(part: Any, place: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object in a document with its place; examples are no part of it."""
    if isinstance(part, Mapping):
        yield place, part
        for key, item in part.items():
            if key not in {"example", "examples", "default"}:
                yield from _parts(item, f"{place}/{key}")
    elif isinstance(part, list):
        for index, item in enumerate(part):
            yield from _parts(item, f"{place}/{index}")


def _schema_faults(part: Mapping[str, Any]) -> Iterator[str]:
    if isinstance(part.get("enum"), list) and not part["enum"]:
        yield "a choice of nothing"
    if isinstance(part.get("properties"), Mapping) and isinstance(part.get("required"), list):
        yield from (f"{name} is required and not there" for name in set(part["required"]) - set(part["properties"]))


__all__ = ["asking", "body_fields", "choices", "faults", "operations", "words"]
