"""Where a storm takes place: a shop of several processes, a way into its database, and a crowd of signed-in people."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from tests.running import UVICORN, Running, copy_application, launch, settings_for, wait_until_up
from tests.servers import postgres_database
from tests.storms.crowd import Crowd, Person

SETTINGS = {"DEMO_DATA": "false", "ACCESS_TOKEN_MINUTES": "600", "LOG_LEVEL": "WARNING"}

BANK = "from tests.storms.bank import open_bank\n\nopen_bank()\n"
"""What the shop's `app.py` begins with here: a provider that sends notices."""


@dataclass(frozen=True)
class Length:
    """How long storms last."""

    rounds: int
    seconds: float
    kills: int
    reads: int


SHORT = Length(rounds=1, seconds=6, kills=3, reads=200)
FULL = Length(rounds=10, seconds=60, kills=20, reads=1000)


class Inside:
    """A process in the application's folder that works on its database, whether the server runs or not."""

    def __init__(self, folder: Path, given: dict[str, str]) -> None:
        command = [sys.executable, "-m", "tests.storms.inside"]
        environment = settings_for(folder, **given)
        self._process = subprocess.Popen(  # noqa: S603 # our own module
            command, cwd=folder, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def ask(self, do: str, **more: Any) -> Any:
        """One question, its answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **more}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the process has ended; what it said is above"
        return json.loads(line)

    def rows(self, sql: str) -> list[list[Any]]:
        """What a statement finds."""
        found: list[list[Any]] = self.ask("rows", sql=sql)
        return found

    def audit(self) -> list[str]:
        """What the audit finds."""
        found: list[str] = self.ask("audit")
        return found

    def close(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(30)
        self._process.stdout.close()


@dataclass
class Stage:
    """A shop of so many ``workers``, and everything that a storm needs. ``seen`` counts what was answered to what."""

    shop: Running
    inside: Inside
    given: dict[str, str]
    staff: Person
    workers: int
    shelf: str = ""
    seen: Counter[str] = field(default_factory=Counter)

    def people(self, count: int, role: str = "customer") -> list[Person]:
        """Fresh accounts, signed in."""
        return [Person(**found) for found in self.inside.ask("people", count=count, role=role)]

    @asynccontextmanager
    async def crowd(self, kept: int | None = None) -> AsyncIterator[Crowd]:
        """Clients of the shop, which is started again where it has ended. `kept` connections live on (None: all)."""
        if self.shop.process.poll() is not None:
            self.shop = _start(self.shop.folder, self.given, self.workers)
        # Shorter than the server keeps an idle connection, which it would close under a request otherwise.
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=kept, keepalive_expiry=2)
        async with httpx2.AsyncClient(base_url=self.shop.url, limits=limits, timeout=60) as http:
            yield Crowd(http, self.staff, self.shelf, self.seen)


def _start(folder: Path, given: dict[str, str], workers: int) -> Running:
    # Their parent imports nothing this way, which saves a third of the start. On a busy machine a client may need long
    # to find out that an idle connection was closed, and a process long to say that it is alive.
    patient = (*UVICORN, "--timeout-keep-alive", "60", "--timeout-worker-healthcheck", "30")
    shop = launch(folder, (*patient, "--workers", str(workers)) if workers > 1 else patient, **given)
    try:
        wait_until_up(shop)
    except BaseException:
        shop.stop()
        raise
    return shop


@contextmanager
def staged(folder: Path, *lines: str, given: Mapping[str, str], workers: int = 2) -> Iterator[Stage]:
    """A stage in `folder`, with the settings `given`; `lines` stand at the top of the shop's `app.py`."""
    app = copy_application(folder) / "app.py"
    app.write_text("".join((BANK, *lines, app.read_text())))
    settings = {**SETTINGS, **given}
    shop = _start(folder, settings, workers)
    inside = Inside(folder, settings)
    stage = Stage(shop, inside, settings, Person("", "", ""), workers)
    try:
        stage.staff = stage.people(1, "admin")[0]
        stage.shelf = _shelf(stage)
        yield stage
    finally:
        stage.shop.stop()
        inside.close()


def _shelf(stage: Stage) -> str:
    with stage.shop.client(stage.staff.token) as http:
        answer = http.post("/categories", json={"name": "Everything"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


@contextmanager
def database(kind: str, *, asked: bool = False) -> Iterator[dict[str, str]]:
    """The settings for a fresh database of that kind; a command has `asked` for it."""
    if kind == "sqlite":
        yield {}
    else:
        with postgres_database(durable=True, asked=asked) as url:
            yield {"DATABASE_URL": url}


def column(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """The only column of some rows."""
    return [value for (value,) in rows]
