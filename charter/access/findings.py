"""Every finding that a policy or its model can earn, and the collector that says where and what was perhaps meant."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from charter.errors import Problem

POLICY_CODES: Mapping[str, str] = {
    "policy_missing": "The file does not exist or cannot be read.",
    "policy_encoding": "The file is not UTF-8.",
    "policy_bom": "The file begins with a byte order mark.",
    "policy_line_ending": "A line ends with a carriage return alone.",
    "policy_truncated": "The last line does not end, so the file may be half written.",
    "policy_invisible": "A line holds a control or zero-width character.",
    "policy_empty": "The file has no rule.",
    "policy_section": "A line begins with something other than p or g.",
    "policy_separator": "A line is separated by semicolons.",
    "policy_quote": "A line holds quotation marks.",
    "policy_comment": "A comment stands behind a rule.",
    "policy_field_count": "A line has too few or too many values.",
    "policy_empty_field": "A value is empty.",
    "policy_unknown_role": "The role is not declared.",
    "policy_unknown_resource": "The resource is not declared.",
    "policy_unknown_action": "The resource has no such action.",
    "policy_unknown_scope": "The rows word is not declared.",
    "policy_scope_unsatisfied": "The rows word is declared, but this resource cannot satisfy it.",
    "policy_unknown_field": "The resource has no such field.",
    "policy_unreadable_field": "The field exists but is never shown by this action.",
    "policy_unwritable_field": "The field exists but is never written by this action.",
    "policy_field_list": "The field list is malformed.",
    "policy_duplicate": "The same line stands twice.",
    "policy_self": "A role inherits from itself.",
    "policy_cycle": "Roles inherit from each other in a circle.",
    "policy_upward": "A role inherits from a more powerful one.",
    "policy_depth": "A role inherits over more steps than Casbin follows.",
    "policy_mixed_fields": "A role has rules for different rows with different fields on one action.",
    "policy_more": "There are more errors than are told.",
    "policy_model": "model.conf is missing or does not define what the policy is written for.",
    "policy_fields_ignored": "Warning: the action takes no fields, or the name cannot be excepted.",
    "policy_shadowed": "Warning: a rule for any row already allows this.",
    "policy_redundant": "Warning: other lines already say this.",
    "policy_unreachable": "Warning: the role has no rule, neither its own nor an inherited one.",
}
"""code -> what it means, in one line."""

WARNINGS = frozenset({"policy_fields_ignored", "policy_shadowed", "policy_redundant", "policy_unreachable"})
"""The codes that do not stop the start."""

_HINTED_WORDS = 200  # looking for close words costs far more than reading; nobody reads more hints than this
_TOLD_ERRORS = 1_000  # a file that is no policy at all has an error in each of its lines, or a million in one
_LISTED_WORDS = 12  # a longer list of known words hides what it should tell


class Findings:
    """Collects findings by line and column: every warning, and as many errors as somebody could read."""

    def __init__(self, where: str) -> None:
        self.where = where
        self._found: list[tuple[int, int, Problem]] = []
        self._room = _TOLD_ERRORS
        self._untold: list[int] = []  # line and column of the first error without room, and how many there are
        self._hints: dict[tuple[str, str], str] = {}

    def add(self, code: str, line: int, column: int, message: str, hint: str = "") -> None:
        """One finding. Whether it is fatal follows from the code."""
        fatal = code not in WARNINGS
        if fatal and not self._room:
            self._untold = self._untold or [line, column, 0]
            self._untold[2] += 1
            return
        self._room -= fatal
        place = f"{self.where}:{line}:{column}"
        self._found.append((line, column, Problem(code, place, message, hint, fatal=fatal)))

    def hint(self, word: str, kind: str, known: Iterable[str]) -> str:
        """The known word that is close to ``word``, or all of them where they are few; ``kind`` names the set."""
        key = (kind, word)
        if key not in self._hints:
            if len(self._hints) >= _HINTED_WORDS:
                return ""
            self._hints[key] = nearest(word, known)
        return self._hints[key]

    @property
    def fatal(self) -> bool:
        """Whether anything found stops the start."""
        return any(problem.fatal for _, _, problem in self._found)

    def problems(self) -> list[Problem]:
        """All findings in the order of the file, and at the end how many errors found no room."""
        told = [problem for _, _, problem in sorted(self._found, key=lambda item: item[:2])]
        if self._untold:
            line, column, count = self._untold
            place, message = f"{self.where}:{line}:{column}", f"There are {count} more errors, here and elsewhere."
            told.append(Problem("policy_more", place, message, "Mend those above first."))
        return told


def nearest(word: str, known: Iterable[str]) -> str:
    """A sentence that helps somebody who wrote ``word`` where one of ``known`` was expected."""
    by_folded = {name.casefold(): name for name in known}
    close = get_close_matches(word.casefold(), by_folded, n=1)
    if close:
        return f"Perhaps you meant '{by_folded[close[0]]}'{_lookalike(word, by_folded.values())}."
    if 0 < len(by_folded) <= _LISTED_WORDS:
        return f"Known here: {', '.join(by_folded.values())}."
    return ""


def _lookalike(word: str, known: Iterable[str]) -> str:
    """Names the first letter that no known word has, if it may look like one that they have (Cyrillic for Latin)."""
    usual = {character for name in known for character in name}
    odd = next((character for character in word if not character.isascii() and character not in usual), "")
    return f", without U+{ord(odd):04X} ({unicodedata.name(odd, 'unnamed').lower()})" if odd else ""


def quoted(word: str) -> str:
    """The word for a message: escaped, and cut where it is long."""
    return repr(word) if len(word) <= 60 else repr(word[:57] + "...")


__all__ = ["POLICY_CODES", "WARNINGS", "Findings", "nearest", "quoted"]
