"""All rows as the database keeps them, past everything that decides about access."""

import asyncio
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from charter.query.search import SEARCH_COLUMN
from tests.matrix.shapes import Row, Shape
from tests.matrix.world import World

RESTLESS = frozenset({"updated_at", "price_seen", "stock"})
"""Columns that hooks write."""


async def rows_of(url: str, shapes: Mapping[str, Shape]) -> dict[str, list[Row]]:
    """Path -> every row, deleted ones too, with values as the API writes them, in the order of their making."""
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return {
                path: [
                    {name: plain(name, value) for name, value in row.items() if name != SEARCH_COLUMN}
                    for row in (
                        await connection.execute(text(f"SELECT * FROM {shape.table} ORDER BY id"))  # noqa: S608 # ours
                    ).mappings()
                ]
                for path, shape in shapes.items()
            }
    finally:
        await engine.dispose()


def rows_now(url: str, shapes: Mapping[str, Shape]) -> dict[str, list[Row]]:
    """The same from code that does not wait; in a thread, since a loop may be running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, rows_of(url, shapes)).result()


def plain(name: str, value: Any) -> Any:
    """A value as JSON would have it."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    return bool(value) if name.startswith("is_") and value is not None else value


def surprises(world: World, now: Mapping[str, list[Row]], paths: Iterable[str]) -> list[str]:
    """What the database has that no allowed request explains: rows too many or too few, and changed columns."""
    found = []
    for path in paths:
        kept = {row["id"]: row for row in now[path]}
        known = {row["id"] for row in world.rows[path]}
        new = len(kept.keys() - known)
        if new != world.made.get(path, 0):
            found.append(f"{path}: {new} new rows, {world.made.get(path, 0)} were allowed")
        for row in world.rows[path]:
            found += _changes(path, row, kept.get(row["id"]))
    return found


def _changes(path: str, known: Row, kept: Row | None) -> list[str]:
    if kept is None:
        return [f"{path}: row {known['id']} is gone"]
    if (known.get("deleted_at") is None) != (kept.get("deleted_at") is None):
        return [f"{path}: row {known['id']} is deleted, or is not"]
    if known.get("used") or known.get("deleted_at"):
        return []
    names = [name for name in kept if name not in RESTLESS and kept[name] != known[name]]
    return [f"{path}: row {known['id']} has another {', '.join(names)}"] if names else []
