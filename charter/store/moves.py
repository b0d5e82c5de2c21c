"""Moving a row along its declared transitions, inside a transaction: the one conditional statement that decides."""

from typing import Any
from uuid import UUID

from sqlalchemy import update

from charter.catalog import Entry
from charter.declare import Change, Resource, Transition
from charter.errors import ConflictException
from charter.store.transaction import Transaction
from charter.types import utc_now


def move(tx: Transaction, resource: Resource, row_id: UUID, name: str, **inputs: Any) -> None:
    """Take the transition `name` on a row with system authority, as a script or a sweeper does."""
    entry = tx.entry(resource)
    item = entry.actions[name]
    defaults = item.body().model_dump() if item.body else {}
    change = Change(name, None, {}, {**defaults, **inputs}, old=tx.rows(entry).hold(row_id), entry=entry)
    perform(tx, entry, row_id, change)


def perform(tx: Transaction, entry: Entry, row_id: UUID, change: Change) -> None:
    """Run the action that `change` names on the row that it holds; a transition moves the row first."""
    item = entry.actions[change.action]
    if isinstance(item, Transition):
        _move(tx, entry, row_id, item, change)
    if item.run is not None:
        item.run(tx, change)
    tx.update(entry, row_id, change)


def _move(tx: Transaction, entry: Entry, row_id: UUID, item: Transition, change: Change) -> None:
    """The one conditional statement that decides who moves the row; it hits one row or the move is refused."""
    state = entry.table.c[item.field]
    values: dict[str, Any] = {item.field: item.target}
    values["updated_at"] = now = utc_now()
    if item.stamp:
        values[item.stamp] = now
    moved = update(entry.table).where(entry.table.c.id == row_id, state.in_(item.source)).values(values)
    if tx.execute(moved).rowcount != 1:
        present = change.old[item.field]
        allowed = ", ".join(item.source)
        message = f"'{item.name}' is possible from {allowed}; this row is {present}."
        raise ConflictException(message, code="invalid_transition", extra={"state": str(present)})
    change.row = {**change.old, **values}
