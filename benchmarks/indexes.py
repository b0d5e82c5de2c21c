"""The two states of the indexes in which workloads are measured, the same for every contender: nobody wins by an index.

Indexes on other columns, and statistics (ANALYZE), are each contender's own affair: where they mislead the planner,
the figures show it.
"""

import sqlite3
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

SINGLE_COLUMNS = {
    f"ix_product_{column}": f"CREATE INDEX ix_product_{column} ON product ({column})"
    for column in ("category_id", "price")
}


class State(StrEnum):
    """What serves the filters and sorts of the workloads."""

    SINGLE = "single"
    """One plain index on each of the columns ``category_id`` and ``price``."""

    DECLARED = "declared"
    """Those that the first contender made for itself, copied to all others."""


def declared(database: Path) -> dict[str, str]:
    """Name and statement of each index that holds a column which the workloads filter or sort by."""
    with sqlite3.connect(database) as connection:
        found = _found(connection)
    connection.close()
    return found


def replace(database: Path, wanted: Mapping[str, str]) -> None:
    """Take away every index on those columns, and make the `wanted` ones."""
    with sqlite3.connect(database) as connection:
        for name in _found(connection):
            connection.execute(f'DROP INDEX "{name}"')
        for statement in wanted.values():
            connection.execute(statement)
    connection.close()


def _found(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(
        connection.execute(
            "SELECT DISTINCT made.name, made.sql FROM sqlite_master AS made, pragma_index_info(made.name) AS part"
            " WHERE made.type = 'index' AND made.tbl_name = 'product' AND made.sql IS NOT NULL"
            " AND part.name IN ('category_id', 'price', 'is_active') ORDER BY made.name"
        ).fetchall()
    )
