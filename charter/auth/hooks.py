"""What every write to an account goes through, whoever writes: REST, the admin, a script or a sign-in route."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from charter.auth.passwords import passwords
from charter.auth.sessions import Sessions
from charter.auth.tables import normal_email
from charter.catalog import SYSTEM
from charter.declare import Change, Hooks, Roles
from charter.errors import AuthorizationException, FieldError, ValidationException
from charter.store import Row, Transaction

DECISIVE = ("hashed_password", "role", "is_active")
"""Columns whose change ends every sign-in of the account."""

Invite = Callable[[Row], None]
"""Asks the owner of an account to prove its address; gets the row and does not wait for the mail."""


@dataclass(frozen=True, slots=True)
class AccountHooks:
    """The hooks of the account class."""

    roles: Roles
    sessions: Sessions
    invite: Invite

    def hooks(self) -> Hooks:
        """The same as what a resource declares."""
        return Hooks(prepare=self.prepare, before=self.before, after=self.after, after_commit=self.after_commit)

    async def prepare(self, change: Change) -> None:
        """The slow part, outside the transaction: check the present password, hash the new one."""
        password = change.inputs.get("password")
        if _is_own(change) and (password is not None or _changes(change, "email")):
            await self._check_current(change)
        if password is not None:
            change.values["hashed_password"] = await passwords.hash(password)

    async def _check_current(self, change: Change) -> None:
        given = change.inputs.get("current_password")
        if given is None:
            raise _wrong_password("is needed to change your e-mail or password")
        if not (await passwords.check(given, change.old["hashed_password"])).ok:
            raise _wrong_password("is not your password")

    def before(self, tx: Transaction, change: Change) -> None:
        """Fill in, check ranks, and count the epoch up where the account's standing changes."""
        if change.action != "delete":
            _normalise_email(change)
            _hash_if_nobody_did(change)
            self._settle_role(change)
        self._check_rank(change)
        if change.action == "update":
            if _changes(change, "email"):
                change.values.setdefault("is_verified", False)  # only a script can say otherwise
            if any(_changes(change, name) for name in DECISIVE):
                change.values["epoch"] = self._next_epoch(tx, change)

    def after(self, tx: Transaction, change: Change) -> None:
        """End the account's sign-ins, after its row was changed and so locked."""
        ended = [name for name in DECISIVE if change.action == "update" and change.row[name] != change.old[name]]
        if ended:
            self.sessions.end_all(tx, change.old["id"], ended[0].removeprefix("hashed_"))

    async def after_commit(self, change: Change) -> None:
        """Ask the owner of a new or changed address to prove it."""
        moved = change.action == "create" or change.row.get("email") != change.old.get("email")
        if change.action != "delete" and moved and change.row["is_active"] and not change.row["is_verified"]:
            self.invite(change.row)

    def _settle_role(self, change: Change) -> None:
        """An empty role is the default one; a word that is no role (or the one of strangers) is refused."""
        if change.action == "create" or "role" in change.values:
            change.values["role"] = change.values.get("role") or self.roles.default
            if change.values["role"] not in self.roles.order[1:]:
                known = ", ".join(self.roles.order[1:])
                error = FieldError("/role", "unknown_role", f"must be one of {known}")
                raise ValidationException("There is no such role.", errors=[error])

    def _check_rank(self, change: Change) -> None:
        """Nobody gives a role above their own, nor touches an account that has one."""
        if change.caller is None or change.caller == SYSTEM:
            return
        own = self._rank(change.caller.role)
        if max(self._rank(change.values.get("role")), self._rank(change.old.get("role"))) > own:
            raise AuthorizationException("The account's role would be, or is, above your own.")

    def _rank(self, role: Any) -> int:
        return self.roles.order.index(role) if role in self.roles.order else -1

    def _next_epoch(self, tx: Transaction, change: Change) -> int:
        """One more than in the row at this moment, which nobody else can change until this transaction ends."""
        c = self.sessions.users.c
        wanted = select(c.epoch).where(c.id == change.old["id"]).with_for_update(key_share=True)
        return int(tx.execute(wanted).scalar_one()) + 1


def _is_own(change: Change) -> bool:
    return change.action == "update" and change.caller is not None and change.caller.id == change.old.get("id")


def _changes(change: Change, name: str) -> bool:
    return name in change.values and change.values[name] != change.old.get(name)


def _normalise_email(change: Change) -> None:
    """Requests were read by the schema; scripts may have given any spelling."""
    if "email" in change.values:
        change.values["email"] = normal_email(change.values["email"])


def _hash_if_nobody_did(change: Change) -> None:
    """Scripts write through a repository, which has no ``prepare``; they may take their time."""
    password = change.inputs.get("password")
    if password is not None and not change.values.get("hashed_password"):
        change.values["hashed_password"] = passwords.helper.hash(password)


def _wrong_password(detail: str) -> ValidationException:
    error = FieldError("/current_password", "wrong_password", detail)
    return ValidationException("Your present password is needed for this change.", errors=[error])


__all__ = ["AccountHooks"]
