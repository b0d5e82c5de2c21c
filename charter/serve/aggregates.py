"""Groups of the rows that the caller may list, and what is worked out for each: one statement, no row of its own."""

from dataclasses import dataclass, replace

from charter.catalog import Entry
from charter.declare import Caller
from charter.plan import AggregatePlan, Lens, ListPlan, lens
from charter.plugins import filtering, grouping, pagination, search, where
from charter.plugins.parameters import read_query
from charter.query.aggregates import aggregate_statement
from charter.serve.doors import decide, reach
from charter.serve.plans import Parameters
from charter.services import Services


@dataclass(frozen=True, slots=True)
class Groups:
    """A page of groups, each as JSON text; `more` says that others come after it."""

    groups: list[str]
    plan: AggregatePlan
    more: bool


async def aggregate_rows(services: Services, caller: Caller, entry: Entry, table: Parameters, query: bytes) -> Groups:
    """What `query` (the raw query string) asks of the rows that the caller may list."""
    decision = decide(services, caller, entry.name, "list")
    plan = plan_aggregate(services, caller, lens(entry, decision), table, query)
    size = plan.window.size
    values = {**plan.found.values(caller), "limit": size + 1, "offset": plan.window.offset}
    found = await services.store.rows(aggregate_statement(plan), values)
    return Groups([row[0] for row in found[:size]], plan, len(found) > size)


def plan_aggregate(services: Services, caller: Caller, seen: Lens, table: Parameters, query: bytes) -> AggregatePlan:
    """The plan of an aggregate: the filters, trees and words of a list, then groups and functions."""
    reading = read_query(query)
    ask = reach(services, caller, seen.entry)
    plan = pagination.narrow_groups(AggregatePlan(ListPlan(seen)), reading)
    plan = grouping.narrow(plan, grouping.words_of(seen.entry), reading, ask)
    found = filtering.narrow(plan.found, table.filters, reading, ask)
    found = where.narrow(found, table.filters, reading, ask)
    found = search.narrow(found, reading, ranked=False)
    reading.finish()
    return replace(plan, found=found)
