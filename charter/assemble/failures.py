"""Every error that reaches the application as a problem document: ours, FastAPI's, Starlette's."""

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path

from charter.bodies import body_error
from charter.errors import (
    ApiException,
    BadRequestException,
    FieldError,
    MethodNotAllowedException,
    NotFoundException,
    TooLargeException,
    UnsupportedMediaTypeException,
    problem_response,
)

_BY_STATUS: dict[int, type[ApiException]] = {
    400: BadRequestException,
    404: NotFoundException,
    413: TooLargeException,
    415: UnsupportedMediaTypeException,
}


def add_handlers(app: FastAPI) -> None:
    """Give `app` the one error format."""
    paths: list[tuple[object, set[str]]] = []

    async def ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, ApiException)  # noqa: S101 # registered for it
        return problem_response(error, request.scope)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 # same
        return problem_response(_from_fastapi(error), request.scope)

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 # same
        if error.status_code == 405:
            allowed = ", ".join(sorted(_allowed(app, str(request.scope["path"]), paths)))
            return problem_response(MethodNotAllowedException(headers={"Allow": allowed}), request.scope)
        found = _BY_STATUS.get(error.status_code, BadRequestException)()
        return problem_response(found, request.scope)

    app.add_exception_handler(ApiException, ours)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)


def _from_fastapi(error: RequestValidationError) -> ApiException:
    """FastAPI's findings without the input they carry; those about parameters are 400, those about the body 422."""
    found = [{"type": item["type"], "msg": item["msg"], "loc": item["loc"][1:]} for item in error.errors()]
    if any(item["loc"][:1] == ("query",) for item in error.errors()):
        errors = [FieldError(str(item["loc"][0]), "malformed_parameter", item["msg"]) for item in found if item["loc"]]
        return BadRequestException("A query parameter is wrong.", code="malformed_parameter", errors=errors)
    return body_error(found)


def _allowed(app: FastAPI, path: str, known: list[tuple[object, set[str]]]) -> set[str]:
    """The methods of every route that `path` matches; Starlette itself names the first route's alone."""
    if not known:
        contexts = (found for found in iter_route_contexts(app.routes) if found.methods and found.path)
        known += [(compile_path(found.path or "")[0], set(found.methods or ())) for found in contexts]
    allowed: set[str] = set()
    for pattern, methods in known:
        if pattern.match(path):  # type: ignore[attr-defined] # a compiled pattern
            allowed |= methods
    return allowed


__all__ = ["add_handlers"]
