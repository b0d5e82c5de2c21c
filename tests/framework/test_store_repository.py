"""A resource's rows for hooks and scripts: system authority, one transaction, nothing half done."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from charter import ApiException, ConflictException, NotFoundException, Transaction, ValidationException
from charter.types import utc_now
from tests.toy.resources.folders import folders
from tests.toy.resources.notes import notes
from tests.toy.resources.traces import traces
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio


async def with_rows(toy: Toy) -> list[dict[str, Any]]:
    """Four notes of somebody, with the stars 0 to 3."""
    author, _ = await toy.member("reader")
    found: list[dict[str, Any]] = await toy.in_transaction(
        lambda tx: [tx.repository(notes).create(title=f"n{n}", author_id=author, stars=n) for n in range(4)]
    )
    return found


async def test_create_gives_the_row_with_its_defaults_and_runs_hooks(toy: Toy) -> None:
    """Values as Python has them; a slug is made, inputs are taken, server-set columns may be given."""
    author, _ = await toy.member("reader")
    values: dict[str, Any] = {"title": "by hand", "author_id": author, "views": 7, "shout": True, "secret": "x"}
    row = await toy.in_transaction(lambda tx: tx.repository(notes).create(**values))
    assert (row["title"], row["slug"], row["views"], row["secret"]) == ("BY HAND", "by-hand", 7, "x")
    assert (row["details"], row["mood"], row["due"], row["author_id"]) == ({}, "calm", None, author)
    assert row["created_at"].tzinfo is not None
    assert await toy.rows("SELECT title FROM trace") == [("BY HAND",)]


async def test_reading_methods_find_living_rows(toy: Toy) -> None:
    """get_by_id, get_all with conditions, order and limit, exists; softly deleted rows are not there."""
    rows = await with_rows(toy)

    def work(tx: Transaction) -> None:
        found = tx.repository(notes)
        stars = found.columns.stars
        assert found.get_by_id(rows[1]["id"]) == rows[1]
        assert [row["stars"] for row in found.get_all()] == [0, 1, 2, 3]
        assert [row["stars"] for row in found.get_all(stars > 0, stars < 3, order_by=[stars.desc()])] == [2, 1]
        assert [row["stars"] for row in found.get_all(limit=2)] == [0, 1]
        assert found.exists(stars == 3)
        found.delete(rows[3]["id"])
        assert not found.exists(stars == 3)
        assert len(found.get_all()) == 3
        for gone in (rows[3]["id"], uuid4()):
            for call in (found.get_by_id, found.update, found.delete):
                with pytest.raises(NotFoundException):
                    call(gone)

    await toy.in_transaction(work)


async def test_update_changes_a_row_and_says_when(toy: Toy) -> None:
    """Only what differs is written; hooks run; the row comes back as it is now."""
    rows = await with_rows(toy)
    same = await toy.in_transaction(lambda tx: tx.repository(notes).update(rows[0]["id"], stars=0))
    assert same == rows[0]
    row = await toy.in_transaction(lambda tx: tx.repository(notes).update(rows[0]["id"], stars=5, views=9))
    assert row == {**rows[0], "stars": 5, "views": 9, "updated_at": row["updated_at"]}
    assert row["updated_at"] > rows[0]["updated_at"]


async def test_conditional_updates_and_deletes_return_what_they_hit(toy: Toy) -> None:
    """One statement each, without hooks: the rows hit, by the columns named, else by id."""
    rows = await with_rows(toy)
    written = (await toy.rows("SELECT count(*) FROM trace"))[0]

    def work(tx: Transaction) -> None:
        found = tx.repository(notes)
        c = found.columns
        hit = found.update_where(c.stars >= 2, values={"views": c.views + c.stars}, returning=[c.stars, c.views])
        assert sorted((row["stars"], row["views"]) for row in hit) == [(2, 2), (3, 3)]
        assert found.update_where(c.stars > 9, values={"views": 1}) == []
        hit = found.delete_where(c.stars < 2)
        assert {row["id"] for row in hit} == {rows[0]["id"], rows[1]["id"]}
        assert found.delete_where(c.stars < 2) == []

    await toy.in_transaction(work)
    assert await toy.rows("SELECT count(*) FROM note") == [(2,)]
    assert (await toy.rows("SELECT count(*) FROM trace"))[0] == written
    latest = await toy.rows("SELECT count(*) FROM note WHERE updated_at > created_at")
    assert latest == [(2,)]


async def test_names_that_are_no_columns_are_told(toy: Toy) -> None:
    """A script's slip is a TypeError that names it; a class that is no resource a LookupError."""

    def work(tx: Transaction) -> None:
        with pytest.raises(TypeError, match="notes has no titel"):
            tx.repository(notes).create(titel="x")

    await toy.in_transaction(work)


@pytest.mark.parametrize("error", [RuntimeError, NotFoundException])
async def test_any_error_undoes_the_whole_transaction(toy: Toy, error: type[Exception]) -> None:
    """Whatever leaves the function: nothing of it stays, and the next transaction works."""
    rows = await with_rows(toy)

    def work(tx: Transaction) -> None:
        tx.repository(folders).create(name="x")
        tx.repository(notes).update(rows[0]["id"], stars=5)
        tx.repository(notes).delete_where(tx.repository(notes).columns.stars == 3)
        raise error

    with pytest.raises(error):
        await toy.in_transaction(work)
    assert await toy.rows("SELECT count(*) FROM folder") == [(0,)]
    assert await toy.rows("SELECT sum(stars) FROM note") == [(6,)]
    await toy.in_transaction(lambda tx: tx.repository(folders).create(name="x"))


REFUSED: tuple[tuple[Callable[[Transaction], object], type[ApiException], str], ...] = (
    (lambda tx: tx.repository(folders).create(name="twice"), ConflictException, "unique"),
    (lambda tx: tx.repository(folders).create(name="x", parent_id=uuid4()), ConflictException, "foreign_key"),
    (lambda tx: tx.repository(folders).create(name="x" * 201), ValidationException, "validation"),
    (lambda tx: tx.repository(traces).create(what="w"), ValidationException, "validation"),
    (lambda tx: tx.repository(traces).create(what="w", title="\ud800"), ValidationException, "validation"),
    (lambda tx: tx.repository(notes).update_where(values={"views": 2**63}), ValidationException, "validation"),
)


async def test_what_the_database_refuses_has_a_code(toy: Toy) -> None:
    """Constraints and values that cannot be kept become refusals without SQL or values in them."""
    await toy.in_transaction(lambda tx: tx.repository(folders).create(name="twice"))
    for work, kind, code in REFUSED:
        with pytest.raises(kind) as error:
            await toy.in_transaction(work)
        assert error.value.code == code
        for word in ("INSERT", "twice", "constraint"):
            assert word not in str(error.value)


@pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
async def test_readers_cannot_write(toy: Toy) -> None:
    """On SQLite ``read`` runs on connections that refuse to write: only one writer at a time is asked for the lock."""
    with pytest.raises(Exception, match="readonly"):
        await toy.services.store.read(lambda tx: tx.repository(traces).create(what="w", title="t"))


async def test_times_are_kept_to_the_microsecond(toy: Toy) -> None:
    """What Python wrote is what Python reads."""
    author, _ = await toy.member("reader")
    moment = utc_now()
    row = await toy.in_transaction(lambda tx: tx.repository(notes).create(title="t", author_id=author, due=moment))
    assert row["due"] == moment
