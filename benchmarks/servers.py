"""A contender's server, as a real process, for as long as a ``with`` block lasts, and a client of it."""

import http.client
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.contenders import ROOT, Contender
from benchmarks.cores import pin
from benchmarks.requests import Request

PATIENCE = 60.0  # seconds that a server may take to start
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "VIRTUAL_ENV")


class ServerError(Exception):
    """A server did not come up, or refused what it should answer."""


@dataclass(frozen=True)
class Server:
    """A running server: where it listens, which process it is, and the tokens of those who ask, by role."""

    contender: Contender
    port: int
    process: int
    tokens: Mapping[str, str] = field(default_factory=dict)

    def send(self, request: Request, serial: int = 0) -> tuple[int, bytes]:
        """Status and body of one request."""
        body = request.numbered(serial).encode()
        return exchange(self.port, request.method, request.path, body, request.headers(self.tokens))

    def read(self, path: str) -> Any:
        """The JSON of one good answer."""
        status, body = self.send(Request(path))
        if status != 200:
            told = body[:300].decode(errors="replace")
            raise ServerError(f"{self.contender.title}: {path} answered {status}: {told}")
        return json.loads(body)


@contextmanager
def serve(contender: Contender, folder: Path, core: int | None = None, *, loud: bool = False) -> Iterator[Server]:
    """Serve from ``folder``, which holds the database.

    The standard output goes nowhere, as the lines of the log would only measure the disk, unless ``loud`` keeps it
    to tell why a start failed.
    """
    port = _free_port()
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - the contender's own command
            contender.command(port),
            cwd=folder,
            env={**_environment(), **contender.environment(port)},
            stdin=subprocess.DEVNULL,
            stdout=log if loud else subprocess.DEVNULL,
            stderr=log,
        )
        pin(process.pid, core)
        try:
            _await(contender, process, port, folder / "server.log")
            yield Server(contender, port, process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def exchange(port: int, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, bytes]:
    """Status and body of one request, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body or None, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def _await(contender: Contender, process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            status, _ = exchange(port, "GET", contender.ready, b"", {})
        except OSError:
            status = 0
        if status == 200:
            return
        time.sleep(0.05)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-20:])
    raise ServerError(f"{contender.title} did not answer 200 to {contender.ready}\n{last}")


def _environment() -> dict[str, str]:
    """What a contender inherits: no setting of the developer's, but the code under test."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {**kept, "PYTHONPATH": str(ROOT)}


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port
