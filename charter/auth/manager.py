"""fastapi-users' manager, on an adapter whose writes wait for one transaction at the end of a flow.

The library hashes on the event loop, looks before it inserts, and commits step by step; what it would do so is done
here instead. Its flows by mail are not used: their tokens can be used again, and time tells whom they are mailed to.
"""

from collections.abc import Callable
from typing import Any, TypeVar
from uuid import UUID

from fastapi.security import OAuth2PasswordRequestForm
from fastapi_users.db import BaseUserDatabase
from fastapi_users.manager import BaseUserManager, UUIDIDMixin
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement, select, update

from charter.auth.hooks import Owe, needs_proof
from charter.auth.letters import VERIFY
from charter.auth.passwords import passwords
from charter.auth.tables import Account, Email
from charter.catalog import Entry
from charter.declare import Change
from charter.store import Row, Store, Transaction

T = TypeVar("T")
Step = Callable[[Transaction], None]

_EMAIL: TypeAdapter[str] = TypeAdapter(Email)


class StaleAccountError(Exception):
    """The account was changed by somebody else since this flow read it."""


class AccountDatabase(BaseUserDatabase[Account, UUID]):  # type: ignore[type-var] # is_superuser cannot be set, and need not
    """Reads at once; keeps writes until :meth:`commit`. One object serves one flow."""

    def __init__(self, store: Store, entry: Entry, owe: Owe) -> None:
        self._store = store
        self._entry = entry
        self._owe = owe
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
        """Queue a new account; the hooks fill in what is missing. Its owner is asked to prove the address."""
        values = {"id": self._entry.fields["id"].fresh_default(), **create_dict}
        self._steps.append(lambda tx: self._create(tx, Change("create", None, dict(values))))
        return account_of(self._entry, values)

    def _create(self, tx: Transaction, change: Change) -> None:
        tx.create(self._entry, change)
        if needs_proof(change.row):
            self._owe(tx, VERIFY, change.row["email"])

    async def update(self, user: Account, update_dict: dict[str, Any]) -> Account:
        """Queue a change. The commit raises :class:`StaleAccountError` where the account has moved on by then."""
        self._steps.append(lambda tx: self._update(tx, user, update_dict))
        return account_of(self._entry, {**user.model_dump(), **update_dict})

    def _update(self, tx: Transaction, user: Account, values: dict[str, Any]) -> None:
        c = self._entry.table.c
        locked = select(self._entry.table).where(c.id == user.id).with_for_update(key_share=True)
        old = tx.execute(locked).mappings().first()
        known = (user.epoch, user.email, user.hashed_password)
        if old is None or (old["epoch"], old["email"], old["hashed_password"]) != known:
            raise StaleAccountError
        tx.update(self._entry, user.id, Change("update", None, dict(values), old=dict(old)))

    async def upgrade_hash(self, user: Account, hashed: str) -> None:
        """Keep a better hash of the same password, past the hooks: nothing about the account has changed."""
        c = self._entry.table.c
        better = update(self._entry.table).where(c.id == user.id, c.hashed_password == user.hashed_password)
        await self._store.write(lambda tx: _discard(tx.execute(better.values(hashed_password=hashed))))

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

    def __init__(self, database: AccountDatabase) -> None:
        super().__init__(database, passwords.helper)

    async def register(self, values: dict[str, Any], password: str) -> Account:
        """Queue a new account; a taken address shows at the commit, by the unique index."""
        return await self.user_db.create({**values, "hashed_password": await passwords.hash(password)})

    async def authenticate(self, credentials: OAuth2PasswordRequestForm) -> Account | None:
        """The active account that these credentials open; the same work and time where there is none."""
        async with passwords.turn():
            user = await self.user_db.get_by_email(credentials.username)
            checked = await passwords.check_in_turn(credentials.password, user.hashed_password if user else None)
        return user if user is not None and checked and user.is_active else None

    async def renew_hash(self, user: Account, password: str) -> None:
        """Replace a hash with older parameters by one of today's; `password` is known to be right."""
        if passwords.is_old(user.hashed_password):
            await self.user_db.upgrade_hash(user, await passwords.hash(password))


def account_of(entry: Entry, row: Row) -> Account:
    """`row` as an object of the application's account class; it belongs to no session."""
    model: Any = entry.resource.model
    account: Account = model(**{name: value for name, value in row.items() if name in model.model_fields})
    return account


def _discard(_: object) -> None:
    """What a step returns is of no use."""


__all__ = ["AccountDatabase", "Accounts", "StaleAccountError", "account_of"]
