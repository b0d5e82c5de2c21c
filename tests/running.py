"""Runs the shipped application as its users do: a copy in a folder of its own, a real process, a real database."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path

import httpx2

from tests.patience import PATIENCE, wait_until

ROOT = Path(__file__).parent.parent
PARTS = ("app.py", "resources", "policies", "model.conf", "policy.csv", "migrations")
"""What an application consists of."""

ADMIN = ("admin@example.com", "a-long-test-password")

SERVE = ("app.py",)
UVICORN = ("-m", "uvicorn", "app:app", "--port", "{port}", "--no-access-log")
"""Two ways to start it, as arguments of Python."""


@dataclass(slots=True)
class Running:
    """A running application: where it answers, where it lives, what it wrote."""

    url: str
    folder: Path
    process: "subprocess.Popen[bytes]"
    environment: dict[str, str]
    database: str = "sqlite"
    output: Path = Path()
    clients: list[httpx2.Client] = field(default_factory=list)

    def client(self, token: str = "") -> httpx2.Client:
        """An HTTP client, signed in where a token is given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        made = httpx2.Client(base_url=self.url, headers=headers, timeout=30)
        self.clients.append(made)
        return made

    def login(self, email: str, password: str) -> str:
        """An access token."""
        with httpx2.Client(base_url=self.url, timeout=30) as http:
            answer = http.post("/auth/login", data={"username": email, "password": password})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def as_admin(self) -> httpx2.Client:
        """A client of the first admin."""
        return self.client(self.login(*ADMIN))

    def account(self, role: str) -> tuple[str, str, httpx2.Client]:
        """A fresh account of `role`: its e-mail, its password, a client signed in with it."""
        email, password = f"{role}-{secrets.token_hex(4)}@example.com", "another-test-password"
        with self.as_admin() as http:
            made = http.post("/users", json={"email": email, "password": password, "role": role})
        assert made.status_code == 201, made.text
        return email, password, self.client(self.login(email, password))

    def mails(self, recipient: str) -> list[str]:
        """The text parts of all mails to `recipient`, the oldest first."""
        found = []
        for file in sorted((self.folder / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns):
            message = message_from_bytes(file.read_bytes(), policy=policy.default)
            body = message.get_body(("plain",))
            if recipient in str(message["to"]) and body is not None:
                found.append(str(body.get_content()))
        return found

    def mail(self, recipient: str, *, containing: str = "") -> str:
        """The newest mail to `recipient`, waited for: it is sent after the answer."""
        found: list[str] = []

        def there() -> bool:
            found[:] = [text for text in self.mails(recipient) if containing in text]
            return bool(found)

        wait_until(there, f"no mail to {recipient}")
        return found[-1]

    def log(self) -> str:
        """Everything that the process printed."""
        return self.output.read_text()

    def stop(self) -> None:
        """End it as an operator does, and wait."""
        for client in self.clients:
            client.close()
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait(15)


def free_port() -> int:
    """A port that nobody uses at the moment, below those that the system gives to outgoing connections."""
    for _ in range(100):
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port")


def copy_application(folder: Path) -> Path:
    """The application as it is shipped, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        else:
            shutil.copy(source, folder / part)
    return folder


def settings_for(folder: Path, **given: str) -> dict[str, str]:
    """The environment of a test application: nothing of this machine's settings, no limits unless asked for."""
    kept = {key: value for key, value in os.environ.items() if key in {"PATH", "HOME", "LANG", "VIRTUAL_ENV", "TMPDIR"}}
    return {
        **kept,
        "PYTHONPATH": str(ROOT),
        "ENVIRONMENT": "test",
        "SECRET_KEY": "0123456789abcdef0123456789abcdef-for-tests",
        "ADMIN_EMAIL": ADMIN[0],
        "ADMIN_PASSWORD": ADMIN[1],
        "MAIL_URL": f"file://{folder / 'mail'}",
        "RATE_LIMITS": "off",
        "DEMO_DATA": "true",
        **given,
    }


def launch(folder: Path, command: tuple[str, ...] = SERVE, output: str = "output.log", **given: str) -> Running:
    """Start the application in `folder` with the settings `given`, and do not wait for it."""
    port = free_port()
    environment = settings_for(folder, PORT=str(port), **given)
    with (folder / output).open("ab") as stream:
        process = subprocess.Popen(  # noqa: S603 # our own application
            [sys.executable, *(part.format(port=port) for part in command)],
            cwd=folder,
            env=environment,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    return Running(f"http://127.0.0.1:{port}", folder, process, environment, output=folder / output)


@contextmanager
def running(folder: Path, command: tuple[str, ...] = SERVE, **given: str) -> Iterator[Running]:
    """The application in `folder`, started with the settings `given`, answering at ``url`` until the block ends."""
    found = launch(folder, command, **given)
    try:
        wait_until_up(found)
        yield found
    finally:
        found.stop()


def run_once(folder: Path, *command: str, stdin: str = "", **given: str) -> "subprocess.CompletedProcess[str]":
    """What `python command` says in `folder`, and its exit code; nothing of it is judged here."""
    return subprocess.run(  # noqa: S603 # our own application
        [sys.executable, *command],
        cwd=folder,
        env=settings_for(folder, **given),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def wait_until_up(found: Running) -> None:
    """Return when the application answers; its output is the message when it does not."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and found.process.poll() is None:
        try:
            if httpx2.get(f"{found.url}/health", timeout=5).status_code == 200:
                return
        except httpx2.TransportError:
            time.sleep(0.05)
    raise AssertionError(f"the application did not start:\n{found.log()}")
