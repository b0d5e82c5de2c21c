"""The shape of a policy: bytes become lines of words, and whatever Casbin would quietly misread is told instead.

A line is ``p, role, resource, action, rows, fields`` or ``g, role, inherited role``; one that begins with ``#`` is a
comment.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterator, Sequence

from charter.access.findings import Findings, nearest, quoted

_SHAPES = {
    "p": ("p", "role", "resource", "action", "rows", "fields"),
    "g": ("g", "role", "inherited role"),
}
BLANKS = " \t"
"""What may stand around a word. A bare ``strip()`` would also take away blanks that other readers of the file keep."""

_BEGINNINGS: Sequence[tuple[str, str]] = (
    (r"[pg][\s|:\uff0c]", "Separate the words by commas."),
    (r"//|--|%|!", "A comment begins with #."),
    (r"<{7}|={7}|>{7}|\|{7}", "A merge left both versions in the file: keep one of them."),
    (r".{4}", "A rule begins with p, an inheritance with g."),
)
"""How a line begins that is not a rule -> what to do about it."""

_EFFECTS = frozenset({"allow", "deny"})

_FOREIGN = re.compile(r"[;\"'#]")
_UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})


class Line:
    """One line, cut at its commas."""

    __slots__ = ("number", "parts", "words")

    def __init__(self, number: int, text: str) -> None:
        self.number = number
        self.parts = text.split(",")
        self.words = [part.strip(BLANKS) for part in self.parts]

    def column(self, index: int) -> int:
        """Where the word with this index begins, counted from 1; where it ought to be, if it is empty or absent."""
        before = sum(len(part) + 1 for part in self.parts[:index])
        if index >= len(self.parts):
            return before  # the end of the line
        part = self.parts[index]
        return before + len(part) - len(part.lstrip(BLANKS)) + 1

    def members(self, index: int) -> Iterator[tuple[str, int, str]]:
        """The members of a list (``a|b``, ``-a|-b``): each with its column, and what is wrong with its form, if so."""
        excepts, column, seen = self.words[index].startswith("-"), self.column(index), set[str]()
        for part in self.words[index].split("|"):
            member = part.strip(BLANKS)
            yield member, column + len(part) - len(part.lstrip(BLANKS)), _malformed(member, seen, excepts=excepts)
            seen.add(member)
            column += len(part) + 1


def _malformed(member: str, before: Collection[str], *, excepts: bool) -> str:
    if member in ("", "-"):
        return "A name in the list is empty."
    if member.removeprefix("-") == "*":
        return "'*' stands alone or not at all."
    if member.startswith("-") != excepts:
        return "A list either names or, with '-', excepts, not both."
    return f"{quoted(member.removeprefix('-'))} is named twice." if member in before else ""


Shape = Callable[[Line, Findings], bool]
"""Whether a line holds as many words as it should; what is wrong with it goes to the findings."""


def read_lines(data: bytes, findings: Findings, has_shape: Shape | None = None) -> Iterator[Line]:
    """The lines that hold as many words as they should (those of a policy, or as told), none of them twice."""
    seen: dict[tuple[str, ...], int] = {}
    for number, text in enumerate(_split(data, findings), start=1):
        if not text.isprintable() and _has_unseen(number, text, findings):
            continue
        start = text.lstrip(BLANKS)
        if not start or start.startswith("#") or _has_foreign(number, text, findings):
            continue
        line = Line(number, text)
        if (has_shape or _has_shape)(line, findings) and _is_new(line, seen, findings):
            yield line


def _split(data: bytes, findings: Findings) -> list[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode("utf-8"))
        findings.add("policy_encoding", line, column, "The file is not UTF-8.", "Save it as UTF-8.")
        return []
    if data.count(0) > len(data) // 4:  # such bytes happen to be UTF-8 as well, with a NUL beside each letter
        findings.add("policy_encoding", 1, 1, "The file is UTF-16 or UTF-32.", "Save it as UTF-8.")
        return []
    if text.startswith("\ufeff"):
        text = text[1:]
        findings.add("policy_bom", 1, 1, "The file begins with a byte order mark.", "Save it as UTF-8 without BOM.")
    text = text.replace("\r\n", "\n")
    alone = text.find("\r")
    if alone >= 0:
        line, column = _place(text[:alone])
        hint = "End each line with a line feed."
        findings.add("policy_line_ending", line, column, "A carriage return stands alone.", hint)
        text = text.replace("\r", "\n")
    if text and not text.endswith("\n"):
        line, column = _place(text)
        message = "The last line does not end; the file may be half written."
        findings.add("policy_truncated", line, column, message, "End the file with a line feed.")
    return text.split("\n")


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _has_unseen(number: int, text: str, findings: Findings) -> bool:
    for column, character in enumerate(text, start=1):
        if character != "\t" and unicodedata.category(character) in _UNSEEN:
            name = unicodedata.name(character, "control character").lower()
            message = f"The line holds U+{ord(character):04X} ({name}), which nobody sees."
            findings.add("policy_invisible", number, column, message, "Delete it.")
            return True
    return False


def _has_foreign(number: int, text: str, findings: Findings) -> bool:
    """Whether the line has marks that no word has. Each kind is told once, since they mostly come in numbers."""
    told: set[str] = set()
    start = len(text) - len(text.lstrip(BLANKS))
    for match in _FOREIGN.finditer(text):
        match match.group():
            case "#":
                code, message, hint = "policy_comment", "A comment stands behind a rule.", "Give it a line of its own."
            case ";":
                code, message = "policy_separator", "The line has a semicolon."
                hint = "A comment begins with #." if match.start() == start else "Separate the words by commas."
            case _:
                code, message, hint = "policy_quote", "The line has quotation marks.", "Write the words without them."
        if code not in told:
            findings.add(code, number, match.start() + 1, message, hint)
        told.add(code)
        if code == "policy_comment":
            break  # the rest is prose
    return bool(told)


def _has_shape(line: Line, findings: Findings) -> bool:
    """Whether the line begins with p or g, and has as many words as belong to it, none of them empty."""
    key = line.words[0]
    shape = _SHAPES.get(key)
    if shape is None:
        hints = (hint for beginning, hint in _BEGINNINGS if re.match(beginning, key))
        hint = next(hints, "") or nearest(key, _SHAPES)
        message = f"A line begins with p or g, not with {quoted(key)}."
        findings.add("policy_section", line.number, line.column(0), message, hint)
        return False
    count = len(line.words)
    if count != len(shape):
        message = f"The line has {count} values instead of {len(shape)}."
        column = line.column(min(count, len(shape)))
        effect = next((word for word in line.words if word.casefold() in _EFFECTS), "")
        hint = f"Leave {quoted(effect)} out: every rule allows, and what no rule allows is refused." if effect else ""
        findings.add("policy_field_count", line.number, column, message, hint or f"Write: {', '.join(shape)}.")
        return False
    for index, name in enumerate(shape):
        if not line.words[index]:
            message = f"The value for {name} is empty."
            findings.add("policy_empty_field", line.number, line.column(index), message)
    return all(line.words)


def _is_new(line: Line, seen: dict[tuple[str, ...], int], findings: Findings) -> bool:
    first = seen.setdefault(tuple(line.words), line.number)
    if first == line.number:
        return True
    message = f"The same stands at line {first}."
    findings.add("policy_duplicate", line.number, line.column(0), message, "Delete one of them.")
    return False


__all__ = ["BLANKS", "Line", "Shape", "read_lines"]
