"""What must stay true of a policy: the strict reader of ``expectations.csv``.

A line is a sentence. Where a policy has one word, a sentence may have several: ``*``, or ``a|b``, or ``-a|-b`` for all
but these.

- ``allow, role, resource, action, rows, fields``: may do it, at least on these rows, at least with these fields.
- ``deny, role, resource, action, rows``: may not do it, or not on all of these rows.
- ``hide, role, resource, field``: is never shown it.
- ``lock, role, resource, field``: never sets it.

Rows, and fields behind them, may be left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from charter.access.findings import Findings, quoted
from charter.access.lines import BLANKS, Line, read_lines
from charter.access.selection import Choice, choose
from charter.access.vocabulary import ANY, Noun, Vocabulary, has_fields, is_write
from charter.errors import Problem

EXPECTATION_CODES: Mapping[str, str] = {
    "expectation_missing": "The file does not exist or cannot be read.",
    "expectation_empty": "The file has no sentence.",
    "expectation_verb": "A line begins with something other than allow, deny, hide or lock.",
    "expectation_values": "A line has too few or too many values, or an empty one.",
    "expectation_list": "A list of words is malformed.",
    "expectation_void": "The words exist, but nothing has them together, so the sentence says nothing.",
    "expectation_failed": "The policy does not do what the sentence says.",
}
"""code -> what it means, in one line. Everything else about a line is told with the codes of the policy."""

_LEAST = 4  # values in a line; rows and fields may be left out
_SHAPES: Mapping[str, tuple[str, ...]] = {
    "allow": ("allow", "role", "resource", "action", "rows", "fields"),
    "deny": ("deny", "role", "resource", "action", "rows"),
    "hide": ("hide", "role", "resource", "field"),
    "lock": ("lock", "role", "resource", "field"),
}

Places = tuple[tuple[str, str], ...]
"""(resource, action) pairs"""


@dataclass(frozen=True, slots=True)
class Sentence:
    """One line: what it expects of each of the roles at each of the places (resource, action)."""

    line: int
    text: str
    verb: str
    roles: tuple[str, ...]
    places: Places
    rows: str = ""
    fields: str = ""


def read_expectations(data: bytes, vocabulary: Vocabulary, where: str) -> tuple[tuple[Sentence, ...], list[Problem]]:
    """The sentences of a file, and everything that is wrong with it; a line that is wrong says nothing."""
    findings = Findings(where)
    words = _Words(vocabulary, findings)
    found = [sentence for line in read_lines(data, findings, _has_shape) for sentence in words.sentence(line)]
    if not found and not findings.fatal:
        findings.add("expectation_empty", 1, 1, "There is no sentence, so nothing is held.")
    return tuple(found), findings.problems()


def named_fields(noun: Noun, action: str, fields: str) -> frozenset[str]:
    """The fields of an action that a sentence with ``hide`` or ``lock`` names; ``*`` has the granted ones in it."""
    everything = noun.nameable(action)
    listed = frozenset(name.removeprefix("-") for name in fields.split("|"))
    if fields == "*":
        return everything
    return everything - listed if fields.startswith("-") else everything & listed


def _has_shape(line: Line, findings: Findings) -> bool:
    verb, count = line.words[0], len(line.words)
    names = _SHAPES.get(verb)
    if names is None:
        hint = findings.hint(verb, "verb", _SHAPES)
        message = f"A sentence begins with allow, deny, hide or lock, not with {quoted(verb)}."
        findings.add("expectation_verb", line.number, line.column(0), message, hint)
        return False
    if not _LEAST <= count <= len(names):
        most = f" to {len(names)}" if len(names) > _LEAST else ""
        message = f"The line has {count} values instead of {_LEAST}{most}."
        column = line.column(min(count, len(names)))
        findings.add("expectation_values", line.number, column, message, f"Write: {', '.join(names)}.")
        return False
    for index in range(count):
        if not line.words[index]:
            message = f"The value for {names[index]} is empty."
            findings.add("expectation_values", line.number, line.column(index), message)
    return all(line.words)


class _Words:
    """Holds the words of sentences against the vocabulary."""

    def __init__(self, vocabulary: Vocabulary, findings: Findings) -> None:
        self._vocabulary = vocabulary
        self._nouns = vocabulary.nouns
        self._findings = findings

    def sentence(self, line: Line) -> Iterable[Sentence]:
        """What the line says; nothing where a word is wrong."""
        verb = line.words[0]
        roles = choose(line, 1, Choice("role", self._vocabulary.roles), self._findings)
        resources = choose(line, 2, Choice("resource", tuple(self._nouns)), self._findings)
        if not roles or not resources:
            return []
        if verb in ("hide", "lock"):
            places, rows, fields = self._shown_or_set(line, resources), "", line.words[3]
        else:
            places = self._acted(line, resources)
            rows, fields = [*line.words[4:], "", ""][:2]
        text = ", ".join(line.words)
        names = "|".join(member.strip(BLANKS) for member in fields.split("|"))
        return [Sentence(line.number, text, verb, roles, places, rows, names)] if places else []

    def _shown_or_set(self, line: Line, resources: Iterable[str]) -> Places:
        """Every action that shows the chosen fields, or sets them, on the resources that have one of them."""
        writes = line.words[0] == "lock"
        known = sorted({name for resource in resources for name in self._nouns[resource].known})
        chosen = choose(line, 3, Choice("field", tuple(known), f" on {line.words[2]}"), self._findings)
        having = [resource for resource in resources if not self._nouns[resource].known.isdisjoint(chosen)]
        places = tuple(
            (resource, action)
            for resource in having
            for action in self._nouns[resource].actions
            if has_fields(action) and is_write(action) == writes
        )
        if having and not places:
            message = f"No action of {line.words[2]} {'sets' if writes else 'shows'} a field."
            self._findings.add("expectation_void", line.number, line.column(3), message, "Delete the line.")
        return places

    def _acted(self, line: Line, resources: Iterable[str]) -> Places:
        """Every chosen action on every chosen resource that has it; none where rows or fields are wrong for them."""
        known = dict.fromkeys(action for resource in resources for action in self._nouns[resource].actions)
        chosen = choose(line, 3, Choice("action", tuple(known), f" on {line.words[2]}"), self._findings)
        places = tuple(
            (resource, action) for resource in resources for action in self._nouns[resource].actions if action in chosen
        )
        if not places:
            return ()
        sound = [len(line.words) < 5 or self._rows(line, places), len(line.words) < 6 or self._fields(line, places)]
        return places if all(sound) else ()

    def _rows(self, line: Line, places: Places) -> bool:
        """Whether the rows word is declared, and known to one of the places."""
        rows, declared = line.words[4], {ANY, *self._vocabulary.scopes}
        there = {word for resource, _ in places for word in (ANY, *self._nouns[resource].scopes)}
        if rows not in declared:
            message = f"There is no rows word {quoted(rows)}."
            hint = self._findings.hint(rows, "scope", sorted(declared))
            hint = "Write one line for each word." if "|" in rows else hint
            self._findings.add("policy_unknown_scope", line.number, line.column(4), message, hint)
        elif rows not in there:
            message = f"{line.words[2]} cannot tell which of its rows are '{rows}'."
            hint = f"It knows: {', '.join(sorted(there))}."
            self._findings.add("policy_scope_unsatisfied", line.number, line.column(4), message, hint)
        return rows in there

    def _fields(self, line: Line, places: Places) -> bool:
        """Whether every field belongs to one of the places."""
        known = {name for resource, action in places for name in self._nouns[resource].nameable(action)}
        choice = Choice("field", tuple(sorted(known)), f" to {line.words[3]} on {line.words[2]}")
        return bool(choose(line, 5, choice, self._findings))


__all__ = ["EXPECTATION_CODES", "Sentence", "named_fields", "read_expectations"]
