"""The OpenAPI document of generated routes: parameters, bodies, answers and examples, from the compiled entries.

FastAPI writes the frame and the hand-written routes; what is compiled here is merged into it, so that no request pays for
the documentation.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from charter.catalog import Entry
from charter.errors import CODES, PROBLEM_MEDIA_TYPE
from charter.plugins.pagination import PageParams, page_model
from charter.serve import Parameters

SCHEMA = "#/components/schemas/{model}"
BEARER = "bearer"
_STATUS_CODES: Mapping[int, str] = {
    400: "unknown_parameter",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    409: "unique",
    413: "too_large",
    415: "unsupported_media_type",
    422: "validation",
    429: "rate_limited",
    503: "unavailable",
}


class ProblemError(BaseModel):
    """One wrong place in the request."""

    model_config = ConfigDict(extra="allow")

    pointer: str = Field(description="RFC 6901 pointer into the body, or the name of the parameter.")
    code: str
    detail: str


class ProblemDetails(BaseModel):
    """Every refusal (RFC 9457). `code` is stable; `docs/errors.md` explains each."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str = Field(json_schema_extra={"enum": sorted(CODES)})
    request_id: str
    errors: list[ProblemError]


def problem_responses(statuses: Iterable[int]) -> dict[str, Any]:
    """The documented refusals of an operation, each with an example."""
    return {str(status): _problem_response(status) for status in statuses}


def _problem_response(status: int) -> dict[str, Any]:
    code = _STATUS_CODES[status]
    title = CODES[code].title
    example = {
        "type": f"urn:charter:error:{code}",
        "title": title,
        "status": status,
        "detail": title,
        "instance": "/…",
        "code": code,
        "request_id": "7d1f0c2ab4e94f1f8a55d1a2f0b6c9e3",
        "errors": [{"pointer": "/name", "code": "missing", "detail": "is required"}] if status == 422 else [],
    }
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": SCHEMA.format(model="ProblemDetails")}, "example": example}}
    found: dict[str, Any] = {"description": title, "content": content}
    if status in {429, 503}:
        found["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    if status == 401:
        found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found


def operation(
    entry: Entry, action: str, *, summary: str, parameters: list[Any], body: str = "", public: bool = False
) -> dict[str, Any]:
    """The OpenAPI operation of one generated route."""
    writes = bool(body)
    statuses = [400, 401, 403, 429, 503]
    statuses += [404] if action not in {"list", "create"} else []
    statuses += [409] if writes or action == "delete" else []
    statuses += [413, 415, 422] if writes else []
    found: dict[str, Any] = {
        "operationId": f"{entry.name.replace('-', '_')}_{action}",
        "summary": summary,
        "tags": [entry.name],
        "parameters": parameters,
        "responses": _success(entry, action) | problem_responses(sorted(statuses)),
        "security": [{BEARER: []}, {}] if public else [{BEARER: []}],
    }
    if body:
        content = {"application/json": {"schema": {"$ref": SCHEMA.format(model=body)}}}
        found["requestBody"] = {"required": True, "content": content}
    return found


def _success(entry: Entry, action: str) -> dict[str, Any]:
    if action == "delete":
        return {"204": {"description": "Deleted."}}
    model = f"{entry.title}Page" if action == "list" else entry.title
    example: Any = entry.schemas.read.model_json_schema()["example"]
    if action == "list":
        example = {"items": [example], "total": 1, "page": 1, "size": 20, "pages": 1, "next": None, "prev": None}
    content = {"application/json": {"schema": {"$ref": SCHEMA.format(model=model)}, "example": example}}
    if action != "create":
        return {"200": {"description": "The page." if action == "list" else "The row.", "content": content}}
    location = {"Location": {"description": "Path of the row.", "schema": {"type": "string"}}}
    made: dict[str, Any] = {"201": {"description": "The new row.", "content": content, "headers": location}}
    if any(hooks.instead_of_create for hooks in entry.hooks):
        made["200"] = {"description": "The row that was there already, changed.", "content": content}
    return made


def list_parameters(entry: Entry, table: Parameters) -> list[dict[str, Any]]:
    """Every parameter of a list, typed."""
    page = PageParams.model_json_schema()["properties"]
    found = [
        _parameter(name, {key: value for key, value in schema.items() if key != "description"}, schema["description"])
        for name, schema in page.items()
    ]
    found.append(_parameter("count", {"type": "string", "enum": ["exact", "none"], "default": "exact"}, "Whether to count."))
    terms = {"type": "array", "items": {"type": "string", "enum": list(table.sorts)}}
    found.append(_listed("sort", terms, "Fields to sort by, `-` for descending; the id breaks ties."))
    found.append(fields_parameter(entry))
    for item in table.filters.values():
        schema = item.adapter.json_schema()
        schema.pop("explode", None)
        make = _listed if schema.get("type") == "array" else _parameter
        found.append(make(item.parameter, schema, item.description))
    return found


def fields_parameter(entry: Entry) -> dict[str, Any]:
    """``fields``: which fields to answer with."""
    names = [name for name in entry.fields if name in entry.readable]
    return _listed("fields", {"type": "array", "items": {"type": "string", "enum": names}}, "Only these fields, and `id`.")


def id_parameter() -> dict[str, Any]:
    """The ``id`` in a path."""
    schema = {"type": "string", "format": "uuid"}
    return {"name": "id", "in": "path", "required": True, "schema": schema, "description": "The row's id."}


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "schema": schema, "description": description}


def _listed(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return _parameter(name, schema, description) | {"style": "form", "explode": False}


def components(entries: Iterable[Entry]) -> dict[str, Any]:
    """The schemas that generated operations refer to."""
    models: list[tuple[type[BaseModel], Any]] = [(ProblemDetails, "validation")]
    for entry in entries:
        models += [(page_model(entry.schemas.read), "validation"), (entry.schemas.read, "validation")]
        if entry.takes_writes:
            bodies = (entry.schemas.create, entry.schemas.replace, entry.schemas.update)
            models += [(model, "validation") for model in bodies]
    _, found = models_json_schema(models, ref_template=SCHEMA)
    schemas: dict[str, Any] = found["$defs"]
    return schemas


def complete(document: dict[str, Any], entries: Iterable[Entry]) -> dict[str, Any]:
    """`document` (FastAPI's) with our components, security scheme and tags."""
    held = list(entries)
    parts = document.setdefault("components", {})
    parts["schemas"] = {**parts.get("schemas", {}), **components(held)}
    flow = {"password": {"tokenUrl": "/auth/login", "refreshUrl": "/auth/refresh", "scopes": {}}}
    parts.setdefault("securitySchemes", {})[BEARER] = {"type": "oauth2", "flows": flow}
    tags = [{"name": entry.name, "description": entry.description or f"The {entry.name}."} for entry in held]
    document["tags"] = [*tags, *document.get("tags", [])]
    return document
