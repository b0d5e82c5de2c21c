"""What a list can be narrowed by: the declared filters with few values, and the row that a link came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import ColumnElement
from starlette.exceptions import HTTPException
from starlette.requests import Request

from charter.admin.lookups import Lookup
from charter.admin.sight import Sight, sight_of
from charter.admin.visit import visit
from charter.catalog import Field

TAKEN = frozenset({"error", "page", "pageSize", "search", "sort", "sortBy"})
"""Parameters of a list that mean something else."""

YES_NO = (("true", "yes"), ("false", "no"))


@dataclass(frozen=True, slots=True)
class Narrowing:
    """One group of links beside a list, as SQLAdmin's templates ask for it. ``lookup`` names the row of an id."""

    template: ClassVar[str] = "sqladmin/filters/lookup_filter.html"
    title: str
    parameter_name: str
    choices: tuple[tuple[str, str], ...]
    lookup: Lookup | None = None

    async def lookups(self, *_: Any) -> tuple[tuple[str, str], ...]:
        """Each value, and what it is called."""
        if self.lookup is None:
            return self.choices
        return tuple(
            [(value, (await self.lookup.format_by_pk(value)).get("text", text)) for value, text in self.choices]
        )


def narrowable(sight: Sight) -> Mapping[str, Field]:
    """The fields that the caller's list can be narrowed by: filters of the API with few values, and references."""
    paths = (path for name, path in sight.entry.filters.items() if path.relation is None and name not in TAKEN)
    names = sight.fields("list")
    found = {path.name: path.field for path in paths if path.field.name in names}
    return {name: field for name, field in found.items() if _choices(sight, field) or sight.reference(name)}


def _choices(sight: Sight, field: Field) -> tuple[tuple[str, str], ...]:
    if field.kind == "boolean":
        return YES_NO
    return tuple((word, word) for word in sight.choices(field))


def narrowings(view: Any, sight: Sight) -> list[Narrowing]:
    """What stands beside the list: every field with few values; a reference only while the list is narrowed by it."""
    return list(_narrowings(view, sight))


def _narrowings(view: Any, sight: Sight) -> Iterator[Narrowing]:
    given = visit().narrowed
    for name, field in narrowable(sight).items():
        choices = _choices(sight, field)
        if choices:
            yield Narrowing(sight.label(name), name, choices)
        elif name in given:
            relation = sight.reference(name)
            target = sight.target(relation) if relation else None
            lookup = Lookup(name, view, sight_of(sight.services, target)) if target else None
            yield Narrowing(sight.label(name), name, ((given[name], given[name]),), lookup)


def conditions(sight: Sight, request: Request) -> list[ColumnElement[bool]]:
    """What the parameters of a list ask for; a value that cannot be one is refused."""
    found: list[ColumnElement[bool]] = []
    for name, field in narrowable(sight).items():
        text = request.query_params.get(name)
        if text:
            visit().narrowed[name] = text
            found.append(field.expression == _value(field, text))
    return found


def _value(field: Field, text: str) -> Any:
    try:
        return _adapter(field).validate_python(text)
    except ValidationError:
        raise HTTPException(400, "This list cannot be narrowed so.") from None


@lru_cache(maxsize=1024)
def _adapter(field: Field) -> TypeAdapter[Any]:
    return TypeAdapter(field.type)


__all__ = ["Narrowing", "conditions", "narrowable", "narrowings"]
