"""The figures, as a newcomer reads them."""

import os
import platform
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from statistics import median

from benchmarks.contenders import Contender
from benchmarks.load import Round
from benchmarks.workloads import Workload

BUSY = 0.9  # from this share of a core on, the load itself may be what was measured
PACKAGES = ("fastapi", "starlette", "uvicorn", "pydantic", "sqlmodel", "sqlalchemy", "fastapi-pagination", "orjson")
Rounds = Mapping[str, Sequence[Round]]


def head(products: int, rounds: int, seconds: float, connections: int, *, pinned: bool) -> None:
    """What the figures stand for."""
    packages = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    cores = "server and load on a core of their own" if pinned else "server and load not pinned to cores"
    print(f"{products:,} products, {rounds} rounds of {seconds:g} s, {connections} connections, 1 worker, {cores}")
    print(f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {packages}")
    print(f"load of the machine before: {load()}")


def load() -> str:
    """How many processes waited for a core, over the last 1, 5 and 15 minutes."""
    return " ".join(f"{share:.1f}" for share in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def body(workload: Workload, contenders: Sequence[Contender], rounds: Rounds) -> None:
    """The figures of one workload: medians over the rounds, and the cheapest and the dearest of them."""
    print(f"\n{workload.name}: {workload.title}")
    print(f"  {'':10}{'µs/req':>9}{'cheapest':>9}{'dearest':>9}{'req/s':>9}{'p50 ms':>9}{'p99 ms':>9}{'bytes':>9}")
    for contender in contenders:
        if not (mine := rounds.get(contender.name)):
            continue
        costs = [taken.cost for taken in mine]
        waits = median(taken.p50 for taken in mine), median(taken.p99 for taken in mine)
        print(
            f"  {contender.title:10}{median(costs):9,.0f}{min(costs):9,.0f}{max(costs):9,.0f}"
            f"{median(taken.rate for taken in mine):9,.0f}{waits[0]:9.2f}{waits[1]:9.2f}{mine[-1].size:9,}",
            flush=True,
        )
        if max(taken.busy for taken in mine) > BUSY:
            print(f"  the load was busy all the time: {contender.title} may answer more requests/s than this")


def table(contenders: Sequence[Contender], measured: Sequence[tuple[Workload, Rounds]]) -> None:
    """How many times as fast the first contender is as each other one, by server time, and what is wanted."""
    first, *others = contenders
    names = ["workload", *(f"{contender.title} µs" for contender in contenders)]
    names += [f"{first.title} beside {other.title}" for other in others]
    print(f"\nserver time per request, load of the machine after: {load()}\n")
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for workload, rounds in measured:
        print(f"| {' | '.join(_line(workload, contenders, rounds))} |")


def _line(workload: Workload, contenders: Sequence[Contender], rounds: Rounds) -> Iterator[str]:
    costs = {name: median(taken.cost for taken in mine) for name, mine in rounds.items()}
    yield workload.name
    for contender in contenders:
        yield f"{costs[contender.name]:,.0f}" if contender.name in costs else "-"
    first, *others = contenders
    for other in others:
        yield _verdict(costs.get(first.name), costs.get(other.name), workload.wanted.get(other.name))


def _verdict(mine: float | None, other: float | None, wanted: float | None) -> str:
    if not mine or not other:
        return "-"
    ratio = other / mine
    if wanted is None:
        return f"{ratio:.2f}"
    return f"{ratio:.2f} (wanted {wanted:g}: {'met' if ratio >= wanted else 'missed'})"
