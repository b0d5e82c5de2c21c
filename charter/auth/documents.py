"""How the routes under ``/auth`` look in the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from charter.errors import CODES, PROBLEM_MEDIA_TYPE

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
ALWAYS = ("bad_request", "too_large", "unsupported_media_type", "validation", "rate_limited", "unavailable")
"""What every route with a body may answer."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What the documentation says of one route. ``refusals`` are error codes beside :data:`ALWAYS`."""

    summary: str
    status: int
    said: str
    body: type[BaseModel]
    answer: Mapping[str, Any] | None = None
    refusals: tuple[str, ...] = ()
    media: str = JSON
    bearer: bool = False

    def document(self, name: str) -> dict[str, Any]:
        """The OpenAPI operation; its id is ``auth_<name>``."""
        good: dict[str, Any] = {"description": self.said}
        if self.answer is not None:
            good["content"] = {JSON: dict(self.answer)}
        return {
            "operationId": f"auth_{name}",
            "summary": self.summary,
            "tags": ["auth"],
            "requestBody": {"required": not self.bearer, "content": {self.media: content_of(self.body)}},
            "responses": {str(self.status): good, **_refusals((*self.refusals, *ALWAYS))},
            "security": [{"bearer": []}] if self.bearer else [],
        }


def content_of(model: type[BaseModel]) -> dict[str, Any]:
    """Schema and example of a body or an answer."""
    schema = inline(model)
    examples = {name: part["examples"][0] for name, part in schema["properties"].items() if "examples" in part}
    return {"schema": schema, "example": schema.get("example") or examples}


def inline(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model that does not contain itself, without references."""
    schema = model.model_json_schema()
    found: dict[str, Any] = _resolved(schema, schema.pop("$defs", {}))
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


def _refusals(codes: tuple[str, ...]) -> dict[str, Any]:
    found = {str(CODES[code].status): _refusal(code) for code in codes}
    return dict(sorted(found.items()))


def _refusal(code: str) -> dict[str, Any]:
    known = CODES[code]
    errors = [{"pointer": "/email", "code": "missing", "detail": "is required"}] if code == "validation" else []
    example = {
        "type": f"urn:charter:error:{code}",
        "title": known.title,
        "status": known.status,
        "detail": known.title,
        "instance": "/auth/…",
        "code": code,
        "request_id": "7d1f0c2ab4e94f1f8a55d1a2f0b6c9e3",
        "errors": errors,
    }
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    found: dict[str, Any] = {
        "description": known.title,
        "content": {PROBLEM_MEDIA_TYPE: {"schema": schema, "example": example}},
    }
    if known.status in {429, 503}:
        found["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    if known.status == 401:
        found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found
