"""The figures, as a newcomer reads them."""

import platform
import sqlite3
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from statistics import median

from benchmarks.contenders import Contender
from benchmarks.load import Round
from benchmarks.workloads import Workload

BUSY = 0.9  # from this share of a core on, the load itself may be what was measured
PACKAGES = ("fastapi", "starlette", "uvicorn", "pydantic", "sqlmodel", "sqlalchemy", "fastapi-pagination")


def head(products: int, rounds: int, seconds: float, connections: int, *, pinned: bool) -> None:
    """What the figures stand for."""
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    cores = "server and load on a core of their own" if pinned else "server and load not pinned to cores"
    print(f"{products:,} products, {rounds} rounds of {seconds:g} s, {connections} connections, 1 worker, {cores}")
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}")


def body(workload: Workload, contenders: Sequence[Contender], rounds: Mapping[str, Sequence[Round]]) -> None:
    """The figures of one workload: medians over the rounds, and the slowest and the fastest of them."""
    print(f"\n{workload.name}: {workload.title}")
    print(f"  {'':12}{'req/s':>9}{'slowest':>9}{'fastest':>9}{'p50 ms':>9}{'p99 ms':>9}{'bytes':>9}")
    for contender in contenders:
        mine = rounds[contender.name]
        rates = [taken.rate for taken in mine]
        waits = median(taken.p50 for taken in mine), median(taken.p99 for taken in mine)
        print(
            f"  {contender.title:12}{median(rates):9,.0f}{min(rates):9,.0f}{max(rates):9,.0f}"
            f"{waits[0]:9.2f}{waits[1]:9.2f}{mine[-1].size:9,}"
        )
        if max(taken.busy for taken in mine) > BUSY:
            print(f"  the load was busy all the time: {contender.title} may be faster than this")
    first, *others = contenders
    for other in others:
        ratio = _rate(rounds[first.name]) / _rate(rounds[other.name])
        print(f"  {first.title} / {other.title}: {ratio:.2f}")


def _rate(rounds: Sequence[Round]) -> float:
    return median(taken.rate for taken in rounds)
