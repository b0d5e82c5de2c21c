"""The rows that refer to a row: a table for each of its to-many relations, under the other resource's own rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import selectinload
from starlette.datastructures import URL
from starlette.requests import Request

from charter.admin.cells import Run, cell, compute, related_attributes
from charter.admin.narrowing import parameters
from charter.admin.rows import RULE
from charter.admin.sight import Sight, sight_of
from charter.catalog import Relation

MOST_RELATED = 50
"""Rows of a relation that a page shows: the newest ones."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A value as it is shown, and the page of the row that it stands for."""

    text: Any
    link: URL | None = None


@dataclass(frozen=True, slots=True)
class RelatedRow:
    """One row of the table; ``link`` is its own page, where the caller has one."""

    link: URL | None
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class RelatedTable:
    """What the template needs; ``amounts`` are the columns that are written from the right.

    ``has_more`` rows are not shown; ``everything`` is the list that has them all.
    """

    label: str
    plural: str
    headings: tuple[str, ...]
    amounts: tuple[bool, ...]
    rows: tuple[RelatedRow, ...]
    has_more: bool
    everything: URL | None


async def related_tables(run: Run, request: Request, sight: Sight, row: Any) -> list[RelatedTable]:
    """The tables of everything that refers to `row` and that the caller may read."""
    return [await _table(run, request, sight, relation, row) for relation in sight.collections()]


async def _table(run: Run, request: Request, sight: Sight, relation: Relation, row: Any) -> RelatedTable:
    target = sight.target(relation)
    assert target is not None  # noqa: S101 # collections() has only those
    there = sight_of(sight.services, target)
    names = _columns(there, relation)
    model: Any = target.resource.model
    owner = getattr(row, relation.local.name)
    wanted = select(model).where(relation.remote == owner).limit(MOST_RELATED + 1)
    wanted = wanted.order_by(model.id.desc())  # ids rise with time, and the index of the reference has them in order
    for attribute in related_attributes(there, names):
        wanted = wanted.options(selectinload(attribute))
    found = [item for (item,) in await run(wanted.execution_options(**{RULE: "read"}))]
    shown = found[:MOST_RELATED][::-1]
    await compute(run, there, shown, names)
    return RelatedTable(
        label=sight.label(relation.name),
        plural=there.plural,
        headings=tuple(there.label(name) for name in names),
        amounts=tuple(there.is_amount(name) for name in names),
        rows=tuple(_row(request, there, item, names) for item in shown),
        has_more=len(found) > MOST_RELATED,
        everything=_everything(request, there, relation, owner),
    )


def _columns(there: Sight, relation: Relation) -> tuple[str, ...]:
    """The columns of the other resource without those that would show, in every row, the row whose page this is."""
    ways = {item.name for item in there.entry.relations.values() if item.local is relation.remote}
    back = {*ways, relation.remote.name}
    return tuple(name for name in there.columns("read") if name.partition(".")[0] not in back) or ("id",)


def _row(request: Request, there: Sight, row: Any, names: Sequence[str]) -> RelatedRow:
    return RelatedRow(
        _page(request, there, row) if there.has_pages else None,
        tuple(_cell(request, there, row, name) for name in names),
    )


def _cell(request: Request, there: Sight, row: Any, name: str) -> Cell:
    value, text = cell(there, row, name, short=True)
    target = there.target(there.entry.relations[name]) if name in there.links else None
    return Cell(text, _page(request, sight_of(there.services, target), value) if target and value else None)


def _page(request: Request, sight: Sight, row: Any) -> URL:
    return request.url_for("admin:details", identity=sight.entry.name, pk=str(row.id))


def _everything(request: Request, there: Sight, relation: Relation, owner: Any) -> URL | None:
    """The other resource's list, narrowed to the row whose page this is where that can be."""
    if not there.may("list"):
        return None
    url = request.url_for("admin:list", identity=there.entry.name)
    name = relation.remote.name
    return url.include_query_params(**{name: str(owner)}) if name in parameters(there) else url


__all__ = ["MOST_RELATED", "Cell", "RelatedRow", "RelatedTable", "related_tables"]
