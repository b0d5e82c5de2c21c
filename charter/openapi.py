"""The OpenAPI document of generated routes: parameters, bodies, answers and examples, from the compiled entries.

FastAPI writes the frame and the hand-written routes; what is made here is merged into it when the document is first
asked for, so that neither a request nor the start pays for it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from charter.catalog import BodyKind, Entry
from charter.declare import Action, Body, Transition
from charter.plugins.pagination import PageParams, page_model
from charter.refusals import SCHEMA, ProblemDetails, refusals
from charter.serve import Parameters

BEARER = "bearer"
_ALWAYS = ("unknown_parameter", "not_authenticated", "forbidden", "rate_limited", "service_unavailable")
_OF_BODIES = ("too_large", "unsupported_media_type", "validation")


@dataclass(frozen=True, slots=True)
class About:
    """What a generated route says of itself: ``name`` ends its operationId, ``rule`` is the action it asks for."""

    name: str
    summary: str
    rule: str = ""
    body: BodyKind | None = None
    answer: Literal["row", "permissions"] = "row"
    action: Action | Transition | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", self.rule or self.name)


def operation(entry: Entry, about: About, table: Parameters, *, public: bool) -> dict[str, Any]:
    """The OpenAPI operation of one generated route."""
    codes = [*_ALWAYS]
    codes += ["not_found"] if about.name not in {"list", "create", "me_permissions"} else []
    codes += ["unique"] if about.body or about.name == "delete" else []
    codes += [*_OF_BODIES] if about.body else []
    found: dict[str, Any] = {
        "operationId": f"{entry.name.replace('-', '_')}_{about.name}",
        "summary": about.summary,
        "tags": [entry.name],
        "parameters": _parameters(entry, about, table),
        "security": [{BEARER: []}, {}] if public else [{BEARER: []}],
    }
    if about.action is not None:
        codes += ["conflict", *_OF_BODIES]
        found["requestBody"] = _action_body(about.action)
    elif about.body:
        model = getattr(entry.schemas, about.body).__name__
        content = {"application/json": {"schema": {"$ref": SCHEMA.format(model=model)}}}
        found["requestBody"] = {"required": True, "content": content}
    found["responses"] = _success(entry, about) | refusals(codes)
    return found


def _action_body(action: Action | Transition) -> dict[str, Any]:
    """The body of an action, written out: it may be left out where nothing in it is required."""
    schema = (action.body or Body).model_json_schema()
    return {"required": bool(schema.get("required")), "content": {"application/json": {"schema": schema}}}


def _parameters(entry: Entry, about: About, table: Parameters) -> list[dict[str, Any]]:
    if about.name == "list":
        return list_parameters(entry, table)
    found = [id_parameter()] if not about.name.startswith("me") and about.name != "create" else []
    shown = [fields_parameter(entry), *include_parameter(entry)]
    return [*found, *shown] if about.name in {"read", "me"} else found


def _success(entry: Entry, about: About) -> dict[str, Any]:
    if about.name == "delete":
        return {"204": {"description": "Deleted."}}
    if about.answer == "permissions":
        example: Any = {"role": "…", "resources": {entry.name: {"read": {"rows": ["own"], "fields": ["id"]}}}}
        return {"200": _json("Resources, actions, rows and fields.", {"type": "object"}, example)}
    model = f"{entry.title}Page" if about.name == "list" else entry.title
    example = entry.schemas.read.model_json_schema()["example"]
    if about.name == "list":
        example = {"items": [example], "total": 1, "page": 1, "size": 20, "pages": 1, "next": None, "prev": None}
    schema = {"$ref": SCHEMA.format(model=model)}
    if about.name != "create":
        return {"200": _json("The page." if about.name == "list" else "The row.", schema, example)}
    location = {"Location": {"description": "Path of the row.", "schema": {"type": "string"}}}
    made = {"201": _json("The new row.", schema, example) | {"headers": location}}
    if any(hooks.instead_of_create for hooks in entry.hooks):
        made["200"] = _json("The row that was there already, changed.", schema, example)
    return made


def _json(description: str, schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema, "example": example}}}


def list_parameters(entry: Entry, table: Parameters) -> list[dict[str, Any]]:
    """Every parameter of a list, typed."""
    page = PageParams.model_json_schema()["properties"]
    found = [
        _parameter(name, {key: value for key, value in schema.items() if key != "description"}, schema["description"])
        for name, schema in page.items()
    ]
    found.append(
        _parameter("count", {"type": "string", "enum": ["exact", "none"], "default": "exact"}, "Whether to count.")
    )
    terms = {"type": "array", "items": {"type": "string", "enum": list(table.sorts)}}
    found.append(_listed("sort", terms, "Fields to sort by, `-` for descending; the id breaks ties."))
    found += [fields_parameter(entry), *include_parameter(entry)]
    for item in table.filters.values():
        schema = item.adapter.json_schema()
        schema.pop("explode", None)
        make = _listed if schema.get("type") == "array" else _parameter
        found.append(make(item.parameter, schema, item.description))
    return found


def include_parameter(entry: Entry) -> list[dict[str, Any]]:
    """``include``: which related rows to answer with; none where nothing is declared."""
    if not entry.resource.include:
        return []
    schema = {"type": "array", "items": {"type": "string", "enum": list(entry.resource.include)}}
    return [_listed("include", schema, "Related rows to answer with, by their own access rules.")]


def fields_parameter(entry: Entry) -> dict[str, Any]:
    """``fields``: which fields to answer with."""
    names = [name for name in entry.fields if name in entry.readable]
    return _listed(
        "fields", {"type": "array", "items": {"type": "string", "enum": names}}, "Only these fields, and `id`."
    )


def id_parameter() -> dict[str, Any]:
    """The ``id`` in a path."""
    schema = {"type": "string", "format": "uuid"}
    return {"name": "id", "in": "path", "required": True, "schema": schema, "description": "The row's id."}


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _listed(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return _parameter(name, schema, description) | {"style": "form", "explode": False}


def components(held: Sequence[Entry]) -> dict[str, Any]:
    """The schemas that generated operations refer to."""
    models: list[tuple[type[BaseModel], Any]] = [(ProblemDetails, "validation")]
    for entry in held:
        models += [(page_model(entry.schemas.read), "validation"), (entry.schemas.read, "validation")]
        if entry.takes_writes:
            bodies = (entry.schemas.create, entry.schemas.replace, entry.schemas.update)
            models += [(model, "validation") for model in bodies]
    _, found = models_json_schema(models, ref_template=SCHEMA)
    schemas: dict[str, Any] = found["$defs"]
    by_table = {entry.table: entry.title for entry in held}
    for entry in held:
        schemas[entry.title]["properties"] |= _relations(entry, by_table)
    return schemas


def _relations(entry: Entry, titles: Mapping[Any, str]) -> dict[str, Any]:
    """The included relations as properties of the row."""
    found: dict[str, Any] = {}
    for name in {path.split(".")[0]: None for path in entry.resource.include}:
        relation = entry.relations[name]
        row = {"$ref": SCHEMA.format(model=titles[relation.target])}
        about = {"description": f"Only with `include={name}`."}
        found[name] = (
            {"type": "array", "items": row, **about} if relation.many else {"anyOf": [row, {"type": "null"}], **about}
        )
    return found


def complete(
    document: dict[str, Any], entries: Iterable[Entry], operations: Mapping[tuple[str, str], Callable[[], Any]]
) -> dict[str, Any]:
    """`document` (FastAPI's) with the generated operations, their components, the security scheme and tags."""
    held = list(entries)
    written = document.setdefault("paths", {})
    generated: dict[str, Any] = {}
    for (path, method), make in operations.items():
        generated.setdefault(path, {})[method] = make()
    document["paths"] = {**generated, **written}
    parts = document.setdefault("components", {})
    parts["schemas"] = {**parts.get("schemas", {}), **components(held)}
    flow = {"password": {"tokenUrl": "/auth/login", "refreshUrl": "/auth/refresh", "scopes": {}}}
    parts.setdefault("securitySchemes", {})[BEARER] = {"type": "oauth2", "flows": flow}
    tags = [{"name": entry.name, "description": entry.description or f"The {entry.name}."} for entry in held]
    document["tags"] = [*tags, *document.get("tags", [])]
    return document
