"""Text compared without regard to case; and texts that begin with a given one, found in an index all the same.

An index on folded text is not needed: SQLite would take one only with a function of ours in the file, which no other
tool has. ``la`` is looked for from ``LA``, ``La``, ``lA`` and ``la`` in the index on the text as it stands, and folded
only then. Such ranges may find more, never less.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, String, and_, bindparam, or_
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from charter.store.engines import fold

MOST_BEGINNINGS = 32
"""Ranges for one text: three to six letters are told apart, which leaves few rows to be folded."""

_LAST, _SURROGATES = 0x10FFFF, (0xD800, 0xDFFF)
_CASED = 0x20000
"""Letters with case are below this code point."""

_BLOCK = 128
_LONGEST = 32
"""Letters of a beginning; more of them tell nothing more apart."""


class Folded(FunctionElement[str]):
    """Text prepared for comparison without regard to case, in any script."""

    type = String()
    name = "folded"
    inherit_cache = True


@compiles(Folded, "sqlite")
def _fold_sqlite(element: Folded, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"fold({compiler.process(element.clauses, **keywords)})"


@compiles(Folded, "postgresql")
def _fold_postgresql(element: Folded, compiler: SQLCompiler, **keywords: Any) -> str:
    lower = f'lower({compiler.process(element.clauses, **keywords)} COLLATE "und-x-icu")'
    final, sigma = "\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}"
    return f"replace(lower(upper({lower})), '{final}', '{sigma}')"  # upper makes one of sharp s and SS


def prepare() -> None:
    """Look through all letters, once; whoever does so at the start keeps the first request from waiting."""
    _sources()


def ranges(text: str) -> tuple[tuple[str, str], ...]:
    """Where texts that begin with `text` are: from the first, up to but without the second. None where everywhere.

    There are 1, 2, 4, … of them, the last one repeated, so that there are few statements.
    """
    found = sorted({(start, _after(start)) for start in _beginnings((fold(text) or "")[:_LONGEST])})
    if not found[0][0] or not all(end for _, end in found):
        return ()
    size = 1 << (len(found) - 1).bit_length()
    return (*found, *[found[-1]] * (size - len(found)))


def within(column: ColumnElement[str], name: str, count: int, live: ColumnElement[bool] | None) -> ColumnElement[bool]:
    """Whether `column` is in one of `count` ranges, bound as `bounds` names them.

    `live`, which the index leaves other rows out by, is said in each: SQLite looks for it nowhere else.
    """
    kind, alive = column.type, () if live is None else (live,)
    ends = ((bindparam(f"{name}from{at}", type_=kind), bindparam(f"{name}to{at}", type_=kind)) for at in range(count))
    return or_(*(and_(*alive, column >= start, column < end) for start, end in ends))


def bounds(name: str, found: tuple[tuple[str, str], ...]) -> dict[str, str]:
    """What `within` binds."""
    starts = {f"{name}from{place}": start for place, (start, _) in enumerate(found)}
    return starts | {f"{name}to{place}": end for place, (_, end) in enumerate(found)}


def _beginnings(folded: str) -> list[str]:
    """How texts begin that, folded, begin with `folded`: letter by letter, until there are too many."""
    found = [("", folded)]
    while any(rest for _, rest in found):
        longer = [step for start, rest in found for step in _longer(start, rest)]
        if len(longer) > MOST_BEGINNINGS:
            break
        found = longer
    return [start for start, _ in found]


def _longer(start: str, rest: str) -> list[tuple[str, str]]:
    """Each way to write the next letter of `rest`; one letter may fold to several (``ß`` to ``ss``)."""
    if not rest:
        return [(start, rest)]
    ways = ((rest[0], rest[0]), *_sources().get(rest[0], ()))
    fitting = [(letter, form) for letter, form in ways if rest.startswith(form) or form.startswith(rest)]
    return [(start + letter, rest[len(form) :]) for letter, form in fitting]


@cache
def _sources() -> Mapping[str, list[tuple[str, str]]]:
    """The first letter of a folded form -> what has such a form, with the form."""
    found: dict[str, list[tuple[str, str]]] = {}
    for first in range(0, _CASED, _BLOCK):
        block = "".join(map(chr, range(first, first + _BLOCK)))
        if block.lower() == block == block.upper():
            continue
        for letter in block:
            form = fold(letter) or ""
            if form != letter:
                found.setdefault(form[0], []).append((letter, form))
    return found


def _after(text: str) -> str:
    """The first text behind all that begin with `text`, by code point; nothing where there is none."""
    while text and ord(text[-1]) == _LAST:
        text = text[:-1]
    if not text:
        return ""
    code = ord(text[-1]) + 1
    return text[:-1] + chr(code if not _SURROGATES[0] <= code <= _SURROGATES[1] else _SURROGATES[1] + 1)
