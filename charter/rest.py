"""Entry -> router: the generated endpoints. Each asks who calls, counts the call, and hands over to `serve`."""

from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from charter.bodies import check_media_type
from charter.catalog import Entry
from charter.declare import Action, Caller, Transition
from charter.depends import RULE
from charter.errors import AuthenticationException
from charter.openapi import About, Operation, operation
from charter.plugins import links
from charter.plugins.grouping import words_of
from charter.plugins.pagination import pages
from charter.plugins.parameters import read_query
from charter.replay import HEADER, REPLAYED, Repeat
from charter.reply import Place, empty_reply, groups_reply, page_reply, row_reply
from charter.serve import (
    Parameters,
    Written,
    act,
    aggregate_rows,
    change_row,
    compile_parameters,
    create_row,
    delete_row,
    list_rows,
    read_row,
)
from charter.services import Services
from charter.web import Door, Endpoint


async def enter(services: Services, request: Request) -> Caller:
    """Who calls, counted against their limit. Bad credentials are 401 here, before anything is looked up."""
    caller = await services.auth.caller(request)
    await services.limiter.hit_user(request.scope, caller)
    return caller


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
        path = f"/{self.entry.name}{path}"
        door, name = Door(endpoint), f"{self.entry.name}:{about.name}"
        setattr(door, RULE, (self.entry.name, about.rule))
        self.router.routes.append(Route(path, door, methods=[method], name=name, include_in_schema=False))
        self.operations[path, method.lower()] = partial(operation, self.entry, about, self.table)

    def add_list(self) -> None:
        """``GET /``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            found = await list_rows(self.services, caller, self.entry, self.table, request.scope["query_string"])
            window, count = found.plan.window, pages(found.plan, found.total)
            place = Place(found.total, window.page, window.size, count, found.next, found.prev)
            if window.page is None:
                headers = links.by_cursor(found.plan, found.prev, found.next)
            else:
                headers = links.by_page(found.plan, window.page, count, more=found.more)
            return page_reply(found.rows, place, headers)

        self.add("", "GET", About("list", f"List {self.entry.name}"), endpoint)

    def add_aggregate(self) -> None:
        """``GET /aggregate``; before ``/{id}``, which no such word could be."""
        words_of(self.entry)  # compiled now, looked up later

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            query = request.scope["query_string"]
            found = await aggregate_rows(self.services, caller, self.entry, self.table, query)
            window = found.plan.window
            return groups_reply(found.groups, window.page or 1, window.size, more=found.more)

        about = About("aggregate", f"Group {self.entry.name}, and count or add up", rule="list")
        self.add("/aggregate", "GET", about, endpoint)

    def add_read(self) -> None:
        """``GET /{id}``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            row_id, query = request.path_params["id"], request.scope["query_string"]
            return row_reply(await read_row(self.services, caller, self.entry, self.table, row_id, query))

        self.add("/{id}", "GET", About("read", f"Read one of the {self.entry.name}"), endpoint)

    def add_create(self) -> None:
        """``POST /``."""

        async def endpoint(request: Request) -> Response:
            caller = await enter(self.services, request)
            raw = await _json_body(request)
            written = await create_row(self.services, caller, self.entry, raw, repeat_of(request))
            location = {"Location": f"/{self.entry.name}/{written.id}"}
            return row_reply(written.body, 201 if written.new else 200, location | replayed(written))

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
            written = await act(self.services, caller, self.entry, row_id, item.name, raw, repeat_of(request))
            return row_reply(written.body, headers=replayed(written))

        summary = item.description or f"{item.name.capitalize()} one of the {self.entry.name}"
        self.add(f"/{{id}}/{item.name}", "POST", About(item.name, summary, action=item), endpoint)


def generate(services: Services, entry: Entry) -> Rest:
    """All routes of `entry`; one whose every field is set by the server has no writes."""
    rest = Rest(services, entry, compile_parameters(entry), APIRouter())
    rest.add_list()
    rest.add_aggregate()
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
        query = request.scope["query_string"]
        return row_reply(await read_row(services, caller, entry, rest.table, row_id, query))

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

    rest.add("/me", "GET", About("me", "The caller", rule="read"), read)
    rest.add("/me", "PATCH", About("me_update", "Change the caller", rule="update", body="update"), update)
    what = "What the caller may do, by resource and action"
    rest.add("/me/permissions", "GET", About("me_permissions", what, rule="read", answer="permissions"), permissions)


def repeat_of(request: Request) -> Repeat | None:
    """What makes a repeat of this request known, where it has the header."""
    given = request.headers.getlist(HEADER)
    return Repeat(", ".join(given), request.state.client) if given else None


def replayed(written: Written) -> dict[str, str]:
    """The header of an answer that was given before."""
    return {REPLAYED: "true"} if written.replayed else {}


async def _json_body(request: Request) -> bytes:
    _no_parameters(request)
    check_media_type(request.headers.get("content-type"))
    return await request.body()


def _no_parameters(request: Request) -> None:
    """A write takes no query parameters; an unknown one is told, not ignored."""
    read_query(request.scope["query_string"]).finish()
