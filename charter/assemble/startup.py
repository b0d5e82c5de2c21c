"""What happens between the process starting and the first request: schema, first admin, demo data, under one lock."""

import asyncio
import logging
import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import MetaData, text

from charter.declare import Seed
from charter.errors import DatabaseException
from charter.migrate import LOCK_SECONDS, run_locked, upgrade
from charter.projection import project
from charter.services import Services
from charter.store import Repository, Transaction

log = logging.getLogger("charter.start")

SAFE_SQLITE = (3, 51, 3)
"""Earlier libraries can corrupt a WAL database when two connections write and checkpoint in the same instant."""

FIRST_START_LOCK = 0x63686172
"""Key of PostgreSQL's advisory lock: one process at a time looks whether anything is there."""

AGAIN_SECONDS = 0.2
"""How long a process that starts leaves a busy database alone."""


@dataclass(slots=True)
class FirstStart:
    """What has to be told once, on the first start: lines for a person at a terminal."""

    lines: list[str] = field(default_factory=list)


async def init_db(services: Services, metadata: MetaData, seeds: Sequence[Seed] = ()) -> FirstStart:
    """Bring the database up to date and fill what is missing; safe to call from many processes at once."""
    told = FirstStart()
    settings = services.settings
    _warn_of_sqlite(services)
    development = settings.environment == "development"
    done = await run_locked(settings, lambda connection: upgrade(connection, metadata, development=development))
    for line in done:
        log.info(line)
    await _patiently(lambda: show_policy(services))
    await _patiently(lambda: services.store.write(lambda tx: _first_start(tx, services, seeds, told)))
    return told


async def _patiently(work: Callable[[], Awaitable[None]]) -> None:
    """Do `work`, again while the database is busy: another process may fill it for longer than a request would wait."""
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return await work()
        except DatabaseException as error:
            if time.monotonic() > end:
                raise
            log.info("waiting to start: %s", error.detail)
            await asyncio.sleep(AGAIN_SECONDS)


def _first_start(tx: Transaction, services: Services, seeds: Sequence[Seed], told: FirstStart) -> None:
    """The first admin and the demo data, in one transaction: whoever finds no account makes all of it, or nothing."""
    told.lines.clear()  # a transaction that lost is run again
    _alone(tx, services)
    entry = services.auth.entry
    if not tx.is_empty(entry):
        return
    settings = services.settings
    password = settings.admin_password or secrets.token_urlsafe(12)
    role = services.roles.order[-1]
    Repository(tx, entry).create(email=settings.admin_email, password=password, role=role, is_verified=True)
    told.lines.append(f"admin: {settings.admin_email}")
    told.lines.append(f"password: {password}" if not settings.admin_password else "password: as in ADMIN_PASSWORD")
    if settings.demo_data:
        for seed in seeds:
            told.lines += seed.fill(tx)


async def show_policy(services: Services) -> None:
    """Bring the policy's image in the database to what is in force; one process at a time."""

    def work(tx: Transaction) -> None:
        _alone(tx, services)
        project(tx, services.catalog, services.policy.newest, services.roles)

    await services.store.write(work)


def _alone(tx: Transaction, services: Services) -> None:
    """Hold off every other process that starts; on SQLite the write lock does so already."""
    if not services.store.is_sqlite:
        tx.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FIRST_START_LOCK})


def _warn_of_sqlite(services: Services) -> None:
    if services.store.is_sqlite and sqlite3.sqlite_version_info < SAFE_SQLITE:
        safe = ".".join(map(str, SAFE_SQLITE))
        log.warning("SQLite %s has a known WAL fault, mended in %s", sqlite3.sqlite_version, safe)


async def close_db(services: Services) -> None:
    """Close the database; nothing may be asked of it afterwards."""
    await services.store.close()
