"""How refusals look in an OpenAPI document: one schema, and an example for each code."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from charter.errors import CODES, PROBLEM_MEDIA_TYPE, ApiException, FieldError, problem_body

SCHEMA = "#/components/schemas/{model}"
"""Where a document keeps the schema of a model."""


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
    code: str = Field(json_schema_extra={"enum": [*sorted(CODES)]})
    request_id: str
    errors: list[ProblemError]


def refusals(codes: Iterable[str], *, field: str = "name") -> dict[str, Any]:
    """The documented refusals with these codes, by status; one about the body shows `field` as the wrong place."""
    found = {str(CODES[code].status): _refusal(code, field) for code in codes}
    return dict(sorted(found.items()))


def _refusal(code: str, field: str) -> dict[str, Any]:
    known = CODES[code]
    errors = [FieldError(f"/{field}", "missing", "is required")] if code == "validation" else []
    example = problem_body(
        ApiException(code=code, errors=errors), instance="/…", request_id="7d1f0c2ab4e94f1f8a55d1a2f0b6c9e3"
    )
    content = {PROBLEM_MEDIA_TYPE: {"schema": {"$ref": SCHEMA.format(model="ProblemDetails")}, "example": example}}
    found: dict[str, Any] = {"description": known.title, "content": content}
    if known.status in {429, 503}:
        found["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    if known.status == 401:
        found["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    return found
