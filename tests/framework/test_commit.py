"""One request, one transaction: the commit comes before the answer, and a failure undoes everything."""

import asyncio
import sqlite3
from collections.abc import Callable, MutableMapping
from typing import Any
from uuid import UUID

import asyncpg  # type: ignore[import-untyped] # it ships no types
import httpx2
import pytest

from charter.store import Store
from charter.store.engines import sqlite_file
from tests.problems import problem
from tests.toy.resources import notes as hooks
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

Message = MutableMapping[str, Any]


class Probe:
    """An ASGI application around another that looks into the database when the answer starts."""

    def __init__(self, toy: Toy) -> None:
        self.toy = toy
        self.seen: list[tuple[int, bool]] = []
        """Status of each answer, and whether the row was there for everybody when it started."""

    async def __call__(self, scope: Message, receive: Any, send: Any) -> None:
        async def looking(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.seen.append((message["status"], await self.is_there()))
            await send(message)

        await self.toy.app(scope, receive, looking)

    async def is_there(self) -> bool:
        """Over a connection that has nothing to do with the application's."""
        wanted = "SELECT count(*) FROM note WHERE title = 'seen' AND deleted_at IS NULL"
        url = self.toy.services.settings.database_url
        if self.toy.database == "sqlite":
            connection = sqlite3.connect(sqlite_file(url))
            try:
                return bool(connection.execute(wanted).fetchone()[0])
            finally:
                connection.close()
        other = await asyncpg.connect(url.replace("+asyncpg", ""))
        try:
            return bool(await other.fetchval(wanted))
        finally:
            await other.close()


async def observed(toy: Toy) -> tuple[Probe, httpx2.AsyncClient]:
    """A probe, and a client whose requests pass it."""
    probe = Probe(toy)
    _, token = await toy.member("keeper")
    return probe, toy.client(token, app=probe)


async def test_the_answer_to_a_write_is_sent_after_its_commit(toy: Toy) -> None:
    """When the first byte leaves, another connection sees what was created, changed, replaced or deleted."""
    probe, http = await observed(toy)
    row = (await http.post("/notes", json={"title": "seen"})).json()
    path = f"/notes/{row['id']}"
    await http.patch(path, json={"title": "unseen"})
    await http.put(path, json={"title": "seen"})
    await http.delete(path)
    assert probe.seen == [(201, True), (200, False), (200, True), (204, False)]


async def test_the_probe_would_see_a_commit_that_comes_too_late(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control of the test above: with a store that commits after it has returned, the row is not there yet."""
    real = Store.write
    late: list[asyncio.Task[Any]] = []

    async def turned(self: Store, work: Callable[[Any], Any]) -> Any:
        """Answers from a transaction that is undone, and does the work for good later."""
        kept: list[Any] = []

        class Undone(Exception):  # noqa: N818 # a signal
            pass

        def tried(tx: Any) -> None:
            kept.append(work(tx))
            raise Undone

        with pytest.raises(Undone):
            await real(self, tried)
        answered = asyncio.Event()
        late.append(asyncio.create_task(self_after(answered, self, work)))
        asyncio.get_running_loop().call_later(0.05, answered.set)
        return kept[0]

    async def self_after(answered: asyncio.Event, store: Store, work: Callable[[Any], Any]) -> None:
        await answered.wait()
        await real(store, work)

    probe, http = await observed(toy)
    monkeypatch.setattr(Store, "write", turned)
    answer = await http.post("/notes", json={"title": "seen"})
    await asyncio.gather(*late)
    assert answer.status_code == 201
    assert probe.seen == [(201, False)]
    assert await probe.is_there()


async def test_a_hook_that_raises_undoes_everything(toy: Toy, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal before the write and a failure after it leave neither the row nor what hooks wrote elsewhere."""
    caplog.set_level("CRITICAL", logger="charter")
    http = await toy.as_role("keeper")
    found = problem(await http.post("/notes", json={"title": hooks.REFUSED}), 409, "conflict")
    assert found["detail"] == "Not this one."
    found = problem(await http.post("/notes", json={"title": hooks.BROKEN}), 500, "internal")
    assert hooks.BROKEN not in str(found)
    assert await toy.rows("SELECT count(*) FROM note") == [(0,)]
    assert await toy.rows("SELECT count(*) FROM trace") == [(0,)]
    row = (await http.post("/notes", json={"title": "good"})).json()
    path = f"/notes/{row['id']}"
    problem(await http.patch(path, json={"title": hooks.BROKEN, "stars": 5}), 500, "internal")
    problem(await http.put(path, json={"title": hooks.REFUSED}), 409, "conflict")
    assert (await http.get(path)).json() == row
    assert await toy.rows("SELECT what FROM trace") == [("create",)]


async def test_hooks_run_in_their_order_and_only_for_what_happens(toy: Toy) -> None:
    """prepare, before, after, after_commit; after a failure nothing follows."""
    http = await toy.as_role("keeper")
    hooks.MOMENTS.clear()
    row = (await http.post("/notes", json={"title": "one"})).json()
    await http.patch(f"/notes/{row['id']}", json={"stars": 1})
    await http.delete(f"/notes/{row['id']}")
    moments = ("prepare", "before", "after", "after_commit")
    assert [f"{moment} {action}" for action in ("create", "update", "delete") for moment in moments] == hooks.MOMENTS
    hooks.MOMENTS.clear()
    await http.post("/notes", json={"title": hooks.REFUSED})
    assert hooks.MOMENTS == ["prepare create", "before create"]
    hooks.MOMENTS.clear()
    problem(await http.patch(f"/notes/{row['id']}", json={"stars": 1}), 404)
    await http.post("/notes", json={"title": ""})
    assert hooks.MOMENTS == []


async def test_what_fails_after_the_commit_does_not_change_the_answer(
    toy: Toy, caplog: pytest.LogCaptureFixture
) -> None:
    """``after_commit``: the row is safe, the answer is true, the failure is in the log."""
    http = await toy.as_role("keeper")
    answer = await http.post("/notes", json={"title": hooks.BROKEN_LATER})
    assert answer.status_code == 201
    assert (await http.get(answer.headers["Location"])).status_code == 200
    assert [record.message for record in caplog.records if record.levelname == "ERROR"] == ["after_commit failed"]


async def test_readable_rows_outside_the_rows_of_an_action_are_403(toy: Toy) -> None:
    """PATCH, PUT and DELETE: 403 where the caller may read the row, 404 where not; nothing is changed."""
    keeper, reader = await toy.as_role("keeper"), await toy.as_role("reader")
    public = (await keeper.post("/notes", json={"title": "public", "is_public": True})).json()
    private = (await keeper.post("/notes", json={"title": "private"})).json()
    for row, status in ((public, 403), (private, 404)):
        for method, body in (("PATCH", {"stars": 1}), ("PUT", {"title": "x"}), ("DELETE", None)):
            problem(await reader.request(method, f"/notes/{row['id']}", json=body), status)
        assert (await keeper.get(f"/notes/{row['id']}")).json() == row
    problem(await toy.client().patch(f"/notes/{public['id']}", json={}), 401, "not_authenticated")
    own = (await reader.post("/notes", json={"title": "own"})).json()
    assert (await reader.patch(f"/notes/{own['id']}", json={"stars": 1})).status_code == 200


async def test_a_new_row_outside_the_rows_that_may_be_created_is_403(toy: Toy) -> None:
    """The row is made, found outside, and undone with everything that hooks did."""
    reader = await toy.as_role("reader")
    found = problem(await reader.post("/notes", json={"title": "x", "is_public": True}), 403, "forbidden")
    assert "outside the rows" in found["detail"]
    assert await toy.rows("SELECT count(*) FROM note") == [(0,)]
    assert await toy.rows("SELECT count(*) FROM trace") == [(0,)]
    assert (await reader.post("/notes", json={"title": "x", "is_public": False})).status_code == 201


async def test_an_owner_behind_a_relation_decides_too(toy: Toy) -> None:
    """``own`` over ``note.author_id``: an editor changes comments on their own notes alone."""
    keeper, editor = await toy.as_role("keeper"), await toy.as_role("editor")
    ids: list[UUID] = []
    for http in (keeper, editor):
        note = (await http.post("/notes", json={"title": "x"})).json()["id"]
        ids.append((await keeper.post("/comments", json={"text": "hi", "note_id": note})).json()["id"])
    problem(await editor.patch(f"/comments/{ids[0]}", json={"text": "new"}), 404, "not_found")
    assert (await editor.patch(f"/comments/{ids[1]}", json={"text": "new"})).json()["text"] == "new"
