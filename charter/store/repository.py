"""A resource's rows for hooks and scripts. It acts with system authority, inside the transaction it came from."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import Column, ColumnElement, Select, delete, exists, select, update

from charter.catalog import Entry
from charter.declare import Change
from charter.types import utc_now

if TYPE_CHECKING:
    from charter.store.transaction import Row, Transaction


class Repository:
    """Rows of one resource as mappings from column names to Python values; softly deleted ones are not seen."""

    def __init__(self, tx: "Transaction", entry: Entry) -> None:
        self._tx = tx
        self._entry = entry
        self.columns = entry.table.c

    def create(self, **values: Any) -> "Row":
        """Insert a row, running the resource's hooks; returns it with its defaults."""
        change = Change("create", None, self._columns(values), self._inputs(values))
        created = self._tx.create(self._entry, change)
        if not created.new:
            return self.get_by_id(created.id)
        return {column.name: change.row.get(column.name) for column in self._entry.table.columns}

    def get_by_id(self, row_id: UUID) -> "Row":
        """The row, or :class:`NotFoundException`."""
        return self._tx.one(self._select().where(self.columns.id == row_id))

    def hold(self, row_id: UUID) -> "Row":
        """The row, held against other writers until the transaction ends; :class:`NotFoundException` without one."""
        wanted = self._select().where(self.columns.id == row_id)
        return self._tx.one(wanted.with_for_update(key_share=True))

    def get_all(
        self,
        *where: ColumnElement[bool],
        order_by: Sequence[ColumnElement[Any]] = (),
        limit: int | None = None,
    ) -> list["Row"]:
        """All rows that satisfy every condition, by id where no order is given."""
        statement = self._select().where(*where).order_by(*(order_by or (self.columns.id,))).limit(limit)
        return [dict(row) for row in self._tx.execute(statement).mappings()]

    def update(self, row_id: UUID, **values: Any) -> "Row":
        """Change a row, running the resource's hooks; returns it as it is now."""
        change = Change("update", None, self._columns(values), self._inputs(values), old=self.get_by_id(row_id))
        self._tx.update(self._entry, row_id, change)
        return self.get_by_id(row_id)

    def delete(self, row_id: UUID) -> None:
        """Delete a row as its resource declares, running the hooks."""
        change = Change("delete", None, {}, old=self.get_by_id(row_id))
        self._tx.delete(self._entry, row_id, change)

    def exists(self, *where: ColumnElement[bool]) -> bool:
        """Whether any row satisfies every condition."""
        found = self._tx.execute(select(exists(self._select().where(*where)))).scalar_one()
        return bool(found)

    def update_where(
        self, *where: ColumnElement[bool], values: dict[str, Any], returning: Sequence[Column[Any]] = ()
    ) -> list["Row"]:
        """One conditional UPDATE without hooks; the returned rows are the ones it hit (``id`` where none are named)."""
        statement = update(self._entry.table).where(*self._alive(where)).values(values | {"updated_at": utc_now()})
        wanted = statement.returning(*(returning or (self.columns.id,)))
        return [dict(row) for row in self._tx.execute(wanted).mappings()]

    def delete_where(self, *where: ColumnElement[bool], returning: Sequence[Column[Any]] = ()) -> list["Row"]:
        """One conditional DELETE (for good, also where deletes are soft), without hooks; returns the rows it hit."""
        statement = delete(self._entry.table).where(*self._alive(where))
        wanted = statement.returning(*(returning or (self.columns.id,)))
        return [dict(row) for row in self._tx.execute(wanted).mappings()]

    def _select(self) -> Select[Any]:
        return select(self._entry.table).where(*self._alive(()))

    def _alive(self, where: Sequence[ColumnElement[bool]]) -> list[ColumnElement[bool]]:
        live = self._entry.live
        return [*where, live] if live is not None else [*where]

    def _columns(self, values: dict[str, Any]) -> dict[str, Any]:
        unknown = values.keys() - self.columns.keys() - self._entry.inputs.keys()
        if unknown:
            msg = f"{self._entry.name} has no {', '.join(sorted(unknown))}"
            raise TypeError(msg)
        return {key: value for key, value in values.items() if key in self.columns}

    def _inputs(self, values: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in values.items() if key in self._entry.inputs}
