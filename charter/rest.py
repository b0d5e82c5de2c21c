"""Entry -> router: the generated endpoints. Each asks who calls, counts the call, and hands over to `serve`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from charter import openapi
from charter.bodies import check_media_type
from charter.catalog import Entry
from charter.declare import Action, Caller, Transition
from charter.errors import AuthenticationException
from charter.openapi import About
from charter.plugins.pagination import pages
from charter.plugins.parameters import read_query
from charter.reply import empty_reply, page_reply, row_reply
from charter.serve import (
    Parameters,
    act,
    change_row,
    compile_parameters,
    create_row,
    delete_row,
    list_rows,
    read_row,
)
from charter.services import Services

RULE = "charter_rule"
"""Attribute of an endpoint: the (resource, action) whose decision it asks. A route without one stops the start."""

Endpoint = Callable[[Request], Awaitable[Response]]


async def enter(services: Services, request: Request) -> Caller:
    """Who calls, counted against their limit. Bad credentials are 401 here, before anything is looked up."""
    caller = await services.auth.caller(request)
    await services.limiter.hit_user(request.scope, caller)
    return caller


Operation = Callable[[], dict[str, Any]]
"""Makes the OpenAPI operation of a route; called when the document is first asked for, not at start."""


@dataclass(frozen=True, slots=True)
class Rest:
    """The generated routes of one entry, and the documentation of each by path and method."""

    services: Services
    entry: Entry
    table: Parameters
    router: APIRouter
    operations: dict[tuple[str, str], Operation] = field(default_factory=dict)

    def add(self, path: str, method: str, about: About, endpoint: Endpoint) -> None:
        """One route, its rule and its documentation."""
        setattr(endpoint, RULE, (self.entry.name, about.rule))
        endpoint.__name__ = f"{self.entry.name.replace('-', '_')}_{about.name}"
        name = f"{self.entry.name}:{about.name}"
        self.router.add_api_route(
            path, endpoint, methods=[method], name=name, response_class=Response, include_in_schema=False
        )
        self.operations[f"/{self.entry.name}{path}", method.lower()] = lambda: self._operation(about)

    def _operation(self, about: About) -> dict[str, Any]:
        anonymous = self.services.roles.anonymous
        public = self.services.access.decide(anonymous, self.entry.name, about.rule) is not None
        return openapi.operation(self.entry, about, self.table, public=public)

    def add_list(self) -> None:
        """``GET /``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            found = await list_rows(self.services, caller, self.entry, self.table, request.scope["query_string"])
            window, total = found.plan.window, found.total
            return page_reply(
                found.rows, total=total, page=window.page, size=window.size, pages=pages(total, window.size)
            )

        self.add("", "GET", About("list", f"List {self.entry.name}"), endpoint)

    def add_read(self) -> None:
        """``GET /{id}``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            query = request.scope["query_string"]
            return row_reply(await read_row(self.services, caller, self.entry, request.path_params["id"], query))

        self.add("/{id}", "GET", About("read", f"Read one of the {self.entry.name}"), endpoint)

    def add_create(self) -> None:
        """``POST /``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            raw = await _json_body(request)
            written = await create_row(self.services, caller, self.entry, raw)
            location = {"Location": f"/{self.entry.name}/{written.id}"}
            return row_reply(written.body, 201 if written.new else 200, location)

        self.add("", "POST", About("create", f"Add to the {self.entry.name}", body="create"), endpoint)

    def add_change(self, method: str, kind: Literal["replace", "update"], summary: str) -> None:
        """``PUT /{id}`` and ``PATCH /{id}``: the same rule, ``update``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            raw = await _json_body(request)
            row_id = request.path_params["id"]
            return row_reply((await change_row(self.services, caller, self.entry, row_id, raw, kind)).body)

        self.add("/{id}", method, About(kind, summary, rule="update", body=kind), endpoint)

    def add_delete(self) -> None:
        """``DELETE /{id}``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            _no_parameters(request)
            await delete_row(self.services, caller, self.entry, request.path_params["id"])
            return empty_reply()

        self.add("/{id}", "DELETE", About("delete", f"Delete one of the {self.entry.name}"), endpoint)

    def add_action(self, item: Action | Transition) -> None:
        """``POST /{id}/{action}``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            raw = await _json_body(request)
            row_id = request.path_params["id"]
            return row_reply((await act(self.services, caller, self.entry, row_id, item.name, raw)).body)

        summary = item.description or f"{item.name.capitalize()} one of the {self.entry.name}"
        self.add(f"/{{id}}/{item.name}", "POST", About(item.name, summary, action=item), endpoint)


def generate(services: Services, entry: Entry) -> Rest:
    """All routes of `entry`; one whose every field is set by the server has no writes."""
    rest = Rest(services, entry, compile_parameters(entry), APIRouter(prefix=f"/{entry.name}"))
    rest.add_list()
    if entry is services.auth.entry:
        _add_me(rest)
    rest.add_read()
    if entry.takes_writes:
        rest.add_create()
        rest.add_change("PUT", "replace", f"Replace one of the {entry.name}")
        rest.add_change("PATCH", "update", f"Change one of the {entry.name}")
        rest.add_delete()
    for item in entry.actions.values():
        rest.add_action(item)
    return rest


def _add_me(rest: Rest) -> None:
    """``/me``: the caller's own row, by the same decisions as any other."""
    services, entry = rest.services, rest.entry

    async def own(request: Request) -> tuple[Caller, str]:
        caller = await enter(services, request)
        if caller.id is None:
            raise AuthenticationException
        return caller, str(caller.id)

    async def read(request: Request) -> Response:
        caller, row_id = await own(request)
        return row_reply(await read_row(services, caller, entry, row_id, request.scope["query_string"]))

    async def update(request: Request) -> Response:
        caller, row_id = await own(request)
        raw = await _json_body(request)
        return row_reply((await change_row(services, caller, entry, row_id, raw, "update")).body)

    async def permissions(request: Request) -> Response:
        caller = await enter(services, request)
        _no_parameters(request)
        allowed = services.access.allowed(caller.role)
        shown = {
            resource: {action: {"rows": list(d.rows), "fields": sorted(d.fields)} for action, d in actions.items()}
            for resource, actions in allowed.items()
        }
        return JSONResponse({"role": caller.role, "resources": shown})

    change = "Change the caller; e-mail and password need current_password"
    rest.add("/me", "GET", About("me", "The caller", rule="read"), read)
    rest.add("/me", "PATCH", About("me_update", change, rule="update", body="update"), update)
    what = "What the caller may do, by resource and action"
    rest.add("/me/permissions", "GET", About("me_permissions", what, rule="read", answer="permissions"), permissions)


async def _json_body(request: Request) -> bytes:
    _no_parameters(request)
    check_media_type(request.headers.get("content-type"))
    return await request.body()


def _no_parameters(request: Request) -> None:
    """A write takes no query parameters; an unknown one is told, not ignored."""
    read_query(request.scope["query_string"]).finish()
