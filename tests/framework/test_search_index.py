"""The full-text index is made, mended and remade as the declarations say, with the rows that are already there."""

from typing import Any, Literal

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, String

from charter.assemble import metadata
from charter.migrate import differences_of, run_locked, unmade_search, upgrade
from tests.framework.test_search import found, note
from tests.toy.resources.notes import Note
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

TABLE: Any = Note.__table__  # type: ignore[attr-defined] # SQLModel sets it


async def on(toy: Toy, work: Any) -> Any:
    return await run_locked(toy.services.settings, work)


async def mended(toy: Toy) -> list[str]:
    """What an upgrade says that it made; afterwards nothing is missing, and it makes nothing again."""
    done = await on(toy, lambda connection: upgrade(connection, metadata()))
    assert await on(toy, lambda connection: unmade_search(connection, metadata())) == []
    assert await on(toy, lambda connection: upgrade(connection, metadata())) == []
    return list(done)


BREAKAGES = {
    "sqlite": (
        'DROP TRIGGER "search:note:insert"',
        'DROP TRIGGER "search:note:update"',
        'DROP TRIGGER "search:note:delete"',
        'DROP TABLE "search:note"',
        'DROP TABLE "search:note:rows"',
    ),
    "postgresql": (
        "DROP TRIGGER charter_search_note ON note",
        "DROP FUNCTION charter_search_note CASCADE",
        "ALTER TABLE note DROP COLUMN charter_search",
        "DROP INDEX charter_search_note",
    ),
}
"""What a migration that makes a table anew, or a person, may do to it."""


async def test_what_is_missing_is_made_again_and_filled(toy: Toy) -> None:
    """Whatever part is gone: the check tells it, an upgrade mends it, and the rows written meanwhile are found."""
    http = await toy.as_role("keeper")
    rows = [await note(http, "before", "w")]
    for place, statement in enumerate(BREAKAGES[toy.database]):
        await toy.execute(statement)
        assert await on(toy, lambda connection: unmade_search(connection, metadata())) == ["full-text index of note"]
        assert await mended(toy) == ["made the full-text index of note"], statement
        rows.append(await note(http, f"after {place}", "w"))
        assert await found(http, "w") == rows


async def test_another_declaration_makes_another_index(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fields that are added or taken away; without any, nothing is left behind."""
    http = await toy.as_role("keeper")
    row = await note(http, "heading", "body")
    await toy.execute("UPDATE note SET tag = 'label'")
    assert await found(http, "label") == []
    left = {
        "sqlite": "SELECT name FROM sqlite_master WHERE name LIKE 'search:%'",
        "postgresql": "SELECT proname FROM pg_proc WHERE proname LIKE 'charter_search%'",
    }
    with monkeypatch.context() as patch:
        patch.setitem(TABLE.info, "charter_searched", ("title", "tag"))
        assert await mended(toy) == ["made the full-text index of note"]
        patch.setitem(TABLE.info, "charter_searched", ())
        assert await mended(toy) == ["made the full-text index of note"]
        assert await toy.rows(left[toy.database]) == []
    assert await mended(toy) == ["made the full-text index of note"]
    assert await found(http, "body head") == [row]


async def test_the_index_is_no_difference_to_the_declarations(toy: Toy) -> None:
    """Alembic sees tables, a column and indexes that nobody declared, and leaves them alone."""
    assert await on(toy, lambda connection: differences_of(connection, metadata())) == []


async def test_searched_columns_can_be_altered(toy: Toy) -> None:
    """A migration that widens a searched text is not in its way; where it makes a table anew, so is the index."""
    http = await toy.as_role("keeper")
    row = await note(http, "wide", "text")

    def alter(connection: Connection) -> None:
        operations = Operations(MigrationContext.configure(connection))
        anew: Literal["always", "never"] = "always" if toy.database == "sqlite" else "never"
        with operations.batch_alter_table("note", recreate=anew) as batch:
            batch.alter_column("title", type_=String(300))

    await on(toy, alter)
    assert await mended(toy) == (["made the full-text index of note"] if toy.database == "sqlite" else [])
    assert await found(http, "wide") == [row]
    assert await found(http, "narrow") == []
    assert (await http.patch(f"/notes/{row}", json={"title": "narrow"})).status_code == 200
    assert await found(http, "narrow") == [row]
