"""Includes without N+1: whatever is included, and however many rows there are, a read takes no statement more."""

import pytest

from tests.statements import statements
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

NOTES = "FROM note "
"""In every statement that reads notes; processes look for news in the background, too."""

INCLUDES = ("", "&include=folder", "&include=comments", "&include=folder,folder.parent,comments")


async def test_a_page_is_at_most_two_statements_whatever_it_includes(toy: Toy) -> None:
    """The rows with all that they include, and their number; for one row and for thirty, each with comments."""
    http = await toy.as_role("keeper")
    folder = (await http.post("/folders", json={"name": "Box"})).json()["id"]
    notes = []
    for index in range(30):
        note = (await http.post("/notes", json={"title": f"n{index}", "folder_id": folder})).json()["id"]
        notes.append(note)
        for _ in range(2):
            assert (await http.post("/comments", json={"note_id": note, "text": "c"})).status_code == 201
    for include in INCLUDES:
        for size in (1, 29):
            with statements(NOTES) as seen:
                answer = await http.get(f"/notes?size={size}{include}")
            assert (answer.status_code, len(answer.json()["items"])) == (200, size), answer.text
            rows = [statement for statement in seen if "count(" not in statement]
            assert (len(rows), len(seen) - len(rows) <= 1) == (1, True), seen  # a number may be known by now
            for row in answer.json()["items"] if "comments" in include else ():
                assert len(row["comments"]) == 2
        with statements(NOTES) as seen:
            assert (await http.get(f"/notes/{notes[0]}?{include.removeprefix('&')}")).status_code == 200
        assert len(seen) == 1, seen


async def test_a_statement_more_is_noticed(toy: Toy) -> None:
    """The counter hears both ways to the database: a write and the reads in it, and a read."""
    http = await toy.as_role("keeper")
    with statements() as seen:
        note = (await http.post("/notes", json={"title": "t"})).json()["id"]
    assert any(statement.startswith("INSERT") for statement in seen)
    with statements(NOTES) as seen:
        await http.get(f"/notes/{note}")
        await http.get(f"/notes/{note}")
    assert len(seen) == 2
