"""fastapi-users' manager, on an adapter whose writes wait for one transaction at the end of a flow.

The library hashes on the event loop, looks before it inserts, and commits step by step; what it would do so is done
here instead. From it come the order of each flow, its tokens' checks and its moments (``on_after_...``).
"""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import jwt
from fastapi import Request
from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users import exceptions
from fastapi_users.db import BaseUserDatabase
from fastapi_users.jwt import decode_jwt, generate_jwt
from fastapi_users.manager import BaseUserManager, UUIDIDMixin
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, select, update

from charter.auth.passwords import passwords
from charter.auth.tables import Account, Email
from charter.auth.tokens import derived_key
from charter.catalog import Entry
from charter.declare import Change
from charter.settings import Settings
from charter.store import Row, Store, Transaction

T = TypeVar("T")
Step = Callable[[Transaction], None]
Link = Callable[[str, Account, str], Awaitable[None]]
"""Mails a link: its kind (``verify-email``, ``reset-password``), to whom, and the token in it."""

MAIL_TOKEN_SECONDS = 30 * 60

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


class StaleAccountError(Exception):
    """The account was changed by somebody else since this flow read it."""


class AccountDatabase(BaseUserDatabase[Account, UUID]):  # type: ignore[type-var] # is_superuser cannot be set, and need not
    """Reads at once; keeps writes until :meth:`commit`. One object serves one flow."""

    def __init__(self, store: Store, entry: Entry) -> None:
        self._store = store
        self._entry = entry
        self._steps: list[Step] = []

    async def get(self, id: UUID) -> Account | None:  # noqa: A002 # fastapi-users' name
        """The account with this id."""
        return await self._one(self._entry.table.c.id == id)

    async def get_by_email(self, email: str) -> Account | None:
        """The account with this address; a text that is no address belongs to nobody."""
        try:
            return await self._one(self._entry.table.c.email == _EMAIL.validate_python(email))
        except ValidationError:
            return None

    async def create(self, create_dict: dict[str, Any]) -> Account:
        """Queue a new account; the hooks fill in what is missing."""
        change = {"id": self._entry.fields["id"].fresh_default(), **create_dict}
        self._steps.append(lambda tx: _discard(tx.create(self._entry, Change("create", None, dict(change)))))
        return account_of(self._entry, change)

    async def update(self, user: Account, update_dict: dict[str, Any]) -> Account:
        """Queue a change. The commit raises :class:`StaleAccountError` where the account has moved on by then."""
        self._steps.append(lambda tx: self._update(tx, user, update_dict))
        return account_of(self._entry, {**user.model_dump(), **update_dict})

    def _update(self, tx: Transaction, user: Account, values: dict[str, Any]) -> None:
        c = self._entry.table.c
        locked = select(self._entry.table).where(c.id == user.id).with_for_update(key_share=True)
        old = tx.execute(locked).mappings().first()
        if old is None or (old["epoch"], old["email"]) != (user.epoch, user.email):
            raise StaleAccountError
        tx.update(self._entry, user.id, Change("update", None, dict(values), old=dict(old)))

    def upgrade_hash(self, user: Account, hashed: str) -> None:
        """Queue a better hash of the same password, past the hooks: nothing about the account has changed."""
        c = self._entry.table.c
        better = update(self._entry.table).where(c.id == user.id, c.hashed_password == user.hashed_password)
        self._steps.append(lambda tx: _discard(tx.execute(better.values(hashed_password=hashed))))

    async def commit(self, last: Callable[[Transaction], T]) -> T:
        """Run everything queued, and `last`, in one transaction; then what follows a commit."""

        def work(tx: Transaction) -> tuple[T, list[tuple[Entry, Change]]]:
            for step in self._steps:
                step(tx)
            return last(tx), tx.changes

        result, changes = await self._store.write(work)
        for entry, change in changes:
            for hooks in entry.hooks:
                if hooks.after_commit is not None:
                    await hooks.after_commit(change)
        return result

    async def _one(self, where: ColumnElement[bool]) -> Account | None:
        statement = select(self._entry.table).where(where)
        living = statement if self._entry.live is None else statement.where(self._entry.live)
        row = await self._store.read(lambda tx: tx.execute(living).mappings().first())
        return None if row is None else account_of(self._entry, dict(row))


class Accounts(UUIDIDMixin, BaseUserManager[Account, UUID]):  # type: ignore[type-var] # same
    """The flows around an account. One object serves one flow; the routes commit."""

    user_db: AccountDatabase
    reset_password_token_lifetime_seconds = MAIL_TOKEN_SECONDS
    verification_token_lifetime_seconds = MAIL_TOKEN_SECONDS

    def __init__(self, settings: Settings, database: AccountDatabase, link: Link) -> None:
        super().__init__(database, passwords.helper)
        self.reset_password_token_secret = derived_key(settings.secret_key, "reset-password")
        self.verification_token_secret = derived_key(settings.secret_key, "verify-email")
        self._link = link

    async def register(self, values: dict[str, Any], password: str) -> Account:
        """Queue a new account; a taken address shows at the commit, by the unique index."""
        return await self.user_db.create({**values, "hashed_password": await passwords.hash(password)})

    async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> Account | None:
        """The active account that these credentials open; the same work and time where there is none."""
        user = await self.user_db.get_by_email(credentials.username)
        checked = await passwords.check(credentials.password, user.hashed_password if user else None)
        if user is None or not checked.ok or not user.is_active:
            return None
        if checked.upgraded is not None:
            self.user_db.upgrade_hash(user, checked.upgraded)
        return user

    async def forgot_password(self, user: Account, request: Request | None = None) -> None:
        """Mail a token that is good until the password changes."""
        if not user.is_active:
            raise exceptions.UserInactive
        data = {
            "sub": str(user.id),
            "password_fgpt": self._fingerprint(user),
            "aud": self.reset_password_token_audience,
        }
        secret, seconds = self.reset_password_token_secret, self.reset_password_token_lifetime_seconds
        await self.on_after_forgot_password(user, generate_jwt(data, secret, seconds), request)

    async def reset_password(self, token: str, password: str, request: Request | None = None) -> Account:
        """Queue the new password that `token` allows."""
        user = await self._account_to_reset(token)
        changed = await self.user_db.update(user, {"hashed_password": await passwords.hash(password)})
        await self.on_after_reset_password(changed, request)
        return changed

    async def _account_to_reset(self, token: str) -> Account:
        audience, secret = self.reset_password_token_audience, self.reset_password_token_secret
        try:
            data = decode_jwt(token, secret, [audience])
            user = await self.get(self.parse_id(data["sub"]))
            known = hmac.compare_digest(str(data["password_fgpt"]), self._fingerprint(user))
        except (jwt.PyJWTError, exceptions.FastAPIUsersException, ValueError, TypeError, LookupError):
            raise exceptions.InvalidResetPasswordToken from None
        if not known or not user.is_active:
            raise exceptions.InvalidResetPasswordToken
        return user

    def _fingerprint(self, user: Account) -> str:
        """Stands for the present password. A keyed hash, where the library would take a slow one of the slow one."""
        return derived_key(str(self.reset_password_token_secret), f"{user.id}:{user.hashed_password}")

    async def on_after_request_verify(self, user: Account, token: str, request: Request | None = None) -> None:  # noqa: ARG002 # fastapi-users' face
        await self._link("verify-email", user, token)

    async def on_after_forgot_password(self, user: Account, token: str, request: Request | None = None) -> None:  # noqa: ARG002 # same
        await self._link("reset-password", user, token)


def account_of(entry: Entry, row: Row) -> Account:
    """`row` as an object of the application's account class; it belongs to no session."""
    model: Any = entry.resource.model
    account: Account = model(**{name: value for name, value in row.items() if name in model.model_fields})
    return account


def _discard(_: object) -> None:
    """What a step returns is of no use."""


__all__ = ["AccountDatabase", "Accounts", "Link", "StaleAccountError", "account_of"]
