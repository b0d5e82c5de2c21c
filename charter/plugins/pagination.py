"""Pages: ``page=2&size=50``. fastapi-pagination supplies parameters, envelope and their OpenAPI; the session is ours.

Cursors travel in the envelope's ``next`` and ``prev``; until lists are read by cursor they are null.
"""

from dataclasses import replace
from typing import Any

from fastapi import Query
from fastapi_pagination import Page, Params
from fastapi_pagination.customization import (
    CustomizedPage,
    UseAdditionalFields,
    UseFieldTypeAnnotations,
    UseName,
    UseParamsFields,
)
from pydantic import BaseModel, TypeAdapter, ValidationError

from charter.errors import FieldError
from charter.plan import ListPlan, Window
from charter.plugins.parameters import Reading

DEFAULT_SIZE = 20
MOST_SIZE = 100
MOST_PAGE = 10**9
"""Pages: times the largest size this stays far inside 64 bits."""


class PageParams(Params):
    """The parameters of a page, as fastapi-pagination declares them, with our bounds."""

    page: int = Query(1, ge=1, le=MOST_PAGE, description="Which page, counted from 1.")
    size: int = Query(DEFAULT_SIZE, ge=1, le=MOST_SIZE, description="Rows on a page.")


def page_model(read: type[BaseModel]) -> type[BaseModel]:
    """The envelope of a list of `read`, named after it (``NotePage``)."""
    customized: Any = CustomizedPage[
        Page[read],  # type: ignore[valid-type] # the model is a value here
        UseName(f"{read.__name__}Page"),
        UseParamsFields(
            page=Query(1, ge=1, le=MOST_PAGE, description="Which page, counted from 1."),
            size=Query(DEFAULT_SIZE, ge=1, le=MOST_SIZE, description="Rows on a page."),
        ),
        UseFieldTypeAnnotations(total=int | None, page=int | None, pages=int | None),
        UseAdditionalFields(next=(str | None, None), prev=(str | None, None)),
    ]
    model: type[BaseModel] = customized
    return model


_ADAPTER = TypeAdapter(PageParams)


def narrow(plan: ListPlan, reading: Reading) -> ListPlan:
    """The plan with its window; wrong numbers are noted in `reading`."""
    given = {name: value for name in ("page", "size") if (value := reading.take(name)) is not None}
    counting = reading.take("count")
    if counting not in {None, "exact", "none"}:
        reading.malformed("count", "must be 'exact' or 'none'")
    try:
        params = _ADAPTER.validate_python(given)
    except ValidationError as error:
        for item in error.errors(include_input=False, include_url=False):
            reading.errors.append(FieldError(str(item["loc"][0]), "malformed_parameter", item["msg"]))
        return plan
    raw = params.to_raw_params().as_limit_offset()
    size = raw.limit or DEFAULT_SIZE
    window = Window(page=(raw.offset or 0) // size + 1, size=size)
    return replace(plan, window=window, counting="none" if counting == "none" else "exact")


def pages(total: int | None, size: int) -> int | None:
    """How many pages of `size` hold `total` rows; None where the rows were not counted."""
    return None if total is None else -(-total // size)
