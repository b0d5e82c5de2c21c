"""The account's columns, and the table of refresh tokens.

No ``from __future__ import annotations`` here: SQLModel reads annotations while it makes the class.
"""

import unicodedata
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, BeforeValidator, StringConstraints, WithJsonSchema
from sqlalchemy import Column, ForeignKey, Index
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import relationship

from charter.declare import Input
from charter.table import Field, Table
from charter.types import CleanText, Identifier, Instant, Text, utc_now, uuid7

LONGEST_EMAIL = 254
"""Characters (RFC 5321 by way of its erratum 1690)."""

SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 256

COMMON_PASSWORDS = frozenset((Path(__file__).parent / "common_passwords.txt").read_text(encoding="utf-8").split())
"""The 3,000 most frequent ones of 8 characters or more, in lower case; the file beside the list says whose it is."""


def normal_email(text: str) -> str:
    """`text` in the one form that addresses are kept and looked up in: NFKC, case folded, no space around it."""
    folded = unicodedata.normalize("NFKC", text).strip().casefold()
    return unicodedata.normalize("NFKC", folded)  # folding may take a character apart again


def _bounded(value: object) -> object:
    """Refuse endless text before anything works on it; a longer form of an address may still become shorter."""
    if isinstance(value, str) and len(value) > 4 * LONGEST_EMAIL:
        msg = f"must have at most {LONGEST_EMAIL} characters"
        raise ValueError(msg)
    return value


def _address(value: str) -> str:
    """An address in its normal form; ValueError for what is none. Nothing is looked up in the network."""
    try:
        # ".test" is for tests (RFC 2606), and a mail to it hurts nobody
        found = validate_email(normal_email(value), check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        msg = "must be an e-mail address"  # the library's own sentences repeat parts of the value
        raise ValueError(msg) from None
    return normal_email(found.normalized)


Email = Annotated[
    str,
    BeforeValidator(_bounded),
    CleanText,
    AfterValidator(_address),
    WithJsonSchema({"type": "string", "format": "email", "maxLength": LONGEST_EMAIL, "examples": ["ada@example.org"]}),
]
"""An e-mail address as it is taken from requests: two spellings that reach one mailbox become one text."""


def _uncommon(value: str) -> str:
    """Refuse what everybody tries first, in any case of its letters."""
    if value.casefold() in COMMON_PASSWORDS:
        msg = "is one of the most common passwords; choose another"
        raise ValueError(msg)
    return value


Password = Annotated[
    str,
    StringConstraints(min_length=SHORTEST_PASSWORD, max_length=LONGEST_PASSWORD),
    CleanText,
    AfterValidator(_uncommon),
]
"""A new password."""


class Account(Table):
    """What every account has. The application's class adds its own columns: ``class User(Account, table=True)``."""

    __tablename__ = "users"

    email: Email = Field(max_length=LONGEST_EMAIL, unique=True, description="The address that signs in.")
    role: str = Field(default="", max_length=40, write="granted", description="One of the roles of the policy.")
    is_active: bool = Field(default=True, write="granted", description="Whether the account may sign in.")
    is_verified: bool = Field(default=False, write="never", description="Whether the address has been proved.")
    hashed_password: str = Field(default="", max_length=200, hidden=True, write="never")
    epoch: int = Field(default=0, hidden=True, write="never")

    @property
    def is_superuser(self) -> bool:
        """Nobody: the policy decides. fastapi-users' protocol asks for the attribute."""
        return False


ACCOUNT_INPUTS = (
    Input(
        "password",
        Password,
        required=True,
        description="8 to 256 characters, no common ones; never shown again.",
    ),
    Input(
        "current_password",
        Annotated[str, StringConstraints(max_length=LONGEST_PASSWORD), CleanText],
        on=("update",),
        description="Needed to change one's own e-mail or password.",
    ),
)
"""Declare them with the account class: ``Resource(User, extra=ACCOUNT_INPUTS, ...)``."""


def refresh_token_table(users: SqlTable) -> SqlTable:
    """The table ``refresh_token`` beside `users`, made on the first call for its metadata.

    A function and not a class: an application (or a test) without accounts gets no table that refers to them.
    """
    metadata = users.metadata
    if "refresh_token" in metadata.tables:
        return metadata.tables["refresh_token"]
    return SqlTable(
        "refresh_token",
        metadata,
        Column("id", Identifier(), primary_key=True, default=uuid7),
        Column("created_at", Instant(), nullable=False, default=utc_now),
        Column("user_id", Identifier(), ForeignKey(users.c.id, ondelete="CASCADE"), nullable=False),
        Column("family_id", Identifier(), nullable=False),
        Column("token_hash", Text(64), nullable=False),
        Column("used_at", Instant()),
        Column("idle_expires_at", Instant(), nullable=False),
        Column("expires_at", Instant(), nullable=False),
        Column("revoked_at", Instant()),
        Column("reason", Text(40), nullable=False, default=""),
        Column("user_agent", Text(300), nullable=False, default=""),
        Column("ip", Text(45), nullable=False, default=""),
        Index("uq_refresh_token_token_hash", "token_hash", unique=True),
        Index("ix_refresh_token_user_id", "user_id"),
        Index("ix_refresh_token_expires_at", "expires_at"),
        Index("ix_refresh_token_family_id", "family_id"),
    )


def relate_refresh_tokens(account: Any) -> None:
    """Give the account class its relationship ``refresh_tokens``, to a class mapped on that table; once."""
    if "refresh_tokens" in account.__mapper__.relationships:
        return
    table = refresh_token_table(account.__table__)
    token = type("RefreshToken", (), {"__doc__": "One refresh token of an account; only its hash is kept."})
    registry = account.__mapper__.registry
    registry.map_imperatively(token, table, properties={"user": relationship(account, viewonly=True)})
    account.refresh_tokens = relationship(token, viewonly=True)


def as_uuid(value: object) -> UUID | None:
    """`value` as a UUID, or None where it is not the text of one."""
    if isinstance(value, UUID):
        return value
    try:
        return UUID(value) if isinstance(value, str) else None
    except ValueError:
        return None


__all__ = [
    "ACCOUNT_INPUTS",
    "LONGEST_PASSWORD",
    "SHORTEST_PASSWORD",
    "Account",
    "Email",
    "Password",
    "as_uuid",
    "normal_email",
    "refresh_token_table",
    "relate_refresh_tokens",
]
