"""Who asks: a customer and a manager, registered with each contender that knows accounts, and signed in."""

import json
import secrets
import sqlite3
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlencode

from benchmarks.requests import CUSTOMER, MANAGER
from benchmarks.servers import Server, ServerError, exchange

PASSWORD = secrets.token_urlsafe(16)  # one for this run of the benchmark
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def register(server: Server) -> None:
    """Make both accounts."""
    for role in (CUSTOMER, MANAGER):
        body = json.dumps({"email": _address(role), "password": PASSWORD}).encode()
        status, answer = exchange(server.port, "POST", "/auth/register", body, JSON)
        if status != 201:
            raise ServerError(f"{server.contender.title}: /auth/register answered {status}: {answer.decode()}")


def promote(database: Path) -> None:
    """Give them their roles, and take their addresses for proved; the server must not run meanwhile."""
    with sqlite3.connect(database) as connection:
        for role in (CUSTOMER, MANAGER):
            given = (role, _address(role))
            connection.execute("UPDATE users SET role = ?, is_verified = 1 WHERE email = ?", given)
    connection.close()


def sign_in(server: Server) -> Server:
    """The server with the tokens of both."""
    return replace(server, tokens={role: _token(server, role) for role in (CUSTOMER, MANAGER)})


def _token(server: Server, role: str) -> str:
    body = urlencode({"username": _address(role), "password": PASSWORD}).encode()
    status, answer = exchange(server.port, "POST", "/auth/login", body, FORM)
    if status != 200:
        raise ServerError(f"{server.contender.title}: /auth/login answered {status}: {answer.decode()}")
    token: str = json.loads(answer)["access_token"]
    return token


def _address(role: str) -> str:
    return f"{role}@example.org"
