"""Sorting: ``sort=-price,name``. fastapi-filters supplies the list of what may be asked for; the SQL is ours.

The primary key is always the last term, so that no two rows ever tie; NULLs come last in both directions.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from fastapi_filters import create_sorting
from sqlalchemy import ColumnElement, select

from charter.catalog import Entry, Path
from charter.plan import Lens, ListPlan, Order
from charter.plugins.filtering import Reach, is_visible
from charter.plugins.parameters import MOST_NEAR, Reading, unknown
from charter.query import related_rows

MOST_TERMS = 8
"""Terms that one ``sort`` may have."""

Sorts = Mapping[str, tuple[Path, bool]]
"""``price`` and ``-price`` -> the path and whether it descends."""


def compile_sorts(entry: Entry) -> dict[str, tuple[Path, bool]]:
    """Every term that ``sort`` may have for `entry`."""
    resolver = create_sorting(*entry.sorts)
    terms = {term: (entry.sorts[name], way == "desc") for term, (name, way, _) in resolver.__defs__.items()}
    return {term: found for term, found in terms.items() if not term.startswith("+")}


def narrow(plan: ListPlan, sorts: Sorts, reading: Reading, reach: Reach) -> ListPlan:
    """The plan in the order that was asked for; unknown and repeated terms are noted in `reading`."""
    text = reading.take("sort")
    order: list[Order] = []
    seen: set[str] = set()
    for place, term in enumerate((text or "").split(",") if text is not None else (), 1):
        found = sorts.get(term)
        if found is None or not is_visible(found[0], plan.lens, reach):
            near = _visible(plan.lens, sorts, reach) if place <= MOST_NEAR else ()
            reading.malformed("sort", f"name {place} {unknown('field to sort by', term, near)}")
        elif found[0].name in seen or len(order) >= MOST_TERMS:
            reading.malformed("sort", "names a field twice, or too many")
            break
        else:
            path, descending = found
            seen.add(path.name)
            order.append(_order(plan.lens.entry, path, descending, reach))
    if "id" not in seen:
        order.append(Order("id", descending=False, expression=plan.lens.entry.table.c.id))
    last = next(place for place, term in enumerate(order, 1) if term.name == "id")
    return replace(plan, order=tuple(order[:last]))  # no two rows tie by their ids


def _visible(lens: Lens, sorts: Sorts, reach: Reach) -> list[str]:
    return [term for term, (path, _) in sorts.items() if is_visible(path, lens, reach)]


def _order(entry: Entry, path: Path, descending: bool, reach: Reach) -> Order:
    if path.relation is None:
        return Order(path.name, descending, path.field.expression, path.field.nullable, path.field.kind)
    target = reach(path.relation.name)
    assert target is not None  # noqa: S101 # a term over a relation is visible only with its lens
    rows = ",".join(target.rows)
    expression = related_value(entry, path, target)
    return Order(f"{path.name}|{rows}", descending, expression, nullable=True, kind=path.field.kind)


@lru_cache(maxsize=1024)
def related_value(entry: Entry, path: Path, target: Lens) -> ColumnElement[object]:
    """What a row of `entry` has at the end of a path over a relation, NULL where `target` does not show it."""
    assert path.relation is not None  # noqa: S101 # the caller looked
    rows = related_rows(entry.table, path.relation, target)
    return select(rows.alias.c[path.field.name]).where(rows.condition).scalar_subquery()
