"""SQLAdmin's application as Charter runs it: fewer routes, our words for refusals, our rules throughout."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from sqladmin import Admin
from sqladmin.authentication import login_required
from sqlalchemy import Select
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from charter.admin.access import AccessPage
from charter.admin.actions import act_page
from charter.admin.addresses import Addresses
from charter.admin.board import board
from charter.admin.bulk import bulk_page, ids_of
from charter.admin.doors import query_of, writing
from charter.admin.exports import export_page
from charter.admin.gate import Gate
from charter.admin.imports import import_page
from charter.admin.inline import inline_page, inline_url
from charter.admin.menu import menu_of
from charter.admin.printouts import links as printout_links
from charter.admin.printouts import print_page
from charter.admin.rows import ruled_sessions
from charter.admin.sign_in import Door, Rights
from charter.admin.tokens import keep_entry, offer_entry, token_input
from charter.admin.viewing import view_as_page, viewable
from charter.admin.views import RefusedError, view_of
from charter.admin.visit import visit
from charter.errors import ApiException, BadRequestException, problem_response
from charter.serve import deletion, write_together
from charter.services import Services

TEMPLATES = Path(__file__).parent / "templates"
STATICS = Path(__file__).parent / "statics"

OFF = frozenset({"export", "import", "logout", "file_download", "file_preview"})
"""Routes of SQLAdmin that are served otherwise, or not: the last two would send any file that a text column names."""


class Site(Admin):
    """The admin of one application. ``exports`` is how many files are being made at the moment."""

    def __init__(self, app: FastAPI, services: Services) -> None:
        self.services = services
        self.exports = 0
        door = Door(services)
        door.site = self
        super().__init__(
            app,
            session_maker=ruled_sessions(services),
            base_url="/admin",
            title=services.settings.brand_name,
            favicon_url=services.settings.brand_logo or "data:,",
            logo_url=services.settings.brand_logo or None,
            templates_dir=str(TEMPLATES),
            middlewares=[Middleware(Gate, site=self)],
            authentication_backend=door,
            authorization_backend=Rights(services),
        )
        routes = self.admin.router.routes
        self.admin.router.routes = [r for r in routes if not isinstance(r, Route) or r.name not in OFF]
        self.admin.router.routes += self._own_routes()
        statics = next(route for route in self.admin.router.routes if getattr(route, "name", "") == "statics")
        assert isinstance(statics, Mount)  # noqa: S101 # SQLAdmin mounts its own files there
        statics.app = StaticFiles(directory=STATICS, packages=["sqladmin"])
        self.templates.env.globals.update(visit=visit, policy=services.policy, token_input=token_input)
        self.templates.env.globals.update(menu_of=partial(menu_of, self.views), viewable=partial(viewable, services))
        self.templates.env.globals.update(inline_url=inline_url, printout_links=printout_links)
        for entry in services.catalog.entries.values():
            self.add_model_view(view_of(services, entry))
        self.add_base_view(AccessPage.of(services))
        self.addresses = Addresses("admin", "/admin", self.admin.router.routes, app.router)
        logging.getLogger("sqladmin.application").addFilter(_is_news)

    def _own_routes(self) -> Sequence[Route]:
        """The screens that SQLAdmin does not have, or has otherwise."""
        both = ["GET", "POST"]
        return [
            Route("/{identity}/act/{action}/{pk}", partial(act_page, self), name="act", methods=both),
            Route("/{identity}/bulk/{action}", partial(bulk_page, self), name="bulk", methods=both),
            Route("/{identity}/export/{kind}", partial(export_page, self), name="export"),
            Route("/{identity}/inline/{pk}", partial(inline_page, self), name="inline", methods=both),
            Route("/{identity}/print/{printout}/{pk}", partial(print_page, self), name="print"),
            Route("/{identity}/import", partial(import_page, self), name="import", methods=both),
            Route("/logout", self.logout, name="logout", methods=both),
            Route("/view-as", partial(view_as_page, self), name="view_as", methods=["POST"]),
        ]

    @login_required
    async def index(self, request: Request) -> Response:
        """The dashboard."""
        async with self.session_maker() as session:

            async def _run(statement: Select[Any]) -> Sequence[Any]:
                found: Sequence[Any] = (await session.execute(statement)).all()
                return found

            cards = await board(self.services, _run, request)
        page: Response = await self.templates.TemplateResponse(request, "sqladmin/index.html", {"cards": cards})
        return page

    async def login(self, request: Request) -> Response:
        """The login page, which is made for a cookie; what is sent has to come with both."""
        return await super().login(request) if request.method == "POST" else await self.login_page(request)

    @login_required
    async def logout(self, request: Request) -> Response:
        """GET asks, POST ends the sign-in."""
        if request.method == "POST":
            answer: Response = await super().logout(request)
            return answer
        page: Response = await self.templates.TemplateResponse(request, "sqladmin/logout.html")
        return page

    async def list(self, request: Request) -> Response:
        """A list; words to show above it are not taken from whoever made the link."""
        if "error" in request.query_params:
            return RedirectResponse(request.url.remove_query_params("error"))
        answer: Response = await super().list(request)
        return answer

    async def create(self, request: Request) -> Response:
        """The form for a new row, and its way to the API's own write."""
        return self._outcome(await super().create(request))

    async def edit(self, request: Request) -> Response:
        """The same for a row that is there."""
        return self._outcome(await super().edit(request))

    @login_required
    async def delete(self, request: Request) -> Response:
        """Delete rows, all or none; the answer is where to go then, as SQLAdmin's script wants it."""
        await self._delete(request)
        view: Any = self._find_model_view(request.path_params["identity"])
        ids = ids_of(request.query_params["pks"])
        steps = [deletion(self.services, writing(), view.entry, row_id) for row_id in ids]
        for refusal in await write_together(self.services, steps):
            raise refusal.error
        url = request.url_for("admin:list", identity=view.entry.name)
        kept = query_of(request.headers.get("referer", ""))
        return PlainTextResponse(f"{url}?{kept}" if kept else str(url))

    @login_required
    async def ajax_lookup(self, request: Request) -> Response:
        """The rows that a reference of a form, or of the filters above a list, can be set to."""
        view: Any = self._find_model_view(request.path_params["identity"])
        if not view.is_accessible(request):
            raise HTTPException(403)
        lookup = view.lookups().get(request.query_params.get("name", ""))
        if lookup is None:
            raise HTTPException(400)
        found = await lookup.get_list(request, request.query_params.get("term", ""))
        return JSONResponse({"results": [lookup.format(row) for row in found]})

    @staticmethod
    async def _handle_form_data(request: Request, obj: Any = None) -> FormData:  # noqa: ARG004 # SQLAdmin's face
        """The form that was sent. There are no file fields; SQLAdmin would look an attribute up by a file's name."""
        form = await request.form()
        if any(not isinstance(value, str) for _, value in form.multi_items()):
            await form.close()
            raise BadRequestException("This form takes no files.")
        return form

    def _outcome(self, answer: Response) -> Response:
        """SQLAdmin shows every exception as the caller's mistake; what was none goes on as what it is."""
        failure = visit().failure
        if failure is None:
            return answer
        if not isinstance(failure, ApiException):
            raise failure
        if failure.status == 503:
            answer.status_code = failure.status
            answer.headers.update(failure.headers)
        return answer

    async def login_page(self, request: Request, error: str = "", status: int = 200) -> Response:
        """The login page, with a reason where it is shown again."""
        entry, token = offer_entry(self.services, request)
        context = {"error": error, "token": token}
        page: Response = await self.templates.TemplateResponse(request, "sqladmin/login.html", context, status)
        keep_entry(self.services, page, entry)
        return page

    async def error_page(self, scope: Scope, error: ApiException) -> Response:
        """A refusal as a page where somebody looks at pages, else as a problem document."""
        request = Request(scope)
        if error.code == "cross_origin" or "text/html" not in request.headers.get("accept", ""):
            return problem_response(error, scope)
        context: dict[str, Any] = {
            "status_code": error.status,
            "message": error.detail,
            "title": error.title,
        }
        page: Response = await self.templates.TemplateResponse(request, "sqladmin/error.html", context, error.status)
        page.headers.update(error.headers)
        return page


def _is_news(record: logging.LogRecord) -> bool:
    """A refused write is in the request log already, and no traceback says more about it."""
    return record.exc_info is None or not isinstance(record.exc_info[1], RefusedError)


__all__ = ["Site"]
