"""The pages for people: a welcome at ``/`` and the interactive documentation at ``/docs``, from bundled files alone."""

from collections.abc import Awaitable, Callable, Sequence
from html import escape
from os import PathLike, stat_result
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import BaseRoute, Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from charter.settings import Settings

ASSETS = Path(__file__).parent / "assets"
ASSETS_PATH = "/docs/assets"
ASSETS_MAX_AGE_SECONDS = 3_600

Guard = Callable[[Request], Awaitable[None]]
"""Returns when the caller may see the page, else raises an ApiException."""

LINKS = (
    ("docs", "Documentation", "Every endpoint, to read and to try."),
    ("admin", "Administration", "Screens for those who look after the data."),
    ("health", "Health", "Whether everything is up."),
)

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" type="image/png" href="{assets}/swagger-ui/favicon-32x32.png">
<link rel="stylesheet" href="{assets}/{style}">
</head>
<body>
{body}
</body>
</html>
"""

_DOCS_BODY = """<div id="swagger-ui" data-openapi="{openapi}"></div>
<script src="{assets}/swagger-ui/swagger-ui-bundle.js"></script>
<script src="{assets}/docs.js"></script>
<noscript>This page needs JavaScript. The description itself is at <a href="{openapi}">{openapi}</a>.</noscript>"""


class Page(Route):
    """A route that tells the request log which one it is, whichever router it is in."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        match, found = super().matches(scope)
        return match, {**found, "route": self} if match is not Match.NONE else found


class Assets(StaticFiles):
    """Static files that browsers keep for an hour and then ask about."""

    def file_response(
        self, full_path: str | PathLike[str], stat_result: stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        response.headers["Cache-Control"] = f"public, max-age={ASSETS_MAX_AGE_SECONDS}"
        return response


def docs_routes(
    settings: Settings, *, openapi_url: str = "/openapi.json", guard: Guard | None = None
) -> list[BaseRoute]:
    """The routes ``docs`` (``/docs``, for whom `guard` lets in) and ``docs:assets`` (``/docs/assets``, for all)."""

    async def docs(request: Request) -> Response:
        if guard is not None:
            await guard(request)
        root = str(request.scope.get("root_path", "")).rstrip("/")
        return HTMLResponse(_docs_page(settings.brand_name, root, openapi_url))

    return [
        Page("/docs", docs, name="docs", include_in_schema=False),
        Mount(ASSETS_PATH, Assets(directory=ASSETS, check_dir=False), name="docs:assets"),
    ]


def welcome(settings: Settings, resources: Sequence[tuple[str, str]]) -> list[BaseRoute]:
    """The route ``welcome`` (``/``): brand, links, and `resources` as pairs of path and description."""
    page = _welcome_page(settings, resources)

    async def show(_: Request) -> Response:
        return HTMLResponse(page)

    return [Page("/", show, name="welcome", include_in_schema=False)]


def _docs_page(brand: str, root: str, openapi_url: str) -> str:
    assets = escape(f"{root}{ASSETS_PATH}")
    body = _DOCS_BODY.format(openapi=escape(f"{root}{openapi_url}"), assets=assets)
    return _PAGE.format(title=escape(f"{brand} API"), assets=assets, style="swagger-ui/swagger-ui.css", body=body)


def _welcome_page(settings: Settings, resources: Sequence[tuple[str, str]]) -> str:
    """Links are relative, so that the page works below a prefix too."""
    brand, logo = escape(settings.brand_name), escape(settings.brand_logo)
    picture = f'<img src="{logo}" alt="">' if logo else ""
    links = "".join(_card(href, f"<strong>{name}</strong>", text) for href, name, text in LINKS)
    cards = "".join(_card(path.lstrip("/"), f"<code>{escape(path)}</code>", text) for path, text in resources)
    listed = f"\n<h2>Resources</h2>\n<ul>{cards}</ul>" if cards else ""
    body = f"<main>\n<header>{picture}<h1>{brand}</h1></header>\n<nav><ul>{links}</ul></nav>{listed}\n</main>"
    return _PAGE.format(title=brand, assets=ASSETS_PATH.lstrip("/"), style="welcome.css", body=body)


def _card(href: str, title: str, text: str) -> str:
    return f'<li><a href="{escape(href)}">{title}<span>{escape(text)}</span></a></li>'
