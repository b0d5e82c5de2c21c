"""The two reads: a page of rows, and one row."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Select

from charter.catalog import Entry
from charter.declare import Caller
from charter.errors import NotFoundException
from charter.plan import ListPlan, Seek, caller_values, lens
from charter.plugins.cursors import Cursors
from charter.query import ROW_ID, list_statement
from charter.serve.abilities import row_body
from charter.serve.doors import decide
from charter.serve.plans import Parameters, plan_list, plan_row
from charter.serve.totals import behind_the_middle, total
from charter.services import Services
from charter.store import Fetch


class Found(NamedTuple):
    """A page as it came from the database: rows as JSON text, and how many there are in all (None: not counted).

    ``next`` and ``prev`` are the cursors to the pages beside it, None at the ends; `more` says that rows come after it.
    """

    rows: list[str]
    total: int | None
    plan: ListPlan
    more: bool
    next: str | None = None
    prev: str | None = None


async def list_rows(services: Services, caller: Caller, entry: Entry, table: Parameters, query: bytes) -> Found:
    """The page that `query` (the raw query string) asks for, of the rows that the caller may list."""
    decision = decide(services, caller, entry.name, "list")
    listing = plan_list(services, caller, lens(entry, decision), table, query)
    plan, statements = listing.plan, listing.statements()
    values = plan.values(caller)
    if len(statements) == 1 and plan.counting == "none" and not plan.window.offset:
        values |= {"limit": plan.window.size + 1, "offset": 0}
        alone = await services.store.rows(statements[0], values, brief=listing.is_brief)
        return _found(services.cursors, caller, plan, list(alone), None)

    def work(fetch: Fetch) -> tuple[list[Sequence[Any]], int | None]:
        rows = _rows(fetch, plan, statements, values)
        return rows, total(fetch, plan, values, rows)

    rows, counted = await services.store.fetch(work, brief=listing.is_brief)
    return _found(services.cursors, caller, plan, rows, counted)


def _rows(
    fetch: Fetch, plan: ListPlan, statements: Sequence[Select[Any]], values: Mapping[str, Any]
) -> list[Sequence[Any]]:
    """The page's rows, leg by leg, and, where there are more, the one that comes after them on the way."""
    counted = behind_the_middle(fetch, plan, values)
    if counted is not None:
        return _from_the_end(fetch, plan, values, counted)
    rows: list[Sequence[Any]] = []
    wanted = plan.window.size + 1
    for statement in statements:
        window = {"limit": wanted - len(rows), "offset": plan.window.offset}
        rows += fetch(statement, {**values, **window})
        if len(rows) == wanted:
            break
    return rows


def _from_the_end(fetch: Fetch, plan: ListPlan, values: Mapping[str, Any], counted: int) -> list[Sequence[Any]]:
    """The same rows, with fewer to pass over: where there are so many in all, from the last one backwards."""
    here = max(counted - plan.window.offset, 0)  # rows from the page's first one on
    limit = min(plan.window.size + 1, here)
    if not limit:
        return []
    turned = replace(plan, order=tuple(replace(term, backwards=not term.backwards) for term in plan.order))
    rows = fetch(list_statement(turned), {**values, "limit": limit, "offset": here - limit})
    return list(reversed(rows))


def _found(cursors: Cursors, caller: Caller, plan: ListPlan, rows: list[Sequence[Any]], counted: int | None) -> Found:
    """The page, with cursors to the ones beside it: from its first and last row, or back from where there is nothing.

    Behind a cursor's position there are taken to be rows; where those have gone meanwhile, the page there is empty.
    """
    seek, size = plan.seek, plan.window.size
    more, shown, back = len(rows) > size, rows[:size], seek is not None and seek.backwards
    if back:
        shown.reverse()
    write, following, preceding = cursors.writer(plan, caller), None, None
    if shown and (more or back):
        following = write(Seek(tuple(shown[-1][1:])))
    if shown and (more if back else seek is not None or plan.window.offset):
        preceding = write(Seek(tuple(shown[0][1:]), backwards=True))
    if seek is not None and not shown:
        turned = write(Seek(seek.values, not seek.backwards, not seek.including))
        following, preceding = (turned, None) if back else (None, turned)
    return Found([row[0] for row in shown], counted, plan, more or back, following, preceding)


async def read_row(
    services: Services, caller: Caller, entry: Entry, table: Parameters, row_id: str, query: bytes
) -> str:
    """One row as JSON text; 404 where it is unknown or outside what the caller may read."""
    decision = decide(services, caller, entry.name, "read")
    plan = plan_row(services, caller, lens(entry, decision), table, query)
    values: dict[str, Any] = caller_values(caller) | {ROW_ID: parse_id(row_id)}
    rows = await services.store.rows(plan.statement, values, brief=True)
    if not rows:
        raise NotFoundException
    return row_body(rows[0], plan.able, entry)


def parse_id(text: str) -> UUID:
    """A path segment as an id: only the canonical 36-character form, anything else is a row that is not there."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFoundException from None
    if str(found) != text.lower():
        raise NotFoundException
    return found
