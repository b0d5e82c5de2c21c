"""Writes on SQLite that wait for their turn are committed together; each succeeds, fails and is told by itself."""

import asyncio
from collections.abc import Callable
from threading import Event
from typing import Any

import pytest
from sqlalchemy import event, text

from charter import ConflictException, DatabaseException, Transaction
from charter.store import threads
from tests.patience import PATIENCE
from tests.toy.resources.folders import folders
from tests.toy.running import Toy

pytestmark = [pytest.mark.anyio, pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)]

Work = Callable[[Transaction], Any]


def named(name: str) -> Work:
    """Makes a folder."""
    return lambda tx: tx.repository(folders).create(name=name)["name"]


def failing(name: str) -> Work:
    """Makes a folder, and then thinks better of it."""

    def work(tx: Transaction) -> None:
        named(name)(tx)
        raise ConflictException(f"not {name}")

    return work


async def at_once(toy: Toy, *works: Work, gone: int | None = None) -> list[Any]:
    """What comes of writes that all wait while another one is under way; `gone` is given up while it waits."""
    entered, leave = asyncio.Event(), Event()
    loop = asyncio.get_running_loop()

    def hold(_: Transaction) -> None:
        loop.call_soon_threadsafe(entered.set)
        assert leave.wait(PATIENCE)

    holding = asyncio.create_task(toy.services.store.write(hold))
    await entered.wait()
    waiting = [asyncio.create_task(toy.services.store.write(work)) for work in works]
    await asyncio.sleep(0)
    if gone is not None:
        waiting[gone].cancel()
        await asyncio.wait([waiting[gone]])
    leave.set()
    await holding
    return await asyncio.gather(*waiting, return_exceptions=True)


def commits_of(toy: Toy) -> list[int]:
    """A list that grows by one with each commit of the writer."""
    seen: list[int] = []
    event.listen(toy.services.store._writer._engine, "commit", lambda _: seen.append(1))
    return seen


async def names(toy: Toy) -> set[str]:
    """The folders that are there."""
    return {name for (name,) in await toy.rows("SELECT name FROM folder")}


async def test_those_that_wait_are_committed_together(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten writes behind one another take one commit; each gets its own result."""
    monkeypatch.setattr(threads, "TOGETHER_SECONDS", PATIENCE)  # however busy the machine
    commits = commits_of(toy)
    assert await at_once(toy, *(named(f"n{number}") for number in range(10))) == [f"n{number}" for number in range(10)]
    assert len(commits) == 1
    assert await names(toy) == {f"n{number}" for number in range(10)}


async def test_one_that_fails_undoes_itself_alone(toy: Toy) -> None:
    """Those before and after it are there, it is not, and its own error is told to nobody else."""
    good, bad, last = await at_once(toy, named("good"), failing("bad"), named("last"))
    assert (good, last) == ("good", "last")
    assert isinstance(bad, ConflictException)
    assert "not bad" in str(bad)
    assert await names(toy) == {"good", "last"}


async def test_a_broken_rule_of_the_table_concerns_one_alone(toy: Toy) -> None:
    """The database's own refusal, too: the second of two with one name is a conflict."""
    await toy.execute("CREATE UNIQUE INDEX one_name ON folder (name)")
    one, two, other = await at_once(toy, named("same"), named("same"), named("other"))
    assert (one, other) == ("same", "other")
    assert isinstance(two, ConflictException)
    assert two.code == "unique"


async def test_the_next_one_sees_what_those_before_it_wrote(toy: Toy) -> None:
    """First come, first served, as if each had been committed before the next began."""

    def count(tx: Transaction) -> int:
        found = int(tx.execute(text("SELECT count(*) FROM folder")).scalar_one())
        named(f"n{found}")(tx)
        return found

    assert await at_once(toy, *[count] * 5) == [0, 1, 2, 3, 4]


async def test_one_that_is_given_up_while_it_waits_is_not_done(toy: Toy) -> None:
    """Whoever hung up before their turn changes nothing."""
    first, gone, last = await at_once(toy, named("first"), named("gone"), named("last"), gone=1)
    assert (first, last) == ("first", "last")
    assert isinstance(gone, asyncio.CancelledError)
    assert await names(toy) == {"first", "last"}


async def test_a_transaction_takes_in_only_so_many(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for an endless queue: with three at most, ten take four commits."""
    monkeypatch.setattr(threads, "TOGETHER", 3)
    monkeypatch.setattr(threads, "TOGETHER_SECONDS", PATIENCE)
    commits = commits_of(toy)
    await at_once(toy, *(named(f"n{number}") for number in range(10)))
    assert len(commits) == 4  # the one that held them up, with two; three, three, two


async def test_a_commit_that_fails_is_nobodys_answer(toy: Toy) -> None:
    """All of them are tried again, each by itself if it has to be, and only what cannot be is refused.

    The reference is checked at the commit, so one of them breaks it for all.
    """
    await toy.execute("CREATE TABLE late (id TEXT REFERENCES folder (id) DEFERRABLE INITIALLY DEFERRED)")

    def breaking(tx: Transaction) -> None:
        named("broken")(tx)
        tx.execute(text("INSERT INTO late VALUES ('nobody')"))

    good, bad, last = await at_once(toy, named("good"), breaking, named("last"))
    assert (good, last) == ("good", "last")
    assert isinstance(bad, ConflictException)
    assert bad.code == "foreign_key"
    assert await names(toy) == {"good", "last"}


async def test_a_crowd_that_has_gone_is_passed_over(toy: Toy) -> None:
    """Thousands who gave up while they waited cost those behind them nothing, and not their answer."""
    entered, leave = asyncio.Event(), Event()
    loop, store = asyncio.get_running_loop(), toy.services.store

    def hold(_: Transaction) -> None:
        loop.call_soon_threadsafe(entered.set)
        assert leave.wait(PATIENCE)

    holding = asyncio.create_task(store.write(hold))
    await entered.wait()
    crowd = [asyncio.create_task(store.write(named(f"gone{number}"))) for number in range(3000)]
    last = asyncio.create_task(store.write(named("last")))
    await asyncio.sleep(0)
    for task in crowd:
        task.cancel()
    await asyncio.wait(crowd)
    leave.set()
    await holding
    assert await last == "last"
    assert await names(toy) == {"last"}


async def test_what_waits_is_done_before_the_end(toy: Toy) -> None:
    """Closing waits for writes that were taken on; one that comes later is refused, and waits for nothing."""
    writing = [asyncio.create_task(toy.services.store.write(named(f"n{number}"))) for number in range(5)]
    await asyncio.sleep(0)
    await asyncio.to_thread(toy.services.store._writer.close)
    assert await asyncio.gather(*writing) == [f"n{number}" for number in range(5)]
    assert await names(toy) == {f"n{number}" for number in range(5)}
    with pytest.raises(DatabaseException, match="closed"):
        await asyncio.wait_for(toy.services.store.write(named("late")), PATIENCE)
