"""Reads over the driver: the values and rows that SQLAlchemy would bind and give, one moment, nobody held up."""

import asyncio
import sqlite3
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Column, Integer, MetaData, Select, Table, bindparam, func, select, text

from charter import DatabaseException
from charter.settings import Settings
from charter.store import prepared, reading
from charter.store.reading import Fetch, SqliteReads, _Rest, _TooLongError
from charter.types import Identifier, Instant, Text
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

COUNTING = "(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500) SELECT i FROM n)"
"""Some thousand instructions: more than one look, and far from too many."""

ROW = {
    "id": UUID("01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"),
    "at": datetime(2026, 11, 22, 20, 52, 13, 762773, tzinfo=UTC),
    "name": "Ä %_\\ lamp",
    "number": 7,
}
things = Table(
    "thing",
    MetaData(),
    Column("id", Identifier(), primary_key=True),
    Column("at", Instant()),
    Column("name", Text(40)),
    Column("number", Integer()),
)
COLUMNS = things.c.number, things.c.name


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database with one row, written by SQLite's own hand."""
    path = tmp_path / "things.db"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE thing (id TEXT PRIMARY KEY, at TEXT, name TEXT, number INTEGER)")
        kept = (str(ROW["id"]), "2026-11-22T20:52:13.762773Z", ROW["name"], ROW["number"])
        connection.execute("INSERT INTO thing VALUES (?, ?, ?, ?)", kept)
    connection.close()
    return path


def reads_of(file: Path) -> SqliteReads:
    """Reads of the database `file`."""
    settings = Settings.model_validate({"environment": "test", "database_url": f"sqlite+aiosqlite:///{file}"})
    return SqliteReads(settings, MetaData())


@pytest.mark.parametrize("brief", [True, False])
@pytest.mark.parametrize(
    ("condition", "values"),
    [
        (things.c.id == bindparam("id"), {"id": ROW["id"]}),
        (things.c.at >= bindparam("at"), {"at": ROW["at"]}),
        (things.c.name == bindparam("name"), {"name": ROW["name"]}),
        (things.c.number == 7, {}),
        (things.c.number.in_([1, 7]), {}),
        (things.c.id.in_(bindparam("ids", expanding=True)), {"ids": [ROW["id"], UUID(int=1)]}),
        (
            things.c.at.in_(bindparam("ats", expanding=True)) & (things.c.number < bindparam("n")),
            {"ats": [ROW["at"]], "n": 8},
        ),
        (things.c.id.not_in(bindparam("ids", expanding=True)), {"ids": []}),
    ],
)
async def test_values_reach_the_driver_in_the_form_that_their_column_has(
    file: Path, condition: Any, values: dict[str, Any], brief: bool
) -> None:
    """Ids and moments as text, lists written out, values of the statement's own, the same statement again and again."""
    reads = reads_of(file)
    found: Select[Any] = select(*COLUMNS).where(condition)
    for _ in range(3):
        assert await reads.run(lambda fetch: fetch(found, values), brief=brief) == [(7, ROW["name"])]
    missed = {name: [UUID(int=2)] if name == "ids" else None for name in values}
    if values and "ats" not in values and values.get("ids") != []:
        assert await reads.run(lambda fetch: fetch(found, missed), brief=brief) == []
    reads.close()


@pytest.mark.parametrize("brief", [True, False])
async def test_nothing_can_be_written_by_a_read(file: Path, brief: bool) -> None:
    """The connections refuse to write, whatever the statement."""
    reads = reads_of(file)
    statement: Any = things.delete().returning(things.c.id)
    with pytest.raises(Exception, match="readonly"):
        await reads.run(lambda fetch: fetch(statement, {}), brief=brief)
    assert await reads.run(lambda fetch: fetch(select(func.count()).select_from(things), {}), brief=True) == [(1,)]
    reads.close()


@pytest.mark.parametrize("brief", [True, False])
async def test_all_statements_of_a_read_see_one_moment(file: Path, brief: bool) -> None:
    """What another connection commits between two of them is not there for the second, and is for the next read."""
    reads = reads_of(file)
    counted = select(func.count()).select_from(things)

    def work(fetch: Fetch) -> tuple[int, int]:
        before = fetch(counted, {})[0][0]
        with sqlite3.connect(file) as other:
            other.execute("INSERT INTO thing (id) VALUES ('another')")
        other.close()
        return before, fetch(counted, {})[0][0]

    assert await reads.run(work, brief=brief) == (1, 1)
    assert await reads.run(lambda fetch: fetch(counted, {}), brief=True) == [(2,)]
    reads.close()


@pytest.mark.parametrize("at_once", [True, False])
async def test_a_statement_alone_is_read_as_it_is_among_others(file: Path, at_once: bool) -> None:
    """The same rows; what others commit is there the next time, and nothing is left open that held up a checkpoint."""
    reads, statement = reads_of(file), select(*COLUMNS).where(things.c.number == bindparam("number"))

    async def read(asked: Any, **values: int) -> Any:
        return reads.at_once(asked, values) if at_once else await reads.rows(asked, values)

    assert reads.at_once(statement, {"number": 7}) is None  # it is not prepared yet
    reads._preparer.prepared(statement)
    for number in (7, 8):
        for _ in range(2):
            assert await read(statement, number=number) == [(number, ROW["name"])]
            assert await read(statement, number=1) == []
        with sqlite3.connect(file, timeout=0) as other:
            other.execute("UPDATE thing SET number = 8")
            other.commit()
            assert other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0
        other.close()
    writing = things.delete().returning(things.c.id)
    reads._preparer.prepared(writing)
    with pytest.raises(Exception, match="readonly"):
        await read(writing)
    reads.close()


async def test_what_was_given_up_is_tried_again_after_a_rest(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is twice as long each time, up to a minute, and nothing is held against a statement that is short again."""
    reads, numbers = reads_of(file), things.join(things.alias("other"), things.c.number > 0)
    statement = select(func.count()).select_from(numbers.join(things.alias("third"), things.c.number > 0))
    text = reads._preparer.prepared(statement).text
    monkeypatch.setattr(reading, "STEP", 1)
    monkeypatch.setattr(reading, "STEPS", 0)
    rests = []
    for _ in range(10):
        assert reads.at_once(statement, {}) is None
        rests.append(reads._long[text].seconds)
        monkeypatch.setattr(reading, "STEPS", 1000)
        assert reads.at_once(statement, {}) is None  # not before the rest is over
        monkeypatch.setattr(reading, "STEPS", 0)
        reads._long[text] = _Rest(rests[-1], until=time.monotonic())
    assert rests == [0.25, 0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    assert await reads.rows(statement, {}) == [(1,)]
    monkeypatch.setattr(reading, "STEPS", 1000)
    assert reads.at_once(statement, {}) == [(1,)]
    assert not reads._long
    reads.close()


async def test_a_locked_file_holds_up_the_read_and_nobody_else(file: Path) -> None:
    """While another process has the file for itself, a brief read waits in a thread; the event loop goes on."""
    owner = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    owner.execute("PRAGMA locking_mode=EXCLUSIVE")
    owner.execute("UPDATE thing SET number = 8")
    threading.Timer(0.5, owner.close).start()
    reads, beats = reads_of(file), 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.01)
            beats += 1

    heart = asyncio.create_task(beat())
    rows = await reads.run(lambda fetch: fetch(select(*COLUMNS), {}), brief=True)
    heart.cancel()
    reads.close()
    assert rows == [(8, ROW["name"])]
    assert beats >= 5


async def test_a_file_that_is_gone_is_a_database_that_is_away(tmp_path: Path) -> None:
    """No 500: the refusal of a database that cannot be reached."""
    reads = reads_of(tmp_path / "nowhere" / "things.db")
    for brief in (True, False):
        with pytest.raises(DatabaseException):
            await reads.run(lambda fetch: fetch(select(*COLUMNS), {}), brief=brief)
    reads.close()


@pytest.mark.parametrize("brief", [True, False])
async def test_a_long_read_is_given_up_and_done_in_a_thread(file: Path, brief: bool) -> None:
    """Its rows are all there; meanwhile the event loop goes on. The statement is not tried on it again for a while."""
    with sqlite3.connect(file) as other:
        numbers = (
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000) SELECT 'n' || i, i FROM n"
        )
        other.execute(f"INSERT INTO thing (id, number) {numbers}")  # the line above
    other.close()
    pairs = select(func.count()).select_from(things.join(things.alias("other"), things.c.number > 0))
    reads, here, waits = reads_of(file), threading.get_ident(), list[float]()
    started: list[int] = []

    async def beat() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            waits.append(time.perf_counter() - before)

    def work(fetch: Fetch) -> int:
        started.append(threading.get_ident())
        return int(fetch(pairs, {})[0][0])

    heart = asyncio.create_task(beat())
    await asyncio.sleep(0.02)
    for _ in range(2):
        assert await reads.run(work, brief=brief) == 3001 * 3001
    heart.cancel()
    assert len(waits) > 10
    assert [thread == here for thread in started] == ([True, False, True, False] if brief else [False, False])
    if brief:
        assert list(reads._long) == [reads._preparer.prepared(pairs).text]
        began = time.perf_counter()
        with pytest.raises(_TooLongError):
            reads._ready_reader().transaction(work)
        assert time.perf_counter() - began < 0.5
    reads.close()


async def test_what_is_not_prepared_yet_is_prepared_in_a_thread(file: Path) -> None:
    """Writing a statement takes longer than most reads; the second time it is there."""
    reads, here, run = reads_of(file), threading.get_ident(), list[int]()

    def work(fetch: Fetch) -> int:
        run.append(threading.get_ident())
        return len(fetch(statement, {}))

    statement = select(*COLUMNS)
    found = [await reads.run(work, brief=True) for _ in range(2)]
    assert found[0] == found[1]
    assert [thread == here for thread in run] == [True, False, True]  # the first one got as far as the statement
    reads.close()


async def test_what_made_room_is_prepared_again(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is then as near as before: none is left to the threads for good."""
    monkeypatch.setattr(prepared, "KEPT", 2)
    reads, here = reads_of(file), threading.get_ident()
    first, second, third = (select(things.c.number).limit(number) for number in (1, 2, 3))

    async def at_once(statement: Select[Any]) -> bool:
        def work(fetch: Fetch) -> int:
            fetch(statement, {})
            return threading.get_ident()

        return await reads.run(work, brief=True) == here

    asked = (first, second, first, third, first, first, third)
    assert [await at_once(statement) for statement in asked] == [False, False, True, False, False, True, True]
    reads.close()


async def test_few_costly_instructions_are_too_long_as_well(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bound is one of time, too: a function over a long text is a single instruction."""
    reads, here = reads_of(file), threading.get_ident()
    numbers = select(func.count()).select_from(text(COUNTING))

    def work(fetch: Fetch) -> int:
        fetch(numbers, {})
        return threading.get_ident()

    async def thread() -> int:
        return await reads.run(work, brief=True)

    assert await thread() != here  # not prepared yet
    assert await thread() == here
    monkeypatch.setattr(reading, "MOST_SECONDS", -1)
    assert await thread() != here
    reads.close()


@pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
async def test_short_reads_take_no_thread(toy: Toy) -> None:
    """What is brief runs where it is, once it is prepared; what could not be given up on the way does not."""
    http = await toy.as_role("keeper")
    note = (await http.post("/notes", json={"title": "t"})).json()["id"]
    reads: Any = toy.services.store._reads
    threads, taken = reads._in_thread, list[Any]()

    def counted(work: Any) -> Any:
        taken.append(work)
        return threads(work)

    reads._in_thread = counted
    here = (
        f"/notes/{note}",
        f"/notes/{note}?with=can",
        f"/notes/{note}?include=folder",
        "/notes",
        "/folders?count=none",
    )
    for path, hops in (*((path, 0) for path in here), ("/notes?search=t", 1), ("/folders", 1)):
        assert (await http.get(path)).status_code == 200
        taken.clear()
        answer = await http.get(path)
        assert (answer.status_code, len(taken)) == (200, hops), path
