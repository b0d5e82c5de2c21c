"""The documents of one application: everybody's, and what each role would see of it.

FastAPI writes the frame and the hand-written routes; what is generated is merged into it when a document is first asked
for, so that neither a request nor the start pays for it. A document is kept for as long as its policy is in force.
"""

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import cached_property, lru_cache
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import iter_route_contexts

from charter.access import AccessTable
from charter.depends import lets_pass
from charter.openapi.about import BEARER
from charter.openapi.schemas import account, components, reference
from charter.openapi.view import View
from charter.refusals import SCHEMA
from charter.services import Services

Operation = Callable[[View], dict[str, Any] | None]
"""Makes the OpenAPI operation of a route; None where it is not to be shown."""

Document = dict[str, Any]
Paths = dict[str, dict[str, Any]]

MOST_KEPT = 32
"""Documents kept: one for each role that asked, under the policy that was asked last."""

PREFIX = SCHEMA.format(model="")
FLOWS = {"password": {"tokenUrl": "/auth/login", "refreshUrl": "/auth/refresh", "scopes": {}}}


class Documents:
    """Makes and keeps documents. ``operations`` are the generated ones, by path and method."""

    def __init__(self, app: FastAPI, services: Services, operations: Mapping[tuple[str, str], Operation]) -> None:
        self.app = app
        self.services = services
        self.operations = operations
        self._policy: AccessTable | None = None
        self._kept = lru_cache(maxsize=MOST_KEPT)(self._make)
        self._texts = lru_cache(maxsize=MOST_KEPT)(self._write)

    def document(self, role: str | None = None) -> Document:
        """The document of `role`, or everybody's, under the policy of the request under way. Not to be changed."""
        if self._policy is not self.services.access:
            self._policy = self.services.access
            self._kept.cache_clear()
            self._texts.cache_clear()
        return self._kept(role)

    def text(self, role: str | None, root_path: str) -> bytes:
        """The same as it is sent; `root_path` is where a proxy has put the application."""
        self.document(role)  # what was written under another policy is forgotten
        return self._texts(role, root_path if self.app.root_path_in_servers else "")

    def _write(self, role: str | None, root_path: str) -> bytes:
        found = self.document(role)
        servers = found.get("servers", [])
        if root_path and root_path not in {server.get("url") for server in servers}:
            found = {**found, "servers": [{"url": root_path}, *servers]}
        return json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()

    @cached_property
    def _frame(self) -> Document:
        """What FastAPI knows. Not to be changed."""
        return get_openapi(title=self.app.title, version=self.app.version, routes=self.app.routes)

    def _make(self, role: str | None) -> Document:
        view = View(self.services, role)
        held = list(self.services.catalog.entries.values())
        generated: Paths = {}
        for (path, method), make in self.operations.items():
            made = make(view)
            if made is not None:
                generated.setdefault(path, {})[method] = made
        schemas = {**self._frame.get("components", {}).get("schemas", {}), **components(held, view)}
        written = self._frame["paths"] if role is None else self._written(role, schemas)
        paths = {**generated, **written}
        shared = self._frame.get("components", {})
        schemes = {**shared.get("securitySchemes", {}), BEARER: {"type": "oauth2", "flows": FLOWS}}
        parts = {**shared, "schemas": _reached(paths, schemas), "securitySchemes": schemes}
        used = {tag for methods in paths.values() for item in methods.values() for tag in item.get("tags", ())}
        told = [entry for entry in held if entry.name in used]
        tags = [{"name": entry.name, "description": entry.description or f"The {entry.name}."} for entry in told]
        return {**self._frame, "paths": paths, "components": parts, "tags": tags}

    def _written(self, role: str, schemas: dict[str, Any]) -> Paths:
        """The hand-written operations, less those whose guards would stop `role`.

        Whoever registers is answered with the row of the new account, whatever they may read themselves: that row gets
        a schema of its own.
        """
        entry, barred = self.services.auth.entry, set(self._barred(role))
        name = f"{entry.title}Registered"
        schemas[name] = account(entry, View(self.services, self.services.roles.default))
        kept = {
            path: {method: item for method, item in methods.items() if (path, method) not in barred}
            for path, methods in self._frame["paths"].items()
        }
        return {
            path: _told(methods, reference(entry.title), name, schemas[name]) if path.startswith("/auth/") else methods
            for path, methods in kept.items()
            if methods
        }

    def _barred(self, role: str) -> Iterator[tuple[str, str]]:
        for found in iter_route_contexts(self.app.routes):
            calls = [found.endpoint, *_calls(getattr(found, "dependant", None))]
            if not all(lets_pass(self.services, role, call) for call in calls):
                yield from ((str(found.path_format), method.lower()) for method in found.methods or ())


def _calls(dependant: Any) -> Iterator[Any]:
    """Every dependency of a route, the nested ones included."""
    for inner in dependant.dependencies if dependant is not None else ():
        yield inner.call
        yield from _calls(inner)


def _told(part: Any, old: Any, name: str, schema: Any) -> Any:
    """`part` with the component `name` in the place of `old`; an example beside it shows what the component has."""
    if isinstance(part, list):
        return [_told(item, old, name, schema) for item in part]
    if not isinstance(part, dict):
        return part
    if part.get("schema") == old:
        return {"schema": reference(name), "example": schema["example"]}
    return {key: _told(item, old, name, schema) for key, item in part.items()}


def _reached(paths: Paths, schemas: Mapping[str, Any]) -> dict[str, Any]:
    """The schemas that these operations refer to, directly or by way of others; no other is part of the document."""
    found: set[str] = set()
    waiting = [*_named(paths)]
    while waiting:
        name = waiting.pop()
        if name not in found and name in schemas:
            found.add(name)
            waiting += _named(schemas[name])
    return {name: schemas[name] for name in sorted(found)}


def _named(part: Any) -> Iterable[str]:
    """The names of all schemas that `part` refers to."""
    if isinstance(part, str) and part.startswith(PREFIX):
        yield part.removeprefix(PREFIX)
    inner: Collection[Any] = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
    for item in inner:
        yield from _named(item)


__all__ = ["Documents", "Operation"]
