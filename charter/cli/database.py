"""The commands about the schema."""

import argparse
import asyncio
from typing import Any

from alembic import command
from sqlalchemy import Connection

from charter.assemble import metadata
from charter.cli.folder import say, services
from charter.migrate import FOLDER, differences_of, make_config, run_locked, unmade_search, upgrade


def db_upgrade(_: argparse.Namespace) -> int:
    """Bring the database to the newest revision."""
    done = _with_database(lambda connection: upgrade(connection, metadata()))
    say("\n".join(done) or "The schema is up to date.")
    return 0


def db_revision(given: argparse.Namespace) -> int:
    """Write a revision for what the declarations say and the database does not have."""

    def work(connection: Connection) -> Any:
        config = make_config(connection, metadata(), FOLDER)
        return command.revision(config, message=given.message, autogenerate=True)

    made = _with_database(work)
    say(f"made {made.path}" if made else "The declarations say nothing new.")
    return 0


def db_check(_: argparse.Namespace) -> int:
    """Tell how the database differs from the declarations; 1 if it does."""

    def work(connection: Connection) -> list[str]:
        return differences_of(connection, metadata()) + unmade_search(connection, metadata())

    differences = _with_database(work)
    say("\n".join(differences) or "The schema is as declared.")
    return 1 if differences else 0


def _with_database(work: Any) -> Any:
    found = services()
    return asyncio.run(run_locked(found.settings, work))
