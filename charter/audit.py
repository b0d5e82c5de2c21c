"""``charter audit``: looks for whatever breaks an invariant, those of the database itself included."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from charter.declare import Invariant
from charter.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class Finding:
    """An invariant that does not hold, and where."""

    invariant: str
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.detail}"


async def audit(store: Store, invariants: Sequence[Invariant]) -> list[Finding]:
    """Everything that is wrong with the data, all of it seen at one moment."""
    asked = (*_of_the_database(store), *invariants)
    return await store.read(
        lambda tx: [Finding(item.name, line) for item in asked for line in item.find(tx)], still=True
    )


def _of_the_database(store: Store) -> Sequence[Invariant]:
    """What SQLite can say about its own file; PostgreSQL keeps its foreign keys by itself."""
    return (Invariant("integrity", _integrity), Invariant("foreign keys", _foreign_keys)) if store.is_sqlite else ()


def _integrity(tx: Transaction) -> Iterable[str]:
    return [line for (line,) in tx.execute(text("PRAGMA integrity_check")) if line != "ok"]


def _foreign_keys(tx: Transaction) -> Iterable[str]:
    found = tx.execute(text("PRAGMA foreign_key_check"))
    return [f"row {row} of {table} refers to a missing row of {parent}" for table, row, parent, _ in found]
