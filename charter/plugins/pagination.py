"""Pages: ``page=2`` or ``cursor=…``, and ``size=50``. fastapi-pagination supplies parameters, envelope, their OpenAPI.

The session is ours, and so is the inside of a cursor: the library's is the bare sort values, for anybody to change.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, get_args

from fastapi import Query
from fastapi_pagination import Page, Params
from fastapi_pagination.cursor import CursorParams
from fastapi_pagination.customization import (
    CustomizedPage,
    UseAdditionalFields,
    UseFieldTypeAnnotations,
    UseName,
    UseParamsFields,
)
from pydantic import BaseModel, BeforeValidator, TypeAdapter, ValidationError

from charter.errors import FieldError
from charter.plan import AggregatePlan, Counting, ListPlan, Window
from charter.plugins.cursors import LONGEST_CURSOR
from charter.plugins.parameters import Reading, bare_number, why
from charter.query import MOST_COUNTED

DEFAULT_SIZE = 20
MOST_SIZE = 100
MOST_PAGE = 10**9
"""Pages: times the largest size this stays far inside 64 bits."""

DEFAULT_GROUPS = 100
MOST_GROUPS = 1000
"""Groups on a page of an aggregate."""


_Number = Annotated[int, BeforeValidator(bare_number)]


class PageParams(Params):
    """The parameters of a page, as fastapi-pagination declares them, with our bounds."""

    page: _Number = Query(1, ge=1, le=MOST_PAGE, description="Which page, counted from 1.")
    size: _Number = Query(DEFAULT_SIZE, ge=1, le=MOST_SIZE, description="Rows on a page.")


class GroupPageParams(Params):
    """The parameters of a page of groups."""

    page: _Number = Query(1, ge=1, le=MOST_PAGE, description="Which page of the groups, counted from 1.")
    size: _Number = Query(DEFAULT_GROUPS, ge=1, le=MOST_GROUPS, description="Groups on a page.")


class CursorPageParams(CursorParams):
    """The parameters of a page that a cursor leads to."""

    cursor: str = Query(max_length=LONGEST_CURSOR, description="A page's `next` or `prev`; not with `page`.")
    size: _Number = Query(DEFAULT_SIZE, ge=1, le=MOST_SIZE, description="Rows on a page.")

    def decode_cursor(self, cursor: str | None) -> str | None:
        """As it is: what it says can be known only when filters and sort are."""
        return cursor


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


_PAGES, _CURSORS, _GROUPS = TypeAdapter(PageParams), TypeAdapter(CursorPageParams), TypeAdapter(GroupPageParams)
_COUNTINGS: Mapping[str, Counting] = {word: word for word in get_args(Counting)}


def narrow(plan: ListPlan, reading: Reading) -> ListPlan:
    """The plan with its window; wrong numbers are noted in `reading`."""
    asked = dict(reading.given)
    given = {name: value for name in ("page", "size", "cursor") if (value := reading.take(name)) is not None}
    counting = reading.take("count")
    if counting is None:
        counting = "none" if "cursor" in given else "exact"
    elif counting not in _COUNTINGS:
        reading.malformed("count", "must be 'exact', 'capped' or 'none'")
    if "cursor" in given and given.pop("page", None) is not None:
        reading.malformed("cursor", "cannot be given together with page")
    try:
        window = _after_cursor(given) if "cursor" in given else _page(_PAGES, given)
    except ValidationError as error:
        _note(error, reading)
        return plan
    return replace(plan, window=window, counting=_COUNTINGS.get(counting, "none"), asked=asked)


def narrow_groups(plan: AggregatePlan, reading: Reading) -> AggregatePlan:
    """The plan with its window on the groups; wrong numbers are noted in `reading`."""
    given = {name: value for name in ("page", "size") if (value := reading.take(name)) is not None}
    try:
        return replace(plan, window=_page(_GROUPS, given))
    except ValidationError as error:
        _note(error, reading)
        return plan


def _note(error: ValidationError, reading: Reading) -> None:
    for item in error.errors(include_input=False, include_url=False):
        reading.errors.append(FieldError(str(item["loc"][0]), "malformed_parameter", why(item)))


def _page(adapter: TypeAdapter[Any], given: Mapping[str, str]) -> Window:
    raw = adapter.validate_python(given).to_raw_params().as_limit_offset()
    return Window(page=raw.offset // raw.limit + 1, size=raw.limit)


def _after_cursor(given: Mapping[str, str]) -> Window:
    raw = _CURSORS.validate_python(given).to_raw_params()
    return Window(page=None, size=raw.size, cursor=str(raw.cursor))


def pages(plan: ListPlan, total: int | None) -> int | None:
    """How many pages hold `total` rows; None where that is not known, or where a cursor has led to this one."""
    capped = plan.counting == "capped" and total == MOST_COUNTED
    return None if total is None or capped or plan.window.page is None else -(-total // plan.window.size)
