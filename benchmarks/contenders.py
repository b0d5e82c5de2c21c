"""Who is measured: how each one's server is started in a folder of its own, and how it stores values."""

import secrets
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.dataset import Encode, charter_text, sqlmodel_text

ROOT = Path(__file__).parent.parent
DATABASE = "shop.db"
APPLICATION = ("app.py", "resources", "policies", "model.conf", "policy.csv", "migrations", "alembic.ini")
SECRET_KEY = secrets.token_hex(32)  # one for this run of the benchmark


class MissingContenderError(Exception):
    """A contender's code is not here."""


@dataclass(frozen=True)
class Contender:
    """One server. It makes its own empty tables when it starts where there are none.

    `scroll` is the path of its pages by cursor; `accounts` says whether it knows any: one that does not only reads.
    """

    name: str
    title: str
    ready: str
    encode: Encode
    settle: Callable[[Path], None]
    command: Callable[[int], list[str]]
    environment: Callable[[int], Mapping[str, str]]
    scroll: str = ""
    accounts: bool = True


def _settle_charter(folder: Path) -> None:
    """Copy the application, so that the run leaves no trace beside it."""
    if not (ROOT / "app.py").exists():
        raise MissingContenderError("charter: there is no app.py to start (measure the rest with --only by_hand)")
    for name in APPLICATION:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, folder / name)


def _charter_environment(port: int) -> dict[str, str]:
    """Production, everything on; the limits are counted and headed, but too far away to be met."""
    return {
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "WORKERS": "1",
        "ENVIRONMENT": "production",
        "SECRET_KEY": SECRET_KEY,
        "DATABASE_URL": f"sqlite+aiosqlite:///./{DATABASE}",
        "DEMO_DATA": "false",
        "RATE_LIMITS": "on",
        "RATE_LIMIT_SCALE": "1000000",
        "LOG_FORMAT": "json",
        "ACCESS_TOKEN_MINUTES": "1440",
    }


def _uvicorn(module: str) -> Callable[[int], list[str]]:
    def command(port: int) -> list[str]:
        address = ["--host", "127.0.0.1", "--port", str(port)]
        quiet = ["--workers", "1", "--log-level", "warning", "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", f"{module}:app", *address, *quiet]

    return command


CHARTER = Contender(
    name="charter",
    title="charter",
    ready="/health/ready",
    encode=charter_text,
    settle=_settle_charter,
    command=lambda _port: [sys.executable, "app.py"],
    environment=_charter_environment,
    scroll="/products",
)
BY_HAND = Contender(
    name="by_hand",
    title="by hand",
    ready="/health",
    encode=sqlmodel_text,
    settle=lambda _folder: None,
    command=_uvicorn("benchmarks.by_hand.app"),
    environment=lambda _port: {"DATABASE_URL": f"sqlite+aiosqlite:///./{DATABASE}", "SECRET_KEY": SECRET_KEY},
    scroll="/products/scroll",
)
BARE = Contender(
    name="bare",
    title="bare",
    ready="/health",
    encode=charter_text,
    settle=lambda _folder: None,
    command=_uvicorn("benchmarks.bare"),
    environment=lambda _port: {"DATABASE": DATABASE},
    scroll="/products/scroll",
    accounts=False,
)
CONTENDERS = (CHARTER, BY_HAND, BARE)  # the first one is compared with each of the others, and lends them its indexes
