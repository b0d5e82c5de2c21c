"""Alembic's door: a database is brought to what the declarations say, by the revisions in ``migrations/``.

Foreign keys are not enforced while a migration runs on SQLite: Alembic rebuilds tables there, and a cascade would empty
others.
"""

import asyncio
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from alembic import command, context
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy import Connection, MetaData, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from charter.errors import DeclarationError, Problem
from charter.query.search import SEARCH_COLUMN
from charter.settings import Settings
from charter.store.engines import is_sqlite, sqlite_file
from charter.store.search import keep_search, missing_search
from charter.types import Identifier, Instant, Text, WholeNumber

FOLDER = Path("migrations")
LOCK_SECONDS = 120
"""How long a process waits for another one that is bringing the schema up to date, or filling an empty database."""

_ADDITIVE = {"add_table", "add_column", "add_index", "add_constraint", "add_fk"}


async def run_locked(settings: Settings, work: Callable[[Connection], Any]) -> Any:
    """Run `work` on a connection of its own, one process at a time on this database."""
    if is_sqlite(settings.database_url):
        return await asyncio.to_thread(_run_sqlite, sqlite_file(settings.database_url), work)
    key = zlib.crc32(b"charter")
    engine = create_async_engine(settings.database_url, poolclass=NullPool)
    try:
        async with engine.connect() as guard:
            await guard.execute(text("SELECT pg_advisory_lock(:key)"), {"key": key})
            async with engine.begin() as connection:
                return await connection.run_sync(work)
    finally:
        await engine.dispose()


def _run_sqlite(file: Path, work: Callable[[Connection], Any]) -> Any:
    file.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        poolclass=NullPool,
        connect_args={"isolation_level": None, "timeout": LOCK_SECONDS},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        # A new file turns to WAL in here, where nobody else has it open: that waits for no one, and fails at once.
        connection.execute("PRAGMA journal_mode=WAL")

    @event.listens_for(engine, "begin")
    def begin(connection: Any) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
        file.touch(0o600)
        file.chmod(0o600)
        with engine.begin() as connection:
            return work(connection)


def upgrade(
    connection: Connection, metadata: MetaData, *, folder: Path = FOLDER, development: bool = False
) -> list[str]:
    """Bring the schema up to date; returns a line for each thing that was done.

    Without a ``migrations`` folder the tables are made straight from the declarations. In development, what the
    declarations added since the last revision becomes a new revision; anything that could lose data stops the start.
    Full-text indexes are in no revision: they are held against the declarations each time, and made where they differ.
    """
    if not (folder / "env.py").exists():
        metadata.create_all(connection)
        return keep_search(connection, metadata)
    config = make_config(connection, metadata, folder)
    head = ScriptDirectory.from_config(config).get_current_head()
    done = []
    if _current(connection) != head:
        command.upgrade(config, "head")
        done.append(f"schema brought to revision {head}")
    if development:
        done += _follow_declarations(connection, metadata, config)
    return done + keep_search(connection, metadata)


def _follow_declarations(connection: Connection, metadata: MetaData, config: Config) -> list[str]:
    differences = differences_of(connection, metadata)
    if not differences:
        return []
    risky = [name for name in differences if name not in _ADDITIVE]
    if risky:
        hint = "Write the migration with 'charter db revision' and read it before 'charter db upgrade'."
        raise DeclarationError(
            [Problem("schema_differs", "migrations", f"the database differs by {', '.join(sorted(set(risky)))};", hint)]
        )
    made = command.revision(config, message="follow the declarations", autogenerate=True)
    command.upgrade(config, "head")
    path = getattr(made, "path", "")
    return [f"the declarations have grown: made and applied {Path(path).name}"]


def differences_of(connection: Connection, metadata: MetaData) -> list[str]:
    """What Alembic would have to do to bring the database to the declarations: one word for each step."""
    options = {"compare_type": True, "include_object": _ours}
    found = compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
    steps = [step for item in found for step in (item if isinstance(item, list) else [item])]
    return [str(step[0]) for step in steps]


def unmade_search(connection: Connection, metadata: MetaData) -> list[str]:
    """A word for each full-text index that an upgrade would make."""
    return [f"full-text index of {table.name}" for table in missing_search(connection, metadata)]


def _ours(_: Any, name: str | None, kind: str, reflected: bool, __: Any) -> bool:  # Alembic's face
    """Tables that are only in the database belong to somebody else (or to a later version), indexes of words to us."""
    if reflected and __ is None and str(name).startswith(SEARCH_COLUMN):
        return False
    return not (kind == "table" and reflected and name is not None and _ is not None and __ is None)


def _current(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def make_config(connection: Connection, metadata: MetaData, folder: Path) -> Config:
    """Alembic's configuration for one run, with the connection to use."""
    config = Config()
    config.set_main_option("script_location", str(folder))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes.update(connection=connection, metadata=metadata)
    return config


def run_env() -> None:
    """The whole of a ``migrations/env.py``."""
    attributes = context.config.attributes
    connection: Connection = attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=attributes["metadata"],
        compare_type=True,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=_render,
        include_object=_ours,
        process_revision_directives=_number,
    )
    with context.begin_transaction():
        context.run_migrations()


def _render(kind: str, item: Any, autogen: Any) -> Any:
    if kind == "type" and isinstance(item, Identifier | Instant | Text | WholeNumber):
        autogen.imports.add("from charter import types")
        return f"types.{type(item).__name__}({item.length if isinstance(item, Text) else ''})"
    return False


def _number(migration: Any, _: Any, directives: list[Any]) -> None:
    """Revisions are counted: 0001, 0002, … An empty one is not written."""
    script = directives[0]
    if script.upgrade_ops.is_empty():
        directives[:] = []
        return
    head = ScriptDirectory.from_config(migration.config).get_current_head()
    script.rev_id = f"{int(head or 0) + 1:04d}"
