"""Every door of an application, by what it is, and how the access matrix knocks at it; any other door is a finding.

A door is a route, or a parameter of one. Somebody who adds one has to say here which cells of the matrix hold it to the
policy, or why it is for everybody. The admin is a door of its own kind: `tests/admin` has the list of its inner ones.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from tests.matrix.shapes import Shape

Route = tuple[str, str]
"""Method (``*`` for a mounted application) and path template."""

GENERATED: Mapping[str, Route] = {
    "list": ("GET", "/{r}"),
    "aggregate": ("GET", "/{r}/aggregate"),
    "read": ("GET", "/{r}/{id}"),
    "create": ("POST", "/{r}"),
    "replace": ("PUT", "/{r}/{id}"),
    "update": ("PATCH", "/{r}/{id}"),
    "delete": ("DELETE", "/{r}/{id}"),
}
"""Kind -> route of a resource. A kind of route that is not here yet is a new kind of door, and wants cells first."""

OWN = {
    ("GET", "/{r}/me"): "me",
    ("PATCH", "/{r}/me"): "me update",
    ("GET", "/{r}/me/permissions"): "permissions",
}
"""What the resource of accounts has besides: route -> the matrix's door."""

CELLS: Mapping[str, frozenset[str]] = {
    "list": frozenset(
        {"list", "list fields", "count", "page beyond", "filter by id", "where", "list sparse", "cursor"}
    ),
    "aggregate": frozenset({"aggregate", "group", "measure"}),
    "read": frozenset({"read", "read sparse"}),
    "create": frozenset({"create", "create keys"}),
    "replace": frozenset({"replace", "replace keys"}),
    "update": frozenset({"update", "update keys"}),
    "delete": frozenset({"delete"}),
    "action": frozenset({"act"}),
    "me": frozenset({"me"}),
    "me update": frozenset({"me update"}),
    "permissions": frozenset({"permissions"}),
    "page": frozenset({"page"}),
}
"""Kind of door -> the doors of the matrix that every such route has to have been asked at."""

PAGES = {("GET", "/docs"): "page", ("GET", "/openapi.json"): "page", ("GET", "/"): "page"}

PUBLIC: Mapping[Route, str] = {
    ("GET", "/health"): "monitors have no account; it tells of no row",
    ("GET", "/health/live"): "likewise",
    ("GET", "/health/ready"): "likewise",
    ("*", "/docs/assets"): "bundled files, the same for everybody",
    ("POST", "/auth/register"): "makes an account of the lowest role; its body takes no role (test_matrix)",
    ("POST", "/auth/login"): "asks for a password itself",
    ("POST", "/auth/refresh"): "asks for a token itself",
    ("POST", "/auth/logout"): "asks for a token itself",
    ("GET", "/auth/sessions"): "shows the sign-ins of whoever asks, by their token (test_auth_devices)",
    ("DELETE", "/auth/sessions"): "ends those, and no others (likewise)",
    ("DELETE", "/auth/sessions/{id}"): "ends one of those, and no other (likewise)",
    ("POST", "/auth/forgot-password"): "answers everybody alike",
    ("POST", "/auth/reset-password"): "asks for a mailed token itself",
    ("POST", "/auth/request-verify-email"): "answers everybody alike",
    ("POST", "/auth/verify-email"): "asks for a mailed token itself",
    ("GET", "/admin"): "sends on to the door of the admin",
    ("*", "/admin"): "the admin; tests/admin has its doors",
}
"""Routes without a decision of the API's, and why."""

PUBLIC_IN_SHOP: Mapping[Route, str] = {
    **PUBLIC,
    ("POST", "/payments/{provider}"): "notices prove themselves, by their provider's own means (test_shop_payments)",
}
"""The same with those of the shop alone."""

PARAMETERS = {
    "page": "page beyond",
    "size": "list",
    "count": "count",
    "cursor": "cursor",
    "sort": "sort",
    "fields": "list sparse",
    "where": "where",
    "search": "search",
    "include": "include",
    "agg": "measure",
    "group": "group",
    "with": "can",
    "for": "document",
}
"""Parameter of a read -> the matrix's door for it; all others are filters."""

FILTERS = frozenset({"ne", "gt", "gte", "lt", "lte", "in", "not_in", "is_null", "contains", "starts_with", "ends_with"})
"""What may follow a declared filter's name."""


@dataclass(frozen=True, slots=True)
class Door:
    """A route that asks for the decision on (resource, action)."""

    kind: str
    resource: str
    action: str


def doors_of(shapes: Iterable[Shape], account: str = "users") -> dict[Route, Door]:
    """Every route with a decision that an application of these resources should have."""
    found = {route: Door(kind, "docs", "access") for route, kind in PAGES.items()}
    for shape in shapes:
        for kind, (method, path) in GENERATED.items():
            if kind in {"list", "aggregate", "read"} or shape.noun.is_written:
                action = {"replace": "update", "aggregate": "list"}.get(kind, kind)
                found[method, path.replace("{r}", shape.path)] = Door(kind, shape.path, action)
        for name in shape.actions:
            found["POST", f"/{shape.path}/{{id}}/{name}"] = Door("action", shape.path, name)
    for (method, path), kind in OWN.items():
        found[method, path.replace("{r}", account)] = Door(kind, account, "update" if "update" in kind else "read")
    return found


def unlisted(routes: Iterable[Route], doors: Mapping[Route, Any], public: Iterable[Route] = PUBLIC) -> list[str]:
    """One sentence for each route that nobody has listed, and for each listed one that is not there."""
    there, known = set(routes), {*doors, *public}
    new = [f"{method} {path} is a door that no cell of the matrix is for" for method, path in sorted(there - known)]
    return new + [f"{method} {path} is listed and not there" for method, path in sorted(known - there)]


def routes_here(app: FastAPI) -> set[Route]:
    """The routes of an application in this process, hidden ones too."""
    found = iter_route_contexts(app.routes)
    return {route for item in found for route in _plain(item.methods or {"*"}, str(item.path))}


def routes_told(text: str) -> dict[Route, str]:
    """The routes that ``charter routes`` tells, with the rule of each."""
    lines = (line.split(maxsplit=2) for line in text.splitlines() if line)
    return {route: rule for methods, path, rule in lines for route in _plain(methods.split(","), path)}


def _plain(methods: Collection[str], path: str) -> list[Route]:
    """HEAD is GET without a body, and no door of its own where GET is there."""
    return [(method, path) for method in methods if method != "HEAD" or "GET" not in methods]


def routes_documented(document: Any) -> set[Route]:
    """The routes of an OpenAPI document."""
    return {(method.upper(), path) for path, item in document["paths"].items() for method in item}


def unlisted_parameters(document: Any, shapes: Mapping[str, Shape]) -> list[str]:
    """Query parameters that the document has and that no cell of the matrix is for."""
    found = []
    for path, item in document["paths"].items():
        shape = shapes.get(path.split("/")[1])
        for method, operation in item.items():
            names = [given["name"] for given in operation.get("parameters", []) if given["in"] == "query"]
            known = [name for name in names if name in PARAMETERS or (shape and _is_filter(name, shape))]
            found += [f"{method.upper()} {path}?{name}" for name in names if name not in known]
    return found


def _is_filter(name: str, shape: Shape) -> bool:
    path, _, word = name.partition("__")
    return path in {"id", "created_at", "updated_at", *shape.noun.filters} and (not word or word in FILTERS)


def unasked(doors: Mapping[Route, Door], asked: Iterable[tuple[str, str, str, str]], roles: Iterable[str]) -> list[str]:
    """Where some role, or no role by some door of the matrix, has knocked: from (role, method, url, matrix' door)."""
    fixed = {path for _, path in doors if "{id}" not in path}
    seen: dict[Route, set[tuple[str, str]]] = {}
    for role, method, url, kind in asked:
        path = url.partition("?")[0]
        template = path if path in fixed else re.sub(r"^(/[^/]+)/[^/]+", r"\1/{id}", path)
        seen.setdefault((method, template), set()).add((role, kind))
    found = []
    for route, door in doors.items():
        knocks = seen.get(route, set())
        found += [f"{role} was never at {route}" for role in roles if role not in {role for role, _ in knocks}]
        found += [
            f"{route} was never asked: {kind}" for kind in sorted(CELLS[door.kind] - {name for _, name in knocks})
        ]
    return found
