"""Rows -> body. A row comes as JSON text from the database and is only put in its place here."""

from collections.abc import Sequence
from typing import NamedTuple

from starlette.responses import Response

JSON = "application/json"


def row_reply(body: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """One row."""
    return Response(body, status_code=status, headers=headers, media_type=JSON)


class Place(NamedTuple):
    """Where a page is in its list, and the cursors to the pages beside it; None for what is not known or not there."""

    total: int | None
    page: int | None
    size: int
    pages: int | None
    next: str | None
    prev: str | None


def page_reply(rows: Sequence[str], place: Place, headers: dict[str, str]) -> Response:
    """The envelope of a list, always of the same shape."""
    numbers = f'"total":{_number(place.total)},"page":{_number(place.page)},"size":{place.size}'
    ends = f'"pages":{_number(place.pages)},"next":{_cursor(place.next)},"prev":{_cursor(place.prev)}'
    return Response(f'{{"items":[{",".join(rows)}],{numbers},{ends}}}', headers=headers, media_type=JSON)


def groups_reply(groups: Sequence[str], page: int, size: int, *, more: bool) -> Response:
    """The envelope of an aggregate."""
    place = f'"page":{page},"size":{size},"more":{"true" if more else "false"}'
    return Response(f'{{"items":[{",".join(groups)}],{place}}}', media_type=JSON)


def empty_reply() -> Response:
    """204."""
    return Response(status_code=204)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _cursor(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'  # letters, digits, - and _
