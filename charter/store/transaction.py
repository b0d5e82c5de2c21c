"""One transaction, as the code inside it sees it: statements, repositories, and the writes with their hooks.

Code in here is synchronous and waits for nothing but the database; it never commits. (On PostgreSQL the same code runs
over asyncpg by SQLAlchemy's greenlet bridge.)
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ClauseElement,
    Connection,
    CursorResult,
    Executable,
    MetaData,
    Table,
    Update,
    bindparam,
    delete,
    insert,
    select,
    update,
)

from charter.catalog import Catalog, Entry
from charter.declare import Change, Created, Resource
from charter.errors import NotFoundException
from charter.plan import Lens
from charter.query import ROW_ID, row_statement
from charter.settings import Settings
from charter.store.faults import translated
from charter.store.repository import Repository
from charter.store.statements import Statements, Values
from charter.types import utc_now

Row = Mapping[str, Any]


class Transaction:
    """A transaction under way. Leaving it by an exception undoes everything."""

    def __init__(self, connection: Connection, statements: Statements, catalog: Catalog, settings: Settings) -> None:
        self.connection = connection
        self._statements = statements
        self.catalog = catalog
        self.settings = settings
        self.changes: list[tuple[Entry, Change]] = []
        self.told: list[Callable[[], None]] = []
        self._last: dict[Hashable, Callable[[Transaction], None]] = {}

    def before_commit(self, key: Hashable, step: Callable[["Transaction"], None]) -> None:
        """Run `step` after everything else in this transaction, once for each `key`."""
        self._last.setdefault(key, step)

    def after_commit(self, tell: Callable[[], None]) -> None:
        """Call `tell` on the event loop once this transaction is committed, before anybody gets an answer."""
        self.told.append(tell)

    def finish(self) -> None:
        """Run what was asked for by :meth:`before_commit`."""
        for step in self._last.values():
            step(self)

    def execute(self, statement: Executable, values: Any = None) -> CursorResult[Any]:
        """Run one statement of SQLAlchemy Core."""
        return self.connection.execute(statement, values)

    def fetch(self, statement: Executable, values: Values) -> Sequence[Sequence[Any]]:
        """The rows of a statement as the driver has them.

        For statements that are made once, with their values bound by name (``bindparam``): each is compiled the first
        time that it is run, and known again only as the same object. Runs in a fraction of what `execute` takes.
        """
        return self._statements.fetch(statement, values)

    def run(self, statement: Executable, values: Values) -> list[Row]:
        """The rows of a statement, or of its RETURNING, as Python values by name; made once, as in `fetch`."""
        return list(self._statements.rows(statement, values))

    def hit(self, statement: Executable, values: Values) -> int:
        """How many rows an UPDATE or DELETE wrote; made once, as in `fetch`."""
        return self._statements.hit(statement, values)

    def insert_rows(self, table: Table, rows: Sequence[Values]) -> None:
        """Write rows, one statement for all of them; each with values for the same columns, no default is filled in."""
        if rows:
            self._statements.insert(table, rows)

    @contextmanager
    def part(self) -> Iterator[None]:
        """A part that may fail by itself: an exception undoes what the block wrote, and the transaction goes on."""
        known = len(self.changes)
        try:
            with translated(self.metadata), self.connection.begin_nested():
                yield
        except BaseException:
            del self.changes[known:]
            raise

    @property
    def metadata(self) -> MetaData:
        """All tables there are."""
        return next(iter(self.catalog.entries.values())).table.metadata

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
        found = self.run(row_statement(lens), {ROW_ID: row_id})
        if not found:
            raise NotFoundException
        return found[0]

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
        if _is_plain(change.values):
            self.insert_rows(change.entry.table, [change.values])
        else:
            self.execute(insert(change.entry.table), change.values)
        return Created(change.values["id"])

    def update(self, entry: Entry, row_id: UUID, change: Change) -> None:
        """Change a row; `change.values` without entries leaves it untouched."""
        change.entry = entry
        self._run(entry, change, "before")
        changed = {key: value for key, value in change.values.items() if change.old.get(key, ...) != value}
        if changed:
            changed["updated_at"] = utc_now()
            if self._set(entry, row_id, changed) != 1:
                raise NotFoundException
        change.row = {**change.old, **change.row, **changed}
        self._run(entry, change, "after")
        self.changes.append((entry, change))

    def _set(self, entry: Entry, row_id: UUID, values: dict[str, Any]) -> int:
        statement = _by_id(entry.table)
        if _is_plain(values):
            return self.hit(statement, {**values, ROW_ID: row_id})
        return self.execute(statement.values(values), {ROW_ID: row_id}).rowcount

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


def _is_plain(values: Values) -> bool:
    """Whether none of the values is an expression, which SQLAlchemy has to write out."""
    return not any(isinstance(value, ClauseElement) for value in values.values())


@lru_cache(maxsize=1024)
def _by_id(table: Table) -> Update:
    """Sets columns of the row ``row_id``."""
    return update(table).where(table.c.id == bindparam(ROW_ID, type_=table.c.id.type))
