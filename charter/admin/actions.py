"""Declared actions and transitions as buttons: there where the decision and the row's state allow it.

A button leads to a page that asks for what the action takes, and for a confirmation; only its POST does anything,
through `serve`, as the API does.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqladmin.authentication import login_required
from starlette.datastructures import URL
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from charter.admin.doors import opened, writing
from charter.admin.forms import EntryForm, body_form
from charter.admin.sight import Sight
from charter.admin.visit import visit
from charter.declare import Action, Body, Transition
from charter.errors import ApiException, ConflictException, NotFoundException
from charter.serve import act

if TYPE_CHECKING:
    from charter.admin.site import Site
    from charter.admin.views import EntryView

SEEN_BY_ALL = frozenset({403, 404, 429, 503})
"""Statuses of refusals that are about more than what stands in a form: they get a page of their own."""


@dataclass(frozen=True, slots=True)
class Button:
    """A way to an action: what it is called, what it does, and where."""

    label: str
    description: str
    url: URL


def label_of(item: Action | Transition) -> str:
    """``mark_read`` -> ``Mark read``."""
    words = item.name.replace("_", " ").replace("-", " ")
    return words[:1].upper() + words[1:]


def fits(item: Action | Transition, row: Any) -> bool:
    """Whether the state that a row is in allows the action."""
    if not isinstance(item, Transition):
        return True
    state = getattr(row, item.field)
    return getattr(state, "value", state) in item.source


def buttons(sight: Sight, request: Request, row: Any) -> list[Button]:
    """The actions that the caller may do on `row` now, in the order of their declaration."""
    here = visit()
    found = (
        item
        for name, item in sight.entry.actions.items()
        if sight.may(name) and row.id in here.within.get(name, {row.id}) and fits(item, row)
    )
    where = {"identity": sight.entry.name, "pk": str(row.id)}
    return [
        Button(label_of(item), item.description, request.url_for("admin:act", action=item.name, **where))
        for item in found
    ]


def action_of(view: "EntryView", name: str) -> Action | Transition:
    """The declared action of that name; NotFoundException where there is none."""
    item = view.entry.actions.get(name)
    if item is None:
        raise NotFoundException
    return item


@login_required
async def act_page(site: "Site", request: Request) -> Response:
    """``/{identity}/act/{action}/{pk}``: GET asks, POST does."""
    name = request.path_params["action"]
    item = action_of(opened(site, request), name)
    view = opened(site, request, name)
    row = await view.get_object_for_details(request)
    kind = body_form(view.sight, item.body or Body)
    if request.method != "POST":
        if not fits(item, row):
            raise ConflictException(f"'{label_of(item)}' is not possible in this row's state.")
        return await _page(site, request, view, item, kind())
    form = kind(await site._handle_form_data(request))  # noqa: SLF001 # SQLAdmin's way
    problem = "" if form.validate() else "Some values have to be changed."
    if not problem:
        try:
            await act(site.services, writing(), view.entry, str(row.id), name, form.body())
        except ApiException as error:
            if error.status in SEEN_BY_ALL:
                raise
            problem = form.place(error)
    if problem:
        return await _page(site, request, view, item, form, problem)
    return RedirectResponse(after(request, view, row), 302)


def title_of(view: "EntryView", row: Any) -> str:
    """What a row is called, for whoever may read it; else its id."""
    is_readable = view.sight.may("read") and row.id in visit().within.get("read", {row.id})
    return view.sight.call(row) if is_readable else str(row.id)


def after(request: Request, view: "EntryView", row: Any) -> URL:
    """Where to go from there: to the row, where the caller can see it, else to the list."""
    if view.sight.has_pages and row.id in visit().within.get("read", {row.id}):
        return request.url_for("admin:details", identity=view.entry.name, pk=str(row.id))
    return request.url_for("admin:list", identity=view.entry.name)


async def _page(
    site: "Site", request: Request, view: "EntryView", item: Action | Transition, form: EntryForm, problem: str = ""
) -> Response:
    row = visit().row
    context = {
        "model_view": view,
        "label": label_of(item),
        "description": item.description,
        "row_title": title_of(view, row),
        "form": form,
        "error": problem,
        "action_url": request.url_for("admin:act", identity=view.entry.name, action=item.name, pk=str(row.id)),
        "back_url": after(request, view, row),
    }
    answer: Response = await site.templates.TemplateResponse(
        request, "sqladmin/act.html", context, 400 if problem else 200
    )
    return answer


__all__ = ["SEEN_BY_ALL", "Button", "act_page", "action_of", "buttons", "fits", "label_of", "title_of"]
