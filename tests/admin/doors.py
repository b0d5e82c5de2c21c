"""Every door of the admin, by what it is, and where the matrix knocks at it; a door beside these is a finding.

A door is a route, or a query that a page runs. Somebody who adds one has to say here which cells of the matrix hold it
to the policy, or why it is for everybody.
"""

import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import Any

import greenlet  # type: ignore[import-untyped] # it ships no types
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from tests.admin.asks import Outcome

Address = tuple[str, str]
"""Method (``*`` for mounted files) and path template, below ``/admin``."""

LIST = frozenset(
    {"list", "list rows", "list headings", "list cells", "list buttons", "list orders", "menu", "new button",
     "list doors", "inline cells",
     "count", "page beyond", "sort", "search box", "search", "narrowings", "narrow", "narrowed by"}
)  # fmt: skip

ROUTES: Mapping[Address, frozenset[str]] = {
    ("GET", "/"): frozenset({"index", "menu", "dashboard"}),
    ("GET", "/access"): frozenset({"policy page", "policy link", "people"}),
    ("POST", "/view-as"): frozenset({"view as"}),
    ("GET", "/{identity}/list"): LIST,
    ("GET", "/{identity}/details/{pk:path}"): frozenset(
        {"details", "details cells", "details buttons", "action buttons", "related rows", "printout links"}
    ),
    ("GET", "/{identity}/inline/{pk}"): frozenset({"inline form", "inline inputs", "inline values"}),
    ("POST", "/{identity}/inline/{pk}"): frozenset({"inline", "inline extra"}),
    ("GET", "/{identity}/print/{printout}/{pk}"): frozenset(
        {"printout", "printout values", "printout block", "printout rows"}
    ),
    ("GET", "/{identity}/create"): frozenset({"create form", "create inputs", "roles offered"}),
    ("POST", "/{identity}/create"): frozenset({"create", "create extra"}),
    ("GET", "/{identity}/edit/{pk:path}"): frozenset({"edit form", "edit inputs", "edit values", "chosen rows"}),
    ("POST", "/{identity}/edit/{pk:path}"): frozenset({"edit", "edit extra"}),
    ("GET", "/{identity}/act/{action}/{pk}"): frozenset({"act form", "act inputs", "act title"}),
    ("POST", "/{identity}/act/{action}/{pk}"): frozenset({"act", "act extra"}),
    ("GET", "/{identity}/bulk/{action}"): frozenset(
        {"bulk form", "bulk rows", "bulk count", "bulk inputs", "bulk cells"}
    ),
    ("POST", "/{identity}/bulk/{action}"): frozenset({"bulk", "bulk extra"}),
    ("GET", "/{identity}/export/{kind}"): frozenset(
        {"export", "export fields", "export rows", "export cells", "export sort", "export search", "export narrow"}
    ),
    ("GET", "/{identity}/import"): frozenset({"import form", "import columns"}),
    ("POST", "/{identity}/import"): frozenset({"import", "import extra"}),
    ("DELETE", "/{identity}/delete"): frozenset({"delete", "bulk delete"}),
    ("GET", "/{identity}/ajax/lookup"): frozenset({"look-up"}),
}
"""Route -> the matrix's doors for it."""

PUBLIC: Mapping[Address, str] = {
    ("*", "/statics"): "styles and scripts, the same for everybody",
    ("GET", "/login"): "asks for a password itself",
    ("POST", "/login"): "likewise; who gets in is told by test_admin_sign_in",
    ("GET", "/logout"): "asks whether to end one's own sign-in",
    ("POST", "/logout"): "ends it",
}
"""Routes that ask for no decision on a resource, and why."""

OFF = {"files"}
"""Doors of SQLAdmin that are closed for good; the matrix knocks at them as well."""

OUTER = OFF | {
    "index",
    "policy page",
    "view as",
    "list",
    "details",
    "create form",
    "edit form",
    "inline form",
    "inline",
    "printout",
    "create",
    "edit",
    "act form",
    "act",
    "bulk form",
    "bulk",
    "export",
    "import form",
    "import",
    "delete",
    "look-up",
}
"""Doors that somebody finds closed who does not get in."""

QUERIES: Mapping[str, frozenset[str]] = {
    "views.how_many": frozenset({"count", "export", "bulk count"}),
    "exports.chunks": frozenset({"export rows", "export cells", "export sort", "export search", "export narrow"}),
    "inline._row": frozenset({"inline"}),
    "printouts._sheet": frozenset({"printout rows"}),
    "bulk._choose": frozenset({"bulk rows"}),
    "bulk._show": frozenset({"bulk cells"}),
    "bulk._tell": frozenset({"bulk"}),
    "views.list": frozenset({"list rows", "sort", "search", "narrow", "list cells"}),
    "searching.few": frozenset({"search"}),
    "views.look_closer": frozenset({"list buttons", "details buttons", "action buttons", "edit values", "act title"}),
    "views.get_object_for_details": frozenset({"details", "edit form", "act form", "act", "delete", "bulk delete"}),
    "views.get_object_for_edit": frozenset({"edit form", "edit"}),
    "people._counts": frozenset({"people"}),
    "people._named": frozenset({"people"}),
    "board._number": frozenset({"dashboard"}),
    "board._trend": frozenset({"dashboard"}),
    "board._split": frozenset({"dashboard"}),
    "board._first": frozenset({"dashboard"}),
    "cells.compute": frozenset({"list cells", "details cells", "related rows"}),
    "related._table": frozenset({"related rows"}),
    "lookups.get_list": frozenset({"look-up"}),
    "lookups.format_by_pk": frozenset({"chosen rows", "narrowed by"}),
}
"""Function that runs a query -> the matrix's doors where its answer shows."""


def admin_of(app: FastAPI) -> Starlette:
    """The mounted admin."""
    (mount,) = [route for route in app.routes if isinstance(route, Mount) and route.name == "admin"]
    found = mount.app
    assert isinstance(found, Starlette)
    return found


def routes_here(admin: Starlette) -> Iterator[Address]:
    """The routes of a mounted admin; HEAD is GET without a body."""
    for route in admin.router.routes:
        methods = route.methods if isinstance(route, Route) and route.methods else {"*"}
        for method in sorted(methods - {"HEAD"}):
            yield method, str(getattr(route, "path", route))


def unlisted(routes: Iterable[Address]) -> list[str]:
    """One sentence for each route that nobody has listed, and for each listed one that is not there."""
    there, known = set(routes), {*ROUTES, *PUBLIC}
    new = [f"{method} {path} is a door that no cell of the matrix is for" for method, path in sorted(there - known)]
    return new + [f"{method} {path} is listed and not there" for method, path in sorted(known - there)]


def unasked(outcomes: Collection[Outcome], roles: Iterable[str], refused: Collection[str]) -> list[str]:
    """Doors at which a role has not knocked. The `refused` roles see the first door of each route at most."""
    asked = {place for outcome in outcomes for place in outcome.knocked}
    wanted = {door for doors in ROUTES.values() for door in doors} | OFF
    return [
        f"{role} was never at {door}"
        for role in roles
        for door in sorted(OUTER if role in refused else wanted)
        if (role, door) not in asked
    ]


def unknown_queries(seen: Iterable[str]) -> list[str]:
    """Functions that ran a query and are not listed, and listed ones that ran none."""
    there = set(seen)
    return sorted(there ^ QUERIES.keys())


def asking() -> str:
    """The function of the admin that runs the statement under way, as ``module.function``."""
    for frame in _frames():
        file = Path(frame.f_code.co_filename)
        if file.parent.name == "admin" and file.parent.parent.name == "charter" and file.stem != "rows":
            name = frame.f_code.co_name
            if name != "_run":
                return f"{file.stem}.{name}"
    return "somebody else"


def _frames() -> Iterator[FrameType]:
    """The frames from here outwards, past the greenlet that SQLAlchemy runs a statement in."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame
        frame = frame.f_back
    parent: Any = greenlet.getcurrent().parent
    frame = parent.gr_frame if parent is not None else None
    while frame is not None:
        yield frame
        frame = frame.f_back
