"""Create, read, replace, change and delete, as the contract's table of requests says."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from tests.problems import places, problem
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

NOWHERE = "/notes/01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"


async def made(http: httpx2.AsyncClient, **values: Any) -> dict[str, Any]:
    """A note."""
    answer = await http.post("/notes", json={"title": "A note", **values})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_create_answers_201_with_the_row_and_where_it_is(toy: Toy) -> None:
    """POST: 201, the row with its defaults, ``Location`` leads to the same row."""
    http = await toy.as_role("keeper")
    answer = await http.post("/notes", json={"title": "First", "fee": 1999})
    row = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/notes/{row['id']}")
    assert UUID(row["id"]).version == 7
    assert row["created_at"] == row["updated_at"]
    expected = {"slug": "first", "text": "", "mood": "calm", "fee": 1999, "details": {}, "words": None, "views": 0}
    assert {name: row[name] for name in expected} == expected
    again = await http.get(answer.headers["Location"])
    assert (again.status_code, again.json()) == (200, row)


async def test_put_returns_what_is_left_out_to_its_default(toy: Toy) -> None:
    """PUT takes the create schema without its create-only fields: those stay, what else is left out is reset."""
    http = await toy.as_role("keeper")
    given = {"tag": "t", "mood": "wild", "ink": "pen", "fee": 5, "stars": 3, "weight": 1.5, "is_public": True}
    more = {"details": {"a": 1}, "words": ["x"], "code": "C-1", "is_pinned": True, "due": "2026-01-02T03:04:05Z"}
    old = await made(http, **given, **more)
    answer = await http.put(f"/notes/{old['id']}", json={"title": "Second", "stars": 2})
    row = answer.json()
    reset: dict[str, Any] = {
        "tag": None,
        "mood": "calm",
        "ink": None,
        "fee": 0,
        "weight": None,
        "is_public": False,
        "due": None,
    }
    reset |= {"details": {}, "words": None, "is_pinned": False}
    assert answer.status_code == 200
    assert {name: row[name] for name in reset} == reset
    assert (row["title"], row["stars"]) == ("Second", 2)
    for name in ("id", "code", "slug", "created_at", "author_id", "views"):
        assert row[name] == old[name], name
    assert row["updated_at"] > old["updated_at"]
    refused = await http.put(f"/notes/{old['id']}", json={"title": "Third", "code": "C-2"})
    problem(refused, 422, "validation")
    assert places(refused) == {"/code": "extra_forbidden"}
    problem(await http.put(f"/notes/{old['id']}", json={"stars": 1}), 422, "validation")


async def test_patch_changes_what_is_sent_and_nothing_else(toy: Toy) -> None:
    """PATCH: ``{}`` and the values that are there already change nothing, the time of change included."""
    http = await toy.as_role("keeper")
    old = await made(http, tag="t", ink="pen", due="2026-01-02T03:04:05+02:00", details={"a": [1, 2.5]}, weight=0.1)
    path = f"/notes/{old['id']}"
    assert (await http.patch(path, json={})).json() == old
    same = {name: old[name] for name in ("title", "tag", "ink", "due", "details", "weight", "words", "is_public")}
    assert (await http.patch(path, json=same)).json() == old
    answer = await http.patch(path, json={"tag": None, "stars": 4})
    row = answer.json()
    assert answer.status_code == 200
    assert row["updated_at"] > old["updated_at"]
    assert row == {**old, "tag": None, "stars": 4, "updated_at": row["updated_at"]}


async def test_null_is_refused_where_a_value_is_required(toy: Toy) -> None:
    """PATCH with ``null`` for a column that cannot be empty is 422, for all such fields at once."""
    http = await toy.as_role("keeper")
    old = await made(http)
    fields = ("title", "mood", "fee", "stars", "is_public", "details", "is_pinned", "text")
    for method in ("PATCH", "PUT"):
        answer = await http.request(method, f"/notes/{old['id']}", json=dict.fromkeys(fields))
        problem(answer, 422, "validation")
        assert set(places(answer)) == {f"/{name}" for name in fields}
    assert (await http.get(f"/notes/{old['id']}")).json() == old


async def test_unknown_unwritable_hidden_and_ungranted_fields_look_alike(toy: Toy) -> None:
    """A field that a caller may not set is refused exactly as one that does not exist."""
    names = (
        "nothing",
        "id",
        "created_at",
        "updated_at",
        "slug",
        "author_id",
        "views",
        "secret",
        "letters",
        "deleted_at",
    )
    for role, more in (("keeper", ()), ("editor", ("is_pinned",)), ("reader", ("is_pinned", "fee"))):
        http = await toy.as_role(role)
        old = await made(http)
        for name in (*names, *more):
            bodies = {"POST": "/notes", "PATCH": f"/notes/{old['id']}", "PUT": f"/notes/{old['id']}"}
            for method, path in bodies.items():
                body = {} if method == "PATCH" else {"title": "x"}
                answer = await http.request(method, path, json={**body, name: None})
                assert problem(answer, 422, "validation")["errors"] == [
                    {
                        "pointer": f"/{name}",
                        "code": "extra_forbidden",
                        "detail": "is not a field that this request can set",
                    }
                ]
        problem(await http.patch(f"/notes/{old['id']}", json={"code": "late"}), 422, "validation")


async def test_granted_fields_are_set_only_where_a_rule_names_them(toy: Toy) -> None:
    """``write="granted"``: outside ``*``; whoever has the rule can create and change it."""
    keeper, reader = await toy.as_role("keeper"), await toy.as_role("reader")
    row = await made(keeper, is_pinned=True)
    assert row["is_pinned"] is True
    changed = await keeper.patch(f"/notes/{row['id']}", json={"is_pinned": False})
    assert changed.json()["is_pinned"] is False
    problem(await reader.post("/notes", json={"title": "x", "is_pinned": True}), 422, "validation")


async def test_hidden_fields_leave_by_no_door(toy: Toy) -> None:
    """A hidden field stands in no body, no parameter and no schema; asking for it is asking for an unknown name."""
    http = await toy.as_role("keeper")
    row = await made(http)
    assert await toy.rows("SELECT secret FROM note") == [("hush",)]
    assert "secret" not in row
    document = await http.get("/openapi.json")
    for word in ("secret", "hashed_password", "epoch"):
        assert f'"{word}"' not in document.text.replace('"client_secret"', "")
    for query in ("secret=hush", "secret=", "sort=secret", "sort=-secret", "fields=secret", "fields=id,secret"):
        answer = await http.get(f"/notes?{query}")
        twin = await http.get(f"/notes?{query.replace('secret', 'zzzzzz')}")
        problem(answer, 400)
        assert answer.json()["code"] == twin.json()["code"]
        assert answer.json()["detail"] == twin.json()["detail"]
    listed = (await http.get("/users")).text
    assert "hashed_password" not in listed
    assert "epoch" not in listed


async def test_deleted_rows_are_gone_for_everybody_and_kept(toy: Toy) -> None:
    """Soft deletion: 204, then 404 for every request, absent from lists and counts; the row stays in the table."""
    http = await toy.as_role("keeper")
    row = await made(http, code="K", is_public=True)
    path = f"/notes/{row['id']}"
    assert (await http.delete(path)).status_code == 204
    for answer in (
        await http.get(path),
        await http.patch(path, json={"stars": 1}),
        await http.put(path, json={"title": "x"}),
        await http.delete(path),
    ):
        problem(answer, 404, "not_found")
    assert (await http.get("/notes")).json()["total"] == 0
    assert (await toy.rows("SELECT count(*) FROM note WHERE deleted_at IS NOT NULL")) == [(1,)]
    again = await made(http, code="K")
    twin = await http.post("/notes", json={"title": "x", "code": "K"})
    problem(twin, 409, "unique")
    assert places(twin) == {"/code": "unique"}
    assert again["slug"] == "a-note"


async def test_deleting_for_good_respects_references(toy: Toy) -> None:
    """A hard delete removes the row; one that others refer to is 409 and stays."""
    http = await toy.as_role("keeper")
    folder = (await http.post("/folders", json={"name": "Box"})).json()
    note = await made(http, folder_id=folder["id"])
    problem(await http.delete(f"/folders/{folder['id']}"), 409, "foreign_key")
    await http.patch(f"/notes/{note['id']}", json={"folder_id": None})
    assert (await http.delete(f"/folders/{folder['id']}")).status_code == 204
    assert await toy.rows("SELECT count(*) FROM folder") == [(0,)]


async def test_unknown_malformed_and_unreadable_ids_are_404(toy: Toy) -> None:
    """Whether an id is malformed, unknown, or of a row that the caller may not read cannot be told apart."""
    keeper, reader = await toy.as_role("keeper"), await toy.as_role("reader")
    private = await made(keeper)
    bodies = []
    for path in (NOWHERE, "/notes/1", f"/notes/{private['id']}", f"/notes/{'9' * 400}", "/notes/%00", "/notes/%ff"):
        for method in ("GET", "PATCH", "DELETE"):
            answer = await reader.request(method, path, json={} if method == "PATCH" else None)
            found = problem(answer, 404, "not_found")
            bodies.append({key: found[key] for key in ("title", "detail", "errors")})
    assert all(body == bodies[0] for body in bodies)


async def test_a_reference_names_a_row_that_the_caller_may_read(toy: Toy) -> None:
    """A reference to a missing row and one to a row out of sight are the same 409."""
    keeper, reader = await toy.as_role("keeper"), await toy.as_role("reader")
    private, public = await made(keeper), await made(keeper, is_public=True)
    unknown = NOWHERE.rpartition("/")[2]
    bodies = []
    for note in (private["id"], unknown):
        answer = await reader.post("/comments", json={"text": "hi", "note_id": note})
        found = problem(answer, 409, "foreign_key")
        bodies.append((found["detail"], found["errors"]))
    assert bodies[0] == bodies[1]
    problem(await reader.post("/bookmarks", json={"note_id": unknown}), 409, "foreign_key")
    assert (await reader.post("/comments", json={"text": "hi", "note_id": public["id"]})).status_code == 201


async def test_the_answer_of_a_write_is_cut_by_the_read_rule(toy: Toy) -> None:
    """Fields that the caller may not read are not in the answer; without any read rule the answer is the id."""
    keeper, reader = await toy.as_role("keeper"), await toy.as_role("reader")
    note = await made(keeper, is_public=True)
    assert "fee" not in await made(reader)
    answer = await reader.post("/comments", json={"text": "hi", "note_id": note["id"]})
    assert (answer.status_code, list(answer.json())) == (201, ["id"])


async def test_a_hook_may_find_the_row_there_already(toy: Toy) -> None:
    """``instead_of_create``: 201 for a new row, 200 for one that was there, with the same ``Location``."""
    keeper, reader = await toy.as_role("keeper"), await toy.as_role("reader")
    note = await made(keeper, is_public=True)
    first = await reader.post("/bookmarks", json={"note_id": note["id"]})
    second = await reader.post("/bookmarks", json={"note_id": note["id"], "count": 4})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.headers["Location"] == second.headers["Location"]
    assert second.json()["count"] == 5
    problem(await reader.post("/bookmarks", json={"note_id": note["id"], "count": 99}), 422, "validation")


async def test_resources_that_only_the_server_writes_have_no_writing_routes(toy: Toy) -> None:
    """A resource without a writable field answers 405 with every method that it has."""
    http = await toy.as_role("keeper")
    await made(http)
    found = (await http.get("/traces")).json()
    assert [(item["what"], item["title"]) for item in found["items"]] == [("create", "A note")]
    assert problem(await http.post("/traces", json={}), 405)["code"] == "method_not_allowed"
    answer = await http.delete(f"/traces/{found['items'][0]['id']}")
    problem(answer, 405)
    assert answer.headers["Allow"] == "GET, HEAD"
    answer = await http.request("TRACE", f"/notes/{found['items'][0]['id']}")
    problem(answer, 405)
    assert answer.headers["Allow"] == "DELETE, GET, HEAD, PATCH, PUT"


async def test_inputs_reach_hooks_and_no_column(toy: Toy) -> None:
    """An input is taken by writes, kept nowhere and shown nowhere."""
    http = await toy.as_role("keeper")
    row = await made(http, title="loud", shout=True)
    assert row["title"] == "LOUD"
    assert "shout" not in row
    quiet = (await http.patch(f"/notes/{row['id']}", json={"title": "quiet", "shout": False})).json()
    assert quiet["title"] == "quiet"
    problem(await http.get("/notes?shout=true"), 400, "unknown_parameter")
