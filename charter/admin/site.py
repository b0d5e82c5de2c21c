"""SQLAdmin's application as Charter runs it: fewer routes, our words for refusals, our rules throughout."""

import logging
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import FastAPI
from sqladmin import Admin
from starlette.datastructures import FormData
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Scope

from charter.admin.gate import Gate
from charter.admin.rows import ruled_sessions
from charter.admin.sign_in import Door, Rights
from charter.admin.views import RefusedError, view_of
from charter.admin.visit import visit
from charter.errors import ApiException, BadRequestException, problem_response
from charter.services import Services

TEMPLATES = Path(__file__).parent / "templates"

OFF = frozenset({"export", "import", "file_download", "file_preview"})
"""Routes of SQLAdmin that are not served: the last two would send any file whose path stands in a text column."""


class Site(Admin):
    """The admin of one application."""

    def __init__(self, app: FastAPI, services: Services) -> None:
        self.services = services
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
        self.templates.env.globals["visit"] = visit
        for entry in services.catalog.entries.values():
            self.add_model_view(view_of(services, entry))
        logging.getLogger("sqladmin.application").addFilter(_is_news)

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

    async def delete(self, request: Request) -> Response:
        """Delete rows one after the other, up to the first that cannot be."""
        # SQLAdmin would put the parameters of any Referer into keyword arguments; it is looked at below instead.
        plain = [item for item in request.scope["headers"] if item[0] != b"referer"]
        answer = await super().delete(Request({**request.scope, "headers": plain}, request.receive))
        failure, deleted = visit().failure, visit().deleted
        if isinstance(failure, ApiException):
            before = f" {deleted} before it {'was' if deleted == 1 else 'were'} deleted." if deleted else ""
            failure.detail = f"{failure.detail}{before}"
            raise failure
        self._outcome(answer)
        kept = _query_of(request.headers.get("referer", "")) if answer.status_code == 200 else ""
        return PlainTextResponse(f"{bytes(answer.body).decode()}?{kept}") if kept else answer

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

    async def login_page(self, request: Request, error: str, status: int) -> Response:
        """The login page with a reason."""
        found: Response = await self.templates.TemplateResponse(
            request, "sqladmin/login.html", {"error": error}, status
        )
        return found

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


def _query_of(address: str) -> str:
    """The search and order of the list that somebody came from."""
    try:
        return urlsplit(address).query
    except ValueError:
        return ""


def _is_news(record: logging.LogRecord) -> bool:
    """A refused write is in the request log already, and no traceback says more about it."""
    return record.exc_info is None or not isinstance(record.exc_info[1], RefusedError)


__all__ = ["Site"]
