"""The routes beside the generated ones: health, welcome, documentation; and the law that every route has a rule."""

from collections.abc import Collection, Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from charter.access import InForce, Vocabulary, nearest
from charter.depends import ROLE, RULE, SAFE, get_db
from charter.errors import DeclarationError, Problem
from charter.pages import docs_routes, welcome
from charter.rest import enter
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
            "policy": _policy_state(services.policy),
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


def _policy_state(policy: InForce) -> dict[str, Any]:
    """Which policy decides, what is wrong with the file since, and how many files this process took and refused."""
    return {
        "version": policy.newest.version,
        "error": policy.error,
        "reloads": policy.reloads,
        "refusals": policy.refusals,
    }


def check_routes(app: FastAPI, public: Collection[str], words: Vocabulary) -> None:
    """Stop the start where a route has neither a rule nor a place among the public ones, or a rule of unknown words."""
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
    problems += [
        Problem("unknown_route_rule", f"route {found.path}", message, hint)
        for found in iter_route_contexts(app.routes)
        for call in _calls(found)
        for message, hint in _unknown_words(call, words)
    ]
    if problems:
        raise DeclarationError(problems)


def _calls(found: Any) -> Iterable[Any]:
    """The endpoint of a route, and every dependency of it."""
    yield found.endpoint
    dependant = getattr(found, "dependant", None)
    yield from (inner.call for inner in _inner(dependant)) if dependant is not None else ()


def _unknown_words(call: Any, words: Vocabulary) -> Iterable[tuple[str, str]]:
    """What a rule names that does not exist, which would let nobody through; and what was perhaps meant."""
    resource, action = getattr(call, RULE, ("", ""))
    role = getattr(call, ROLE, words.roles[0])
    if resource and resource not in words.nouns:
        yield f"asks about '{resource}', which is no resource;", nearest(resource, words.nouns)
    elif resource and action not in words.nouns[resource].actions:
        known = words.nouns[resource].actions
        yield f"asks for '{action}', which is no action of {resource};", nearest(action, known)
    if role not in words.roles:
        yield f"asks for '{role}', which is no role;", nearest(role, words.roles)


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
        "get_store",
        "get_caller",
        "get_token_from_header",
    }
