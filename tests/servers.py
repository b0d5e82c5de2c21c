"""Which servers the tests may use. They are left out, and named, unless asked for: by their address, or all at once.

Nobody's PostgreSQL or Redis is touched unasked. ``TEST_POSTGRES`` and ``TEST_REDIS`` give an address, ``TEST_CHROMIUM``
the path of a browser; REQUIRE_SERVERS=1 wants all of them and node too, makes a missing one a failure, and runs the
tests marked ``thorough``, which take long.
"""

import asyncio
import os
import secrets
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

POSTGRES = os.environ.get("TEST_POSTGRES", "postgresql+asyncpg://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS", "redis://127.0.0.1:6379/15")
REQUIRED = os.environ.get("REQUIRE_SERVERS") == "1"
CHROMIUM = os.environ.get("TEST_CHROMIUM") or (shutil.which("chromium") if REQUIRED else None) or ""
NODE = shutil.which("node") if shutil.which("npm") else None


def answers(url: str) -> bool:
    """Whether `url` may be used, and something listens there."""
    if not (REQUIRED or {"TEST_POSTGRES", "TEST_REDIS"} & os.environ.keys()):
        return False
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 0), timeout=1):
            return True
    except OSError:
        return False


def need(what: str, *, there: bool) -> None:
    """Skip the test where `what` is missing, or fail it where everything is required."""
    if there:
        return
    message = f"left out: {what} is not there, or was not asked for (tests/servers.py tells how)"
    if REQUIRED:
        pytest.fail(message)
    pytest.skip(message)


def run_on_postgres(statement: str) -> None:
    """Run one statement on the maintenance database, outside any transaction."""
    import asyncpg  # type: ignore[import-untyped] # noqa: PLC0415 # it ships no types; only where PostgreSQL is there

    async def work() -> None:
        connection = await asyncpg.connect(POSTGRES.replace("+asyncpg", ""))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    # in a thread: a browser's driver may have a loop running in this one
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work()).result()


def database_url(name: str) -> str:
    """The URL of the database `name` on the test server."""
    return f"{POSTGRES.rsplit('/', 1)[0]}/{name}"


@contextmanager
def postgres_database(*, durable: bool = False, asked: bool = False) -> Iterator[str]:
    """The URL of a fresh database on the test server, dropped at the end of the block; a command has `asked` for it.

    Commits in it do not wait for the disk: they are lost only where the server's machine breaks down, and no test is
    about that. Where ours is killed, a `durable` one is as safe as in production.
    """
    need("PostgreSQL", there=asked or answers(POSTGRES))
    name = f"charter_test_{secrets.token_hex(4)}"
    run_on_postgres(f"CREATE DATABASE {name}")
    try:
        if not durable:
            run_on_postgres(f"ALTER DATABASE {name} SET synchronous_commit = off")
        yield database_url(name)
    finally:
        run_on_postgres(f"DROP DATABASE {name} WITH (FORCE)")
