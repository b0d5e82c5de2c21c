"""Rows -> body. A row comes as JSON text from the database and is only put in its place here."""

from collections.abc import Sequence

from starlette.responses import Response

JSON = "application/json"


def row_reply(body: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """One row."""
    return Response(body, status_code=status, headers=headers, media_type=JSON)


def page_reply(rows: Sequence[str], *, total: int | None, page: int, size: int, pages: int | None) -> Response:
    """The envelope of a list, always of the same shape."""
    head = ",".join(rows)
    numbers = f'"total":{_number(total)},"page":{page},"size":{size},"pages":{_number(pages)}'
    return Response(f'{{"items":[{head}],{numbers},"next":null,"prev":null}}', media_type=JSON)


def empty_reply() -> Response:
    """204."""
    return Response(status_code=204)


def _number(value: int | None) -> str:
    return "null" if value is None else str(value)
