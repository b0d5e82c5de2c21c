"""The rows that a reference can be set to: looked up while somebody types, under the caller's ``read`` decision."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import false, select

from charter.admin.rows import RULE
from charter.admin.searching import MOST_LOOKED_AT, containing, newest, searched
from charter.admin.sight import Sight
from charter.catalog import is_served
from charter.errors import NotFoundException
from charter.serve import parse_id

if TYPE_CHECKING:
    from starlette.requests import Request

    from charter.admin.views import EntryView

MOST_FOUND = 20


class Lookup:
    """What SQLAdmin asks of an ajax loader, for one reference of one form."""

    def __init__(self, name: str, view: "EntryView", sight: Sight) -> None:
        self.name = name
        self.model_admin = view
        self.sight = sight
        self.model: Any = sight.entry.resource.model

    def format(self, row: Any) -> dict[str, str]:
        """A row as select2 takes it."""
        return {"id": str(row.id), "text": self.sight.call(row)}

    async def format_by_pk(self, pk: Any) -> dict[str, str]:
        """The row that a form holds the id of; empty where the caller cannot read it."""
        try:
            wanted = select(self.model).where(self.model.id == parse_id(str(pk)))
        except NotFoundException:
            return {}
        found = await self._run(wanted)
        return self.format(found[0]) if found else {}

    async def get_list(self, _: "Request", term: str) -> Sequence[Any]:
        """The first rows that hold every word of `term`: in their full text, or where they have none in their title."""
        sight, title = self.sight, self.sight.title_field
        readable = sight.fields("read")
        order = getattr(self.model, title) if title else self.model.id
        wanted = select(self.model).order_by(order).limit(MOST_FOUND)
        if not term.strip():
            path = sight.entry.sorts.get(title) if title else None
            in_order = path is not None and is_served(sight.entry.table, path, "sort")
            return await self._run(wanted if in_order else wanted.where(newest(self.model)))
        if readable.isdisjoint(sight.entry.resource.search):
            found = containing(order, term) if title else [false()]
            return await self._run(wanted.where(*found, newest(self.model)))
        clause = searched(sight.entry, readable, term, MOST_LOOKED_AT)
        assert clause is not None  # noqa: S101 # there is a term
        return await self._run(wanted.where(clause))

    async def _run(self, statement: Any) -> Sequence[Any]:
        found: Sequence[Any] = await self.model_admin._run_query(statement.execution_options(**{RULE: "read"}))  # noqa: SLF001 # SQLAdmin's way
        return found


__all__ = ["Lookup"]
