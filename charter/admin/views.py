"""Entry -> SQLAdmin view: one class for each entry, whose columns, forms and buttons depend on who looks."""

import types
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from sqladmin import ModelView
from sqladmin.pagination import Pagination
from sqlalchemy import Select, func, select
from sqlalchemy.orm import selectinload
from starlette.datastructures import URL
from starlette.exceptions import HTTPException
from starlette.requests import Request

from charter.admin.actions import Button, buttons
from charter.admin.beside import ListDoors, list_doors
from charter.admin.bulk import names_of
from charter.admin.cells import cell, compute, related_attributes
from charter.admin.doors import writing
from charter.admin.forms import EntryForm, form_of, form_values, reference_target
from charter.admin.inline import inline_cells
from charter.admin.lookups import Lookup
from charter.admin.narrowing import conditions, references
from charter.admin.panel import Chip, Narrowing, chips, panel
from charter.admin.related import related_tables
from charter.admin.rows import RULE
from charter.admin.searching import few, searched
from charter.admin.sight import Sight, sight_of
from charter.admin.visit import visit
from charter.catalog import Entry
from charter.errors import ApiException, AuthorizationException, NotFoundException
from charter.serve import change_row, create_row, parse_id
from charter.services import Services
from charter.table import snake_case

MOST_COUNTED = 10_000
"""Rows of a list that are counted, and that its pages lead to."""


class RefusedError(ValueError):
    """A write that did not happen, in words for the page."""


class PerCaller:
    """An attribute that SQLAdmin sets once for everybody, answered anew for each caller instead."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    def __get__(self, view: Any, _: Any = None) -> Any:
        return self if view is None else self.answer(view)

    def __set__(self, view: Any, value: Any) -> None:
        """What SQLAdmin worked out from the class is of no use here."""


class EntryView(ModelView):
    """The screens of one entry."""

    entry: ClassVar[Entry]
    services: ClassVar[Services]

    can_export = False
    can_import = False
    page_size = 25
    page_size_options: ClassVar[Sequence[int]] = [25, 50, 100]

    column_searchable_list = PerCaller(lambda view: view.sight.searchable())
    _search_fields = PerCaller(lambda view: view.sight.searchable())
    _sort_fields = PerCaller(lambda view: view.sight.sortable())
    _list_prop_names = PerCaller(lambda view: view.sight.listed)
    _list_relations = PerCaller(lambda view: related_attributes(view.sight, view.sight.listed))
    _details_prop_names = PerCaller(lambda view: view.sight.detailed)
    _details_relations = PerCaller(lambda view: related_attributes(view.sight, view.sight.detailed))
    _relation_names = PerCaller(lambda view: [r.name for r in view.entry.relations.values()])
    _non_link_related_fields = PerCaller(lambda view: view.entry.relations.keys() - view.sight.links)
    _form_ajax_refs = PerCaller(lambda view: view.lookups())
    _form_relations = PerCaller(lambda _: [])
    _column_labels = PerCaller(lambda view: view.sight.labels)

    @property
    def sight(self) -> Sight:
        """The entry through the eyes of whoever asks now."""
        return sight_of(self.services, self.entry)

    # Who may

    def is_visible(self, request: Request) -> bool:
        return self.is_accessible(request)

    def is_accessible(self, request: Request) -> bool:  # noqa: ARG002 # SQLAdmin's face
        return self.sight.may("list")

    # Reading

    def _stmt_by_identifier(self, identifier: str) -> Select[Any]:
        model: Any = self.model
        return select(model).where(model.id == parse_id(identifier))

    def _identity_for_object(self, obj: Any) -> str:
        entry = self.services.catalog.of_model(type(obj))
        return entry.name if entry is not None else ""

    def _url_for_details_with_prop(self, request: Request, obj: Any, prop: str) -> URL:
        target = getattr(obj, prop.partition(".")[0], None)
        return self._build_url_for("admin:details", request, target) if target is not None else URL()

    def search_query(self, stmt: Select[Any], term: str, most: int = 0) -> Select[Any]:
        found = searched(self.entry, self._search_fields, term, most)
        return stmt if found is None else stmt.where(found)

    def sort_query(self, stmt: Select[Any], request: Request) -> Select[Any]:
        model: Any = self.model
        name = request.query_params.get("sortBy")
        if not name:
            return stmt.order_by(model.id.desc())
        if name not in self._sort_fields:
            raise HTTPException(400, "This list cannot be ordered so.")
        field = self.entry.fields[name]
        ordered = field.expression.desc() if request.query_params.get("sort") == "desc" else field.expression.asc()
        return stmt.order_by(ordered.nulls_last() if field.nullable else ordered, model.id)  # as indexes have them

    async def panel(self, request: Request) -> Sequence[Narrowing]:
        """The fields that the list can be narrowed by."""
        return await panel(self, self.sight, request)

    async def chips(self, request: Request) -> Sequence[Chip]:
        """What the list is narrowed by."""
        return await chips(self, self.sight, request)

    def chosen(self, request: Request, *columns: Any, most: int = 0) -> Select[Any]:
        """The rows that the list's parameters ask for, in no order yet; see `search_query` for `most`."""
        wanted: Select[Any] = select(*columns).where(*conditions(self.sight, request))
        return self.search_query(wanted, request.query_params.get("search", ""), most)

    async def how_many(self, wanted: Select[Any], most: int = 0) -> int:
        """How many rows a statement has; with `most`, no more than one beyond it are counted."""
        model: Any = self.model
        counted = wanted.with_only_columns(func.count(), maintain_column_froms=True)
        if most:
            some = wanted.with_only_columns(model.id, maintain_column_froms=True).limit(most + 1).subquery()
            counted = select(func.count()).select_from(some)
        return int((await self._run_query(counted))[0])

    async def list(self, request: Request) -> Pagination:
        """One page of the rows that the caller may list."""
        size = self.validate_page_number(request.query_params.get("pageSize"), self.page_size)
        page = self.validate_page_number(request.query_params.get("page"), 1)
        if size < 1:
            raise HTTPException(400, "A page has at least one row.")
        size = min(size, max(self.page_size_options))
        wanted = self.chosen(request, self.model, most=await few(self, request, MOST_COUNTED))
        found = await self.how_many(wanted, MOST_COUNTED)
        visit().has_more, count = found > MOST_COUNTED, min(found, MOST_COUNTED)
        page = min(max(page, 1), Pagination.max_page(count, size))
        wanted = self.sort_query(wanted, request).limit(size).offset((page - 1) * size)
        for relation in self._list_relations:
            wanted = wanted.options(selectinload(relation))
        rows = await self._run_query(wanted)
        await self.look_closer(rows, "list")
        return Pagination(rows=rows, page=page, page_size=size, count=count)

    async def get_object_for_details(self, request: Request) -> Any:
        """The row of the path, under the rule of the screen: 403 without one, 404 where it lets no such row through."""
        if not self.sight.may(visit().action):
            raise AuthorizationException(f"No rule lets you {visit().action} {self.entry.name}.")
        row = await super().get_object_for_details(request)
        if row is None:
            raise NotFoundException
        await self.look_closer([row], "read")
        visit().row = row
        return row

    async def details_context(self, request: Request) -> dict[str, Any]:
        """What the template shows below the row: whatever refers to it."""
        return {"related": await related_tables(self._run_arbitrary_query, request, self.sight, visit().row)}

    async def look_closer(self, rows: Sequence[Any], action: Literal["list", "read"]) -> None:
        """What a page needs beyond the columns: computed values, and which buttons a row gets."""
        ids = [row.id for row in rows]
        model: Any = self.model
        names = self.sight.listed if action == "list" else self.sight.detailed
        await compute(self._run_arbitrary_query, self.sight, rows, names)
        for wanted in ("read", "update", "delete", *(self.entry.actions if action == "read" else ())):
            decision = self.sight.decision(wanted)
            if ids and decision is not None and "any" not in decision.rows:
                statement = select(model.id).where(model.id.in_(ids)).execution_options(**{RULE: wanted})
                visit().within[wanted] = frozenset(await self._run_query(statement))

    # Many rows at once

    def list_doors(self, request: Request) -> ListDoors:
        """What the list leads to besides."""
        return list_doors(self, request)

    def _visible_custom_actions(self, request: Request, in_detail: bool = False) -> dict[str, str]:  # noqa: ARG002 # SQLAdmin's face
        return {} if in_detail else {name: f"{label} selected" for name, label in names_of(self).items()}

    def _url_for_action(self, request: Request, action_name: str) -> str:
        return str(request.url_for("admin:bulk", identity=self.entry.name, action=action_name))

    def _can_delete_any(self, request: Request) -> bool:
        """The list has a page for that, so that somebody sees beforehand how many go; its template has the dialog."""
        return visit().action != "list" and super()._can_delete_any(request)

    def inline_cells(self, row: Any) -> Sequence[str]:
        """The fields of a row that can be changed in the list."""
        return inline_cells(self.sight, row)

    def action_buttons(self, request: Request, row: Any) -> Sequence[Button]:
        """What can be done with the row besides."""
        return buttons(self.sight, request, row)

    async def get_list_value(self, obj: Any, prop: str, request: Request | None = None) -> tuple[Any, Any]:  # noqa: ARG002 # SQLAdmin's face
        return cell(self.sight, obj, prop, short=True)

    async def get_detail_value(self, obj: Any, prop: str, request: Request | None = None) -> tuple[Any, Any]:  # noqa: ARG002 # same
        return cell(self.sight, obj, prop, short=False)

    # Forms

    def lookups(self) -> Mapping[str, Lookup]:
        """The references that the caller's forms have, and those that their list can be narrowed by."""
        sight = self.sight
        names = {**sight.writable("create"), **sight.writable("update")}
        targets = {name: reference_target(sight, name) for name in names}
        found = {name: target for name, target in targets.items() if target is not None} | dict(references(sight))
        return {name: Lookup(name, self, sight_of(self.services, entry)) for name, entry in found.items()}

    async def scaffold_form(self, rules: Any = None) -> type[EntryForm]:  # noqa: ARG002 # SQLAdmin's face
        return form_of(self, self.sight, "update" if visit().action == "update" else "create")

    async def get_object_for_edit(self, request: Request) -> Any:
        row = await super().get_object_for_edit(request)
        visit().row = row
        return row

    async def get_form_data_for_edit(self, obj: Any) -> dict[str, Any]:
        return form_values(self.sight, obj)

    # Writing: the same way as every other door

    async def insert_model(self, request: Request, data: Any) -> Any:  # noqa: ARG002 # the visit's form knows more than its data
        """Make the row that the form describes."""
        here = visit()
        try:
            written = await create_row(self.services, writing(), self.entry, here.form.body())
        except Exception as error:
            raise self._refused(error) from error
        return self._written(written.id)

    async def update_model(self, request: Request, pk: str, data: Any) -> Any:  # noqa: ARG002 # same
        """Change what the form changed of the row."""
        here = visit()
        try:
            body = here.form.body(type(here.form)(data=form_values(self.sight, here.row)))
            written = await change_row(self.services, writing(), self.entry, pk, body, "update")
        except Exception as error:
            raise self._refused(error) from error
        return self._written(written.id)

    def _refused(self, error: Exception) -> RefusedError:
        """Keep what happened for the endpoint, and put what the caller did wrong into words."""
        here = visit()
        here.failure = error
        if not isinstance(error, ApiException):
            return RefusedError("Something went wrong on our side.")
        return RefusedError(here.form.place(error) if here.form is not None else error.detail)

    def _written(self, row_id: Any) -> Any:
        """All that SQLAdmin asks of a saved row is its id; the row itself may be outside what the caller reads."""
        model: Any = self.model
        return model(id=row_id)


def view_of(services: Services, entry: Entry) -> type[EntryView]:
    """The view class of `entry`."""
    screen = entry.resource.admin
    attributes = {
        "name": snake_case(entry.title).replace("_", " ").capitalize(),
        "name_plural": Sight(services, None, entry).plural,
        "icon": f"fa-solid fa-{screen.icon}",
        "category": screen.group,
        "entry": entry,
        "services": services,
        "can_create": entry.takes_writes,
        "can_edit": entry.takes_writes,
        "can_delete": entry.takes_writes,
    }
    made: Any = types.new_class(
        f"{entry.title}View", (EntryView,), {"model": entry.resource.model}, lambda ns: ns.update(attributes)
    )
    made.identity = entry.name
    view: type[EntryView] = made
    return view


__all__ = ["EntryView", "RefusedError", "view_of"]
