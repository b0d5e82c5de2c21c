"""From the query string of a read to its plan. Plans are remembered: a frontend asks the same few things all day."""

import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, TypeVar

from sqlalchemy import Select

from charter.access import AccessTable
from charter.catalog import Entry
from charter.declare import Caller
from charter.plan import Include, Lens, ListPlan
from charter.plugins import filtering, pagination, search, sorting, where
from charter.plugins.cursors import LONGEST_CURSOR, bound
from charter.plugins.filtering import followed
from charter.plugins.parameters import LONGEST_QUERY, MOST_NEAR, Reading, read_query, unknown
from charter.query import list_statement
from charter.query.keyset import legs
from charter.serve.abilities import Ability, abilities, row_statement
from charter.serve.doors import reach
from charter.services import Services

MOST_PLANS = 256
"""Plans of lists that are remembered for each resource, of two to five KiB each, and as many of single rows; the one
that was made first makes room."""

LONGEST_REMEMBERED = 256
"""Bytes of a query, its cursor aside, whose plan is remembered."""

_CURSOR = re.compile(rb"(?:^|(?<=&))cursor=([\w-]+)(?=&|$)")


Plan = TypeVar("Plan")


class Plans(Generic[Plan]):
    """The plans that one policy makes of the queries of one resource, by role. Another policy begins anew."""

    def __init__(self) -> None:
        self._access: AccessTable | None = None
        self._kept: dict[tuple[str, bytes], Plan] = {}

    def of(self, access: AccessTable, role: str, query: bytes, made: Callable[[], Plan]) -> Plan:
        """The plan of `query`, from memory or from `made`; nothing is remembered of one that is refused."""
        if self._access is not access:
            self._access, self._kept = access, {}
        plan = self._kept.get((role, query))
        if plan is None:
            plan = made()
            if len(query) <= LONGEST_REMEMBERED:
                if len(self._kept) >= MOST_PLANS:
                    del self._kept[next(iter(self._kept))]
                self._kept[role, query] = plan
        return plan


class Listing(NamedTuple):
    """A list as one query asks for it: its plan, and the statements that find its rows from each kind of position.

    A *brief* one can be given up if it turns out long: a match of full text, or the count of a table, cannot.
    """

    plan: ListPlan
    is_brief: bool
    known: dict[Hashable, tuple[Select[Any], ...]]

    @classmethod
    def of(cls, plan: ListPlan) -> "Listing":
        """The list from its beginning."""
        narrowed = plan.where or plan.lens.condition is not None or plan.lens.entry.live is not None
        is_brief = search.SEARCH not in plan.asked and bool(narrowed or plan.counting == "none")
        return cls(plan, is_brief, {})

    def sought(self, plan: ListPlan) -> "Listing":
        """The same list from another position: `plan` differs in nothing else."""
        return Listing(plan, self.is_brief, self.known)

    def statements(self) -> tuple[Select[Any], ...]:
        """What finds the page's rows, one after the other; backwards they find the last row first."""
        seek = self.plan.seek
        kind = None if seek is None else (seek.backwards, seek.including, *[value is None for value in seek.values])
        found = self.known.get(kind)
        if found is None:
            found = self.known[kind] = tuple(list_statement(leg) for leg in legs(self.plan))
        return found


@dataclass(frozen=True, slots=True)
class RowPlan:
    """How one row is read: the statement that finds it by ``row_id``, and what may be told of it beside."""

    statement: Select[Any]
    able: tuple[Ability, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Parameters:
    """The query parameters of one entry, compiled at start, and the plans that were made with them."""

    filters: dict[str, filtering.Filter]
    sorts: sorting.Sorts
    lists: Plans[Listing] = field(default_factory=Plans)
    rows: Plans[RowPlan] = field(default_factory=Plans)


def compile_parameters(entry: Entry) -> Parameters:
    """The parameter table of `entry`."""
    return Parameters(filtering.compile_filters(entry), sorting.compile_sorts(entry))


def plan_list(services: Services, caller: Caller, seen: Lens, table: Parameters, query: bytes) -> Listing:
    """The plan of a list: from memory but for its cursor, which leads to another page each time."""
    rest, cursor = _without_cursor(query)
    found = table.lists.of(services.access, caller.role, rest, lambda: _made(services, caller, seen, table, rest))
    plan = found.plan
    if plan.window.page is not None:
        return found
    return found.sought(services.cursors.narrow(plan, caller, cursor or plan.window.cursor))


def plan_row(services: Services, caller: Caller, seen: Lens, table: Parameters, query: bytes) -> RowPlan:
    """The plan of a read by id. It depends on the caller's role alone, as that of a list does."""

    def made() -> RowPlan:
        reading = read_query(query)
        answered = shown(services, caller, seen, reading)
        able = abilities(services, caller, seen.entry, reading)
        reading.finish()
        return RowPlan(row_statement(answered, able), able)

    return table.rows.of(services.access, caller.role, query, made)


def _without_cursor(query: bytes) -> tuple[bytes, str]:
    """The query with something short where its cursor stands, and the cursor; as it is where it has no plain one."""
    found = _CURSOR.search(query) if len(query) <= LONGEST_QUERY else None
    if found is None or len(found[1]) > LONGEST_CURSOR or _CURSOR.search(query, found.end()):
        return query, ""
    start, end = found.span(1)
    return query[:start] + b"-" + query[end:], found[1].decode("ascii")


def _made(services: Services, caller: Caller, seen: Lens, table: Parameters, query: bytes) -> Listing:
    """A plan; its narrowers take their parameters one after the other, then nothing may be left.

    It depends on the caller's role alone: who it is comes with the values that are bound.
    """
    reading = read_query(query)
    ask = reach(services, caller, seen.entry)
    plan = pagination.narrow(ListPlan(seen), reading)
    plan = sorting.narrow(plan, table.sorts, reading, ask)
    answered = shown(services, caller, seen, reading)
    plan = filtering.narrow(plan, table.filters, reading, ask)
    plan = where.narrow(plan, table.filters, reading, ask)
    plan = search.narrow(plan, reading)
    reading.finish()
    return Listing.of(bound(replace(plan, lens=answered)))


def shown(services: Services, caller: Caller, seen: Lens, reading: Reading) -> Lens:
    """The lens as ``fields=`` narrows it and ``include=`` adds to it."""
    cut = sparse(seen, reading)
    return replace(cut, includes=include(services, caller, seen, reading))


def sparse(seen: Lens, reading: Reading) -> Lens:
    """The lens cut to ``fields=``; ``id`` always stays."""
    text = reading.take("fields")
    if text is None:
        return seen
    wanted = text.split(",")
    for place, name in enumerate(wanted, 1):
        if name not in seen.fields:
            near = seen.fields if place <= MOST_NEAR else ()
            reading.malformed("fields", f"name {place} {unknown('field', name, near)}")
    return replace(seen, fields=tuple(name for name in seen.fields if name in wanted or name == "id"))


def include(services: Services, caller: Caller, seen: Lens, reading: Reading) -> tuple[Include, ...]:
    """What ``include=`` names: declared relations, two hops deep, each by its target's read rule.

    For a caller who may read none of them there is no such parameter.
    """
    if "include" not in reading.given:
        reading.offer(lambda: ["include"] if _includable(services, caller, seen) else [])
        return ()
    known = _includable(services, caller, seen)
    text = reading.take("include") if known else None
    if text is None:
        return ()
    tree: dict[str, set[str]] = {}
    for place, name in enumerate(text.split(","), 1):
        head, _, tail = name.partition(".")
        if name not in known:
            near = known if place <= MOST_NEAR else ()
            reading.malformed("include", f"name {place} {unknown('relation', name, near)}")
        else:
            tree.setdefault(head, set()).update({tail} if tail else set())
    return _with_includes(services, caller, seen, tree)


def _includable(services: Services, caller: Caller, seen: Lens) -> list[str]:
    return [name for name in seen.entry.resource.include if _target(services, caller, seen, name) is not None]


def _with_includes(services: Services, caller: Caller, seen: Lens, tree: Mapping[str, set[str]]) -> tuple[Include, ...]:
    found = []
    for name, inner in sorted(tree.items()):
        target = _target(services, caller, seen, name)
        if target is not None:
            nested = _with_includes(services, caller, target, {deeper: set() for deeper in inner})
            found.append(Include(seen.entry.relations[name], replace(target, includes=nested)))
    return tuple(found)


def _target(services: Services, caller: Caller, seen: Lens, path: str) -> Lens | None:
    """The read lens at the end of a declared include path, None where the caller may not read so far."""
    return followed(path, seen, lambda entry: reach(services, caller, entry))


__all__ = ["Listing", "Parameters", "Plans", "RowPlan", "compile_parameters", "plan_list", "plan_row"]
