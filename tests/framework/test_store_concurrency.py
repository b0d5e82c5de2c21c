"""Many at once: nothing is lost, a busy database is 503 with ``Retry-After``, who loses on PostgreSQL tries again."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped] # it ships no types
import pytest
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import create_async_engine

from charter import DatabaseException, Transaction
from charter.assemble.startup import FIRST_START_LOCK
from charter.store import ATTEMPTS, engines
from charter.store.engines import sqlite_file
from tests.patience import PATIENCE, until
from tests.problems import problem
from tests.toy.resources import notes as hooks
from tests.toy.resources.notes import notes
from tests.toy.running import Toy, running

pytestmark = pytest.mark.anyio

on_sqlite = pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
on_postgresql = pytest.mark.parametrize("toy_url", ["postgresql"], indirect=True)


@pytest.fixture
async def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Toy]:
    """The toy on SQLite, waiting for nobody."""
    monkeypatch.setattr(engines, "BUSY_SECONDS", 0)
    async with running(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch) as found:
        yield found


async def test_twenty_increments_at_once_are_twenty(toy: Toy) -> None:
    """Conditional updates and read-then-write in a transaction lose nothing."""
    author, _ = await toy.member("reader")
    row = await toy.in_transaction(lambda tx: tx.repository(notes).create(title="t", author_id=author))

    def conditional(tx: Transaction) -> None:
        rows = tx.repository(notes)
        rows.update_where(rows.columns.id == row["id"], values={"views": rows.columns.views + 1})

    def read_then_write(tx: Transaction) -> None:
        table = tx.entry(notes).table
        views = tx.execute(select(table.c.views).where(table.c.id == row["id"]).with_for_update()).scalar_one()
        tx.execute(update(table).where(table.c.id == row["id"]).values(views=views + 1))

    await asyncio.gather(
        *(toy.services.store.write(work) for _ in range(20) for work in (conditional, read_then_write))
    )
    assert await toy.rows("SELECT views FROM note") == [(40,)]


async def test_twenty_requests_at_once_count_twenty(toy: Toy) -> None:
    """Over HTTP: one bookmark, counted up by every request that comes, and one 201 alone."""
    http = await toy.as_role("keeper")
    note = (await http.post("/notes", json={"title": "t"})).json()["id"]
    answers = await asyncio.gather(*(http.post("/bookmarks", json={"note_id": note}) for _ in range(20)))
    statuses = [answer.status_code for answer in answers]
    refused = statuses.count(409)  # PostgreSQL: who found no bookmark yet and came second
    assert statuses.count(201) == 1
    assert (statuses.count(200), refused if toy.database == "sqlite" else 0) == (19 - refused, 0)
    assert await toy.rows("SELECT count FROM bookmark") == [(20 - refused,)]


async def test_slugs_stay_unique_when_many_rows_are_made_at_once(toy: Toy) -> None:
    """Same title, same moment: every create succeeds, or is a conflict; no two slugs are one."""
    http = await toy.as_role("keeper")
    answers = await asyncio.gather(*(http.post("/notes", json={"title": "same"}) for _ in range(6)))
    made = [answer for answer in answers if answer.status_code == 201]
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert len({answer.json()["slug"] for answer in made}) == len(made) >= 3
    if toy.database == "sqlite":
        assert len(made) == 6


async def test_a_database_that_another_process_holds_is_503(impatient: Toy) -> None:
    """SQLite: writes are refused with ``Retry-After`` while somebody else writes; reads go on; then all is well."""
    http = await impatient.as_role("keeper")
    other = sqlite3.connect(sqlite_file(impatient.services.settings.database_url), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        answer = await http.post("/notes", json={"title": "t"})
        found = problem(answer, 503, "service_unavailable")
        assert (found["detail"], int(answer.headers["Retry-After"]) >= 1) == ("The database is busy.", True)
        assert (await http.get("/notes")).json()["total"] == 0
        with pytest.raises(DatabaseException):
            async with impatient.services.store.session(writes=True) as session:
                await session.execute(text("SELECT 1"))
    finally:
        other.execute("ROLLBACK")
        other.close()
    assert (await http.post("/notes", json={"title": "t"})).status_code == 201


@on_postgresql
async def test_a_transaction_that_loses_is_run_again(toy: Toy) -> None:
    """A deadlock ends one of two transactions; it is run again, and both are done."""
    author, _ = await toy.member("reader")

    def made(tx: Transaction) -> list[Any]:
        return [tx.repository(notes).create(title=f"n{n}", author_id=author) for n in range(2)]

    rows = await toy.in_transaction(made)
    tries = {0: 0, 1: 0}

    def crosswise(first: int) -> Any:
        def work(tx: Transaction) -> None:
            tries[first] += 1
            tx.execute(text("SET LOCAL deadlock_timeout = '10ms'"))
            found = tx.repository(notes)
            for index in (first, 1 - first):
                found.update_where(found.columns.id == rows[index]["id"], values={"views": found.columns.views + 1})
                tx.execute(text("SELECT pg_sleep(0.05)"))

        return work

    await asyncio.gather(*(toy.services.store.write(crosswise(first)) for first in (0, 1)))
    assert await toy.rows("SELECT views FROM note ORDER BY title") == [(2,), (2,)]
    assert sorted(tries.values()) == [1, 2]


@on_postgresql
async def test_who_loses_every_time_is_told_that_the_database_is_busy(toy: Toy) -> None:
    """After the last attempt: 503, nothing kept."""
    tries = 0

    def losing(tx: Transaction) -> None:
        nonlocal tries
        tries += 1
        tx.execute(text("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"))

    with pytest.raises(DatabaseException):
        await toy.services.store.write(losing)
    assert tries == ATTEMPTS
    with pytest.raises(DatabaseException):
        async with toy.services.store.session(writes=True) as session:
            await session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$"))


CUT_OFF = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = current_database()"""

CUT_AT_COMMIT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON note DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION cut()"""


@asynccontextmanager
async def outsider(toy: Toy) -> AsyncIterator[Any]:
    """A connection to the same database that is not the application's."""
    other = await asyncpg.connect(toy.services.settings.database_url.replace("+asyncpg", ""))
    try:
        yield other
    finally:
        await other.close()


@on_postgresql
async def test_a_database_that_ends_our_connections_is_not_noticed(toy: Toy) -> None:
    """As when it is restarted: whatever asks next, request or session, goes over a new connection."""
    http = await toy.as_role("keeper")
    async with outsider(toy) as other:
        for _ in range(3):
            await asyncio.gather(*(http.get("/notes") for _ in range(10)))
            assert await other.fetch(CUT_OFF)
            assert (await http.get("/notes")).status_code == 200
            assert await other.fetch(CUT_OFF)
            assert (await http.post("/notes", json={"title": "t"})).status_code == 201
            assert await other.fetch(CUT_OFF)
            async with toy.services.store.session(writes=False) as session:
                assert (await session.execute(text("SELECT 1"))).scalar_one() == 1
    assert await toy.rows("SELECT count(*) FROM note") == [(3,)]


@on_postgresql
async def test_a_transaction_that_is_cut_off_before_its_commit_is_run_again(toy: Toy) -> None:
    """Nothing of the first time is kept, so nothing is there twice; who is cut off every time is told so."""
    author, _ = await toy.member("reader")
    tries = 0

    def cut_off(tx: Transaction, times: int) -> None:
        nonlocal tries
        tries += 1
        tx.repository(notes).create(title="once", author_id=author)
        if tries <= times:
            tx.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    await toy.services.store.write(lambda tx: cut_off(tx, 1))
    assert (tries, await toy.rows("SELECT title FROM note")) == (2, [("once",)])
    tries = 0
    with pytest.raises(DatabaseException):
        await toy.services.store.write(lambda tx: cut_off(tx, ATTEMPTS))
    assert (tries, await toy.rows("SELECT title FROM note")) == (ATTEMPTS, [("once",)])


@on_postgresql
async def test_a_transaction_that_is_cut_off_at_its_commit_is_not_run_again(toy: Toy) -> None:
    """Nobody can tell whether it was kept: 503, and whoever sent a key may send it again."""
    http = await toy.as_role("keeper")
    async with outsider(toy) as other:
        await other.execute(CUT_AT_COMMIT)
        before = len(hooks.MOMENTS)
        problem(await http.post("/notes", json={"title": "t"}), 503, "service_unavailable")
        assert hooks.MOMENTS[before:].count("before create") == 1
        await other.execute("DROP FUNCTION cut CASCADE")
    assert (await http.post("/notes", json={"title": "t"})).status_code == 201
    assert await toy.rows("SELECT count(*) FROM note") == [(1,)]


@on_postgresql
async def test_requests_go_on_while_the_database_ends_our_connections(toy: Toy) -> None:
    """Under load: each answer is true, and the few 503 are those of transactions that were just being committed."""
    http = await toy.as_role("keeper")
    sent: list[asyncio.Task[Any]] = []
    async with outsider(toy) as other:
        for _ in range(3):
            titles = [f"note {len(sent) + number}" for number in range(20)]
            sent += [asyncio.create_task(http.post("/notes", json={"title": title})) for title in titles]
            await asyncio.wait(sent, return_when=asyncio.FIRST_COMPLETED)
            await other.fetch(CUT_OFF)
    statuses = [(await task).status_code for task in sent]
    ((kept,),) = await toy.rows("SELECT count(*) FROM note")
    assert set(statuses) <= {201, 503}
    assert statuses.count(201) <= kept <= 60
    assert statuses.count(503) < 15


async def test_a_waiting_request_that_is_given_up_leaves_nothing_broken(toy: Toy) -> None:
    """A caller who hangs up while waiting neither blocks the writer nor leaks its transaction."""
    http = await toy.as_role("keeper")
    waiting = [asyncio.create_task(http.post("/notes", json={"title": f"t{n}"})) for n in range(10)]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert (await http.post("/notes", json={"title": "last"})).status_code == 201

    async def agree() -> bool:  # PostgreSQL may still be at a commit that nobody waits for any more
        total = (await http.get("/notes")).json()["total"]
        return [(total,)] == await toy.rows("SELECT count(*) FROM note")

    await until(agree)


@on_sqlite
async def test_readers_go_on_while_somebody_writes(toy: Toy) -> None:
    """One long write transaction does not keep a read waiting, and is not seen by it."""
    http = await toy.as_role("keeper")
    entered, leave = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def slow(tx: Transaction) -> None:
        tx.execute(text("UPDATE users SET nickname = 'changed'"))
        loop.call_soon_threadsafe(entered.set)
        asyncio.run_coroutine_threadsafe(leave.wait(), loop).result(2 * PATIENCE)

    writing = asyncio.create_task(toy.services.store.write(slow))
    await entered.wait()
    found = await asyncio.wait_for(http.get("/users?nickname=changed"), PATIENCE)
    assert (found.status_code, found.json()["total"]) == (200, 0)
    leave.set()
    await writing
    assert (await http.get("/users?nickname=changed")).json()["total"] > 0


@on_postgresql
async def test_a_start_waits_for_whoever_fills_the_database(
    toy_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Another process may be at it for longer than a request would wait for a lock."""
    monkeypatch.setattr(engines, "LOCK_SECONDS", 0.1)

    async def start() -> int:
        async with running(toy_url, tmp_path, monkeypatch, log_level="info") as toy:
            return len(await toy.rows("SELECT id FROM users"))

    async def waits() -> bool:
        return starting.done() or any("waiting to start" in record.getMessage() for record in caplog.records)

    engine = create_async_engine(toy_url)
    async with engine.connect() as other:
        await other.execute(text("SELECT pg_advisory_lock(:key)"), {"key": FIRST_START_LOCK})
        starting = asyncio.create_task(start())
        await until(waits)
        assert not starting.done()
        await other.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": FIRST_START_LOCK})
    await engine.dispose()
    assert await starting == 1
