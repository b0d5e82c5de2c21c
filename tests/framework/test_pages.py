"""The pages for people: the documentation and the welcome."""

import logging
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.testclient import TestClient

from charter.errors import ApiException, NotFoundException, problem_response
from charter.pages import docs_routes, welcome
from charter.settings import Settings, load_settings
from charter.web import wrap


def brand(**overrides: Any) -> Settings:
    return load_settings(environment="test", **overrides)


async def problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiException)
    return problem_response(error, request.scope)


def test_docs_work_from_bundled_files_alone() -> None:
    """Everything that the page names is on this server, cacheable, and no script is inline."""
    routes = docs_routes(brand(brand_name="A <b>"))
    caller = TestClient(wrap(Starlette(routes=routes), brand()))
    page = caller.get("/docs").text
    assert "A &lt;b&gt; API" in page
    assert "http:" not in page
    assert "https:" not in page
    for path in (
        "swagger-ui/swagger-ui-bundle.js",
        "swagger-ui/swagger-ui.css",
        "swagger-ui/favicon-32x32.png",
        "docs.js",
    ):
        assert f'"/docs/assets/{path}"' in page
        answer = caller.get(f"/docs/assets/{path}")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "public, max-age=3600")
        again = caller.get(f"/docs/assets/{path}", headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.headers["Cache-Control"]) == (304, "public, max-age=3600")


def test_docs_guard_may_refuse_the_page_but_not_the_assets() -> None:
    """Who may read the docs is decided outside; the files are public."""

    async def nobody(_: Request) -> None:
        raise NotFoundException

    app = Starlette(routes=docs_routes(brand(), guard=nobody), exception_handlers={ApiException: problem})
    caller = TestClient(wrap(app, brand()))
    assert caller.get("/docs").status_code == 404
    assert caller.get("/docs/assets/docs.js").status_code == 200
    assert caller.get("/docs/assets/../../pages.py").status_code == 404
    assert caller.get("/docs/assets/%2e%2e/pages.py").status_code == 404


def test_welcome_shows_brand_links_and_resources_escaped(caplog: pytest.LogCaptureFixture) -> None:
    """The first page leads everywhere, and no text on it becomes markup."""
    caplog.set_level(logging.INFO, logger="charter")
    shown = brand(brand_name="A & <i>", brand_logo="/logo.svg")
    page = TestClient(wrap(FastAPI(routes=welcome(shown, [("/things", "All <things>")])), shown)).get("/").text
    assert "A &amp; &lt;i&gt;" in page
    assert "All &lt;things&gt;" in page
    assert '<img src="/logo.svg"' in page
    for href in ("docs", "admin", "health", "things"):
        assert f'href="{href}"' in page
    assert [vars(record)["path"] for record in caplog.records if record.name == "charter.request"] == ["/"]
