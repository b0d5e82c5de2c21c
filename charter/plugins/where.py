"""The tree of filters: ``where={"or":[{"price__lt":1000},{"not":{"name__contains":"lamp"}}]}``, JSON in one parameter.

Its words are those of the flat filters, its values are typed as strictly as in bodies. ``not`` is the exact complement:
it finds every row that the tree below it does not find, also those where a comparison met an empty value.
"""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from pydantic import ValidationError
from sqlalchemy import ColumnElement, and_, or_, true

from charter.catalog import Entry, example_of
from charter.errors import FieldError
from charter.plan import Condition, Lens, ListPlan
from charter.plugins.filtering import MOST_IN, Filter, Reach, condition
from charter.plugins.parameters import MOST_NEAR, Reading, printable, unknown, why

WHERE = "where"
LONGEST_TREE = 4000
"""Characters of JSON."""
MOST_DEPTH = 5
"""Objects in one another."""
MOST_TERMS = 50
"""Comparisons in one tree, whatever its form."""

WORDS = ("and", "or", "not")
Place = tuple[str | int, ...]

_JSON_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "boolean": ((bool,), "must be true or false"),
    "integer": ((int,), "must be a whole number"),
    "money": ((int,), "must be a whole number"),
    "number": ((int, float), "must be a number"),
}
"""Kind -> what its values are in JSON; those of all other kinds are strings."""


class _UnreadableError(ValueError):
    """The text is no tree, or a value none of its filter: a reason in our own words, and the place inside the value."""


class _EndlessError(Exception):
    """The tree has more terms than are looked at."""


def narrow(plan: ListPlan, filters: Mapping[str, Filter], reading: Reading, reach: Reach) -> ListPlan:
    """The plan with the tree as one more condition; everything wrong in it is noted in `reading` with its place."""
    text = reading.take(WHERE)
    if text is None:
        return plan
    try:
        tree = _parsed(text)
    except _UnreadableError as error:
        reading.malformed(WHERE, error.args[0])
        return plan
    walk = _Walk(plan.lens, filters, reading, reach)
    try:
        found = walk.object(tree, (), 1)
    except _EndlessError:
        reading.malformed(WHERE, f"has more than {MOST_TERMS} comparisons")
        return plan
    return plan if found is None else plan.narrowed(found)


def _parsed(text: str) -> Any:
    if len(text) > LONGEST_TREE:
        msg = f"is longer than {LONGEST_TREE} characters"
        raise _UnreadableError(msg)
    try:
        return json.loads(text, object_pairs_hook=_members, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        msg = f"is not valid JSON at character {error.pos + 1}"
        raise _UnreadableError(msg) from None
    except RecursionError:
        raise _UnreadableError(_TOO_DEEP) from None


_TOO_DEEP = f"is nested more than {MOST_DEPTH} deep"


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        msg = "has a name twice in one object"
        raise _UnreadableError(msg)
    return found


def _no_constant(_: str) -> Any:
    msg = "has a number that JSON does not have"
    raise _UnreadableError(msg)


class _Walk:
    """One tree being read, from the root down, into one condition."""

    def __init__(self, lens: Lens, filters: Mapping[str, Filter], reading: Reading, reach: Reach) -> None:
        self.lens = lens
        self.filters = filters
        self.reading = reading
        self.reach = reach
        self.terms = self.unknown = 0

    def wrong(self, place: Place, detail: str) -> None:
        self.reading.errors.append(FieldError(WHERE + _pointer(place), "malformed_parameter", detail))

    def count(self) -> None:
        """One more thing that was looked at: a comparison, or something where one should be."""
        self.terms += 1
        if self.terms > MOST_TERMS:
            raise _EndlessError

    def object(self, tree: Any, place: Place, depth: int) -> Condition | None:
        """An object: all of its members hold. None where something in it is wrong."""
        if not isinstance(tree, dict) or not tree or depth > MOST_DEPTH:
            self.count()
            self.wrong(place, _TOO_DEEP if depth > MOST_DEPTH else "must be an object that is not empty")
            return None
        return self.joined("and", [self.member(name, value, (*place, name), depth) for name, value in tree.items()])

    def member(self, name: str, value: Any, place: Place, depth: int) -> Condition | None:
        if name == "not":
            return self.joined("not", [self.object(value, place, depth + 1)])
        if name not in WORDS:
            return self.comparison(name, value, place)
        if not isinstance(value, list) or not value:
            self.count()
            self.wrong(place, "must be an array that is not empty")
            return None
        return self.joined(name, [self.object(part, (*place, i), depth + 1) for i, part in enumerate(value)])

    def comparison(self, name: str, value: Any, place: Place) -> Condition | None:
        self.count()
        item = self.filters.get(name)
        if item is None or not item.visible(self.lens, self.reach):
            self.wrong(place, unknown("filter", name, self.near()))
            return None
        try:
            read = _value(item, value)
        except _UnreadableError as error:
            self.wrong((*place, *error.args[1:]), error.args[0])
        except ValidationError as error:
            first = error.errors(include_input=False, include_url=False)[0]
            self.wrong((*place, *first["loc"][:1]), why(first))
        else:
            return condition(self.lens.entry, item, read, f"w{self.terms}", self.reach)
        return None

    def near(self) -> list[str]:
        """What a name may be nearly the same as: nothing any more, after the first few."""
        self.unknown += 1
        if self.unknown > MOST_NEAR:
            return []
        return [*WORDS, *(name for name, item in self.filters.items() if item.visible(self.lens, self.reach))]

    def joined(self, word: str, parts: Sequence[Condition | None]) -> Condition | None:
        """The parts as one condition; None where one of them is wrong."""
        sound = tuple(part for part in parts if part is not None)
        if len(sound) < len(parts):
            return None
        if len(sound) == 1 and word != "not":
            return sound[0]
        key = (f"({word}", *(text for part in sound for text in part.key), ")")
        values = {name: value for part in sound for name, value in part.values.items()}
        return Condition(key, _joined(self.lens.entry, word, sound), values)


@lru_cache(maxsize=4096)
def _joined(entry: Entry, word: str, parts: tuple[Condition, ...]) -> ColumnElement[bool]:  # noqa: ARG001 # part of the key
    """The SQL of one node, cached by the shape of what is below it."""
    clauses = [part.clause for part in parts]
    if word == "not":
        return clauses[0].self_group().is_not(true())  # NULL is not true either
    return or_(*clauses) if word == "or" else and_(*clauses)


def _value(item: Filter, value: Any) -> Any:
    """What is compared with, by the JSON type that the filter's values have."""
    if item.asks_emptiness:
        return item.strict.validate_python(_typed(value, "boolean"))
    kind = item.path.field.kind
    if not item.listed:
        return item.strict.validate_python(_typed(value, kind))
    if not isinstance(value, list) or not value:
        msg = "must be an array that is not empty"
        raise _UnreadableError(msg)
    if len(value) > MOST_IN:
        msg = f"has more than {MOST_IN} values"
        raise _UnreadableError(msg)
    return item.strict.validate_python([_typed(one, kind, place) for place, one in enumerate(value)])


def _typed(value: Any, kind: str, *place: int) -> Any:
    types, detail = _JSON_TYPES.get(kind, ((str,), "must be a string"))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise _UnreadableError(detail + (", not null" if value is None else ""), *place)
    return value


def _pointer(place: Place) -> str:
    """``("or", 0, "price__lt")`` -> ``/or/0/price__lt``, as RFC 6901 has it; names are cut and printable."""
    return "".join("/" + printable(str(part)).replace("~", "~0").replace("/", "~1") for part in place)


def example(filters: Sequence[Filter]) -> str:
    """A tree over some of `filters`, as documentation shows it."""
    fields = {item.parameter: item.path.field for item in filters if item.parameter == item.path.name}
    first, *others = fields
    rest = [{"not": {name: example_of(fields[name])}} for name in others[:1]]
    return json.dumps({"or": [{first: example_of(fields[first])}, *rest]}, separators=(",", ":"))


__all__ = ["LONGEST_TREE", "MOST_DEPTH", "MOST_TERMS", "WHERE", "WORDS", "example", "narrow"]
