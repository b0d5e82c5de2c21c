"""Entry -> router: the generated endpoints. Each asks who calls, counts the call, and hands over to `serve`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from charter import openapi
from charter.bodies import check_media_type
from charter.catalog import Entry
from charter.declare import Caller
from charter.errors import AuthenticationException
from charter.plugins.pagination import pages
from charter.plugins.parameters import read_query
from charter.reply import empty_reply, page_reply, row_reply
from charter.serve import (
    Parameters,
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


@dataclass(frozen=True, slots=True)
class Rest:
    """The router of one entry, in the making."""

    services: Services
    entry: Entry
    table: Parameters
    router: APIRouter

    def add(self, path: str, method: str, action: str, endpoint: Endpoint, documented: dict[str, Any]) -> None:
        rule = "update" if action == "replace" else action
        setattr(endpoint, RULE, (self.entry.name, rule))
        endpoint.__name__ = f"{self.entry.name.replace('-', '_')}_{action}"
        self.router.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=f"{self.entry.name}:{action}",
            operation_id=documented["operationId"],
            status_code={"create": 201, "delete": 204}.get(action, 200),
            response_class=Response,
            openapi_extra=documented,
        )

    def documented(self, action: str, summary: str, parameters: list[Any], body: str = "") -> dict[str, Any]:
        anonymous = self.services.roles.anonymous
        rule = "update" if action == "replace" else action
        public = self.services.access.decide(anonymous, self.entry.name, rule) is not None
        return openapi.operation(
            self.entry, action, summary=summary, parameters=parameters, body=body, public=public
        )

    def add_list(self) -> None:
        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            found = await list_rows(self.services, caller, self.entry, self.table, request.scope["query_string"])
            window = found.plan.window
            total = found.total
            return page_reply(
                found.rows, total=total, page=window.page, size=window.size, pages=pages(total, window.size)
            )

        parameters = openapi.list_parameters(self.entry, self.table)
        self.add("", "GET", "list", endpoint, self.documented("list", f"List {self.entry.name}", parameters))

    def add_read(self) -> None:
        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            query = request.scope["query_string"]
            return row_reply(await read_row(self.services, caller, self.entry, request.path_params["id"], query))

        parameters = [openapi.id_parameter(), openapi.fields_parameter(self.entry)]
        documented = self.documented("read", f"Read one of the {self.entry.name}", parameters)
        self.add("/{id}", "GET", "read", endpoint, documented)

    def add_create(self) -> None:
        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            raw = await _json_body(request)
            written = await create_row(self.services, caller, self.entry, raw)
            location = {"Location": f"/{self.entry.name}/{written.id}"}
            return row_reply(written.body, 201 if written.new else 200, location)

        model = self.entry.schemas.create.__name__
        self.add("", "POST", "create", endpoint, self.documented("create", f"Add to the {self.entry.name}", [], model))

    def add_change(self, method: str, action: Any, summary: str) -> None:
        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            raw = await _json_body(request)
            row_id = request.path_params["id"]
            return row_reply((await change_row(self.services, caller, self.entry, row_id, raw, action)).body)

        model = getattr(self.entry.schemas, action).__name__
        documented = self.documented(action, summary, [openapi.id_parameter()], model)
        self.add("/{id}", method, action, endpoint, documented)

    def add_delete(self) -> None:
        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            _no_parameters(request)
            await delete_row(self.services, caller, self.entry, request.path_params["id"])
            return empty_reply()

        documented = self.documented("delete", f"Delete one of the {self.entry.name}", [openapi.id_parameter()])
        self.add("/{id}", "DELETE", "delete", endpoint, documented)


def resource_router(services: Services, entry: Entry) -> APIRouter:
    """All generated routes of `entry`; one whose every field is set by the server has no writes."""
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
    return rest.router


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
        allowed = services.access.allowed(caller.role)
        shown = {
            resource: {action: {"rows": list(d.rows), "fields": sorted(d.fields)} for action, d in actions.items()}
            for resource, actions in allowed.items()
        }
        return JSONResponse({"role": caller.role, "resources": shown})

    for name, method, action, endpoint, summary in (
        ("me", "GET", "read", read, "The caller"),
        ("me_update", "PATCH", "update", update, "Change the caller; e-mail and password need current_password"),
        ("me_permissions", "GET", "read", permissions, "What the caller may do, by resource and action"),
    ):
        path = "/me/permissions" if name == "me_permissions" else "/me"
        body = entry.schemas.update.__name__ if action == "update" else ""
        documented = rest.documented(action, summary, [], body)
        documented["operationId"] = f"{entry.name}_{name}"
        if name == "me_permissions":
            documented["responses"]["200"] = {"description": "Roles, rows and fields.", "content": {JSON: {"schema": {"type": "object"}}}}
        setattr(endpoint, RULE, (entry.name, action))
        rest.router.add_api_route(
            path,
            endpoint,
            methods=[method],
            name=f"{entry.name}:{name}",
            operation_id=documented["operationId"],
            response_class=Response,
            openapi_extra=documented,
        )


JSON = "application/json"


async def _json_body(request: Request) -> bytes:
    _no_parameters(request)
    check_media_type(request.headers.get("content-type"))
    return await request.body()


def _no_parameters(request: Request) -> None:
    """A write takes no query parameters; an unknown one is told, not ignored."""
    read_query(request.scope["query_string"]).finish()
