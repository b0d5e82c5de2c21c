"""Many rows at once: a page that shows how many and which, then one transaction through `serve`: all of them, or none.

The page names its rows, so that what is done is what was shown, whatever has come into the list meanwhile.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from sqladmin.authentication import login_required
from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload
from starlette.datastructures import URL, FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from charter.admin.actions import SEEN_BY_ALL, action_of, label_of
from charter.admin.cells import cell, compute, related_attributes
from charter.admin.doors import opened, writing
from charter.admin.forms import EntryForm, ManyForm, body_form, bulk_form
from charter.admin.rows import RULE
from charter.admin.visit import visit
from charter.bodies import read_body
from charter.declare import Body, Transition
from charter.errors import ApiException, BadRequestException
from charter.serve import Refusal, Step, alteration, deed, deletion, parse_id, write_together

if TYPE_CHECKING:
    from charter.admin.site import Site
    from charter.admin.views import EntryView

MOST_ROWS = 1_000
"""Rows that are changed at once: others wait while that is done."""

MOST_SHOWN = 20
"""Rows that the page shows of them."""

ROWS, EMPTIED = "bulk-rows", "bulk-empty"
"""Inputs of the page beside the fields; no column can be called so."""

WRITES = {"update": "Change", "delete": "Delete"}
PAGES = frozenset({"page", "pageSize", "pks"})
"""Parameters of a list that say nothing about which rows there are."""


@dataclass(frozen=True, slots=True)
class Door:
    """A way from a list."""

    label: str
    url: URL


@dataclass(slots=True)
class Task:
    """What is to be done to which rows: ``asked`` is how many were chosen, ``ids`` are those that it can be done to."""

    view: "EntryView"
    name: str
    label: str
    ids: list[str] = field(default_factory=list)
    asked: int = 0
    rows: list[Any] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    problem: str = ""

    def cells(self, row: Any) -> list[Any]:
        """A row as its list shows it."""
        return [cell(self.view.sight, row, name, short=True)[1] for name in self.headings]

    @property
    def headings(self) -> Sequence[str]:
        """The columns of the list."""
        return self.view.sight.listed


def names_of(view: "EntryView") -> dict[str, str]:
    """What can be done to many rows, as far as a decision lets this caller: action -> label."""
    entry = view.entry
    known = {**(WRITES if entry.takes_writes else {}), **{name: label_of(item) for name, item in entry.actions.items()}}
    may = view.sight.may
    return {name: label for name, label in known.items() if may(name)}


def bulk_doors(view: "EntryView", request: Request) -> list[Door]:
    """The ways from a list to what can be done to all of its rows."""
    return [
        Door(f"{label} all", with_query(request, request.url_for("admin:bulk", identity=view.entry.name, action=name)))
        for name, label in names_of(view).items()
    ]


def with_query(request: Request, url: URL) -> URL:
    """The same address with what the list is narrowed, searched and ordered by."""
    kept = [(name, text) for name, text in request.query_params.multi_items() if name not in PAGES]
    return url.replace(query=urlencode(kept)) if kept else url


@login_required
async def bulk_page(site: "Site", request: Request) -> Response:
    """``/{identity}/bulk/{action}``: GET shows what would be done to which rows, POST does it."""
    name = request.path_params["action"]
    view = opened(site, request)
    label = WRITES.get(name) or label_of(action_of(view, name))
    opened(site, request, name)
    task = Task(view, name, label)
    kind = form_kind(view, name)
    if request.method != "POST":
        await _choose(request, task)
        return await _page(site, request, task, kind())
    sent = await site._handle_form_data(request)  # noqa: SLF001 # SQLAdmin's way
    task.ids = ids_of(str(sent.get(ROWS, "")))
    task.asked = len(task.ids)
    apart = {ROWS, EMPTIED} if issubclass(kind, ManyForm) else {ROWS}
    form = kind(FormData([item for item in sent.multi_items() if item[0] not in apart]))
    if form.validate():
        await _do(site, task, form, sent.getlist(EMPTIED))
    else:
        task.problem = "Some values have to be changed."
    if not task.problem:
        return RedirectResponse(with_query(request, request.url_for("admin:list", identity=view.entry.name)), 302)
    await _show(task)
    return await _page(site, request, task, form)


def form_kind(view: "EntryView", name: str) -> type[EntryForm]:
    """The form of what is done."""
    if name == "update":
        return bulk_form(view)
    return body_form(view.sight, Body if name == "delete" else view.entry.actions[name].body or Body)


def ids_of(text: str) -> list[str]:
    """The rows that somebody chose, each once; 400 without any or with too many, 404 for what is no id."""
    ids = list(dict.fromkeys(part for part in text.split(",") if part))
    if not ids:
        raise BadRequestException("No row was selected.")
    if len(ids) > MOST_ROWS:
        raise too_many(len(ids))
    return [str(parse_id(row_id)) for row_id in ids]


def too_many(count: int) -> BadRequestException:
    """The refusal of a change to more rows than are changed at once."""
    return BadRequestException(f"These are {count} rows; at most {MOST_ROWS} are changed at once.")


async def _choose(request: Request, task: Task) -> None:
    """The rows that were selected, or all that the list has with its parameters."""
    view = task.view
    model: Any = view.model
    pks = request.query_params.get("pks")
    if pks is not None:
        ids = ids_of(pks)
        task.asked = len(ids)
        wanted = select(model.id).where(model.id.in_([parse_id(row_id) for row_id in ids]))
    else:
        wanted = view.chosen(request, model.id)
        given = {name for name, text in request.query_params.items() if text}
        if given - {*visit().narrowed, "search", "sort", "sortBy", *PAGES}:
            raise BadRequestException("The list is not narrowed by that.")  # else all rows would be meant
        task.asked = await view.how_many(wanted.execution_options(**{RULE: "list"}))
    item = view.entry.actions.get(task.name)
    if isinstance(item, Transition):
        wanted = wanted.where(getattr(model, item.field).in_(item.source))
    ruled = wanted.execution_options(**{RULE: ("list", task.name)})
    count = await view.how_many(ruled)
    if count > MOST_ROWS:
        raise too_many(count)
    task.ids = [str(row_id) for row_id in await view._run_query(ruled.order_by(model.id.desc()))]  # noqa: SLF001 # same
    await _show(task)


async def _show(task: Task) -> None:
    """The first rows, as the list shows them."""
    view = task.view
    model: Any = view.model
    ids = [parse_id(row_id) for row_id in task.ids]
    wanted: Select[Any] = select(model).where(model.id.in_(ids)).order_by(model.id.desc()).limit(MOST_SHOWN)
    for attribute in related_attributes(view.sight, view.sight.listed):
        wanted = wanted.options(selectinload(attribute))
    task.rows = await view._run_query(wanted.execution_options(**{RULE: ("list", task.name)}))  # noqa: SLF001 # same
    await compute(view._run_arbitrary_query, view.sight, task.rows, view.sight.listed)  # noqa: SLF001 # same


async def _do(site: "Site", task: Task, form: EntryForm, emptied: Sequence[Any]) -> None:
    """Do it to all rows, or say why to none."""
    try:
        raw = form.body_with([str(name) for name in emptied]) if isinstance(form, ManyForm) else form.body()
        steps = steps_of(site, task, raw)
    except ApiException as error:
        if error.status in SEEN_BY_ALL:
            raise
        task.problem = form.place(error)
        return
    refusals = await write_together(site.services, steps)
    if refusals:
        await _tell(task, refusals)


def steps_of(site: "Site", task: Task, raw: bytes) -> list[Step]:
    """The writes, one for each row, each under the decision and the schema of the API."""
    services, caller, entry = site.services, writing(), task.view.entry
    match task.name:
        case "update":
            return [alteration(services, caller, entry, row_id, raw, "update") for row_id in task.ids]
        case "delete":
            read_body(Body, raw)  # it takes nothing
            return [deletion(services, caller, entry, row_id) for row_id in task.ids]
    return [deed(services, caller, entry, row_id, task.name, raw) for row_id in task.ids]


async def _tell(task: Task, refusals: Sequence[Refusal]) -> None:
    """Which rows stand against it, each called as the caller may read it."""
    view = task.view
    model: Any = view.model
    ids = [task.ids[item.place] for item in refusals]
    wanted: Select[Any] = select(model).where(model.id.in_([parse_id(row_id) for row_id in ids]))
    found: Sequence[Any] = []
    if view.sight.may("read"):
        found = await view._run_query(wanted.execution_options(**{RULE: "read"}))  # noqa: SLF001 # same
    names = {str(row.id): view.sight.call(row) for row in found}
    for row_id, item in zip(ids, refusals, strict=True):
        told = [f"{error.pointer.lstrip('/')} {error.detail}".strip() for error in item.error.errors]
        task.refused.append((names.get(row_id, row_id), "; ".join(told) or item.error.detail))
    some = "1 of them stands" if len(refusals) == 1 else f"{len(refusals)} of them stand"
    task.problem = f"Nothing was done, since {some} against it."


async def _page(site: "Site", request: Request, task: Task, form: EntryForm) -> Response:
    view = task.view
    where = request.url_for("admin:bulk", identity=view.entry.name, action=task.name)
    context = {
        "model_view": view,
        "task": task,
        "form": form,
        "emptied": form.nullable if isinstance(form, ManyForm) else (),
        "bulk_url": with_query(request, where),
        "list_url": with_query(request, request.url_for("admin:list", identity=view.entry.name)),
    }
    status = 400 if task.problem else 200
    answer: Response = await site.templates.TemplateResponse(request, "sqladmin/bulk.html", context, status)
    return answer


__all__ = ["MOST_ROWS", "Door", "Task", "bulk_doors", "bulk_page", "names_of", "with_query"]
