"""Rows -> body. A row comes as JSON text from the database and is only put in its place here."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from starlette.responses import Response

JSON = "application/json"


class JsonReply(Response):
    """JSON text as it is. Starlette's own constructor asks what there is to send, which takes three times as long."""

    media_type = JSON

    def __init__(self, text: str, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.status_code, self.background, self.body = status, None, text.encode()
        self.raw_headers = [
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in (headers or {}).items()),
            (b"content-length", str(len(self.body)).encode()),
            (b"content-type", JSON.encode()),
        ]


def row_reply(body: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """One row."""
    return JsonReply(body, status, headers)


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
    return JsonReply(f'{{"items":[{",".join(rows)}],{numbers},{ends}}}', headers=headers)


def groups_reply(groups: Sequence[str], page: int, size: int, *, more: bool) -> Response:
    """The envelope of an aggregate."""
    place = f'"page":{page},"size":{size},"more":{"true" if more else "false"}'
    return JsonReply(f'{{"items":[{",".join(groups)}],{place}}}')


def empty_reply() -> Response:
    """204."""
    return Response(status_code=204)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)


def _cursor(text: str | None) -> str:
    return "null" if text is None else f'"{text}"'  # letters, digits, - and _
