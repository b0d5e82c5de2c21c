"""``python -m benchmarks.million``: what depth costs in a list of a million products, and what a capped count does.

A page by cursor at the 900,000th row beside the first page, in turns; the time that SQLite takes for a capped count and
for a whole one; and the server's memory before and after.
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from benchmarks import accounts, dataset
from benchmarks.contenders import CHARTER, DATABASE
from benchmarks.cores import pair
from benchmarks.load import Job, fire
from benchmarks.requests import Request
from benchmarks.servers import Server, serve
from charter.store.engines import MAPPED_BYTES

MADE = 100_000  # rows that the dataset makes; the others are copies of them under other ids, names and numbers
LIST = "/products?sort=price&size=50"
COUNTED = (
    "SELECT count(*) FROM (SELECT 1 FROM product WHERE deleted_at IS NULL AND is_active LIMIT 10000)",
    "SELECT count(*) FROM product WHERE deleted_at IS NULL AND is_active",
)


def multiply(database: Path, rows: int) -> None:
    """Copy every product until there are `rows` of them."""
    with sqlite3.connect(database) as connection:
        columns = [name for _, name, *_ in connection.execute("PRAGMA table_info(product)")]
        for number in range(1, rows // MADE):
            # the last twelve digits of an id are all chance; a copy gets others, and keeps the time of its making
            fresh = {
                "id": f"substr(id, 1, 24) || printf('%012x', (rowid * 16 + {number}) & 281474976710655)",
                "sku": f"sku || '-{number}'",
                "slug": f"slug || '-{number}'",
                "price": f"price + {number}",
            }
            values = ", ".join(fresh.get(name, name) for name in columns)
            connection.execute(
                f"INSERT INTO product ({', '.join(columns)}) SELECT {values} FROM product WHERE rowid <= {MADE}"  # noqa: S608 - our own names
            )
    connection.close()


def memory(process: int) -> float:
    """The memory of a process in MiB; 0 where there is no ``/proc``."""
    status = Path(f"/proc/{process}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS")), 0.0)


def counting(database: Path) -> list[float]:
    """Milliseconds of SQLite's for a capped and for a whole count, over a file seen as the server sees it; medians."""
    connection, found = sqlite3.connect(database), []
    connection.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")
    for statement in COUNTED:
        times = []
        for _ in range(9):
            start = time.perf_counter()
            connection.execute(statement).fetchall()
            times.append(1000 * (time.perf_counter() - start))
        found.append(median(times))
    connection.close()
    return found


def deep(server: Server, row: int) -> str:
    """The path of the page that a cursor leads to from `row` on."""
    cursor = server.read(f"{LIST}&count=none&page={row // 50}")["next"]
    return f"{LIST}&cursor={cursor}"


def measure(server: Server, paths: Sequence[str], rounds: int, seconds: float, core: int | None) -> list[float]:
    """Microseconds of server time for one request of each path, asked in turns."""
    taken: list[list[float]] = [[] for _ in paths]
    for _ in range(rounds):
        for place, path in enumerate(paths):
            job = Job(server.port, server.process, [Request(path)], dict(server.tokens), 0, seconds, 4, core)
            taken[place].append(fire(job).cost)
    return [median(costs) for costs in taken]


def main() -> int:
    """Run it and print what came of it."""
    parser = argparse.ArgumentParser("python -m benchmarks.million", description=__doc__)
    parser.add_argument("--products", type=int, default=1_000_000, help="rows in the shop (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds for each path (%(default)s)")
    parser.add_argument("--seconds", type=float, default=2.0, help="length of one round (%(default)s)")
    given = parser.parse_args()
    server_core, load_core = pair()
    with tempfile.TemporaryDirectory(prefix="charter-benchmark-") as name:
        folder = Path(name)
        CHARTER.settle(folder)
        with serve(CHARTER, folder, loud=True) as empty:
            accounts.register(empty)
        accounts.promote(folder / DATABASE)
        dataset.fill(folder / DATABASE, dataset.make(MADE), CHARTER.encode)
        multiply(folder / DATABASE, given.products)
        with serve(CHARTER, folder, server_core) as up:
            server = accounts.sign_in(up)
            paths = [f"{LIST}&count=none", deep(server, given.products * 9 // 10)]
            measure(server, paths, 1, given.seconds, load_core)
            before = memory(server.process)
            first, far = measure(server, paths, given.rounds, given.seconds, load_core)
            after = memory(server.process)
        capped, whole = counting(folder / DATABASE)
    print(f"{given.products:,} products, server time of a page of 50: first {first:,.0f} µs, by cursor at row ")
    print(f"{given.products * 9 // 10:,} {far:,.0f} µs, {far / first:.2f} times the first (wanted: at most 2)")
    print(f"count in the database: capped {capped:.2f} ms (wanted: at most 2), whole {whole:.1f} ms")
    print(f"memory of the server: {before:.0f} MiB before, {after:.0f} MiB after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
