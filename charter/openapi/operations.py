"""The OpenAPI operations of generated routes: parameters, bodies, answers and examples, from the compiled entries."""

from typing import Any

from charter.catalog import Entry
from charter.declare import Action, Transition
from charter.openapi.about import BEARER, About
from charter.openapi.aggregates import groups_example
from charter.openapi.parameters import parameters
from charter.openapi.schemas import action_body, only_id, reference, row_example, row_name
from charter.openapi.view import View
from charter.refusals import refusals
from charter.replay import REPLAYED
from charter.serve import Parameters

REPLAY = {"description": "`true` where the answer was given before.", "schema": {"type": "string"}}

_ALWAYS = ("unknown_parameter", "not_authenticated", "forbidden", "rate_limited", "service_unavailable")
_OF_BODIES = ("too_large", "unsupported_media_type", "validation")


def operation(entry: Entry, about: About, table: Parameters, view: View) -> dict[str, Any] | None:
    """The OpenAPI operation of one generated route, None where `view` does not show it."""
    if not view.shows(entry, about):
        return None
    codes = [*_ALWAYS]
    codes += ["not_found"] if about.name not in {"list", "aggregate", "create", "me_permissions"} else []
    codes += ["unique"] if about.body or about.name == "delete" else []
    codes += [*_OF_BODIES] if about.body else []
    found: dict[str, Any] = {
        "operationId": f"{entry.name.replace('-', '_')}_{about.name}",
        "summary": about.summary,
        "tags": [entry.name],
        "parameters": parameters(entry, about, table, view),
        "security": [{BEARER: []}, {}] if _is_public(entry, about, view) else [{BEARER: []}],
    }
    if about.action is not None:
        codes += ["conflict", *_OF_BODIES]
        found["requestBody"] = _action_body(entry, about.action)
    elif about.body:
        content = {"application/json": {"schema": reference(getattr(entry.schemas, about.body).__name__)}}
        found["requestBody"] = {"required": True, "content": content}
    success = _success(entry, about, view)
    for answer in success.values() if about.is_repeatable else ():
        answer.setdefault("headers", {})[REPLAYED] = REPLAY
    found["responses"] = success | refusals(codes)
    return found


def _is_public(entry: Entry, about: About, view: View) -> bool:
    """Whether a caller without credentials gets as far as the row."""
    services = view.services
    return services.access.decide(services.roles.anonymous, entry.name, about.rule) is not None


def _action_body(entry: Entry, action: Action | Transition) -> dict[str, Any]:
    """The body of an action: it may be left out where nothing in it is required."""
    schema = action_body(entry, action)
    return {"required": bool(schema.get("required")), "content": {"application/json": {"schema": schema}}}


def _success(entry: Entry, about: About, view: View) -> dict[str, Any]:
    if about.name == "delete":
        return {"204": {"description": "Deleted."}}
    if about.answer == "permissions":
        example: Any = {"role": "…", "resources": {entry.name: {"read": {"rows": ["own"], "fields": ["id"]}}}}
        return {"200": _json("Resources, actions, rows and fields.", {"type": "object"}, example)}
    if about.name == "list":
        return {"200": _page(entry, view)}
    if about.name == "aggregate":
        return {"200": _groups(entry, view)}
    shown = view.fields(entry, "read")
    schema = only_id() if shown is None else reference(row_name(entry, view, "read"))
    example = row_example(entry, shown or {"id"})
    if about.name != "create":
        return {"200": _json("The row.", schema, example)}
    location = {"Location": {"description": "Path of the row.", "schema": {"type": "string"}}}
    made = {"201": _json("The new row.", schema, example) | {"headers": location}}
    if any(hooks.instead_of_create for hooks in entry.hooks):
        made["200"] = _json("The row that was there already, changed.", schema, example)
    return made


def _page(entry: Entry, view: View) -> dict[str, Any]:
    row = row_example(entry, view.fields(entry, "list") or ())
    example = {"items": [row], "total": 1, "page": 1, "size": 20, "pages": 1, "next": None, "prev": None}
    links = "The other pages (RFC 8288), by number or by cursor: `first`, `prev`, `next`, `last`."
    header = {"Link": {"description": links, "schema": {"type": "string"}}}
    return _json("The page.", reference(f"{entry.title}Page"), example) | {"headers": header}


def _groups(entry: Entry, view: View) -> dict[str, Any]:
    seen = view.lens(entry, "list")
    example = groups_example(entry, seen, view) if seen else {}
    return _json("The groups.", reference(f"{entry.title}Groups"), example)


def _json(description: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema, "example": example}}}


__all__ = ["operation"]
