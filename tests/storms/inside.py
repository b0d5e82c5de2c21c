"""``python -m tests.storms.inside``, in an application's folder: what the storms do to its database without the server.

A question is a line of JSON on the standard input, its answer one on the standard output. A process of its own, since
the shop's tables must not meet those of the tests' toy applications.
"""

import asyncio
import importlib
import json
import sys
from typing import Any

from sqlalchemy import insert, text

from charter.assemble import close_db
from charter.assemble.discover import discover
from charter.audit import audit
from charter.auth.sessions import Origin
from charter.cli.folder import services
from charter.services import Services
from charter.store import Transaction
from charter.types import utc_now, uuid7


class UndoneError(Exception):
    """Raised to leave a transaction that must not be kept; carries what was seen in it."""


def main() -> None:
    """Answer until the input ends."""
    sys.path.insert(0, "")
    asyncio.run(_answer_all())


async def _answer_all() -> None:
    found = services()
    try:
        for line in sys.stdin:
            question: dict[str, Any] = json.loads(line)
            name = question.pop("do")
            answer = await WORK[name](found, **question)
            print(json.dumps(answer, default=str), flush=True)  # noqa: T201 # this is the answer
    finally:
        await close_db(found)


def _invariants() -> Any:
    return discover(importlib.import_module("resources"), importlib.import_module("policies")).invariants


async def _audit(found: Services) -> list[str]:
    """The findings of the audit, as text."""
    return [str(finding) for finding in await audit(found.store, _invariants())]


async def _names(_: Services) -> list[str]:
    """The names of the shop's invariants."""
    return [item.name for item in _invariants()]


async def _people(found: Services, count: int, role: str) -> list[dict[str, str]]:
    """So many verified accounts that are signed in. Nobody knows their passwords, so none has to be hashed."""

    def work(tx: Transaction) -> list[dict[str, str]]:
        return [_person(tx, found, role) for _ in range(count)]

    return await found.store.write(work)


def _person(tx: Transaction, found: Services, role: str) -> dict[str, str]:
    now, row_id = utc_now(), uuid7()
    email = f"{role}-{row_id}@example.com"
    values = {"id": row_id, "created_at": now, "updated_at": now, "email": email, "role": role, "full_name": "Ada"}
    more = {"is_active": True, "is_verified": True, "hashed_password": "!", "epoch": 0}
    tx.execute(insert(found.auth.entry.table).values(values | more))
    grant = found.auth.sessions.open(tx, row_id, 0, Origin())
    assert grant is not None
    return {"id": str(row_id), "email": email, "token": found.auth.access_tokens.write(row_id, grant.session, 0)}


async def _rows(found: Services, sql: str) -> list[list[Any]]:
    """What a statement finds."""
    return await found.store.read(lambda tx: [list(row) for row in tx.execute(text(sql))])


async def _change(found: Services, sql: list[str]) -> None:
    """Run statements in one transaction."""
    await found.store.write(lambda tx: [tx.execute(text(item)) for item in sql] and None)


async def _what_if(found: Services, sql: list[str]) -> list[list[str]]:
    """What the shop's invariants would find after these statements: name and line; nothing of it is kept."""

    def work(tx: Transaction) -> None:
        for item in sql:
            tx.execute(text(item))
        raise UndoneError([[item.name, line] for item in _invariants() for line in item.find(tx)])

    try:
        await found.store.write(work)
    except UndoneError as error:
        seen: list[list[str]] = error.args[0]
        return seen
    raise AssertionError


WORK: Any = {
    "audit": _audit,
    "invariants": _names,
    "people": _people,
    "rows": _rows,
    "change": _change,
    "what_if": _what_if,
}
"""Word -> what is done."""

if __name__ == "__main__":
    main()
