"""Every filter and sort that is declared has its index, and both databases use it; what has none says why."""

import sys

import pytest

from charter.plugins.folding import _sources, ranges
from charter.store.engines import fold
from tests.explaining import promised, unserved
from tests.framework.test_cursors_indexes import filled
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio


async def asked(toy: Toy) -> set[str]:
    """What is answered without its index: SQLite is asked about everything, PostgreSQL about notes, if it has many."""
    services = toy.services
    about = () if toy.database == "sqlite" else ("notes",)
    # Not in a read: PostgreSQL is told what not to use for the rest of a transaction, and reads have none.
    return set(await toy.in_transaction(lambda tx: unserved(tx, services, *about)))


async def test_what_is_declared_uses_an_index(toy: Toy) -> None:
    """Equal, in, ranges and beginnings, over relations too, and all sorts: the database itself says so.

    It would be noticed otherwise: without the index on tags, its filters and sorts are told.
    """
    if toy.database == "postgresql":
        await filled(toy)
    assert promised(toy.services) > 150
    assert await asked(toy) == set()
    await toy.execute("DROP INDEX ix_note_tag")
    told = {line.partition(":")[0] for line in await asked(toy)}
    assert {f"notes filter tag{word}" for word in ("", "__in", "__gte", "__lt", "__starts_with")} <= told
    assert {"notes sort tag", "notes sort -tag"} <= told
    assert not [line for line in told if "tag" not in line]


def test_ranges_hold_whatever_folds_to_the_same() -> None:
    """Each letter of Unicode that folds to others is in a range of every beginning of what it folds to."""
    several = [(letter, form) for forms in _sources().values() for letter, form in forms]
    assert len(several) > 1400
    for letter, form in several:
        for size in range(1, len(form) + 1):
            for after in ("", "x"):
                text = form[:size] + (after if size == len(form) else "")
                written = letter + after.upper()
                assert any(start <= written < end for start, end in ranges(text)), (letter, text)


def test_every_letter_that_folds_is_known() -> None:
    """Blocks without case are passed over; none of them holds a letter that folds to another."""
    known = {letter for forms in _sources().values() for letter, _ in forms}
    letters = (chr(code) for code in range(sys.maxunicode + 1) if not 0xD800 <= code <= 0xDFFF)
    assert {letter for letter in letters if fold(letter) != letter} == known
