"""The rows that a reference can be set to: looked up while somebody types, under the caller's ``read`` decision."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, String, Text, cast, false, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from charter.admin.rows import RULE
from charter.admin.sight import Sight
from charter.errors import NotFoundException
from charter.plugins.filtering import Folded
from charter.serve import parse_id

if TYPE_CHECKING:
    from starlette.requests import Request

    from charter.admin.views import EntryView

MOST_FOUND = 20
LONGEST_TERM = 200
"""Characters that are searched for; databases refuse endless patterns."""


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
        """The first rows whose texts contain every word of `term`."""
        title = self.sight.title_field
        readable = self.sight.fields("read")
        names = dict.fromkeys([*([title] if title else []), *self.sight.entry.resource.search])
        columns = [getattr(self.model, name) for name in names if name in readable and hasattr(self.model, name)]
        order = getattr(self.model, title) if title else self.model.id
        return await self._run(select(self.model).where(*containing(columns, term)).order_by(order).limit(MOST_FOUND))

    async def _run(self, statement: Any) -> Sequence[Any]:
        found: Sequence[Any] = await self.model_admin._run_query(statement.execution_options(**{RULE: "read"}))  # noqa: SLF001 # SQLAdmin's way
        return found


def containing(columns: Sequence[InstrumentedAttribute[Any]], term: str) -> list[ColumnElement[bool]]:
    """Conditions: each word of `term` stands in one of `columns`, without regard to case; ``%`` means itself."""
    conditions = []
    for word in term[:LONGEST_TERM].split():
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = Folded(literal(f"%{escaped}%", String()))
        conditions.append(or_(false(), *(Folded(cast(column, Text)).like(pattern, escape="\\") for column in columns)))
    return conditions


__all__ = ["Lookup", "containing"]
