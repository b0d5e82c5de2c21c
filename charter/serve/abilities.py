"""``with=can`` on a read: what the caller may do with that row, so that a client need not repeat the policy.

It is told by the same decisions that the doors themselves ask. Whether the row is inside an action's rows, and whether
a transition starts from the state that it is in, is worked out by the statement that reads the row: both are of one
moment, and nothing more is asked of the database.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Select

from charter.catalog import Entry
from charter.declare import Caller, Transition
from charter.plan import Lens
from charter.plugins.parameters import Reading, unknown
from charter.query import read_statement
from charter.services import Services

WITH = ("can",)
"""What ``with`` takes."""

FIELDED = ("read", "update")
"""The actions on a row that are allowed for some fields; any other takes the row as a whole."""


@dataclass(frozen=True, slots=True)
class Ability:
    """An action on a row: on which rows it is allowed, and what is told of it where the row is one of them."""

    action: str
    rows: tuple[str, ...]
    told: str


def doors_of(entry: Entry) -> tuple[str, ...]:
    """The actions that there are for a row that exists, in the order in which they are told."""
    return ("read", *(("update", "delete") if entry.takes_writes else ()), *entry.actions)


def abilities(services: Services, caller: Caller, entry: Entry, reading: Reading) -> tuple[Ability, ...]:
    """What to tell of a row that the caller may read; nothing without ``with=can``."""
    text = reading.take("with")
    if text is None:
        return ()
    if text not in WITH:
        reading.malformed("with", unknown("addition", text, WITH))
        return ()
    found = ((action, services.access.decide(caller.role, entry.name, action)) for action in doors_of(entry))
    return tuple(
        Ability(action, decision.rows, _told(action, decision.fields)) for action, decision in found if decision
    )


def row_statement(seen: Lens, asked: tuple[Ability, ...]) -> Select[Any]:
    """The row as JSON by ``row_id``; beside it, for each ability that not every row has, whether this one has it."""
    return _row_statement(seen, tuple((item.action, item.rows) for item in asked)) if asked else read_statement(seen)


def row_body(row: Sequence[Any], asked: Sequence[Ability], entry: Entry) -> str:
    """The row, and with it what may be done with it."""
    body, *holds = row
    if not asked:
        return str(body)
    answers = iter(holds)
    able = [item for item in asked if _condition(entry, item.action, item.rows) is None or next(answers)]
    can = ",".join(f"{json.dumps(item.action)}:{item.told}" for item in able)
    inner = str(body).strip()[1:-1].strip()
    return f'{{{inner}{"," if inner else ""}"can":{{{can}}}}}'


def _told(action: str, fields: frozenset[str]) -> str:
    return json.dumps({"fields": sorted(fields)} if action in FIELDED else {}, separators=(",", ":"))


@lru_cache(maxsize=1024)
def _row_statement(seen: Lens, asked: tuple[tuple[str, tuple[str, ...]], ...]) -> Select[Any]:
    conditions = (_condition(seen.entry, action, rows) for action, rows in asked)
    held = [condition for condition in conditions if condition is not None]
    return read_statement(seen).add_columns(*(clause.label(f"able_{place}") for place, clause in enumerate(held)))


@lru_cache(maxsize=1024)
def _condition(entry: Entry, action: str, rows: tuple[str, ...]) -> ColumnElement[bool] | None:
    """When a row that is read is open to the action; None where it always is."""
    if action == "read":
        return None  # what is read is inside the rows of the read
    clause = Lens(entry, rows, ()).condition
    item = entry.actions.get(action)
    if isinstance(item, Transition):
        state = entry.table.c[item.field].in_(item.source)
        return state if clause is None else clause & state
    return clause


__all__ = ["FIELDED", "Ability", "abilities", "doors_of", "row_body", "row_statement"]
