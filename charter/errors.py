"""The error tree, the table of stable codes, and the one way an error becomes a response.

Every refusal that leaves Charter is an :class:`ApiException` rendered as ``application/problem+json`` (RFC 9457).
Nothing here knows a database, a policy or a resource. A body never repeats what was sent.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from starlette.responses import Response
from starlette.types import Scope

PROBLEM_MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Code:
    """One stable error code: what clients switch on, and what the docs explain."""

    status: int
    title: str


CODES: Mapping[str, Code] = {
    "malformed_json": Code(400, "The body is not valid JSON"),
    "malformed_parameter": Code(400, "A query parameter has a value that cannot be read"),
    "unknown_parameter": Code(400, "A query parameter is not known here"),
    "repeated_parameter": Code(400, "A query parameter was given more than once"),
    "bad_request": Code(400, "The request cannot be understood"),
    "not_authenticated": Code(401, "Credentials are missing or not valid"),
    "bad_credentials": Code(401, "The e-mail or the password is wrong"),
    "forbidden": Code(403, "No rule allows this"),
    "email_unverified": Code(403, "The e-mail address has to be verified first"),
    "cross_origin": Code(403, "The request came from another site"),
    "stale_form": Code(403, "The page is not of this sign-in"),
    "view_only": Code(403, "The admin is only looked at as another role"),
    "not_found": Code(404, "There is nothing here for you"),
    "method_not_allowed": Code(405, "This path does not answer that method"),
    "conflict": Code(409, "The request conflicts with the present state"),
    "unique": Code(409, "A value that must be unique is taken"),
    "foreign_key": Code(409, "Other rows still refer to this one, or it refers to a missing row"),
    "invalid_transition": Code(409, "The row is in a state that does not allow this"),
    "idempotency_in_flight": Code(409, "The first request with this key is still being worked on"),
    "limit_exceeded": Code(409, "A limit of the resource would be exceeded"),
    "too_large": Code(413, "The request is too large"),
    "unsupported_media_type": Code(415, "The body has a media type that is not taken here"),
    "idempotency_mismatch": Code(422, "The key was used for another request"),
    "validation": Code(422, "The body is not valid"),
    "rate_limited": Code(429, "Too many requests"),
    "internal": Code(500, "Something went wrong on our side"),
    "service_unavailable": Code(503, "The service is busy or away"),
}
"""code -> status and title. Codes are never renamed or reused; docs/errors.md has a heading for each."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong place in a request: an RFC 6901 pointer (or a parameter's name), a code and a sentence."""

    pointer: str
    code: str
    detail: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> dict[str, Any]:
        return {"pointer": self.pointer, "code": self.code, "detail": self.detail, **self.extra}


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding at start-up about a declaration, a policy or a setting: told all at once, never one by one."""

    code: str
    where: str
    message: str
    hint: str = ""
    fatal: bool = True

    def __str__(self) -> str:
        tail = f" {self.hint}" if self.hint else ""
        return f"{self.where}: {self.code} {self.message}{tail}"


class DeclarationError(SystemExit):
    """The application cannot start; ``problems`` holds every reason.

    It is a SystemExit: whoever imports such an application ends with one line per problem and exit code 1, without a
    traceback that would say nothing about the declaration.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ApiException(Exception):  # noqa: N818 # the contract fixes the names of this family
    """A refusal with a stable code. Raise a subclass; ``errors`` lists every wrong place at once.

    An application may use codes of its own: they get the status of the class that is raised.
    """

    default_code: ClassVar[str] = "internal"

    def __init__(
        self,
        detail: str = "",
        *,
        code: str | None = None,
        errors: Iterable[FieldError] = (),
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        known = CODES.get(code or self.default_code, CODES[self.default_code])
        self.code = code or self.default_code
        self.status, self.title = known.status, known.title
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.extra = dict(extra or {})
        super().__init__(self.detail)


class BadRequestException(ApiException):
    """400: parameters or JSON that cannot be read."""

    default_code = "bad_request"


class AuthenticationException(ApiException):
    """401: no or bad credentials, where credentials could help."""

    default_code = "not_authenticated"

    def __init__(self, detail: str = "", **keywords: Any) -> None:
        super().__init__(detail, **keywords)
        self.headers.setdefault("WWW-Authenticate", "Bearer")


class AuthorizationException(ApiException):
    """403: no rule allows the action on a row that the caller may know of."""

    default_code = "forbidden"


class NotFoundException(ApiException):
    """404: unknown, malformed, or outside the rows that the caller may read."""

    default_code = "not_found"


class MethodNotAllowedException(ApiException):
    """405: the path exists, the method does not."""

    default_code = "method_not_allowed"


class ConflictException(ApiException):
    """409: unique, state or reference conflicts."""

    default_code = "conflict"


class TooLargeException(ApiException):
    """413: a body over MAX_BODY_BYTES."""

    default_code = "too_large"


class UnsupportedMediaTypeException(ApiException):
    """415: a body that is not JSON."""

    default_code = "unsupported_media_type"


class ValidationException(ApiException):
    """422: the body was read but breaks the schema."""

    default_code = "validation"


class RateLimitException(ApiException):
    """429: over a limit; ``Retry-After`` says in how many seconds to come back."""

    default_code = "rate_limited"

    def __init__(self, retry_after: int, detail: str = "", **keywords: Any) -> None:
        super().__init__(detail, **keywords)
        self.headers["Retry-After"] = str(max(1, retry_after))


class DatabaseException(ApiException):
    """503: the database or a bounded pool is busy or away; try again after ``Retry-After`` seconds."""

    default_code = "service_unavailable"

    def __init__(self, detail: str = "", *, retry_after: int = 1, **keywords: Any) -> None:
        super().__init__(detail, **keywords)
        self.headers["Retry-After"] = str(max(1, retry_after))


def problem_body(error: ApiException, *, instance: str = "", request_id: str = "") -> dict[str, Any]:
    """The members of the problem document, in the order that people read them."""
    return {
        "type": f"urn:charter:error:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
        "request_id": request_id,
        "errors": [item.body() for item in error.errors],
        **error.extra,
    }


def problem_response(error: ApiException, scope: Scope) -> Response:
    """`error` as a response to the request in `scope` (ASGI); path and request id are taken from there."""
    body = problem_body(
        error,
        instance=str(scope.get("path", "")).encode("utf-8", "replace").decode(),
        request_id=str(scope.get("state", {}).get("request_id", "")),
    )
    content = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(content, status_code=error.status, headers=error.headers, media_type=PROBLEM_MEDIA_TYPE)


def problems_text(problems: Iterable[Problem]) -> str:
    """All findings, one a line, for a terminal."""
    return "\n".join(str(problem) for problem in problems)


__all__ = [
    "CODES",
    "ApiException",
    "AuthenticationException",
    "AuthorizationException",
    "BadRequestException",
    "ConflictException",
    "DatabaseException",
    "DeclarationError",
    "FieldError",
    "MethodNotAllowedException",
    "NotFoundException",
    "Problem",
    "RateLimitException",
    "TooLargeException",
    "UnsupportedMediaTypeException",
    "ValidationException",
    "problem_body",
    "problem_response",
    "problems_text",
]
