"""A cell of a list that is changed where it stands: one field of one row, by the same way as the row's own form.

Both answers are parts of a page: the small form, again with what is wrong with it, or the row as its list shows it now.
"""

from typing import TYPE_CHECKING, Any

from sqladmin.authentication import login_required
from sqlalchemy import select
from sqlalchemy.orm import selectinload
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import Response

from charter.admin.actions import SEEN_BY_ALL
from charter.admin.cells import related_attributes
from charter.admin.doors import opened, query_of, writing
from charter.admin.forms import EntryForm, form_values, one_form
from charter.admin.rows import RULE
from charter.admin.sight import Sight
from charter.admin.visit import visit
from charter.errors import ApiException, NotFoundException
from charter.serve import change_row

if TYPE_CHECKING:
    from charter.admin.site import Site
    from charter.admin.views import EntryView


def inline_fields(sight: Sight) -> tuple[str, ...]:
    """The declared fields that the caller sees in the list, may read, and may set."""
    if not sight.may("update"):
        return ()
    fits = sight.writable("update").keys() & sight.fields("read") & frozenset(sight.listed)
    return tuple(name for name in sight.entry.resource.admin.inline if name in fits)


def inline_cells(sight: Sight, row: Any) -> tuple[str, ...]:
    """Those of a row of the list: of one that the caller may change, and read."""
    within = visit().within
    is_inside = all(row.id in within.get(action, {row.id}) for action in ("update", "read"))
    return inline_fields(sight) if is_inside else ()


def inline_url(view: "EntryView", request: Request, row: Any, name: str) -> URL:
    """Where such a cell gets its form from, and sends it to."""
    url = request.url_for("admin:inline", identity=view.entry.name, pk=str(row.id))
    return url.include_query_params(field=name)


@login_required
async def inline_page(site: "Site", request: Request) -> Response:
    """``/{identity}/inline/{pk}?field=…``: GET gives the form, POST changes the field."""
    view = opened(site, request, "update")
    name = request.query_params.get("field", "")
    if name not in inline_fields(view.sight):
        raise NotFoundException
    row = await view.get_object_for_details(request)
    if name not in inline_cells(view.sight, row):
        raise NotFoundException
    kind = one_form(view, view.sight, name)
    before = kind(data=form_values(view.sight, row))
    if request.method != "POST":
        return await _form(site, request, view, row, before)
    form = kind(await site._handle_form_data(request))  # noqa: SLF001 # SQLAdmin's way
    problem = ""
    if form.validate():
        problem = await _change(view, str(row.id), form, before)
    if problem or any(field.errors for field in form):
        return await _form(site, request, view, row, form, problem)
    return await _row(site, request, view, row.id)


async def _change(view: "EntryView", row_id: str, form: EntryForm, before: EntryForm) -> str:
    """Write it as the form of the whole row does; what is left to say where that is refused."""
    try:
        await change_row(view.services, writing(), view.entry, row_id, form.body(before), "update")
    except ApiException as error:
        if error.status in SEEN_BY_ALL:
            raise
        return form.place(error)
    return ""


async def _form(
    site: "Site", request: Request, view: "EntryView", row: Any, form: EntryForm, problem: str = ""
) -> Response:
    is_told = any(field.errors for field in form)  # at the field, where there is only one
    context = {"form": form, "error": "" if is_told else problem, "url": request.url, "row_title": view.sight.call(row)}
    status = 400 if problem or is_told else 200
    page: Response = await site.templates.TemplateResponse(request, "sqladmin/inline.html", context, status)
    return page


async def _row(site: "Site", request: Request, view: "EntryView", row_id: Any) -> Response:
    """The row as the list has it; 204 where it is no longer there for the caller."""
    model: Any = view.model
    wanted = select(model).where(model.id == row_id).execution_options(**{RULE: "list"})
    for attribute in related_attributes(view.sight, view.sight.listed):
        wanted = wanted.options(selectinload(attribute))
    rows = await view._run_query(wanted)  # noqa: SLF001 # SQLAdmin's way
    if not rows:
        return Response(status_code=204)
    visit().within.clear()
    await view.look_closer(rows, "list")
    context = {"model_view": view, "row": rows[0], "kept": query_of(request.headers.get("referer", ""))}
    page: Response = await site.templates.TemplateResponse(request, "sqladmin/list_row.html", context)
    return page


__all__ = ["inline_cells", "inline_fields", "inline_page", "inline_url"]
