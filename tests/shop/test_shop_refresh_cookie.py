"""The refresh cookie in a real browser: pages of an allowed origin stay signed in by it, all others get nothing."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.admin.tabs import chromium
from tests.certificates import make_certificate, serving
from tests.patience import wait_until
from tests.running import ADMIN, UVICORN, Running, copy_application, launch
from tests.servers import CHROMIUM, need

NAME = "__Host-refresh"
EMAIL, PASSWORD = ADMIN

LOGIN = """async ([api, username, password]) => {
    const body = new URLSearchParams({username, password})
    const answer = await fetch(`${api}/auth/login`, {method: "POST", credentials: "include", body})
    return [answer.status, await answer.json()]
}"""
REFRESH = """async (api) => {
    const answer = await fetch(`${api}/auth/refresh`, {method: "POST", credentials: "include"})
    return [answer.status, await answer.json()]
}"""
LOGOUT = """async ([api, token]) => {
    const headers = {Authorization: `Bearer ${token}`}
    return (await fetch(`${api}/auth/logout`, {method: "POST", credentials: "include", headers})).status
}"""
WHO = """async ([api, token]) => {
    const answer = await fetch(`${api}/users/me`, {headers: {Authorization: `Bearer ${token}`}})
    return [answer.status, (await answer.json()).email]
}"""
BLIND = """async (api) => {
    await fetch(`${api}/auth/refresh`, {method: "POST", mode: "no-cors", credentials: "include"})
}"""


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # its name there
        body = b"<!doctype html><title>A frontend</title>"
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Nothing to tell."""


@contextmanager
def frontend(context: ssl.SSLContext | None) -> Iterator[int]:
    """A page on a port of its own, known by every name of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@dataclass(frozen=True, slots=True)
class World:
    """The shop, a page that it allows, one on another port, one on another site; and a window of the browser."""

    shop: Running
    api: str
    allowed: str
    neighbour: str
    stranger: str
    window: Any

    def page(self, url: str) -> Any:
        """A tab on one of the pages."""
        found = self.window.new_page()
        found.goto(url)
        return found

    def cookie(self) -> dict[str, Any] | None:
        """What the browser keeps."""
        [*kept] = [item for item in self.window.cookies(self.api) if item["name"] == NAME]
        return kept[0] if kept else None


@pytest.fixture(params=["http", "https"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    """In the clear, as in development (a browser trusts localhost), and over TLS."""
    need("Chromium", there=bool(CHROMIUM))
    scheme, context = str(request.param), None
    command: tuple[str, ...] = UVICORN
    if scheme == "https":
        file = make_certificate(tmp_path / "shop.pem", "localhost")
        command, context = (*UVICORN, "--ssl-certfile", str(file), "--ssl-keyfile", str(file)), serving(file)
    with ExitStack() as stack:
        ours, near, far = (stack.enter_context(frontend(context)) for _ in range(3))
        given = {"CORS_ORIGINS": f"{scheme}://localhost:{ours}", "REFRESH_COOKIE": "on", "DEMO_DATA": "false"}
        shop = launch(copy_application(tmp_path / "shop"), command, **given)
        stack.callback(shop.stop)
        wait_until(lambda: "startup complete" in shop.log(), "the shop does not start")
        window = stack.enter_context(chromium()).new_context(ignore_https_errors=scheme == "https")
        api = f"{scheme}://localhost:{shop.url.rpartition(':')[2]}"
        pages = (f"{scheme}://localhost:{ours}", f"{scheme}://localhost:{near}", f"{scheme}://127.0.0.1:{far}")
        yield World(shop, api, *pages, window)


def signed_in(world: World) -> Any:
    """A tab of the allowed page, signed in."""
    page = world.page(world.allowed)
    status, tokens = page.evaluate(LOGIN, [world.api, EMAIL, PASSWORD])
    assert (status, tokens["refresh_token"]) == (200, None)
    return page


def test_a_page_stays_signed_in_by_a_cookie_that_it_cannot_read(world: World) -> None:
    """Sign in, refresh, reload, refresh, sign out; then the cookie is gone, and was good for nothing else."""
    page = signed_in(world)
    first = world.cookie()
    assert first is not None
    assert {key: first[key] for key in ("domain", "path", "httpOnly", "secure", "sameSite")} == {
        "domain": "localhost",
        "path": "/",
        "httpOnly": True,
        "secure": True,
        "sameSite": "Strict",
    }
    assert page.evaluate("document.cookie") == ""

    status, tokens = page.evaluate(REFRESH, world.api)
    second = world.cookie()
    assert (status, tokens["refresh_token"]) == (200, None)
    assert second is not None
    assert second["value"] != first["value"]
    assert page.evaluate(WHO, [world.api, tokens["access_token"]]) == [200, EMAIL]

    page.reload()
    status, tokens = page.evaluate(REFRESH, world.api)
    assert (status, page.evaluate(WHO, [world.api, tokens["access_token"]])) == (200, [200, EMAIL])

    assert page.evaluate(LOGOUT, [world.api, tokens["access_token"]]) == 204
    assert world.cookie() is None
    assert page.evaluate(WHO, [world.api, tokens["access_token"]])[0] == 401
    assert page.evaluate(REFRESH, world.api)[0] == 400


def test_a_page_of_another_origin_gets_nothing_by_the_cookie(world: World) -> None:
    """From the same site the cookie comes along and is refused; from another one the browser keeps it to itself."""
    page = signed_in(world)
    for url, status in ((world.neighbour, 403), (world.stranger, 400)):  # 403 is told where the cookie came along
        other = world.page(url)
        with pytest.raises(Exception, match="Failed to fetch"):  # it is answered, and the page may not see the answer
            other.evaluate(REFRESH, world.api)
        other.evaluate(BLIND, world.api)
        wait_until(lambda status=status: refused(world, status) == 2, f"not two refusals with {status}")  # type: ignore[misc] # no type for a default
    assert page.evaluate(REFRESH, world.api)[0] == 200


def refused(world: World, status: int) -> int:
    """How often the shop says that it answered a refresh so."""
    lines = [line for line in world.shop.log().splitlines() if "path=/auth/refresh " in line]
    return sum(f"status={status} " in line for line in lines)
