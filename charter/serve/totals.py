"""How many rows a list has on all pages, with no more counting than the page itself leaves open."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from charter.plan import ListPlan, seek_values
from charter.plugins.cursors import behind
from charter.query import MOST_COUNTED, count_statement, is_lasting
from charter.query.keyset import legs
from charter.store import Fetch

FAR = 1000
"""Rows passed over from where on it pays to count only those that come after the page."""


def total(fetch: Fetch, plan: ListPlan, values: Mapping[str, Any], rows: Sequence[Sequence[Any]]) -> int | None:
    """The number, for the page that begins with `rows` and the one that comes after it; None where it is not asked."""
    if plan.counting == "none":
        return None
    if plan.window.page is None or not rows:
        return _count(fetch, plan, values)
    size, most = plan.window.size, MOST_COUNTED if plan.counting == "capped" else None
    passed = plan.window.offset + min(len(rows), size)
    if len(rows) <= size or (most is not None and passed >= most):
        return passed if most is None else min(passed, most)
    if most is None and plan.window.offset >= FAR and _walks(plan):
        return _known(fetch, plan, values, lambda: passed + _beyond(fetch, plan, values, rows[size - 1]))
    return _count(fetch, plan, values)


def behind_the_middle(fetch: Fetch, plan: ListPlan, values: Mapping[str, Any]) -> int | None:
    """The number, if it is known by now and the page is nearer to the end; then it had better be looked for from there.

    Known: counted before, and nothing has been written since.
    """
    passed = plan.window.offset
    if passed < FAR or plan.counting == "capped" or not is_lasting(plan):
        return None
    found = fetch.known(count_statement(plan), values)
    return found if found is not None and passed > found // 2 else None


def _count(fetch: Fetch, plan: ListPlan, values: Mapping[str, Any]) -> int:
    return _known(fetch, plan, values, lambda: int(fetch(count_statement(plan), values)[0][0]))


def _known(fetch: Fetch, plan: ListPlan, values: Mapping[str, Any], count: Callable[[], int]) -> int:
    """The number as it is remembered, or else counted now, and remembered where it lasts."""
    if not is_lasting(plan):
        return count()
    statement = count_statement(plan)
    found = fetch.known(statement, values)
    if found is None:
        found = count()
        fetch.remember(statement, values, found)
    return found


def _walks(plan: ListPlan) -> bool:
    """Whether the whole table is read along its order; with filters, another index may be better to count by."""
    return not plan.where and all(term.seekable for term in plan.order)


def _beyond(fetch: Fetch, plan: ListPlan, values: Mapping[str, Any], last: Sequence[Any]) -> int:
    """The rows after the page's last one, in the same moment."""
    seek = behind(plan.order, last[1:])
    after, bound = replace(plan, seek=seek), {**values, **seek_values(seek)}
    return sum(int(fetch(count_statement(leg), bound)[0][0]) for leg in legs(after))


__all__ = ["behind_the_middle", "total"]
