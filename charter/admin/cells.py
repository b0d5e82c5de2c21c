"""One value of one row as a page shows it, whichever page that is."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from sqlalchemy import Select, select

from charter.admin.sight import Sight, sight_of
from charter.admin.values import picture, shown
from charter.admin.visit import visit

Run = Callable[[Select[Any]], Awaitable[Any]]
"""Runs a statement on the ruled session, and gives all that it finds."""


def related_attributes(sight: Sight, names: Sequence[str]) -> list[Any]:
    """The relations that cells of these names look through, to be loaded with the rows."""
    heads = dict.fromkeys(name.partition(".")[0] for name in names)
    return [getattr(sight.entry.resource.model, head) for head in heads if head in sight.entry.relations]


async def compute(run: Run, sight: Sight, rows: Sequence[Any], names: Sequence[str]) -> None:
    """Ask for the computed values among `names` that the rows do not bring along."""
    fields = sight.entry.fields
    wanted = [name for name in names if name in fields and fields[name].column is None]
    ids = [row.id for row in rows]
    if not ids or not wanted:
        return
    model: Any = sight.entry.resource.model
    expressions = [fields[name].expression for name in wanted]
    for row_id, *values in await run(select(model.id, *expressions).where(model.id.in_(ids))):
        visit().computed.setdefault(row_id, {}).update(zip(wanted, values, strict=True))


def cell(sight: Sight, row: Any, name: str, *, short: bool) -> tuple[Any, Any]:
    """A value, and how a page shows it; a related row by its title, never whole."""
    currency = sight.services.settings.currency
    head, _, tail = name.partition(".")
    if head not in sight.entry.relations:
        field = sight.entry.fields[head]
        value = getattr(row, head) if field.column is not None else visit().computed.get(row.id, {}).get(head)
        screen = sight.entry.resource.admin
        if head in screen.images:
            return value, picture(value)
        return value, shown(field, value, currency, short=short, tones=screen.tones)
    related = getattr(row, head)
    target = sight.target(sight.entry.relations[head])
    if related is None or target is None:
        return None, ""
    if not tail:
        return related, sight_of(sight.services, target).call(related)
    value = getattr(related, tail)
    return value, shown(target.fields[tail], value, currency, short=short, tones=target.resource.admin.tones)


__all__ = ["Run", "cell", "compute", "related_attributes"]
