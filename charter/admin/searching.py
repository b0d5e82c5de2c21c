"""What somebody types into the box above a list, or to look a row up: words in the full-text index of the API."""

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, String, Text, cast, false, literal, select
from sqlalchemy.orm import InstrumentedAttribute
from starlette.requests import Request

from charter.catalog import Entry
from charter.plugins.folding import Folded
from charter.plugins.search import LONGEST_SEARCH, SEARCH
from charter.query.search import Wanted, fields_to_search, holds, matches, words_of

if TYPE_CHECKING:
    from charter.admin.views import EntryView

MOST_LOOKED_AT = 10_000
"""Rows of a resource without an index for it that are looked through, the newest ones."""


def asked_for(entry: Entry, names: Collection[str], term: str) -> Wanted | None:
    """What `term` asks for in the searched fields among `names`; what is longer than the API takes is cut.

    None where nothing could be found: there is no letter and no digit in it, or no field that may be looked into.
    """
    fields, words = fields_to_search(entry.table, tuple(names)), words_of(term[:LONGEST_SEARCH])
    return Wanted(tuple(words), fields) if fields and words else None


def searched(entry: Entry, names: Collection[str], term: str, most: int = 0) -> ColumnElement[bool] | None:
    """Whether a row holds all words of `term`, the last one as a beginning, in the searched fields among `names`.

    With `most`, only so many of the rows that hold them are there: their ids are looked up first, whatever else is
    asked, which is the best way where there are few. None: nothing was typed.
    """
    if not term.strip():
        return None
    wanted = asked_for(entry, names, term)
    return false() if wanted is None else holds(entry.table, SEARCH, most).params({SEARCH: wanted})


async def few(view: "EntryView", request: Request, most: int) -> int:
    """`most`, where no more rows than that hold what is searched for; 0 where more do, or nothing was typed.

    Whoever may see them: it is for choosing a way to the rows, and no page tells it.
    """
    term = request.query_params.get("search", "")
    wanted = asked_for(view.entry, view.sight.searchable(), term) if term.strip() else None
    if wanted is None:
        return 0
    model: Any = view.model
    count = matches(view.entry.table, SEARCH, most + 1).params({SEARCH: wanted})
    found = await view._run_query(select(count).select_from(model).limit(1))  # noqa: SLF001 # SQLAdmin's way
    return most if not found or found[0] <= most else 0


def newest(model: Any) -> ColumnElement[bool]:
    """Whether a row is one of the newest that there are for the caller."""
    found: ColumnElement[bool] = model.id.in_(_newest_of(model))
    return found


@lru_cache(maxsize=1024)
def _newest_of(model: Any) -> Any:
    return select(model.id).order_by(model.id.desc()).limit(MOST_LOOKED_AT)


def containing(column: InstrumentedAttribute[Any], term: str) -> list[ColumnElement[bool]]:
    """Conditions: each word of `term` stands in `column`, without regard to case; ``%`` means itself."""
    conditions: list[ColumnElement[bool]] = []
    for word in term[:LONGEST_SEARCH].split():
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = Folded(literal(f"%{escaped}%", String()))
        conditions.append(Folded(cast(column, Text)).like(pattern, escape="\\"))
    return conditions


__all__ = ["MOST_LOOKED_AT", "containing", "few", "newest", "searched"]
