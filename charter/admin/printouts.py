"""Printouts: a plain page of one row, under the decisions of its own page, laid out for paper."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqladmin.authentication import login_required
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response

from charter.admin.cells import cell, compute, related_attributes
from charter.admin.doors import opened
from charter.admin.rows import RULE
from charter.admin.sight import Sight, sight_of
from charter.errors import NotFoundException
from charter.printouts import Printout

if TYPE_CHECKING:
    from charter.admin.site import Site
    from charter.admin.views import EntryView

MOST_PRINTED = 1_000
"""Rows of a printout's table; where there are more, it says so."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """The table of a printout; ``amounts`` are the columns that are written from the right."""

    label: str
    headings: tuple[str, ...]
    amounts: tuple[bool, ...]
    rows: tuple[tuple[Any, ...], ...]
    has_more: bool


def links(view: "EntryView", request: Request, row: Any) -> list[tuple[str, URL]]:
    """What of a row can be printed: labels, and where."""
    where = {"identity": view.entry.name, "pk": str(row.id)}
    return [
        (view.sight.label(paper.name), request.url_for("admin:print", printout=paper.name, **where))
        for paper in view.entry.resource.admin.printouts
    ]


@login_required
async def print_page(site: "Site", request: Request) -> Response:
    """``/{identity}/print/{printout}/{pk}``."""
    view = opened(site, request, "read")
    papers = {paper.name: paper for paper in view.entry.resource.admin.printouts}
    paper = papers.get(request.path_params["printout"])
    if paper is None:
        raise NotFoundException
    row = await view.get_object_for_details(request)
    sight = view.sight
    context = {
        "label": sight.label(paper.name),
        "row_title": sight.call(row),
        "block": [text for _, text in _told(sight, row, paper.block)],
        "fields": _told(sight, row, paper.fields),
        "sheet": await _sheet(view, paper, row),
        "back_url": request.url_for("admin:details", identity=view.entry.name, pk=str(row.id)),
    }
    page: Response = await site.templates.TemplateResponse(request, "sqladmin/print.html", context)
    return page


def _told(sight: Sight, row: Any, names: Iterable[str]) -> list[tuple[str, Any]]:
    """The values that there are and that the caller may read, with what they are called."""
    shown = ((name, cell(sight, row, name, short=False)[1]) for name in names if sight.shows(name, "read"))
    return [(_heading(sight, name), text) for name, text in shown if text != ""]


def _heading(sight: Sight, name: str) -> str:
    """A label; an amount of money has its currency, since no page around it tells."""
    field = sight.entry.fields.get(name)
    unit = f" ({sight.services.settings.currency})" if field is not None and field.kind == "money" else ""
    return f"{sight.label(name)}{unit}"


async def _sheet(view: "EntryView", paper: Printout, row: Any) -> Sheet | None:
    """The related rows that the caller may read, the oldest first; None where they may not follow the relation."""
    relation = next((found for found in view.sight.collections() if found.name == paper.rows), None)
    target = view.sight.target(relation) if relation is not None else None
    if relation is None or target is None:
        return None
    there = sight_of(view.services, target)
    names = [name for name in paper.columns if there.shows(name, "read")]
    model: Any = target.resource.model
    wanted = select(model).where(relation.remote == getattr(row, relation.local.name)).limit(MOST_PRINTED + 1)
    wanted = wanted.order_by(model.created_at, model.id)
    for attribute in related_attributes(there, names):
        wanted = wanted.options(selectinload(attribute))
    run = view._run_arbitrary_query  # noqa: SLF001 # SQLAdmin's way
    found: Sequence[Any] = [item for (item,) in await run(wanted.execution_options(**{RULE: "read"}))]
    shown = found[:MOST_PRINTED]
    await compute(run, there, shown, names)
    return Sheet(
        label=view.sight.label(relation.name),
        headings=tuple(_heading(there, name) for name in names),
        amounts=tuple(there.is_amount(name) for name in names),
        rows=tuple(tuple(cell(there, item, name, short=False)[1] for name in names) for item in shown),
        has_more=len(found) > MOST_PRINTED,
    )


__all__ = ["MOST_PRINTED", "Sheet", "links", "print_page"]
