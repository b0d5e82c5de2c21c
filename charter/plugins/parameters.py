"""The query string of a list, read by a table compiled once: nothing unknown, repeated or unreadable passes."""

import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote_plus

from charter.errors import BadRequestException, FieldError

LONGEST_QUERY = 8192
"""Bytes of a query string that are looked at; more is 400."""
MOST_PARAMETERS = 60
MOST_NEAR = 3
"""Unknown names of one sort that a near one is looked for: looking takes milliseconds."""


@dataclass(slots=True)
class Reading:
    """One query string being read; the plugins take their parameters out and note what was wrong.

    ``known`` and what the ``offers`` give are the names that may be suggested for one that nobody took.
    """

    given: dict[str, str]
    errors: list[FieldError] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    offers: list[Callable[[], Iterable[str]]] = field(default_factory=list)

    def take(self, name: str) -> str | None:
        """The value of the parameter `name`, which is then no longer left over."""
        self.known.append(name)
        return self.given.pop(name, None)

    def offer(self, names: Callable[[], Iterable[str]]) -> None:
        """Names that there are as well; asked for only when something has to be suggested."""
        self.offers.append(names)

    def malformed(self, name: str, detail: str) -> None:
        self.errors.append(FieldError(name, "malformed_parameter", detail))

    def finish(self) -> None:
        """Refuse what nobody took, and everything noted on the way, all at once."""
        if self.given:
            self.known += [name for names in self.offers for name in names()]
        for place, name in enumerate(self.given):
            known = self.known if place < MOST_NEAR else ()
            self.errors.append(FieldError(printable(name), "unknown_parameter", unknown("parameter", name, known)))
        if self.errors:
            raise BadRequestException("A query parameter is wrong.", code=self.errors[0].code, errors=self.errors)


def unknown(what: str, name: str, known: Collection[str]) -> str:
    """The sentence for an unknown name, with the nearest of those that the caller may know of."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    return f"is not a known {what}" + (f"; did you mean '{near[0]}'?" if near else "")


_NUMBER = re.compile(r"[+-]?[0-9.]+(?:[eE][+-]?[0-9]+)?")


def bare_number(value: object) -> object:
    """Refuse what a number's reader would pass over: blanks around it, underscores inside it."""
    if isinstance(value, str) and not _NUMBER.fullmatch(value):
        msg = "must be a number and nothing else"
        raise ValueError(msg)
    return value


def why(finding: Any) -> str:
    """A finding of pydantic's in its own words, less those that would repeat a part of the input."""
    text = str(finding["msg"])
    if finding["type"] == "uuid_parsing":
        text = text.partition(",")[0]
    return text.removeprefix("Value error, ")


def read_query(raw: bytes) -> Reading:
    """The parameters of a raw query string; repeated ones, broken percent codes and broken UTF-8 are refused."""
    if len(raw) > LONGEST_QUERY:
        raise BadRequestException("The query string is too long.", code="malformed_parameter")
    reading = Reading({})
    try:
        parts = [part for part in raw.decode("ascii").split("&") if part]
    except UnicodeDecodeError:
        raise BadRequestException("The query string is not ASCII.", code="malformed_parameter") from None
    if len(parts) > MOST_PARAMETERS:
        raise BadRequestException("There are too many parameters.", code="malformed_parameter")
    for name, value in _decoded(parts, reading):
        if name in reading.given:
            reading.errors.append(FieldError(printable(name), "repeated_parameter", "was given more than once"))
        reading.given[name] = value
    return reading


def _decoded(parts: Iterable[str], reading: Reading) -> Iterable[tuple[str, str]]:
    for part in parts:
        name, _, value = part.partition("=")
        try:
            pair = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
        except UnicodeDecodeError:
            reading.malformed(printable(name), "is not valid UTF-8")
            continue
        if "\x00" in pair[0] or "\x00" in pair[1]:
            reading.malformed(printable(pair[0]), "must not contain NUL characters")
            continue
        yield pair


def printable(name: str) -> str:
    """A parameter's name as it may be repeated in an answer: short, printable."""
    return "".join(char if char.isprintable() else "?" for char in name[:100])
