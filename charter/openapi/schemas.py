"""The schemas that generated operations refer to: made once for all that there is, cut to what a reader may know."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from charter.catalog import Entry
from charter.declare import Action, Body, Transition
from charter.openapi.aggregates import group_schema, groups_schema
from charter.openapi.view import View
from charter.plan import Lens
from charter.plugins.pagination import page_model
from charter.refusals import SCHEMA, ProblemDetails
from charter.serve import FIELDED, doors_of

Schema = dict[str, Any]
Schemas = dict[str, Schema]


def reference(name: str) -> Schema:
    """A reference to the component `name`."""
    return {"$ref": SCHEMA.format(model=name)}


def components(held: Sequence[Entry], view: View) -> Schemas:
    """The schemas of these entries, as far as `view` goes; what no operation refers to is dropped later."""
    found = dict(_whole(tuple(held)))
    for entry in held:
        whole, title = found[entry.title], entry.title
        for suffix, action in (("Create", "create"), ("Replace", "update"), ("Update", "update")):
            if title + suffix in found:
                found[title + suffix] = _cut(found[title + suffix], view.fields(entry, action) or ())
        found[f"{title}Can"] = _abilities(entry, view)
        for action in ("list", "read"):
            seen = view.lens(entry, action)
            if seen is not None:
                found[row_name(entry, view, action)] = _row(whole, seen, view, is_one=action == "read")
            if seen is not None and action == "list":
                found[f"{title}Group"] = group_schema(seen, view)
                found[f"{title}Groups"] = groups_schema(title, reference(f"{title}Group"))
        found[f"{title}Page"] = _page(found[f"{title}Page"], row_name(entry, view, "list"))
        found |= {name: part for item in entry.actions.values() for name, part in _body_parts(entry, item)[1].items()}
    return found


def row_name(entry: Entry, view: View, action: str) -> str:
    """The component of a row: lists have one of their own where they show other fields than a read."""
    listed, read = view.fields(entry, "list"), view.fields(entry, "read")
    return f"{entry.title}Listed" if action == "list" and listed != read else entry.title


def row_example(entry: Entry, names: Collection[str]) -> Schema:
    """An example of a row with these fields."""
    return _of(_whole((entry,))[entry.title]["example"], names)


def only_id() -> Schema:
    """The answer of a write to somebody who may not read."""
    schema = {"id": {"type": "string", "format": "uuid"}}
    return {"type": "object", "properties": schema, "required": ["id"], "additionalProperties": False}


def account(entry: Entry, view: View) -> Schema:
    """The row of a new account: `view` is that of the role that it gets."""
    return _cut(_whole((entry,))[entry.title], view.fields(entry, "read") or {"id"})


def action_body(entry: Entry, item: Action | Transition) -> Schema:
    """The body of an action, written out."""
    return _body_parts(entry, item)[0]


@lru_cache(maxsize=256)
def _whole(held: tuple[Entry, ...]) -> Mapping[str, Schema]:
    """The schemas of everything that these entries have, without relations. Not to be changed."""
    models: list[tuple[type[BaseModel], Any]] = [(ProblemDetails, "validation")]
    for entry in held:
        models += [(page_model(entry.schemas.read), "validation"), (entry.schemas.read, "validation")]
        if entry.takes_writes:
            bodies = (entry.schemas.create, entry.schemas.replace, entry.schemas.update)
            models += [(model, "validation") for model in bodies]
    _, found = models_json_schema(models, ref_template=SCHEMA)
    schemas: Schemas = found["$defs"]
    return schemas


@lru_cache(maxsize=256)
def _body_parts(entry: Entry, item: Action | Transition) -> tuple[Schema, Schemas]:
    """The schema of an action's body, and those that it refers to, under names that nothing else has."""
    prefix = f"{entry.title}.{item.name}."
    schema = (item.body or Body).model_json_schema(ref_template=SCHEMA.format(model=prefix + "{model}"))
    parts = {prefix + name: part for name, part in schema.pop("$defs", {}).items()}
    return schema, parts


def _cut(schema: Schema, names: Collection[str]) -> Schema:
    """An object's schema with these properties only."""
    found = {**schema, "properties": _of(schema.get("properties", {}), names)}
    if "example" in schema:
        found["example"] = _of(schema["example"], names)
    required = [name for name in found.pop("required", ()) if name in names]
    return found | ({"required": required} if required else {})


def _of(members: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if name in names}


def _row(whole: Schema, seen: Lens, view: View, *, is_one: bool) -> Schema:
    """A row: the fields, then what can come with them."""
    found = _cut(whole, seen.fields)
    found["properties"] |= _relations(seen, view)
    if is_one:
        about = "Only with `with=can`, on one row: what you may do with it."
        found["properties"]["can"] = {**reference(f"{seen.entry.title}Can"), "description": about}
    return found


def _page(whole: Schema, row: str) -> Schema:
    rows = {**whole["properties"]["items"], "items": reference(row)}
    return {**whole, "properties": {**whole["properties"], "items": rows}}


def _relations(seen: Lens, view: View) -> Schemas:
    """The included relations as properties of the row."""
    found: Schemas = {}
    for name in {path.split(".")[0]: None for path in view.includes(seen)}:
        relation = seen.entry.relations[name]
        target = view.services.catalog.of_table(relation.target)
        assert target is not None  # noqa: S101 # an include without an entry behind it is not in the view
        row, about = reference(target.title), {"description": f"Only with `include={name}`."}
        many, one = {"type": "array", "items": row}, {"anyOf": [row, {"type": "null"}]}
        found[name] = (many if relation.many else one) | about
    return found


def _abilities(entry: Entry, view: View) -> Schema:
    """``can``: the actions that there are for a row, each with the fields that it takes."""
    actions: Schemas = {}
    for action in doors_of(entry):
        allowed = view.fields(entry, action)
        if allowed is not None:
            actions[action] = _ability(sorted(allowed) if action in FIELDED else None)
    about = "What the caller may do with a row: only what is allowed, with the fields that it is allowed for."
    return {"type": "object", "title": f"{entry.title}Can", "description": about, "properties": actions} | {
        "required": ["read"] if "read" in actions else [],
        "additionalProperties": False,
    }


def _ability(names: list[str] | None) -> Schema:
    closed = {"type": "object", "additionalProperties": False}
    if names is None:
        return closed
    words = {"type": "string", "enum": names} if names else {"type": "string"}
    return closed | {"properties": {"fields": {"type": "array", "items": words}}, "required": ["fields"]}


__all__ = ["account", "action_body", "components", "only_id", "reference", "row_example", "row_name"]
