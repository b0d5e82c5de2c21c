"""The cells of aggregates: how many rows, how they fall into groups, and the names that nobody may group by."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import httpx2

from tests.matrix import views
from tests.matrix.cells import Cell
from tests.matrix.looking import NONSENSE, UNKNOWN, Looker
from tests.matrix.shapes import ABSENT

MOST = 1000
"""Groups on a page."""


def cells(looker: Looker) -> Iterator[Cell]:
    """Everything that one role can ask about the groups of one resource."""
    refusal = looker.world.refusal(looker.role, looker.path, "list")
    if refusal:
        for query in ("", f"?{NONSENSE}=1", "?group=id", "?agg=count:id"):
            yield _cell(looker, query, "aggregate", refusal, views.told)
        return
    rows = looker.world.seen(looker.role, looker.path, "list")
    readable = looker.world.fields(looker.role, looker.path, "list")
    yield _cell(looker, "", "aggregate", ({"count": len(rows)},), items)
    yield _cell(looker, f"?id={ABSENT}", "aggregate", ({"count": 0},), items)
    if "created_at" in readable:
        days = tally(row["created_at"][:10] for row in rows)
        yield _cell(looker, f"?size={MOST}&group=day(created_at)", "group", days, groups)
    for name in ("id", *dict.fromkeys((*looker.shape.noun.filters, *looker.shape.noun.sorts))):
        far = "." in name
        if not (looker.path_is_readable(name) if far else name in readable):
            door = "group over relation" if far else "group"
            yield _cell(looker, f"?group={name}", door, UNKNOWN, views.told)
            yield _cell(looker, f"?agg=count:{name}", "measure", UNKNOWN, views.told)
            continue
        values = [value for value, _ in looker.over_relation(name, rows)] if far else [row[name] for row in rows]
        yield from _about(looker, name, values)


def _about(looker: Looker, name: str, values: list[Any]) -> Iterator[Cell]:
    """The groups by one name, and how many values it has. What is called like a function is no group."""
    if name != "count":
        door = "group over relation" if "." in name else "group"
        yield _cell(looker, f"?size={MOST}&group={name}", door, tally(values), groups)
    there = [value for value in values if value is not None]
    both = {f"count:{name}": len(there), f"count_distinct:{name}": len(set(there))}
    yield _cell(looker, f"?agg={','.join(both)}", "measure", (both,), items)


def _cell(looker: Looker, query: str, door: str, expected: Any, view: Any) -> Cell:
    return looker.cell("list", f"/aggregate{query}", door, expected, view)


def tally(values: Iterable[Any]) -> tuple[tuple[str, int], ...]:
    """Each value as text with its number."""
    return tuple(sorted(Counter(map(repr, values)).items()))


def items(answer: httpx2.Response) -> Any:
    """The groups as they are."""
    return tuple(answer.json()["items"]) if answer.status_code == 200 else views.told(answer)


def groups(answer: httpx2.Response) -> Any:
    """Each group by one name, with its number of rows."""
    if answer.status_code != 200:
        return views.told(answer)
    pairs = [
        [value for name, value in item.items() if name != "count"] + [item["count"]] for item in answer.json()["items"]
    ]
    return tuple(sorted((repr(value), number) for value, number in pairs))
