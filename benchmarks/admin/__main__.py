"""``python -m benchmarks.admin``: how long the pages of the admin take in a shop with a million products.

Makes the shop, starts a server, signs in as its admin, and opens each page in turns. Each answer is looked at: a page
that does not show what it should ends the run.
"""

import argparse
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.admin.shop import RARE, Known, fill, known
from benchmarks.admin.visitor import Look, Visitor
from benchmarks.contenders import CHARTER, Contender
from benchmarks.cores import pair, pin
from benchmarks.servers import ServerError, serve
from tests.servers import database_url, run_on_postgres

EMAIL = "admin@example.org"
FULL, LAST = "Showing 1 to 25", "Showing 9976 to 10000"
COMMON = "linen"  # a word in the descriptions of nearly all products


@dataclass(frozen=True)
class Page:
    """A page of the admin, a text that has to be on it, and milliseconds that it may take."""

    title: str
    path: str
    shows: str
    wanted: float


def pages(about: Known) -> list[Page]:
    """Everything that is measured."""
    here, there = f"products/details/{about.product}", f"products/edit/{about.product}"
    named = f"products/list?search={RARE}"
    return [
        Page("products, first page", "products/list", FULL, 300),
        Page("of one category", f"products/list?category_id={about.category}", 'aria-label="Narrowed by"', 300),
        Page("between two prices", "products/list?price__gte=50.00&price__lte=60.00", FULL, 300),
        Page("by price", "products/list?sortBy=price&sort=asc", 'aria-sort="ascending"', 300),
        Page("of one category, dearest first", f"products/list?category_id={about.category}&sortBy=price&sort=desc",
             'aria-sort="descending"', 300),
        Page("the last page that there is", "products/list?page=400", LAST, 300),
        Page("the last page, by price", "products/list?page=400&sortBy=price&sort=desc", LAST, 300),
        Page("a product", here, "Order items", 100),
        Page("its form", there, 'name="price"', 100),
        Page("search: one word, few rows", named, RARE.title(), 300),
        Page("search: the beginning of a word", "products/list?search=zirc", RARE.title(), 300),
        Page("search: 77,000 rows", "products/list?search=lamp", FULL, 300),
        Page("search: nearly all rows", f"products/list?search={COMMON}", FULL, 300),
        Page("search: two words, by price", "products/list?search=amber+lamp&sortBy=price&sort=asc", "items", 300),
        Page("search: nothing", "products/list?search=nothing-is-called-so", "Nothing is like that", 300),
        Page("look-up of a product", "order-items/ajax/lookup?name=product_id&term=amber+la", "results", 300),
        Page("orders, first page", "orders/list", FULL, 300),
        Page("orders of a state", "orders/list?status__in=paid", "items", 300),
        Page("dashboard", "", 'data-card="Revenue"', 200),
    ]  # fmt: skip


@dataclass(frozen=True)
class Options:
    """What the command line asks for."""

    database: str
    products: int
    orders: int
    rounds: int
    keep: Path | None


def options() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser("python -m benchmarks.admin", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--products", type=int, default=1_000_000, help="rows of products (%(default)s)")
    parser.add_argument("--orders", type=int, default=100_000, help="orders, of two lines each (%(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="times that each page is opened (%(default)s)")
    parser.add_argument("--keep", type=Path, help="a folder for the shop, to be used again; else it is thrown away")
    return Options(**vars(parser.parse_args()))


@dataclass(frozen=True)
class Shop:
    """Where the shop is: the application's folder, its database, the password of its admin.

    ``note`` is the file that says so once it is full.
    """

    folder: Path
    url: str
    password: str
    note: Path

    @property
    def charter(self) -> Contender:
        """Charter's own contender, on this database and with this admin."""

        def environment(port: int) -> Mapping[str, str]:
            account = {"ADMIN_EMAIL": EMAIL, "ADMIN_PASSWORD": self.password}
            return {**CHARTER.environment(port), "DATABASE_URL": self.url, **account}

        return replace(CHARTER, environment=environment)


@contextmanager
def place(wanted: Options) -> Iterator[Shop]:
    """A shop that is thrown away in the end, or kept in a folder that has its password."""
    with tempfile.TemporaryDirectory(prefix="charter-admin-") as temporary, ExitStack() as stack:
        folder = Path(temporary)
        CHARTER.settle(folder)
        kept = wanted.keep.resolve() if wanted.keep is not None else folder
        kept.mkdir(parents=True, exist_ok=True)
        note = kept / f"{wanted.database}_{wanted.products}_{wanted.orders}"
        name = f"benchmark_admin_{secrets.token_hex(4)}"
        url = f"sqlite+aiosqlite:///{kept / name}.db" if wanted.database == "sqlite" else database_url(name)
        password = secrets.token_urlsafe(16)
        if note.exists():
            url, password = note.read_text().split()
        elif wanted.database == "postgresql":
            run_on_postgres(f"CREATE DATABASE {name}")
        if wanted.database == "postgresql" and wanted.keep is None:
            stack.callback(run_on_postgres, f"DROP DATABASE {name} WITH (FORCE)")
        yield Shop(folder, url, password, note)


def prepare(shop: Shop, wanted: Options) -> None:
    """The schema and the admin, by a start of the server; then the rows."""
    with serve(shop.charter, shop.folder, loud=True):
        pass
    started = time.perf_counter()
    fill(shop.url, wanted.products, wanted.orders)
    shop.note.write_text(f"{shop.url} {shop.password}")
    print(f"the shop was filled in {time.perf_counter() - started:.0f} s", flush=True)


def open_all(visitor: Visitor, known_pages: Sequence[Page], rounds: int) -> dict[str, list[Look]]:
    """Each page so many times, in turns, so that a slow moment of the machine hits all of them; one more to warm up."""
    found: dict[str, list[Look]] = {page.title: [] for page in known_pages}
    for number in range(rounds + 1):
        for page in known_pages:
            look = visitor.look(page.path)
            if page.shows not in look.body:
                raise ServerError(f"/admin/{page.path} does not show {page.shows!r}")
            if number:
                found[page.title].append(look)
    return found


def tell(wanted: Options, all_pages: Sequence[Page], found: Mapping[str, Sequence[Look]]) -> None:
    """A line for each page."""
    load = os.getloadavg()[0]
    size = f"{wanted.products:,} products, {wanted.orders:,} orders"
    print(f"{wanted.database}: {size}, each page {wanted.rounds} times, load average {load:.1f}")
    print(f"  {'milliseconds':40}{'median':>9}{'slowest':>9}{'server':>9}{'wanted':>9}")
    for page in all_pages:
        looks = found[page.title]
        waited, cost = median(look.waited for look in looks), median(look.cost for look in looks)
        slowest, missed = max(look.waited for look in looks), "" if waited <= page.wanted else "  missed"
        print(f"  {page.title:40}{waited:9.0f}{slowest:9.0f}{cost:9.0f}{page.wanted:9.0f}{missed}")


def main() -> int:
    """Run it and print what came of it."""
    wanted = options()
    server_core, load_core = pair()
    with place(wanted) as shop:
        if not shop.note.exists():
            prepare(shop, wanted)
        with serve(shop.charter, shop.folder, server_core, loud=True) as server:
            pin(0, load_core)
            everything = pages(known())
            found = open_all(Visitor(server).sign_in(EMAIL, shop.password), everything, wanted.rounds)
    tell(wanted, everything, found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
