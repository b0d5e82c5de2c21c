"""Somebody at the admin: signed in like a browser, with a connection that stays open."""

import http.client
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
        self.headers = {"Accept": "text/html", "Origin": f"http://127.0.0.1:{server.port}"}

    def sign_in(self, email: str, password: str) -> Self:
        """Fill the login page; the cookie is kept."""
        form = urlencode({"username": email, "password": password})
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        self.connection.request("POST", "/admin/login", form, {**self.headers, **kind})
        answer = self.connection.getresponse()
        answer.read()
        cookie = answer.headers.get("Set-Cookie", "").partition(";")[0]
        if answer.status != 302 or not cookie:
            raise ServerError(f"the admin answered {answer.status} to a sign-in")
        self.headers["Cookie"] = cookie
        return self

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
