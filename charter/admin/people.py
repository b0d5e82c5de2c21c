"""Who has which role, for the page about the policy: how many accounts, and which, as far as the caller may know."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select
from starlette.datastructures import URL
from starlette.requests import Request

from charter.admin.narrowing import parameters
from charter.admin.rows import RULE
from charter.admin.sight import Sight, sight_of
from charter.services import Services

Run = Callable[[Select[Any]], Awaitable[Sequence[Any]]]

MOST_NAMED = 5
"""Accounts of a role that the page names: the oldest ones. The list has all of them."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account: what it is called, and its page, where the caller has one."""

    name: str
    page: URL | None


@dataclass(frozen=True, slots=True)
class Holders:
    """The accounts of one role.

    ``count`` are those that the caller may list, None where they may not know; ``everybody`` is the list of them.
    ``named`` are the first ones that the caller may read.
    """

    role: str
    inherits: tuple[str, ...]
    count: int | None
    everybody: URL | None
    named: tuple[Person, ...]


async def holders(services: Services, run: Run, request: Request) -> list[Holders]:
    """Every role that an account may have, the least powerful first."""
    sight = sight_of(services, services.auth.entry)
    counts = await _counts(sight, run)
    parents: dict[str, tuple[str, ...]] = {}
    for link in services.access.links:
        parents[link.role] = (*parents.get(link.role, ()), link.parent)
    return [
        Holders(
            role,
            parents.get(role, ()),
            None if counts is None else counts.get(role, 0),
            _everybody(sight, request, role),
            await _named(sight, run, request, role),
        )
        for role in services.roles.order[1:]
    ]


async def _counts(sight: Sight, run: Run) -> dict[str, int] | None:
    if not sight.may("list") or "role" not in sight.fields("list"):
        return None
    role = sight.entry.fields["role"].expression
    model: Any = sight.entry.resource.model
    wanted = select(role, func.count()).select_from(model).group_by(role).execution_options(**{RULE: "list"})
    return {str(name): count for name, count in await run(wanted)}


def _everybody(sight: Sight, request: Request, role: str) -> URL | None:
    """The list of accounts, narrowed to a role where it can be."""
    if not sight.may("list") or "role" not in parameters(sight):
        return None
    return request.url_for("admin:list", identity=sight.entry.name).include_query_params(role=role)


async def _named(sight: Sight, run: Run, request: Request, role: str) -> tuple[Person, ...]:
    if not sight.may("read") or "role" not in sight.fields("read"):
        return ()
    model: Any = sight.entry.resource.model
    wanted = select(model).where(sight.entry.fields["role"].expression == role).order_by(model.id).limit(MOST_NAMED)
    found = await run(wanted.execution_options(**{RULE: "read"}))
    return tuple(Person(sight.call(row), _page(sight, request, row)) for (row,) in found)


def _page(sight: Sight, request: Request, row: Any) -> URL | None:
    if not sight.has_pages:
        return None
    return request.url_for("admin:details", identity=sight.entry.name, pk=str(row.id))


__all__ = ["MOST_NAMED", "Holders", "Person", "holders"]
