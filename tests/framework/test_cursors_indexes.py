"""Pages by cursor walk an index, however deep they are: both databases say so themselves."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from charter.declare import Caller
from charter.plan import Lens, ListPlan, Seek
from charter.query import list_statement
from charter.query.keyset import legs
from charter.serve import compile_parameters
from charter.serve.plans import plan_list
from charter.store import Transaction
from charter.types import utc_now, uuid7
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

MANY = 3000


async def filled(toy: Toy) -> dict[str, Any]:
    """Enough notes for PostgreSQL to want an index, every third without a tag; one in the middle."""
    author, _ = await toy.member("keeper")
    entry, now = toy.services.catalog.entries["notes"], utc_now()
    blank = {name: field.fresh_default() for name, field in entry.fields.items() if field.column is not None}
    blank |= {"updated_at": now, "author_id": author}
    rows: list[dict[str, Any]] = [
        {**blank, "title": f"n{index}", "fee": index, "tag": f"t{index}" if index % 3 else None}
        for index in range(MANY)
    ]
    for index, row in enumerate(rows):
        row |= {"id": uuid7(), "slug": row["title"], "created_at": now + timedelta(seconds=index)}
    await toy.in_transaction(lambda tx: tx.execute(insert(entry.table), rows))
    await toy.execute("ANALYZE")
    return rows[MANY // 2 + 1]


def pages_of(plan: ListPlan, here: Mapping[str, Any]) -> Iterator[ListPlan]:
    """The first page, and those on both sides of a position, with and without a value for the leading term."""
    yield plan
    values = tuple(here[term.name] for term in plan.order)
    for backwards in (False, True):
        yield replace(plan, seek=Seek(values, backwards))
        if plan.order[0].nullable:
            yield replace(plan, seek=Seek((None, *values[1:]), backwards))


def steps_of(tx: Transaction, plan: ListPlan, leg: ListPlan) -> list[str]:
    """How the database means to find the rows of one leg."""
    dialect = tx.connection.dialect
    values = {**plan.values(Caller("keeper")), "limit": 21, "offset": 0}
    if dialect.name == "sqlite":
        compiled = list_statement(leg).compile(dialect=dialect)
        bound = compiled.construct_params(values)
        bound |= {name: change(bound[name]) for name, change in compiled._bind_processors.items()}  # type: ignore[operator] # scalars only
        given = tuple(bound[name] for name in compiled.positiontup or ())
        return [row[-1] for row in tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {compiled}", given)]
    statement = list_statement(leg)
    known = {name: value for name, value in values.items() if name in statement.compile(dialect=dialect).binds}
    text = str(statement.params(**known).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    return [row[0].strip() for row in tx.connection.exec_driver_sql(f"EXPLAIN (COSTS OFF) {text}")]


def walks(steps: list[str], *, ranged: bool) -> bool:
    """Whether the notes come along an index, from a place in it where a range is asked for. Ties may be sorted."""
    if any(step.startswith(("SCAN note", "SEARCH note")) for step in steps):
        begins = ("SEARCH note USING INDEX",) if ranged else ("SEARCH note USING INDEX", "SCAN note USING INDEX")
        return steps[0].startswith(begins) and "USE TEMP B-TREE FOR ORDER BY" not in steps
    place = next((place for place, step in enumerate(steps) if "Index Scan" in step and " on note" in step), None)
    if place is None or any(step.startswith("->  Sort") for step in steps):
        return False
    return not ranged or steps[place + 1].startswith("Index Cond:")


@pytest.mark.parametrize("sort", ["id", "-id", "fee", "-fee", "tag", "-tag", "created_at", "-created_at", "-fee,tag"])
async def test_every_page_by_cursor_walks_an_index(toy: Toy, sort: str) -> None:
    """From the first page and from a position, forwards and back, with NULLs and without."""
    here = await filled(toy)
    services, caller = toy.services, Caller("keeper")
    entry = services.catalog.entries["notes"]
    seen = Lens(entry, ("any",), ("id", "fee", "tag", "title", "created_at"))
    plan = plan_list(services, caller, seen, compile_parameters(entry), f"sort={sort}".encode()).plan
    for page in pages_of(plan, here):
        for leg in legs(page):
            steps = await services.store.read(lambda tx, page=page, leg=leg: steps_of(tx, page, leg))  # type: ignore[misc] # defaults bind
            assert walks(steps, ranged=page.seek is not None), (sort, page.seek, steps)
