"""A toy application with accounts and notes, for the tests of sign-in. Its tables have a metadata of their own."""

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email import policy as mail_policy
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import httpx2
from fastapi import APIRouter, Depends, FastAPI, Request
from sqlalchemy import MetaData, select, update
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from charter import ACCOUNT_INPUTS, Account, Caller, Field, Limits, Resource, Roles, Scope, Table
from charter.access import Decision, InForce
from charter.assemble.failures import add_handlers
from charter.auth import Auth
from charter.catalog import Catalog, compile_catalog
from charter.checks import check
from charter.depends import (
    Database,
    check_resource_ownership,
    create_access_token,
    create_refresh_token,
    decode_token,
    get_current_active_user,
    get_token_from_header,
    require_permission,
    require_role,
    verify_token,
)
from charter.plugins.cursors import Cursors
from charter.plugins.ratelimit import RateLimiter
from charter.replay import Replays
from charter.rest import generate
from charter.services import Services
from charter.settings import Settings, load_settings
from charter.store import Store
from tests.patience import until

APART = registry(metadata=MetaData(naming_convention=SQLModel.metadata.naming_convention))
PASSWORD = "correct horse battery"
MODEL = Path(__file__).parents[2] / "model.conf"
ROLES = Roles(order=("anonymous", "reader", "editor", "owner"), default="reader")
POLICY = """\
g, reader, anonymous
g, editor, reader
g, owner, editor
p, reader, people, read, own, *
p, reader, people, update, own, *
p, editor, people, list, any, *
p, editor, people, read, any, *
p, editor, people, create, any, email|password|nickname|role
p, editor, people, update, any, email|password|current_password|nickname|role|is_active
p, editor, people, delete, any, *
p, reader, notes, read, own, *
p, anonymous, docs, access, any, *
"""


class _People(Account, registry=APART):
    """Keeps the class below out of the shop's tables."""


class _Notes(Table, registry=APART):
    """The same."""


class Person(_People, table=True):
    """Somebody with an account."""

    nickname: str = Field("", max_length=20)


class Note(_Notes, table=True):
    """Something that a person wrote."""

    text: str = Field(max_length=100)
    owner_id: UUID = Field(foreign_key="users.id", on_delete="CASCADE", write="never")


PEOPLE = Resource(Person, path="people", filter=("email",), owner="id", extra=ACCOUNT_INPUTS)
NOTES = Resource(Note, path="notes", owner="owner_id")


@dataclass
class Toy:
    """The toy application, running."""

    services: Services
    app: FastAPI
    mails: Path
    clients: list[httpx2.AsyncClient] = field(default_factory=list)

    @property
    def auth(self) -> Auth:
        return self.services.auth

    def client(self, token: str = "") -> httpx2.AsyncClient:
        """A client, signed in where a token is given."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        transport = httpx2.ASGITransport(app=self.app)
        self.clients.append(httpx2.AsyncClient(transport=transport, base_url="http://toy", headers=headers))
        return self.clients[-1]

    async def account(self, email: str, role: str = "reader", *, verified: bool = True) -> UUID:
        """A fresh account with :data:`PASSWORD`."""
        return await self.auth.create_account(email, PASSWORD, role, verified=verified)

    async def tokens(self, email: str, password: str = PASSWORD) -> dict[str, Any]:
        """What a login answers."""
        answer = await self.client().post("/auth/login", data={"username": email, "password": password})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def signed_in(self, email: str, role: str = "reader") -> httpx2.AsyncClient:
        """A client with a fresh account of its own."""
        await self.account(email, role)
        return self.client((await self.tokens(email))["access_token"])

    async def rows(self, name: str) -> list[dict[str, Any]]:
        """All rows of a table, the oldest first."""
        table = APART.metadata.tables[name]
        wanted = select(table).order_by(table.c.created_at, table.c.id)
        return await self.services.store.read(lambda tx: [dict(row) for row in tx.execute(wanted).mappings()])

    async def change_tokens(self, **values: Any) -> None:
        """Set columns of every refresh token: how tests let time pass."""
        changed = update(APART.metadata.tables["refresh_token"]).values(values)
        await self.services.store.write(lambda tx: tx.execute(changed) and None)

    async def mailed_token(self, kind: str) -> str:
        """The token of the newest mail with a link of `kind`; mails come after the answer."""
        texts: list[tuple[int, str]] = []

        async def there() -> bool:
            texts[:] = sorted(self._texts(kind))
            return bool(texts)

        await until(there, f"no mail for {kind}")
        found = re.search(rf"http://toy\.example/{kind}\?token=(\S+)", texts[-1][1])
        assert found is not None
        return found.group(1)

    def _texts(self, kind: str) -> Iterator[tuple[int, str]]:
        for file in self.mails.glob("*.eml"):
            body = message_from_bytes(file.read_bytes(), policy=mail_policy.default).get_body(("plain",))
            text = str(body.get_content()) if body else ""
            if f"/{kind}?" in text:
                yield file.stat().st_mtime_ns, text


def toy_settings(folder: Path, url: str, **given: Any) -> Settings:
    """Settings for a toy in `folder`."""
    usual = {
        "environment": "test",
        "secret_key": "a key for tests that is long enough",
        "database_url": url,
        "mail_url": f"file://{folder / 'mail'}",
        "public_url": "http://toy.example",
    }
    return load_settings(**(usual | given))


@asynccontextmanager
async def toy(folder: Path, url: str, *, limited: bool = False, **given: Any) -> AsyncIterator[Toy]:
    """The toy application on the database at `url`, emptied first."""
    async with another(folder, url, limited=limited, **given) as found:
        async with found.services.store.engine.begin() as connection:
            await connection.run_sync(APART.metadata.drop_all)
            await connection.run_sync(APART.metadata.create_all)
        yield found


@asynccontextmanager
async def another(folder: Path, url: str, *, limited: bool = False, **given: Any) -> AsyncIterator[Toy]:
    """The toy application on the database at `url` as it is, such as a second process has it."""
    settings = toy_settings(folder, url, **given)
    (folder / "policy.csv").write_text(POLICY)
    scopes = (Scope("own", lambda row, caller: row.owner == caller.id),)
    catalog = compile_catalog([PEOPLE, NOTES], scopes)
    policy = InForce(partial(check, catalog, ROLES, scopes, folder / "policy.csv", MODEL))
    limits = Limits(roles=dict.fromkeys(ROLES.order, "1000/minute"), sign_in="5/minute")
    limiter = RateLimiter(limits, ROLES, enabled=limited, scale=1, workers=1)
    store = Store(settings, catalog, APART.metadata)
    auth = Auth(settings, store, catalog.entries["people"], ROLES, limiter, policy)
    catalog = Catalog({**catalog.entries, "people": auth.entry})
    store.catalog = catalog
    app = FastAPI()
    replays, cursors = Replays(settings, APART.metadata), Cursors(settings)
    app.state.charter = Services(settings, catalog, ROLES, policy, store, limiter, auth, replays, cursors)
    app.include_router(generate(app.state.charter, auth.entry).router)
    app.router.routes.extend(auth.routes)
    app.include_router(handwritten())
    add_handlers(app)
    found = Toy(app.state.charter, app, folder / "mail")
    try:
        yield found
    finally:
        for client in found.clients:
            await client.aclose()
        await auth.close()
        await store.close()


def handwritten() -> APIRouter:
    """Routes as an application would write them, with everything in charter.depends."""
    router = APIRouter(prefix="/own")

    @router.get("/token")
    async def token(found: Annotated[str | None, Depends(get_token_from_header)]) -> dict[str, Any]:
        return {"there": found is not None}

    @router.get("/me")
    async def me(caller: Annotated[Caller, Depends(get_current_active_user)]) -> dict[str, Any]:
        return {"id": str(caller.id)}

    @router.get("/editors")
    async def editors(caller: Annotated[Caller, Depends(require_role("editor"))]) -> dict[str, Any]:
        return {"role": caller.role}

    @router.get("/notes")
    async def notes(decision: Annotated[Decision, Depends(require_permission("notes", "read"))]) -> dict[str, Any]:
        return {"rows": decision.rows}

    @router.get("/notes/{row_id}")
    async def note(request: Request, row_id: UUID) -> dict[str, Any]:
        await check_resource_ownership(request, "notes", row_id)
        return {"id": str(row_id)}

    @router.post("/notes")
    async def write_note(database: Database, caller: Annotated[Caller, Depends(get_current_active_user)]) -> str:
        assert caller.id is not None
        note = Note(text="written by hand", owner_id=caller.id)
        database.add(note)
        return str(note.id)

    @router.post("/broken")
    async def broken(database: Database, caller: Annotated[Caller, Depends(get_current_active_user)]) -> None:
        assert caller.id is not None
        database.add(Note(text="never kept", owner_id=caller.id))
        await database.flush()
        raise LookupError

    @router.post("/tokens/{user_id}")
    async def tokens(request: Request, user_id: UUID) -> dict[str, Any]:
        made = await create_access_token(request, user_id)
        caller = await verify_token(request, made)
        claims = decode_token(request, made)
        assert (claims.user_id, claims.session) == (caller.id, caller.session)
        return {"id": str(caller.id), "access": made, "refresh": await create_refresh_token(request, user_id)}

    return router
