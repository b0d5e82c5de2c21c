"""One transaction, as the code inside it sees it: statements, repositories, and the writes with their hooks.

Code in here is synchronous and waits for nothing but the database; it never commits. (On PostgreSQL the same code runs
over asyncpg by SQLAlchemy's greenlet bridge.)
"""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, CursorResult, Executable, delete, insert, select, update

from charter.catalog import Catalog, Entry
from charter.declare import Change, Created, Resource
from charter.errors import NotFoundException
from charter.plan import Lens
from charter.query import row_statement
from charter.settings import Settings
from charter.store.repository import Repository
from charter.types import utc_now

Row = Mapping[str, Any]


class Transaction:
    """A transaction under way. Leaving it by an exception undoes everything."""

    def __init__(self, connection: Connection, catalog: Catalog, settings: Settings) -> None:
        self.connection = connection
        self.catalog = catalog
        self.settings = settings
        self.changes: list[tuple[Entry, Change]] = []

    def execute(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        """Run one statement of SQLAlchemy Core."""
        return self.connection.execute(statement, values)

    def repository(self, resource: Resource) -> Repository:
        """The rows of `resource`, with system authority: no row rule, no field rule, hooks included."""
        return Repository(self, self.entry(resource))

    def rows(self, entry: Entry) -> Repository:
        """The rows of a compiled resource, such as ``change.entry``."""
        return Repository(self, entry)

    def entry(self, resource: Resource) -> Entry:
        """The compiled form of `resource`."""
        entry = self.catalog.of_model(resource.model)
        if entry is None:
            msg = f"{resource.model.__name__} is not a resource of this application"
            raise LookupError(msg)
        return entry

    def row(self, lens: Lens, row_id: UUID) -> Row:
        """All columns of one row inside the lens; :class:`NotFoundException` where there is none."""
        return self.one(row_statement(lens), {"row_id": row_id})

    def one(self, statement: Executable, values: Any = None) -> Row:
        """The one row of a statement as a mapping; :class:`NotFoundException` where there is none."""
        found = self.execute(statement, values).mappings().first()
        if found is None:
            raise NotFoundException
        return dict(found)

    def create(self, entry: Entry, change: Change) -> Created:
        """Insert a row: defaults, then ``before`` hooks, the insert, ``after`` hooks."""
        change.entry = entry
        for name, field in entry.fields.items():
            if field.column is not None and name not in change.values:
                change.values[name] = field.fresh_default()
        change.values["updated_at"] = change.values["created_at"]  # one moment, not two
        instead = next((hooks.instead_of_create for hooks in entry.hooks if hooks.instead_of_create), None)
        self._run(entry, change, "before")
        created = instead(self, change) if instead is not None else self.insert(change)
        change.row = {**change.values, "id": created.id}
        self._run(entry, change, "after")
        self.changes.append((entry, change))
        return created

    def insert(self, change: Change) -> Created:
        """The bare insert of a change's values, for ``instead_of_create`` hooks that make a row after all."""
        assert change.entry is not None  # noqa: S101 # `create` has set it
        self.execute(insert(change.entry.table).values(change.values))
        return Created(change.values["id"])

    def update(self, entry: Entry, row_id: UUID, change: Change) -> None:
        """Change a row; `change.values` without entries leaves it untouched."""
        change.entry = entry
        self._run(entry, change, "before")
        changed = {key: value for key, value in change.values.items() if change.old.get(key, ...) != value}
        if changed:
            changed["updated_at"] = utc_now()
            done = self.execute(update(entry.table).where(entry.table.c.id == row_id).values(changed))
            if done.rowcount != 1:
                raise NotFoundException
        change.row = {**change.old, **change.row, **changed}
        self._run(entry, change, "after")
        self.changes.append((entry, change))

    def delete(self, entry: Entry, row_id: UUID, change: Change) -> None:
        """Delete a row, softly where the resource declares it."""
        change.entry = entry
        self._run(entry, change, "before")
        table = entry.table
        if entry.resource.soft_delete:
            now = utc_now()
            alive = table.c.deleted_at.is_(None)
            statement: Any = update(table).where(table.c.id == row_id, alive).values(deleted_at=now, updated_at=now)
        else:
            statement = delete(table).where(table.c.id == row_id)
        if self.execute(statement).rowcount != 1:
            raise NotFoundException
        self._run(entry, change, "after")
        self.changes.append((entry, change))

    def _run(self, entry: Entry, change: Change, moment: str) -> None:
        for hooks in entry.hooks:
            hook: Callable[[Transaction, Change], None] | None = getattr(hooks, moment)
            if hook is not None:
                hook(self, change)

    def is_empty(self, entry: Entry) -> bool:
        """Whether the table has no row at all."""
        return self.execute(select(entry.table.c.id).limit(1)).first() is None
