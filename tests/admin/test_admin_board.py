"""The dashboard by itself: a day is the reader's on both databases, and cards are worked out in indexes alone."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import httpx2
import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine

from charter.cards import Card, First, Number, Split, Trend
from charter.catalog import compile_catalog
from tests.admin.desk import Office
from tests.admin.pages import dashboard
from tests.patience import until
from tests.toy.policies.scopes import scopes
from tests.toy.resources.folders import folders
from tests.toy.resources.members import members
from tests.toy.resources.notes import notes

pytestmark = pytest.mark.anyio

ZONES = ("UTC", "Asia/Kathmandu", "Pacific/Auckland", "America/St_Johns", "Pacific/Chatham", "Europe/Berlin")
"""Whole hours, halves and quarters, on both sides, with and without summer time."""

CARD_INDEX = "ix_note_created_at_fee"


def bars(answer: httpx2.Response, title: str) -> dict[str, float]:
    """The chart as a table: day -> amount."""
    card = answer.text.partition(f'data-card="{title}"')[2].partition("</section>")[0]
    found = re.findall(r'<th scope="row">([^<]*)</th><td>([^<]*)</td>', card)
    return {day: float(amount.replace(",", "")) for day, amount in found}


async def at_midnights(desk: Office, days: list[date], zone: ZoneInfo) -> dict[date, int]:
    """Notes at the first and the last moment of each of these days of `zone`; what their fees sum up to by day."""
    sums: dict[date, int] = {}
    for place, day in enumerate(days):
        begin = datetime.combine(day, time(), zone).astimezone(UTC)
        end = datetime.combine(day + timedelta(days=1), time(), zone).astimezone(UTC) - timedelta(microseconds=1)
        for moment, fee in ((begin, 100 * 2**place), (end, 1)):
            note = await desk.note("keeper", "At midnight", fee=fee)
            told = f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
            await desk.toy.execute(f"UPDATE note SET created_at = '{told}' WHERE id = '{note}'")  # noqa: S608 # ours
            sums[day] = sums.get(day, 0) + fee
    return sums


@pytest.mark.parametrize("zone", ZONES)
async def test_a_day_of_a_chart_is_one_of_the_reader(place: Office, zone: str) -> None:
    """From midnight to midnight there, to the microsecond, whatever the clocks of the servers say."""
    today = datetime.now(ZoneInfo(zone)).date()
    days = [today - timedelta(days=back) for back in range(7, 0, -1)]  # the first one is one too many
    sums = await at_midnights(place, days, ZoneInfo(zone))
    client = await place.sign_in("keeper")
    client.cookies.set("zone", zone.replace("/", "%2F"))
    answer = await client.get("/admin/")
    wanted = {f"{day:%b} {day.day}": sums.get(day, 0) / 100 for day in [*days[1:], today]}
    assert bars(answer, "Fees by day") == wanted
    counts = {f"{day:%b} {day.day}": 2.0 * (day != today) for day in [*days[1:], today]}
    assert bars(answer, "Notes by day") == counts
    assert dashboard(answer)["Notes of a week"] == "12"
    if zone == "Asia/Kathmandu":  # the control: seen from elsewhere, the same moments are of other days
        client.cookies.set("zone", "UTC")
        assert bars(await client.get("/admin/"), "Fees by day") != wanted


@contextmanager
def asked() -> Iterator[list[tuple[str, Any]]]:
    """The statements that are sent inside the block, with their values."""
    seen: list[tuple[str, Any]] = []

    def hear(_connection: Any, _cursor: Any, statement: str, values: Any, *_: Any) -> None:
        seen.append((statement, values))

    event.listen(Engine, "before_cursor_execute", hear)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", hear)


async def vacuumed(there: Any) -> bool:
    """Tell PostgreSQL that all notes are there for everybody, which is not so while somebody reads from before them."""
    await there.execute("VACUUM ANALYZE note")
    return bool(await there.fetchval("SELECT relallvisible = relpages FROM pg_class WHERE oid = 'note'::regclass"))


async def plan_of(place: Office, statement: str, values: Any) -> str:
    """How the database means to answer; PostgreSQL is told not to read a whole table because it is so small."""
    url = place.toy.services.settings.database_url
    if place.toy.database == "sqlite":
        connection = sqlite3.connect(url.partition("///")[2])
        steps = connection.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
        connection.close()
        return " ".join(str(step[-1]) for step in steps)
    import asyncpg  # type: ignore[import-untyped] # noqa: PLC0415 # it ships no types; only where PostgreSQL is there

    there = await asyncpg.connect(url.replace("+asyncpg", ""))
    try:
        await until(partial(vacuumed, there), "rows that are not there for everybody")
        await there.execute("SET enable_seqscan = off; SET enable_bitmapscan = off")
        return " ".join(row[0] for row in await there.fetch(f"EXPLAIN {statement}", *values))
    finally:
        await there.close()


async def test_cards_of_some_days_are_worked_out_in_an_index_of_theirs(place: Office) -> None:
    """Both databases say so; of cards of all rows nothing is promised."""
    for number in range(200):
        await place.note("keeper", "Note", fee=number)
    client = await place.sign_in("keeper")
    with asked() as seen:
        await client.get("/admin/")
    about = [(text, values) for text, values in seen if "sum(" in text and "GROUP BY" in text]
    assert len(about) == 1  # the chart of fees
    plan = await plan_of(place, *about[0])
    assert CARD_INDEX in plan
    assert "COVERING" in plan or "Index Only Scan" in plan


def indexes(*cards: Card) -> dict[str, list[str]]:
    """The indexes of notes with these cards that they do not have with none."""

    def found(cards: tuple[Card, ...]) -> dict[str, list[str]]:
        model = notes.model
        table: Any = model.__table__  # type: ignore[attr-defined] # set by the mapping
        kept = set(table.indexes)
        table.indexes.clear()
        try:
            wanted = [replace(notes, admin=replace(notes.admin, cards=cards)), folders, members]
            entry = compile_catalog(wanted, scopes).entries["notes"]
            return {str(index.name): [column.name for column in index.columns] for index in entry.table.indexes}
        finally:
            table.indexes.clear()
            table.indexes.update(kept)

    bare = found(())
    return {name: columns for name, columns in found(cards).items() if name not in bare}


def test_cards_give_an_index_for_each_moment_that_they_go_along() -> None:
    """One for all cards of a moment, with every column that any of them looks at; none where there is one already."""
    assert indexes(Number("A"), Split("B", "mood"), Number("C", days=7), First("D", ("title",), "-stars")) == {}
    assert indexes(Number("A", "fee", "sum", days=7), Split("B", "mood", days=7)) == {
        "ix_note_created_at_fee_mood": ["created_at", "fee", "mood", "deleted_at", "is_public"]
    }
    assert indexes(Trend("A", on="due"), Number("B", days=3, on="due", where=lambda row: row.is_public)) == {
        "ix_note_due_is_public": ["due", "is_public", "deleted_at"]
    }
    assert indexes(Number("A", days=7, where=lambda row: row.text != "")) == {}  # too long for an index
