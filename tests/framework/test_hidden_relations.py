"""Where rules about fields meet relations: columns that join, rows out of sight, and the id that is always there."""

from pathlib import Path

import httpx2
import pytest

from tests.framework.unseen import World, furnished
from tests.problems import places, problem
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

RULES = """
p, keeper, bookmarks, list, any, *
p, keeper, traces, list, any, *
p, keeper, users, read, any, *
p, keeper, users, list, any, nickname

p, reader, folders, list, any, name
p, reader, folders, read, any, -id|-slug
p, reader, folders, update, any, name
p, reader, notes, list, any, -folder_id
p, reader, notes, read, any, -fee
p, reader, comments, list, any, *
p, reader, comments, read, any, -note_id

p, editor, notes, list, any, -fee
p, editor, notes, read, own, *
p, editor, comments, list, any, *
p, editor, comments, read, any, *
"""


@pytest.fixture
async def world(toy: Toy, tmp_path: Path) -> World:
    """The toy with rows, under rules that hide ends of relations."""
    found = await furnished(toy, tmp_path)
    found.obey(RULES)
    return found


async def items(http: httpx2.AsyncClient, target: str) -> list[dict[str, object]]:
    """The rows of a list."""
    answer = await http.get(target)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, object]] = answer.json()["items"]
    return found


async def test_the_id_is_readable_where_anything_is(world: World) -> None:
    """Whether a rule names it, leaves it out or takes it away: lists, reads, answers of writes, and permissions."""
    http, row_id = world.clients["reader"], world.ids["folders"][0]
    assert {frozenset(row) for row in await items(http, "/folders")} == {frozenset({"id", "name"})}
    assert (await items(http, f"/folders?id={row_id}&sort=-id&fields=id")) == [{"id": row_id}]
    row = (await http.get(f"/folders/{row_id}")).json()
    assert row["id"] == row_id
    assert "slug" not in row
    assert (await http.patch(f"/folders/{row_id}", json={"name": "other"})).json()["id"] == row_id
    keeper = world.clients["keeper"]
    told = (await keeper.get("/users/me/permissions")).json()["resources"]
    assert told["users"]["list"]["fields"] == ["id", "nickname"]
    assert "id" not in world.services.access.decisions["reader", "folders", "update"].fields


async def test_a_relation_whose_own_column_cannot_be_read_is_not_there(world: World) -> None:
    """`folder.slug` would tell `folder_id`: no filter, sort or include by it in a list, where a read may have it."""
    reader, row_id = world.clients["reader"], world.ids["notes"][0]
    for query, place in (
        ("folder.remark=x", "folder.remark"),
        ("folder.remark__is_null=true", "folder.remark__is_null"),
        ("sort=folder.name", "sort"),
        ("include=folder", "include"),
        ("include=folder.parent", "include"),
    ):
        answer = await reader.get(f"/notes?{query}")
        problem(answer, 400)
        assert list(places(answer)) == [place]
    assert (await reader.get(f"/notes/{row_id}?include=folder.parent")).status_code == 200


async def test_a_relation_whose_other_column_cannot_be_read_is_not_there(world: World) -> None:
    """Comments without `note_id` cannot be put under their note, which would tell it; with it they can."""
    row_id = world.ids["notes"][0]
    answer = await world.clients["reader"].get(f"/notes/{row_id}?include=comments")
    problem(answer, 400, "malformed_parameter")
    own = (await items(world.clients["editor"], "/notes?include=comments&size=1"))[0]
    assert own["comments"]


async def test_without_any_relation_to_read_there_is_no_include(world: World) -> None:
    """The plain answer to an unknown parameter, as where no relation is declared; and nobody suggests it."""
    answers = []
    for role, path in (("reader", "/notes"), ("keeper", "/traces"), ("keeper", "/bookmarks")):
        for query in ("include=folder", "include=", "include=nothing", "includ=folder"):
            answer = await world.clients[role].get(f"{path}?{query}")
            found = problem(answer, 400, "unknown_parameter")
            answers.append(found["errors"][0]["detail"])
    assert set(answers) == {"is not a known parameter"}


async def test_a_field_is_known_where_its_own_door_shows_it(world: World) -> None:
    """What `read` shows and `list` does not is unknown to a list, and the other way round."""
    reader, editor = world.clients["reader"], world.clients["editor"]
    row_id = next(str(row["id"]) for row in await items(editor, "/notes?include=comments") if row["folder_id"])
    for http, query, known in (
        (reader, "/notes?fields=fee", True),
        (reader, "/notes?fee__gte=0&sort=fee", True),
        (reader, "/notes?fields=folder_id", False),
        (reader, f"/notes/{row_id}?fields=fee", False),
        (reader, f"/notes/{row_id}?fields=folder_id", True),
        (editor, "/notes?fee=1", False),
        (editor, "/notes?sort=fee", False),
    ):
        answer = await http.get(query)
        assert answer.status_code == (200 if known else 400), query
    row = (await reader.get(f"/notes/{row_id}")).json()
    assert "fee" not in row
    assert row["folder_id"]


async def test_related_rows_out_of_sight_are_as_if_they_were_not_there(world: World) -> None:
    """They sort behind all others both ways, satisfy no filter, and are null where they are included."""
    http = world.clients["editor"]
    notes = {str(row["id"]): row for row in await items(world.clients["reader"], "/notes?fields=title")}
    owned = "SELECT note.id FROM note JOIN users ON users.id = note.author_id WHERE nickname = 'editor'"
    mine = {str(row[0]) for row in await world.toy.rows(owned)}
    assert 0 < len(mine) < len(notes)
    for term, turned in (("note.title", False), ("-note.title", True)):
        rows = await items(http, f"/comments?sort={term}&include=note&size=100")
        shown = [row for row in rows if str(row["note_id"]) in mine]
        assert rows[: len(shown)] == shown
        titles = [notes[str(row["note_id"])]["title"] for row in shown]
        assert titles == sorted(titles, key=str, reverse=turned)
        hidden = rows[len(shown) :]
        assert [row["id"] for row in hidden] == sorted(str(row["id"]) for row in hidden)
        assert {str(row["note"]) for row in hidden} == {"None"}
    for query in ("note.tag=tag 1", "note.tag__ne=tag 1", "note.tag__in=tag 0,tag 1,tag 2", "note.tag__contains=tag"):
        assert {str(row["note_id"]) for row in await items(http, f"/comments?{query}")} <= mine
    empty = await items(http, "/comments?note.tag__is_null=true")
    full = await items(http, "/comments?note.tag__is_null=false")
    assert {str(row["note_id"]) for row in [*empty, *full]} == mine
