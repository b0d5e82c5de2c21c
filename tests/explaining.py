"""How a database means to answer each declared filter and sort: which of them it would answer without their index."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, text

from charter.catalog import Entry, Path
from charter.declare import Caller
from charter.plan import Lens, ListPlan, Order
from charter.plugins.filtering import TextOperator, condition
from charter.query import count_statement, list_statement
from charter.query.keyset import legs
from charter.serve import Parameters, compile_parameters
from charter.services import Services
from charter.store import Transaction
from charter.types import utc_now, uuid7

SERVED = {"eq", "in_", "gt", "ge", "lt", "le", TextOperator.starts_with.name}
"""Operators that are promised an index."""

FORCED = ("seqscan", "sort", "hashjoin", "mergejoin")
"""What PostgreSQL may not do here, so that few rows do not make it leave an index that it has."""


def sample(path: Path, operator: str) -> Any:
    """A value that few rows fit, so that an index is worth it: for ranges, one from beyond the values there are."""
    if path.field.choices:
        return path.field.choices[-1]
    place = {"lt": 0, "le": 0, "gt": 2, "ge": 2}.get(operator, 1)
    moment = (utc_now() - timedelta(10_000), utc_now(), utc_now() + timedelta(10_000))[place]
    values = {"uuid": uuid7(), "time": moment, "date": moment.date(), "text": ("A", "Skö", "zz")[place]}
    return values.get(path.field.kind, (-1, 5, 10**9)[place])


def everything(services: Services, entry: Entry) -> Lens:
    """The lens of somebody who may see all of `entry`."""
    return Lens(services.catalog.entries[entry.name], ("any",), tuple(entry.readable))


def filters_of(services: Services, entry: Entry, table: Parameters) -> Iterator[tuple[str, Path, Select[Any], Any]]:
    """Every filter that is promised an index: its name, and the statement that counts what it finds."""

    def reach(relation: str) -> Lens | None:
        found = services.catalog.of_table(entry.relations[relation].target)
        return everything(services, found) if found else None

    for name, item in table.filters.items():
        if item.operator.name in SERVED and not item.path.unindexed:
            value = sample(item.path, item.operator.name)
            narrowed = condition(entry, item, [value] if item.listed else value, "f0", reach)
            plan = ListPlan(everything(services, entry)).narrowed(narrowed)
            yield name, item.path, count_statement(plan), plan.values(Caller("keeper"))


def sorts_of(services: Services, entry: Entry, table: Parameters) -> Iterator[tuple[str, bool, Select[Any], Any]]:
    """Every sort that is promised an index: its name, whether ties may be sorted, and each statement of its first page.

    Ties of what descends are, since their ids ascend; of a unique field there are none.
    """
    last = Order("id", descending=False, expression=entry.table.c.id)
    for name, (path, descending) in table.sorts.items():
        if not path.unindexed:
            field = path.field
            lead = Order(path.name, descending, field.expression, field.nullable, field.kind)
            order = (lead,) if path.name == "id" else (lead, last)
            plan = ListPlan(everything(services, entry), order=order)
            for leg in legs(plan):
                values = {**plan.values(Caller("keeper")), "limit": 21, "offset": 0}
                yield name, descending or field.unique, list_statement(leg), values


def steps_of(tx: Transaction, statement: Select[Any], values: dict[str, Any]) -> list[str]:
    """What the database says about a statement, a line for each step."""
    dialect = tx.connection.dialect
    known = {name: value for name, value in values.items() if name in statement.compile(dialect=dialect).binds}
    written = str(statement.params(**known).compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    how = "EXPLAIN QUERY PLAN" if dialect.name == "sqlite" else "EXPLAIN (COSTS OFF)"
    return [str(row[-1]).strip() for row in tx.connection.exec_driver_sql(f"{how} {written}")]


def finds(steps: list[str], column: str) -> bool:
    """Whether some step goes into an index to where the column has the value, or the range."""
    sqlite = rf"^SEARCH \S+ USING (COVERING )?INDEX \S+ \({column}[=<> ]"
    postgresql = rf"^Index Cond: .*\b{column}\b"
    return any(re.search(sqlite, step) or re.search(postgresql, step) for step in steps)


def walks(steps: list[str], *, ties: bool) -> bool:
    """Whether the rows come in order out of an index; with `ties`, those that tie may be sorted."""
    if any("INDEX" in step for step in steps):
        sorting = [step for step in steps if "TEMP B-TREE FOR" in step]
        return all(ties and ("LAST TERM" in step or "RIGHT PART" in step) for step in sorting)
    sorts = [step for step in steps if step.endswith("Sort")]
    return any("Index" in step for step in steps) and all(ties and "Incremental" in step for step in sorts)


def unserved(tx: Transaction, services: Services, *resources: str) -> list[str]:
    """A line for each filter and sort, of these resources or of all, that would be answered without its index.

    PostgreSQL chooses by what is in the tables: there, only resources with some thousand rows can be asked about, and a
    related table that is small may be read whole.
    """
    small = tx.connection.dialect.name == "postgresql"
    if small:
        for word in FORCED:
            tx.execute(text(f"SET LOCAL enable_{word} = off"))
    else:
        tx.execute(text("SELECT count(*) FROM sqlite_schema"))  # EXPLAIN alone does not see that the schema has changed
    found: list[str] = []
    for entry in services.catalog.entries.values():
        if resources and entry.name not in resources:
            continue
        table = compile_parameters(entry)
        for name, path, statement, values in filters_of(services, entry, table):
            steps = steps_of(tx, statement, values)
            columns = [path.field.name] if path.relation is None or not small else []
            columns += [path.relation.local.name] if path.relation else []
            found += [f"{entry.name} filter {name}: {steps}"] * (not all(finds(steps, column) for column in columns))
        for name, ties, statement, values in sorts_of(services, entry, table):
            steps = steps_of(tx, statement, values)
            found += [f"{entry.name} sort {name}: {steps}"] * (not walks(steps, ties=ties))
    return found


def promised(services: Services) -> int:
    """How many filters and sorts are looked at: of nothing, everything is true."""
    tables = [(entry, compile_parameters(entry)) for entry in services.catalog.entries.values()]
    return sum(len(list(filters_of(services, *one))) + len(list(sorts_of(services, *one))) for one in tables)
