"""Runs the toy in this process: built as an application is, on a database of its own, called without a network."""

import logging
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi import APIRouter, FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from charter import Settings, assemble, build, load_settings
from charter.auth.sessions import Origin
from charter.logs import Output
from charter.services import Services
from charter.store import Transaction
from tests.toy import policies, resources
from tests.toy.resources import comments, folders, notes  # noqa: F401 # they name each other: mappers want all
from tests.toy.resources.members import members

HERE = Path(__file__).parent
ADMIN = "first@example.org"


@dataclass(slots=True)
class Toy:
    """The running toy."""

    app: FastAPI
    database: str
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    @property
    def services(self) -> Services:
        found: Services = self.app.state.charter
        return found

    def client(self, token: str = "", app: Any = None) -> httpx2.AsyncClient:
        """A client, signed in where a token is given; `app` is something around the application."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx2.ASGITransport(app=app or self.app)
        made = httpx2.AsyncClient(transport=transport, base_url="http://toy", headers=headers)
        self.clients.append(made)
        return made

    async def member(self, role: str, name: str = "") -> tuple[UUID, str]:
        """A fresh account without a password: its id and an access token."""
        store, auth = self.services.store, self.services.auth
        email = f"{name or role}@example.org"
        row = await store.write(
            lambda tx: tx.repository(members).create(email=email, role=role, is_verified=True, nickname=name or role)
        )
        grant = await auth.sign_in(row["id"], row["epoch"], Origin("test", "127.0.0.1"))
        assert grant is not None
        return row["id"], auth.access_tokens.write(grant.user_id, grant.session, grant.epoch)

    async def as_role(self, role: str, name: str = "") -> httpx2.AsyncClient:
        """A client of a fresh account of `role`."""
        return self.client((await self.member(role, name))[1])

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        """What plain SQL finds, as the database keeps it, over a connection of its own."""
        engine = create_async_engine(self.services.settings.database_url)
        try:
            async with engine.begin() as connection:
                return [tuple(row) for row in await connection.execute(text(statement))]
        finally:
            await engine.dispose()

    async def execute(self, statement: str) -> None:
        """Run plain SQL that answers nothing, past everything that Charter checks."""
        engine = create_async_engine(self.services.settings.database_url)
        try:
            async with engine.begin() as connection:
                await connection.execute(text(statement))
        finally:
            await engine.dispose()

    async def in_transaction(self, work: Callable[[Transaction], Any]) -> Any:
        """What `work` gives, in a transaction with system authority."""
        return await self.services.store.write(work)


def toy_settings(url: str, folder: Path, **given: Any) -> Settings:
    """Settings for a toy whose files are in `folder`."""
    return load_settings(
        **{
            "environment": "test",
            "secret_key": "a secret for tests that is long enough",
            "database_url": url,
            "mail_url": f"file://{folder / 'mail'}",
            "public_url": "http://toy.example",
            "admin_email": ADMIN,
            "admin_password": "correct horse battery",
            "rate_limits": False,
            "log_level": "warning",
            **given,
        }
    )


async def empty(url: str) -> None:
    """Take everything out of a PostgreSQL database, whoever left it there; an SQLite file is fresh anyway."""
    if not url.startswith("postgresql"):
        return
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.execute(text("DROP SCHEMA public CASCADE"))
        await connection.execute(text("CREATE SCHEMA public"))
    await engine.dispose()


@asynccontextmanager
async def running(
    url: str,
    folder: Path,
    patch: pytest.MonkeyPatch,
    *,
    routers: Sequence[APIRouter] = (),
    rules: ModuleType = policies,
    nouns: ModuleType = resources,
    **given: Any,
) -> AsyncIterator[Toy]:
    """The toy on the database at `url`, emptied first; `folder` becomes the application's folder.

    The garbage collector is left alone: looking through all that a test process is made of took a third of each start.
    """
    for name in ("policy.csv", "model.conf"):
        shutil.copy(HERE / name, folder / name)
    patch.chdir(folder)
    patch.setattr(assemble, "set_aside", nullcontext)
    await empty(url)
    app = build(nouns, rules, toy_settings(url, folder, **given), routers=routers)
    async with app.router.lifespan_context(app):
        found = Toy(app, "postgresql" if url.startswith("postgresql") else "sqlite")
        try:
            yield found
        finally:
            for client in found.clients:
                await client.aclose()
            quieten()


def quieten() -> None:
    """Take back what ``build`` did to the logging of this process."""
    for name, level in (("", logging.WARNING), ("charter", logging.NOTSET)):
        logger = logging.getLogger(name)
        logger.setLevel(level)
        for handler in [handler for handler in logger.handlers if isinstance(handler, Output)]:
            logger.removeHandler(handler)


def url_of(request: pytest.FixtureRequest, folder: Path) -> str:
    """The database that a test with the parameter ``sqlite`` or ``postgresql`` runs on."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{folder}/toy.db"
    return str(request.getfixturevalue("postgres"))
