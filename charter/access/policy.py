"""The strict loader: every word of a policy is held against the vocabulary, and told with line and column if wrong.

Casbin itself takes any word, and a rule with a word that it does not know grants nothing or, on the wrong side,
everything; so it only ever sees what was accepted here.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from charter.access.findings import Findings, quoted
from charter.access.laws import check_links, check_rules
from charter.access.lines import BLANKS, Line, read_lines
from charter.access.meaning import Link, Meaning, Rule
from charter.access.vocabulary import ANY, Noun, Vocabulary, has_fields, is_write
from charter.errors import Problem


@dataclass(frozen=True, slots=True)
class Policy:
    """What a file says: what the accepted lines mean together, and everything that was found."""

    meaning: Meaning
    problems: tuple[Problem, ...]


def check_policy(text: bytes, vocabulary: Vocabulary, where: str = "policy.csv") -> list[Problem]:
    """Everything wrong with a policy, all at once and in the order of the file; warnings are not fatal."""
    return list(read_policy(text, vocabulary, where).problems)


def read_policy(text: bytes, vocabulary: Vocabulary, where: str = "policy.csv") -> Policy:
    """The policy in ``text``. Lines that were found wrong are left out, so look at the problems before use."""
    findings = Findings(where)
    words = _Words(vocabulary, findings)
    rules: list[Rule] = []
    links: list[Link] = []
    for line in read_lines(text, findings):
        if line.words[0] == "p":
            rules.extend(words.rule(line))
        else:
            links.extend(words.link(line))
    if not rules and not findings.fatal:
        findings.add("policy_empty", 1, 1, "There is no rule, so nobody could do anything.")
    meaning = Meaning(rules, check_links(links, vocabulary.roles, findings), vocabulary)
    check_rules(meaning, frozenset(words.roles_seen), findings)
    return Policy(meaning, tuple(findings.problems()))


class _Words:
    """Holds the words of lines against the vocabulary. A line with a wrong word yields nothing."""

    def __init__(self, vocabulary: Vocabulary, findings: Findings) -> None:
        self.roles_seen: set[str] = set()  # roles that some rule is about, even a wrong one
        self._vocabulary = vocabulary
        self._roles = frozenset(vocabulary.roles)
        self._scopes = vocabulary.scopes | {ANY}
        self._findings = findings
        self._sound: set[tuple[str, str, str]] = set()  # resource, action and field list that were right before
        self._nameable: dict[tuple[str, str], frozenset[str]] = {}

    def link(self, line: Line) -> Iterable[Link]:
        """The inheritance that the line states."""
        _, role, parent = line.words
        sound = [self._role(line, 1), self._role(line, 2)]
        return [Link(line.number, line.column(2), role, parent)] if all(sound) else []

    def rule(self, line: Line) -> Iterable[Rule]:
        """The rule that the line states."""
        _, role, resource, action, rows, fields = line.words
        self.roles_seen.add(role)
        sound = [self._role(line, 1)]
        noun = self._vocabulary.nouns.get(resource)
        if noun is None:
            self._unknown(line, 2, "resource", self._vocabulary.nouns)
            self._scope(line, None)
            return []
        sound.append(self._action(line, noun))
        sound.append(self._scope(line, noun))
        if sound[1]:  # which fields are right depends on the action
            sound.append((resource, action, fields) in self._sound or self._fields(line, noun))
        if not all(sound):
            return []
        if action == "*" or has_fields(action):  # elsewhere each line earns its warning
            self._sound.add((resource, action, fields))
        written = "|".join(member.strip(BLANKS) for member in fields.split("|"))
        return [Rule(line.number, line.column(5), role, resource, action, rows, written)]

    def _unknown(self, line: Line, index: int, kind: str, known: Iterable[str], of: str = "") -> bool:
        word = line.words[index]
        hint = self._findings.hint(word, kind + of, known)
        message = f"There is no {kind} {quoted(word)}{of}."
        self._findings.add(f"policy_unknown_{kind}", line.number, line.column(index), message, hint)
        return False

    def _role(self, line: Line, index: int) -> bool:
        return line.words[index] in self._roles or self._unknown(line, index, "role", self._vocabulary.roles)

    def _action(self, line: Line, noun: Noun) -> bool:
        if line.words[3] in noun.actions or (line.words[3] == "*" and noun.actions):
            return True
        return self._unknown(line, 3, "action", noun.actions, f" on {line.words[2]}")

    def _scope(self, line: Line, noun: Noun | None) -> bool:
        word = line.words[4]
        if word not in self._scopes:
            if word == "*":
                message, hint = "There is no rows word '*'.", "Perhaps you meant 'any'."
            else:
                message = f"There is no rows word {quoted(word)}."
                hint = self._findings.hint(word, "scope", sorted(self._scopes))
                hint = "Write one line for each word." if "|" in word else hint
            self._findings.add("policy_unknown_scope", line.number, line.column(4), message, hint)
            return False
        if noun is None or word == ANY or word in noun.scopes:
            return True
        message = f"{line.words[2]} cannot tell which of its rows are '{word}'."
        hint = f"It knows: {', '.join(sorted(noun.scopes | {ANY}))}."
        self._findings.add("policy_scope_unsatisfied", line.number, line.column(4), message, hint)
        return False

    def _fields(self, line: Line, noun: Noun) -> bool:
        """Whether the field list is well formed and names only what the action can show or write."""
        fields, action = line.words[5], line.words[3]
        if fields == "*":
            return True
        sound = True
        for member, column, wrong in line.members(5):
            if wrong:
                self._findings.add("policy_field_list", line.number, column, wrong, "Write: *, or a|b, or -a|-b.")
            sound = not wrong and self._field(line, column, member.removeprefix("-"), noun) and sound
            if member.startswith("-") and member[1:] in noun.always:
                message = f"'{member[1:]}' is shown wherever a row is, so it cannot be excepted."
                self._findings.add("policy_fields_ignored", line.number, column, message, "Delete the name.")
        if sound and action != "*" and not has_fields(action):
            message = f"'{action}' takes no fields, so the list means nothing."
            self._findings.add("policy_fields_ignored", line.number, line.column(5), message, "Write: *.")
        return sound

    def _field(self, line: Line, column: int, name: str, noun: Noun) -> bool:
        resource, action = line.words[2], line.words[3]
        nameable = self._nameable.get((resource, action))
        if nameable is None:
            nameable = self._nameable[resource, action] = _nameable(noun, action)
        if name in nameable:
            return True
        hint = self._findings.hint(name, f"field of {action} {resource}", sorted(nameable))
        if name not in noun.known:
            code, message = "policy_unknown_field", f"{resource} has no field {quoted(name)}."
        elif is_write(action):
            code, message = "policy_unwritable_field", f"'{action}' does not write '{name}'."
        else:
            code, message = "policy_unreadable_field", f"'{action}' does not show '{name}'."
        self._findings.add(code, line.number, column, message, hint)
        return False


def _nameable(noun: Noun, action: str) -> frozenset[str]:
    """The names that a list may hold; a rule for all actions may name what any one of them takes."""
    if action == "*":
        return frozenset[str]().union(*map(noun.nameable, noun.actions))
    return noun.nameable(action) if has_fields(action) else noun.known


__all__ = ["Policy", "check_policy", "read_policy"]
