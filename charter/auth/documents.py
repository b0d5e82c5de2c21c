"""How the routes under ``/auth`` look in the OpenAPI document."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from charter.refusals import refusals

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
ALWAYS = ("bad_request", "too_large", "unsupported_media_type", "validation", "rate_limited", "service_unavailable")
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
            "responses": {str(self.status): good, **refusals((*self.refusals, *ALWAYS), field="email")},
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
