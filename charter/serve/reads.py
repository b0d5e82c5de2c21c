"""The two reads: a page of rows, and one row."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from charter.catalog import Entry
from charter.declare import Caller
from charter.errors import NotFoundException
from charter.plan import Include, Lens, ListPlan, ReadPlan, caller_values, lens
from charter.plugins import filtering, pagination, sorting
from charter.plugins.parameters import Reading, read_query, unknown
from charter.query import ROW_ID, count_statement, list_statement, read_statement
from charter.serve.doors import decide, reach
from charter.services import Services
from charter.store import Transaction


@dataclass(frozen=True, slots=True)
class Found:
    """A page as it came from the database: rows as JSON text, and how many there are in all (None: not counted)."""

    rows: list[str]
    total: int | None
    plan: ListPlan


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """The query parameters of one entry, compiled at start."""

    filters: dict[str, filtering.Filter]
    sorts: sorting.Sorts


def compile_parameters(entry: Entry) -> Parameters:
    """The parameter table of `entry`."""
    return Parameters(filtering.compile_filters(entry), sorting.compile_sorts(entry))


async def list_rows(services: Services, caller: Caller, entry: Entry, table: Parameters, query: bytes) -> Found:
    """The page that `query` (the raw query string) asks for, of the rows that the caller may list."""
    decision = decide(services, caller, entry.name, "list")
    plan = plan_list(services, caller, lens(entry, decision), table, query)
    values = plan.values(caller)
    window = {"limit": plan.window.size, "offset": plan.window.offset}

    def work(tx: Transaction) -> Found:
        rows = list(tx.execute(list_statement(plan), values | window).scalars())
        total = tx.execute(count_statement(plan), values).scalar_one() if plan.counting == "exact" else None
        return Found(rows, total, plan)

    return await services.store.read(work)


def plan_list(services: Services, caller: Caller, seen: Lens, table: Parameters, query: bytes) -> ListPlan:
    """The plan of a list; its narrowers take their parameters one after the other, then nothing may be left."""
    reading = read_query(query)
    plan = ListPlan(seen)
    ask = reach(services, caller, seen.entry)
    plan = pagination.narrow(plan, reading)
    plan = sorting.narrow(plan, table.sorts, reading, ask)
    shown = include(services, caller, sparse(seen, reading), reading)
    plan = filtering.narrow(plan, table.filters, reading, ask)
    reading.finish()
    return replace(plan, lens=shown)


def sparse(seen: Lens, reading: Reading) -> Lens:
    """The lens cut to ``fields=``; ``id`` always stays."""
    text = reading.take("fields")
    if text is None:
        return seen
    wanted = text.split(",")
    for place, name in enumerate(wanted, 1):
        if name not in seen.fields:
            reading.malformed("fields", f"name {place} {unknown('field', name, seen.fields)}")
    return replace(seen, fields=tuple(name for name in seen.fields if name in wanted or name == "id"))


def include(services: Services, caller: Caller, seen: Lens, reading: Reading) -> Lens:
    """The lens with what ``include=`` names: declared relations, two hops deep, each by its target's read rule."""
    text = reading.take("include")
    if text is None:
        return seen
    tree: dict[str, set[str]] = {}
    known = [name for name in seen.entry.resource.include if _target(services, caller, seen.entry, name) is not None]
    for place, name in enumerate(text.split(","), 1):
        head, _, tail = name.partition(".")
        if name not in known:
            reading.malformed("include", f"name {place} {unknown('relation', name, known)}")
        else:
            tree.setdefault(head, set()).update({tail} if tail else set())
    return _with_includes(services, caller, seen, tree)


def _with_includes(services: Services, caller: Caller, seen: Lens, tree: Mapping[str, set[str]]) -> Lens:
    found = []
    for name, inner in sorted(tree.items()):
        target = reach(services, caller, seen.entry)(name)
        if target is not None:
            nested = _with_includes(services, caller, target, {deeper: set() for deeper in inner})
            found.append(Include(seen.entry.relations[name], nested))
    return replace(seen, includes=tuple(found))


def _target(services: Services, caller: Caller, entry: Entry, path: str) -> Lens | None:
    """The read lens at the end of a declared include path, None where the caller may not read so far."""
    target: Lens | None = None
    for name in path.split("."):
        target = reach(services, caller, entry)(name)
        if target is None:
            return None
        entry = target.entry
    return target


async def read_row(services: Services, caller: Caller, entry: Entry, row_id: str, query: bytes) -> str:
    """One row as JSON text; 404 where it is unknown or outside what the caller may read."""
    decision = decide(services, caller, entry.name, "read")
    reading = read_query(query)
    seen = include(services, caller, sparse(lens(entry, decision), reading), reading)
    reading.finish()
    plan = ReadPlan(seen, parse_id(row_id))
    values: dict[str, Any] = caller_values(caller) | {ROW_ID: plan.id}
    body = await services.store.read(lambda tx: tx.execute(read_statement(plan.lens), values).scalar())
    if body is None:
        raise NotFoundException
    return str(body)


def parse_id(text: str) -> UUID:
    """A path segment as an id: only the canonical 36-character form, anything else is a row that is not there."""
    try:
        found = UUID(text)
    except ValueError:
        raise NotFoundException from None
    if str(found) != text.lower():
        raise NotFoundException
    return found
