"""A list as a file: the rows of its filter, search and order, with the fields that ``list`` and ``export`` both show.

Rows go from the database to the browser a few hundred at a time, all of one moment; nobody keeps them all.
"""

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Final

from sqladmin.authentication import login_required
from sqlalchemy import Select
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from charter.admin.doors import opened
from charter.admin.sheets import csv_cell, json_value
from charter.catalog import Field
from charter.errors import BadRequestException, DatabaseException, NotFoundException
from charter.types import utc_now

if TYPE_CHECKING:
    from charter.admin.site import Site
    from charter.admin.views import EntryView

MOST_ROWS = 100_000
"""Rows of one file; more is refused, not cut."""

CHUNK = 500
"""Rows that are fetched, written and sent at once."""

AT_ONCE = 3
"""Files that one process makes at the same time: each holds a connection as long as its reader takes."""

Writer = Callable[[Sequence[Any]], bytes]

KINDS: Final = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}


def exported(view: "EntryView") -> dict[str, Field]:
    """The fields of the file, in the order of the resource."""
    sight = view.sight
    names = sight.fields("list") & sight.fields("export")
    return {name: field for name, field in sight.entry.fields.items() if name in names and not field.hidden}


@login_required
async def export_page(site: "Site", request: Request) -> Response:
    """``/{identity}/export/{kind}``."""
    kind = request.path_params["kind"]
    view = opened(site, request, "export")
    if kind not in KINDS:
        raise NotFoundException
    fields = exported(view)
    model: Any = view.model
    wanted = view.chosen(request, model.id, *(field.expression for field in fields.values()))
    count = await view.how_many(wanted)
    if count > MOST_ROWS:
        raise BadRequestException(
            f"These are {count} rows, and a file has at most {MOST_ROWS}. Narrow the list down first."
        )
    statement = view.sort_query(wanted, request).limit(MOST_ROWS)
    currency = site.services.settings.currency
    write = csv_writer(fields, currency) if kind == "csv" else json_writer(fields)
    head = csv_head(fields) if kind == "csv" else b""
    if site.exports >= AT_ONCE:
        raise DatabaseException("Other files are being made. Try again in a moment.", retry_after=5)
    pieces = chunks(site, view, statement, write, head)
    first = await anext(pieces)  # what the database refuses is told before the answer begins
    name = f"{view.entry.name}-{utc_now():%Y-%m-%d}.{kind}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "X-Content-Type-Options": "nosniff"}
    return StreamingResponse(_whole(first, pieces), media_type=KINDS[kind], headers=headers)


async def _whole(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    async with aclosing(rest):  # type: ignore[type-var] # a generator
        yield first
        async for piece in rest:
            yield piece


async def chunks(
    site: "Site", view: "EntryView", statement: Select[Any], write: Writer, head: bytes
) -> AsyncIterator[bytes]:
    """The file, piece by piece; the first one is there even where there is no row."""
    site.exports += 1
    try:
        async with view.session_maker() as session:
            result = await session.stream(statement.execution_options(yield_per=CHUNK))
            piece = head
            async for rows in result.partitions(CHUNK):
                yield piece + write(rows)
                piece = b""
            if piece or not head:
                yield piece
    finally:
        site.exports -= 1


def csv_head(fields: dict[str, Field]) -> bytes:
    """The names of the columns; the mark before them tells spreadsheets that the file is UTF-8."""
    return ("\ufeff" + _line([*fields])).encode()


def csv_writer(fields: dict[str, Field], currency: str) -> Writer:
    """Rows as lines of a CSV (RFC 4180)."""
    kinds = list(fields.values())

    def write(rows: Sequence[Any]) -> bytes:
        lines = []
        for _, *values in rows:
            cells = [csv_cell(field, value, currency) for field, value in zip(kinds, values, strict=True)]
            lines.append(_line(cells))
        return "".join(lines).encode("utf-8", "replace")

    return write


def json_writer(fields: dict[str, Field]) -> Writer:
    """Rows as JSON, one a line."""

    def write(rows: Sequence[Any]) -> bytes:
        lines = []
        for _, *values in rows:
            named = zip(fields.items(), values, strict=True)
            found = {name: json_value(field, value) for (name, field), value in named}
            lines.append(json.dumps(found, ensure_ascii=False) + "\n")
        return "".join(lines).encode("utf-8", "replace")

    return write


def _line(cells: Sequence[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)
    return text.getvalue()


__all__ = ["AT_ONCE", "CHUNK", "MOST_ROWS", "export_page", "exported"]
