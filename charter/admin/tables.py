"""A CSV as somebody sends it, read into the JSON bodies that its lines mean, with every mistake by its line."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from charter.errors import FieldError

MOST_LINES = 1_000
"""Rows that one file may bring: they are written in one transaction, and others wait for it."""

LONGEST_CELL = 100_000
MOST_COLUMNS = 200
DELIMITERS = ",;\t"

Read = Callable[[str], Any]
"""What a cell means as JSON; ValueError with words where it means nothing."""


class UnreadableError(ValueError):
    """The file as a whole is none that could be read, in words."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """Something wrong at a line of the file: in a column, or (``column`` is empty) with the whole row."""

    line: int
    column: str
    detail: str


@dataclass(slots=True)
class Sheet:
    """What a file says: the line that each row begins at, the body that it means, and what was wrong."""

    lines: list[int] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    mistakes: list[Mistake] = field(default_factory=list)


def text_of(raw: bytes) -> str:
    """The bytes of a file as text; UnreadableError where they are in no encoding that we take."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UnreadableError(f"The file is not in UTF-8: see line {line}. Save it as 'CSV UTF-8'.") from None


def read_sheet(text: str, readers: Mapping[str, Read], required: Sequence[str]) -> Sheet:
    """The rows of `text`; its first line names columns out of `readers`, all `required` ones among them.

    An empty cell leaves its value out. UnreadableError where there are no such columns, or more rows than are taken.
    """
    if "\x00" in text:
        raise UnreadableError("The file has a NUL in it; it is no CSV.")
    rows = _rows(text)
    header = [name.strip().removeprefix("\ufeff") for name in next(rows, (0, []))[1]]
    _check_header(header, readers, required)
    sheet = Sheet()
    for line, cells in rows:
        if not any(cells):
            continue
        if len(sheet.lines) == MOST_LINES:
            raise UnreadableError(f"The file has more than {MOST_LINES} rows. Send it in parts.")
        sheet.lines.append(line)
        sheet.bodies.append(_body(sheet, line, header, cells, readers))
    if not sheet.lines:
        raise UnreadableError("The file has no row below its header.")
    return sheet


def mistakes_of(line: int, detail: str, errors: Sequence[FieldError]) -> Iterator[Mistake]:
    """A refusal of the row at `line`, column by column."""
    for error in errors:
        yield Mistake(line, error.pointer.lstrip("/").partition("/")[0], error.detail)
    if not errors:
        yield Mistake(line, "", detail)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """The line that each row begins at, and its cells."""
    first = text.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    csv.field_size_limit(LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as error:
            what = "a cell is too long" if "limit" in str(error) else "a quotation mark is missing or too many"
            raise UnreadableError(f"Line {begins}: {what}.") from None
        if cells is None:
            return
        yield begins, cells
        begins = reader.line_num + 1


def _check_header(header: Sequence[str], readers: Mapping[str, Read], required: Sequence[str]) -> None:
    if not any(header):
        raise UnreadableError("The first line has to name the columns.")
    shown = [name[:60] for name in header[:MOST_COLUMNS]]
    unknown = [name or "(empty)" for name in shown if name not in readers]
    twice = sorted({name for name in shown if name and shown.count(name) > 1})
    missing = [name for name in required if name not in header]
    found = [
        f"{what}: {', '.join(names[:10])}{', …' if len(names) > 10 else ''}."
        for what, names in (("No columns for this", unknown), ("Named twice", twice), ("Missing", missing))
        if names
    ]
    if len(header) > MOST_COLUMNS:
        found.append(f"There are more than {MOST_COLUMNS} columns.")
    if found:
        raise UnreadableError(" ".join(found))


def _body(sheet: Sheet, line: int, header: Sequence[str], cells: Sequence[str], readers: Mapping[str, Read]) -> bytes:
    """The JSON of one row, without the cells that could not be read, which are noted."""
    if len(cells) != len(header):
        sheet.mistakes.append(Mistake(line, "", f"has {len(cells)} cells, and the header {len(header)}"))
        return b""
    values: dict[str, Any] = {}
    for name, text in zip(header, cells, strict=True):
        if text == "":
            continue
        try:
            values[name] = readers[name](text)
        except ValueError as error:
            sheet.mistakes.append(Mistake(line, name, str(error)))
    return json.dumps(values, allow_nan=False).encode()


__all__ = ["MOST_LINES", "Mistake", "Sheet", "UnreadableError", "mistakes_of", "read_sheet", "text_of"]
