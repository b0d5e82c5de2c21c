"""The routes beside the generated ones: health, welcome, documentation; and the law that every route has a rule."""

from collections.abc import Collection, Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from charter.depends import SAFE, get_db
from charter.errors import DeclarationError, Problem
from charter.pages import docs_routes, welcome
from charter.rest import RULE, enter
from charter.serve import decide
from charter.services import Services
from charter.version import __version__

PUBLIC = {
    "admin:door",
    "welcome",
    "docs:assets",
    "openapi",
    "health",
    "health:live",
    "health:ready",
}
"""Routes without a rule, by name; everything under ``/auth`` is public too, and asks for credentials by itself."""


def add_pages(app: FastAPI, services: Services) -> None:
    """``/``, ``/docs`` and their assets."""

    async def may_read_docs(request: Request) -> None:
        decide(services, await enter(services, request), "docs", "access")

    described = [(f"/{entry.name}", entry.description) for entry in services.catalog.entries.values()]
    app.router.routes.extend(docs_routes(services.settings, guard=may_read_docs))
    app.router.routes.extend(welcome(services.settings, described))


def add_health(app: FastAPI, services: Services) -> None:
    """``/health`` for people and monitors, ``/health/live`` and ``/health/ready`` for orchestrators."""

    async def health(_: Request) -> Response:
        alive = await services.store.ping()
        body = {
            "status": "ok" if alive else "unavailable",
            "version": __version__,
            "environment": services.settings.environment,
            "database": "ok" if alive else "away",
            "redis": services.limiter.redis,
            "policy": {"version": services.access.version, "error": None},
        }
        return JSONResponse(body, 200 if alive else 503, None if alive else {"Retry-After": "1"})

    async def live(_: Request) -> Response:
        return JSONResponse({"status": "ok"})

    async def ready(_: Request) -> Response:
        alive = await services.store.ping()
        return JSONResponse({"status": "ok" if alive else "unavailable"}, 200 if alive else 503)

    for path, name, endpoint, summary in (
        ("/health", "health", health, "State of the application"),
        ("/health/live", "health:live", live, "Whether the process answers"),
        ("/health/ready", "health:ready", ready, "Whether it can serve"),
    ):
        about: dict[str, Any] = {"tags": ["operations"], "summary": summary, "name": name}
        app.add_api_route(path, endpoint, operation_id=name.replace(":", "_"), response_class=JSONResponse, **about)


def check_routes(app: FastAPI, public: Collection[str]) -> None:
    """Stop the start where a route has neither a rule nor a place among the public ones."""
    problems = [
        Problem(
            "no_route_rule",
            f"route {found.path}",
            "has no access rule;",
            "Give it require_permission(...) or name it public.",
        )
        for found in iter_route_contexts(app.routes)
        if not _has_rule(found, public)
    ]
    problems += [
        Problem(
            "late_commit",
            f"route {found.path}",
            "takes get_db in a way that commits only after the answer was sent;",
            "Take Database, or Depends(get_db, scope='function').",
        )
        for found in iter_route_contexts(app.routes)
        if _commits_late(found)
    ]
    if problems:
        raise DeclarationError(problems)


def _commits_late(found: Any) -> bool:
    """Whether a route that may write has a session that FastAPI closes after the answer (its default)."""
    dependant = getattr(found, "dependant", None)
    if dependant is None or set(found.methods or ()) <= SAFE:
        return False
    return any(inner.call is get_db and inner.scope != "function" for inner in _inner(dependant))


def _has_rule(found: Any, public: Collection[str]) -> bool:
    name = str(found.name or "")
    if name in {*public, "docs", "admin"} or str(found.path or "").startswith("/auth/"):
        return True
    if hasattr(found.endpoint, RULE):
        return True
    dependant = getattr(found, "dependant", None)
    return dependant is not None and any(_is_guard(inner.call) for inner in _inner(dependant))


def _inner(dependant: Any) -> Iterable[Any]:
    for inner in dependant.dependencies:
        yield inner
        yield from _inner(inner)


def _is_guard(call: Any) -> bool:
    """Whether a dependency asks who calls: one of `charter.depends`, other than those that only fetch something."""
    name = getattr(call, "__qualname__", "")
    return getattr(call, "__module__", "") == "charter.depends" and name not in {
        "get_db",
        "get_caller",
        "get_token_from_header",
    }
