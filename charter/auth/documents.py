"""How the routes under ``/auth`` look in the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from charter.refusals import refusals

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
ALWAYS = ("bad_request", "rate_limited", "service_unavailable")
"""What every route may answer."""

WITH_BODY = ("too_large", "unsupported_media_type", "validation")
"""What every route with a body may answer besides."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What the documentation says of one route. ``refusals`` are error codes beside :data:`ALWAYS`."""

    summary: str
    status: int
    said: str
    body: type[BaseModel] | None = None
    answer: Mapping[str, Any] | None = None
    refusals: tuple[str, ...] = ()
    media: str = JSON
    bearer: bool = False
    method: str = "POST"
    body_required: bool = True
    has_id: bool = False

    def document(self, name: str) -> dict[str, Any]:
        """The OpenAPI operation; its id is ``auth_<name>``."""
        good: dict[str, Any] = {"description": self.said}
        if self.answer is not None:
            good["content"] = {JSON: dict(self.answer)}
        codes = (*self.refusals, *ALWAYS, *(WITH_BODY if self.body else ()))
        found: dict[str, Any] = {
            "operationId": f"auth_{name}",
            "summary": self.summary,
            "tags": ["auth"],
            "responses": {str(self.status): good, **refusals(codes, field="email")},
            "security": [{"bearer": []}] if self.bearer else [],
        }
        if self.body is not None:
            content = {self.media: content_of(self.body)}
            found["requestBody"] = {"required": self.body_required, "content": content}
        if self.has_id:
            schema = {"type": "string", "format": "uuid"}
            found["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": schema}]
        return found


def content_of(model: type[BaseModel]) -> dict[str, Any]:
    """Schema and example of a body or an answer."""
    schema = inline(model)
    examples = {name: part["examples"][0] for name, part in schema["properties"].items() if "examples" in part}
    return {"schema": schema, "example": schema.get("example") or examples}


def list_of(model: type[BaseModel]) -> dict[str, Any]:
    """Schema and example of a list that is whole on one page, in the shape of every list."""
    row = content_of(model)
    nothing = {"type": "null"}
    shape = {
        "items": {"type": "array", "items": row["schema"]},
        **{name: {"type": "integer"} for name in ("total", "page", "size", "pages")},
        **dict.fromkeys(("next", "prev"), nothing),
    }
    page = {"total": 1, "page": 1, "size": 1_000, "pages": 1, "next": None, "prev": None}
    schema = {"type": "object", "properties": shape, "required": list(shape)}
    return {"schema": schema, "example": {"items": [row["example"]], **page}}


def inline(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model that does not contain itself, without references."""
    return resolved(model.model_json_schema())


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A JSON schema that does not contain itself, without references to parts of its own."""
    known = schema.get("$defs", {})
    found: dict[str, Any] = _resolved({key: part for key, part in schema.items() if key != "$defs"}, known)
    return found


def _resolved(part: Any, known: Mapping[str, Any]) -> Any:
    if isinstance(part, list):
        return [_resolved(item, known) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        rest = {key: value for key, value in part.items() if key != "$ref"}
        return {**_resolved(known[part["$ref"].rpartition("/")[2]], known), **rest}
    return {key: _resolved(value, known) for key, value in part.items()}
