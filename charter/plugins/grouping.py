"""Aggregates: ``agg=sum:fee,count`` over groups by ``group=status,month(created_at)``, in the order of ``sort``.

Whatever a resource declares to be filtered or sorted by can be grouped by and worked out over. Its words are compiled
once; those that the caller may not read are as unknown as any other.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import get_args

from charter.catalog import Entry, Path
from charter.catalog.entry import Kind
from charter.plan import AggregatePlan, Lens, Term
from charter.plugins.filtering import Reach, is_visible
from charter.plugins.parameters import MOST_NEAR, Reading, unknown
from charter.plugins.sorting import related_value

MOST_GROUPED = 5
"""Words that one ``group`` may have."""
MOST_MEASURES = 10
"""Words that one ``agg`` may have."""

ROWS = "count"
"""Counts the rows of a group; so no field of this name can be grouped by."""

_KNOWN: frozenset[Kind] = frozenset(get_args(Kind)) - {"json"}
_NUMBERS: frozenset[Kind] = frozenset({"integer", "money", "number"})
_ORDERED: frozenset[Kind] = _NUMBERS | {"text", "time", "date"}

FUNCTIONS: Mapping[str, frozenset[Kind]] = {
    "count": _KNOWN,
    "count_distinct": _KNOWN,
    "sum": _NUMBERS,
    "avg": _NUMBERS,
    "min": _ORDERED,
    "max": _ORDERED,
}
"""Function -> the kinds of fields that it takes."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "time": ("year", "month", "week", "day", "hour"),
    "date": ("year", "month", "week", "day"),
}
"""Kind -> what its values can be grouped by besides themselves."""


@dataclass(frozen=True, slots=True)
class Word:
    """What one word of ``group`` or ``agg`` stands for; ``path`` is None where rows are counted."""

    text: str
    path: Path | None = None
    function: str = ""
    part: str = ""

    def visible(self, lens: Lens, reach: Reach) -> bool:
        """Whether the caller may know of it."""
        return self.path is None or is_visible(self.path, lens, reach)


@dataclass(frozen=True, slots=True)
class Words:
    """Every word that ``group`` and ``agg`` may have for one resource."""

    groups: Mapping[str, Word]
    measures: Mapping[str, Word]


@lru_cache(maxsize=1024)
def words_of(entry: Entry) -> Words:
    """The words of `entry`; compiled when its routes are made."""
    paths = [path for path in {**entry.filters, **entry.sorts}.values() if path.field.kind in _KNOWN]
    groups = [word for path in paths for word in _groups(path)]
    measures = [Word(ROWS, function=ROWS), *(word for path in paths for word in _measures(path))]
    return Words({word.text: word for word in groups}, {word.text: word for word in measures})


def _groups(path: Path) -> Iterator[Word]:
    if path.name != ROWS:
        yield Word(path.name, path)
    yield from (Word(f"{part}({path.name})", path, part=part) for part in PARTS.get(path.field.kind, ()))


def _measures(path: Path) -> Iterator[Word]:
    functions = (function for function, kinds in FUNCTIONS.items() if path.field.kind in kinds)
    yield from (Word(f"{function}:{path.name}", path, function) for function in functions)


def narrow(plan: AggregatePlan, words: Words, reading: Reading, reach: Reach) -> AggregatePlan:
    """The plan with its groups, what is worked out for each, and their order; what is wrong is noted in `reading`."""
    seen = _Seen(plan.found.lens, reading, reach)
    groups = seen.terms("group", "word to group by", words.groups, MOST_GROUPED)
    measures = seen.terms("agg", "aggregate", words.measures, MOST_MEASURES, default=ROWS)
    return replace(plan, groups=groups, measures=measures, order=_order(groups, measures, reading))


@dataclass(frozen=True, slots=True)
class _Seen:
    """A request being read: what its caller may see, and how far."""

    lens: Lens
    reading: Reading
    reach: Reach

    def terms(self, name: str, what: str, words: Mapping[str, Word], most: int, default: str = "") -> tuple[Term, ...]:
        """What a parameter names."""
        given = self.reading.take(name)
        text = given if given is not None else default or None
        found: dict[str, Term] = {}
        for place, key in enumerate(text.split(",") if text is not None else (), 1):
            word = words.get(key)
            if word is None or not word.visible(self.lens, self.reach):
                near = self.near(words) if place <= MOST_NEAR else ()
                self.reading.malformed(name, f"name {place} {unknown(what, key, near)}")
            elif key in found or len(found) >= most:
                self.reading.malformed(name, f"has a name twice, or more than {most}")
                break
            else:
                found[key] = self.term(word)
        return tuple(found.values())

    def near(self, words: Mapping[str, Word]) -> list[str]:
        """What a name may be nearly the same as."""
        return [text for text, word in words.items() if word.visible(self.lens, self.reach)]

    def term(self, word: Word) -> Term:
        path = word.path
        if path is None:
            return Term(word.text, "integer", None, word.function)
        target = self.reach(path.relation.name) if path.relation else None
        if target is None:
            return Term(word.text, path.field.kind, path.field.expression, word.function, word.part)
        expression = related_value(self.lens.entry, path, target)
        return Term(word.text, path.field.kind, expression, word.function, word.part, target.rows)


def _order(groups: Sequence[Term], measures: Sequence[Term], reading: Reading) -> tuple[tuple[Term, bool], ...]:
    """What is sorted by, then what is grouped by as far as it is not there yet: no two groups tie."""
    text = reading.take("sort")
    asked = {term.word: term for term in (*groups, *measures)}
    found: dict[str, tuple[Term, bool]] = {}
    for place, key in enumerate(text.split(",") if text is not None else (), 1):
        name = key.removeprefix("-")
        if name not in asked:
            near = [way + word for word in asked for way in ("", "-")] if place <= MOST_NEAR else ()
            reading.malformed("sort", f"name {place} {unknown('word of group or agg', key, near)}")
        elif name in found:
            reading.malformed("sort", "has a name twice")
            break
        else:
            found[name] = (asked[name], key.startswith("-"))
    return (*found.values(), *((term, False) for term in groups if term.word not in found))


__all__ = ["FUNCTIONS", "MOST_GROUPED", "MOST_MEASURES", "PARTS", "ROWS", "Word", "Words", "narrow", "words_of"]
