"""Search: ``search=desk lam``. All words have to be in the searched fields that one may read, the last as a prefix.

Without ``sort`` the rows that fit best come first, and are read by page; with one, it is a filter like any other.
"""

from dataclasses import replace

from charter.plan import Condition, ListPlan, Order
from charter.plugins.parameters import Reading
from charter.query.search import Wanted, fields_to_search, holds, rank, rank_values, words_of

SEARCH = "search"
LONGEST_SEARCH = 200
"""Characters."""
MOST_WORDS = 10


def narrow(plan: ListPlan, reading: Reading, *, ranked: bool = True) -> ListPlan:
    """The plan with what is searched for; where the caller may read no searched field, there is no such parameter.

    What is not `ranked` is narrowed only.
    """
    table = plan.lens.entry.table
    fields = fields_to_search(table, plan.lens.fields)
    text = reading.take(SEARCH) if fields else None
    if text is None:
        return plan
    words = tuple(words_of(text)) if len(text) <= LONGEST_SEARCH else ()
    wrong = _wrong(text, words)
    if wrong:
        reading.malformed(SEARCH, wrong)
        return plan
    values = {SEARCH: Wanted(words, fields)}
    if not ranked or "sort" in plan.asked:
        return plan.narrowed(Condition((SEARCH,), holds(table, SEARCH), values))
    best = Order(f"{SEARCH}{len(fields)}", descending=False, expression=rank(table, len(fields)), seekable=False)
    found = Condition((SEARCH,), holds(table, SEARCH), values | rank_values(words, fields))
    return replace(plan.narrowed(found), order=(best, *plan.order))


def _wrong(text: str, words: tuple[str, ...]) -> str:
    if len(text) > LONGEST_SEARCH:
        return f"is longer than {LONGEST_SEARCH} characters"
    if not words:
        return "has no letter and no digit to search for"
    return f"has more than {MOST_WORDS} words" if len(words) > MOST_WORDS else ""
