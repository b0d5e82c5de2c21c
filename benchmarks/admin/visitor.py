"""Somebody at the admin: signed in like a browser, with a connection that stays open."""

import http.client
import re
import time
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode

from benchmarks.cores import processor_time
from benchmarks.servers import Server, ServerError

PATIENCE = 120.0  # seconds that one page may take


@dataclass(frozen=True)
class Look:
    """One page: milliseconds until it was there, and of the server's processor."""

    waited: float
    cost: float
    body: str


class Visitor:
    """A sign-in, and the connection that it asks over."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)
        self.cookies: dict[str, str] = {}
        self.headers = {"Accept": "text/html", "Origin": f"http://127.0.0.1:{server.port}"}

    def sign_in(self, email: str, password: str) -> Self:
        """Open the login page and fill it; cookies are kept."""
        page = self._ask("GET", "/admin/login")[1]
        token = re.search(r'name="form-token" value="(\w+)"', page)
        if token is None:
            raise ServerError(f"the login page has no token: {page[:300]}")
        form = {"form-token": token[1], "username": email, "password": password}
        status, body = self._ask("POST", "/admin/login", urlencode(form))
        if status != 302:
            raise ServerError(f"the admin answered {status} to a sign-in: {body[:300]}")
        return self

    def _ask(self, method: str, path: str, form: str = "") -> tuple[int, str]:
        kind = {"Content-Type": "application/x-www-form-urlencoded"} if form else {}
        self.connection.request(method, path, form or None, {**self.headers, **kind})
        answer = self.connection.getresponse()
        body = answer.read().decode()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
            self.headers["Cookie"] = "; ".join(f"{key}={kept}" for key, kept in self.cookies.items())
        return answer.status, body

    def look(self, path: str) -> Look:
        """Open a page; ServerError where it is not there."""
        used, start = processor_time(self.server.process), time.perf_counter()
        self.connection.request("GET", f"/admin/{path}", headers=self.headers)
        answer = self.connection.getresponse()
        body = answer.read().decode()
        waited = time.perf_counter() - start
        if answer.status != 200:
            raise ServerError(f"/admin/{path} answered {answer.status}: {body[:300]}")
        cost = (processor_time(self.server.process) or 0) - (used or 0)
        return Look(1000 * waited, 1000 * cost, body)


__all__ = ["Look", "Visitor"]
