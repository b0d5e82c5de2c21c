"""``python -m benchmarks.orders``: orders per second with three lines each, beside the same transaction by hand.

Both place orders in databases of the same schema with the same buyers, in turns; then the audit looks at Charter's.
"""

import argparse
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import jwt

from benchmarks.contenders import APPLICATION, ROOT, Contender
from benchmarks.cores import pair
from benchmarks.dataset import charter_text
from benchmarks.orders.buyers import Job, Round
from benchmarks.servers import INHERITED, ServerError, serve
from tests.servers import database_url, run_on_postgres

SECRET = secrets.token_hex(32)


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    database: str
    rounds: int
    orders: int
    clients: int
    rate: float

    @property
    def buyers(self) -> int:
        """Each buyer orders once; the first round is for warming up."""
        return (2 * self.rounds + 1) * self.orders


def options() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.orders", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--rounds", type=int, default=5, help="rounds per contender (%(default)s)")
    parser.add_argument("--orders", type=int, default=600, help="orders in a round (%(default)s)")
    parser.add_argument("--clients", type=int, default=50, help="buyers at once (%(default)s)")
    parser.add_argument("--rate", type=float, default=150, help="orders per second of the second table (%(default)s)")
    return Options(**vars(parser.parse_args()))


@contextmanager
def databases(kind: str, folder: Path) -> Iterator[dict[str, str]]:
    """A database for each contender; the second one is a copy of the first, made by `copy_database`."""
    names = ("charter", "by_hand")
    if kind == "sqlite":
        yield {name: f"sqlite+aiosqlite:///{folder / name}.db" for name in names}
        return
    mark = secrets.token_hex(4)
    found = {name: f"benchmark_{name}_{mark}" for name in names}
    run_on_postgres(f"CREATE DATABASE {found['charter']}")
    try:
        yield {name: database_url(database) for name, database in found.items()}
    finally:
        for database in found.values():
            run_on_postgres(f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def copy_database(urls: Mapping[str, str]) -> None:
    """Give the opponent the same rows."""
    charter, by_hand = urls["charter"], urls["by_hand"]
    if charter.startswith("sqlite"):
        shutil.copy(charter.partition("///")[2], by_hand.partition("///")[2])
    else:
        source, target = (url.rsplit("/", 1)[1] for url in (charter, by_hand))
        run_on_postgres(f"CREATE DATABASE {target} TEMPLATE {source}")


def environment(url: str, port: int = 0) -> dict[str, str]:
    """Charter's settings: everything on; the limits are counted, but too far away to be met."""
    return {
        "PORT": str(port),
        "ENVIRONMENT": "production",
        "SECRET_KEY": SECRET,
        "DATABASE_URL": url,
        "DEMO_DATA": "false",
        "ACCESS_TOKEN_MINUTES": "600",
        "RATE_LIMIT_SCALE": "1000000",
        "LOG_FORMAT": "json",
    }


def contenders(urls: Mapping[str, str]) -> dict[str, Contender]:
    """Both, on their databases."""

    def make(name: str, title: str, command: Callable[[int], list[str]], more: Mapping[str, str]) -> Contender:
        def settings(port: int) -> Mapping[str, str]:
            return {**environment(urls[name], port), **more}

        return Contender(name, title, "/health/ready", charter_text, lambda _: None, command, settings)

    def by_hand(port: int) -> list[str]:
        quiet = ["--log-level", "warning", "--no-access-log"]
        return [sys.executable, "-m", "uvicorn", "benchmarks.orders.by_hand:app", "--port", str(port), *quiet]

    return {
        "charter": make("charter", "charter", lambda _: [sys.executable, "app.py"], {}),
        "by_hand": make("by_hand", "by hand", by_hand, {"TOKEN_SECRET": SECRET}),
    }


def in_application(folder: Path, url: str, *command: str) -> str:
    """What `python command` prints in the application's folder."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    done = subprocess.run(  # noqa: S603 # our own commands
        [sys.executable, *command],
        cwd=folder,
        env={**kept, **environment(url), "PYTHONPATH": f"{folder}{os.pathsep}{ROOT}", "LOG_LEVEL": "error"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServerError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    return done.stdout


def fire(job: Job) -> Round:
    """Run the load in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.orders.buyers"],
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=600,
        check=True,
    )
    return Round(**json.loads(done.stdout))


def run(wanted: Options) -> None:
    """The whole benchmark."""
    server_core, load_core = pair()
    with tempfile.TemporaryDirectory(prefix="charter-orders-") as name, ExitStack() as stack:
        folder = Path(name)
        for part in APPLICATION:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part)
            elif source.exists():
                shutil.copy(source, folder / part)
        urls = stack.enter_context(databases(wanted.database, folder))
        found = in_application(folder, urls["charter"], "-m", "benchmarks.orders.prepare", str(wanted.buyers))
        buyers = json.loads(found.splitlines()[-1])
        copy_database(urls)
        tokens = {
            "charter": [buyer["token"] for buyer in buyers],
            "by_hand": [jwt.encode({"sub": buyer["id"]}, SECRET, algorithm="HS256") for buyer in buyers],
        }
        both = contenders(urls)
        ports = {key: stack.enter_context(serve(item, folder, server_core)).port for key, item in both.items()}
        titles = {key: item.title for key, item in both.items()}

        def play(numbers: range, rate: float) -> dict[str, list[Round]]:
            """Rounds in turns, so that a slow minute of the machine hits both."""
            rounds: dict[str, list[Round]] = {key: [] for key in both}
            for number in numbers:
                for key in both:
                    mine = tokens[key][number * wanted.orders : (number + 1) * wanted.orders]
                    rounds[key].append(fire(Job(ports[key], mine, wanted.clients, load_core, rate)))
            return rounds

        play(range(1), 0)
        tell(wanted, "as fast as they are answered", play(range(1, 1 + wanted.rounds), 0), titles)
        paced = play(range(1 + wanted.rounds, 1 + 2 * wanted.rounds), wanted.rate)
        tell(wanted, f"{wanted.rate:g} orders per second", paced, titles)
        print(f"  audit of charter's database: {in_application(folder, urls['charter'], '-m', 'charter', 'audit')}")


def tell(wanted: Options, pace: str, rounds: Mapping[str, list[Round]], titles: Mapping[str, str]) -> None:
    """Medians over the rounds, the slowest round, and the ratio."""
    print(
        f"{wanted.database}: orders of 3 lines, {wanted.clients} clients at once, {wanted.rounds} rounds of "
        f"{wanted.orders} orders, 1 worker, {pace}"
    )
    print(f"  {'':10}{'orders/s':>10}{'slowest':>10}{'p50 ms':>10}{'p99 ms':>10}{'refused':>10}{'5xx':>6}")
    for key, mine in rounds.items():
        rate, slowest = median(item.rate for item in mine), min(item.rate for item in mine)
        waits = median(item.p50 for item in mine), median(item.p99 for item in mine)
        refused, broken = sum(item.refused for item in mine), sum(item.broken for item in mine)
        print(f"  {titles[key]:10}{rate:10,.0f}{slowest:10,.0f}{waits[0]:10.1f}{waits[1]:10.1f}{refused:10}{broken:6}")
    ratio = median(item.rate for item in rounds["charter"]) / median(item.rate for item in rounds["by_hand"])
    print(f"  charter / by hand: {ratio:.2f}")


if __name__ == "__main__":
    run(options())
