"""What every write to an account goes through, whoever writes: REST, the admin, a script or a sign-in route."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from charter.auth.letters import RESET, VERIFY
from charter.auth.notices import Notices
from charter.auth.outbox import Outbox
from charter.auth.passwords import passwords
from charter.auth.sessions import Sessions
from charter.auth.tables import normal_email
from charter.catalog import SYSTEM
from charter.declare import Change, Hooks, Roles
from charter.errors import AuthorizationException, FieldError, ValidationException
from charter.store import Row, Transaction

CREDENTIALS = ("hashed_password", "email")
"""Columns whose change ends every sign-in of the account, except the one by which its owner changes them."""

DECISIVE = (*CREDENTIALS, "role", "is_active")
"""Columns whose change ends every sign-in of the account."""

TOLD = (*DECISIVE, "is_verified", "deleted_at")
"""Columns whose change every process has to hear of, since it may remember them."""

Owe = Callable[[Transaction, str, str], None]
"""Owes a mail of a kind to an address, in the transaction under way."""


@dataclass(frozen=True, slots=True)
class AccountHooks:
    """The hooks of the account class."""

    roles: Roles
    sessions: Sessions
    notices: Notices
    outbox: Outbox
    owe: Owe

    def hooks(self) -> Hooks:
        """The same as what a resource declares."""
        return Hooks(prepare=self.prepare, before=self.before, after=self.after)

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
        if not await passwords.check(given, change.old["hashed_password"]):
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
            if any(_changes(change, name) for name in DECISIVE) and not _keeps_its_own(change):
                change.values["epoch"] = self._next_epoch(tx, change)

    def after(self, tx: Transaction, change: Change) -> None:
        """Ask for proof; end sign-ins, after the row was changed and so locked; tell every process."""
        self._ask_for_proof(tx, change)
        if change.action == "create":
            return
        if change.action == "delete" or any(_changes(change, name) for name in TOLD):
            self.notices.tell(tx, change.old["id"])
        ended = [name for name in DECISIVE if change.action == "update" and change.row[name] != change.old[name]]
        if ended:
            kept = change.caller.session if change.caller is not None and _keeps_its_own(change) else None
            self.sessions.end_others(tx, change.old["id"], kept, ended[0].removeprefix("hashed_"))

    def _ask_for_proof(self, tx: Transaction, change: Change) -> None:
        """Owe a mail to a new or changed address, and make tokens no good that were mailed for what was before."""
        moved = change.action == "create" or change.row.get("email") != change.old.get("email")
        if change.action != "create" and moved:
            self.outbox.void(tx, change.old["id"])
        elif change.action == "update" and _changes(change, "hashed_password"):
            self.outbox.void(tx, change.old["id"], RESET)
        by_somebody = change.action != "delete" and change.caller is not None  # scripts ask when they want to
        if by_somebody and moved and needs_proof(change.row):
            self.owe(tx, VERIFY, change.row["email"])

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


def needs_proof(row: Row) -> bool:
    """Whether the owner of an account is to be asked to prove its address."""
    return bool(row["is_active"] and not row["is_verified"])


def _is_own(change: Change) -> bool:
    return change.action == "update" and change.caller is not None and change.caller.id == change.old.get("id")


def _keeps_its_own(change: Change) -> bool:
    """Whether the sign-in that asks goes on: its owner has just shown the password, and nothing else is decided."""
    return _is_own(change) and not any(_changes(change, name) for name in ("role", "is_active"))


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


__all__ = ["AccountHooks", "Owe", "needs_proof"]
