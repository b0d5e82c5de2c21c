"""The decision table: Casbin is asked once, at load, and its answers are kept in a dictionary.

Asking Casbin costs a tenth of a millisecond and more with every rule; a request looks up one key instead.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from threading import Lock
from types import MappingProxyType

import casbin  # type: ignore[import-untyped]  # it ships no types
from casbin.util.log import disabled_logging  # type: ignore[import-untyped]  # likewise

from charter.access.findings import Findings
from charter.access.installed import check_installed
from charter.access.meaning import Cell, Link, Meaning, Rule
from charter.access.model import read_model
from charter.access.policy import read_policy
from charter.access.vocabulary import ANY, Vocabulary
from charter.errors import DeclarationError, Problem

_NAMED_LINES = 8  # a reason that lists more is not read

_ONE_AT_A_TIME = Lock()
"""Casbin parses the matcher as Python, and up to Python 3.11 two threads that do so can break each other's parsing."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a role may do: on which rows (words, OR-ed) and with which fields. A denial is None, not a decision."""

    role: str
    resource: str
    action: str
    rows: tuple[str, ...]
    fields: frozenset[str]
    reason: str


@dataclass(frozen=True, slots=True)
class AccessTable:
    """All decisions of one policy, and the words that it is written in.

    ``version`` is that of the file's bytes; ``problems`` are its warnings.
    """

    version: str
    rules: tuple[Rule, ...]
    links: tuple[Link, ...]
    problems: tuple[Problem, ...]
    vocabulary: Vocabulary
    decisions: Mapping[tuple[str, str, str], Decision]

    def decide(self, role: str, resource: str, action: str) -> Decision | None:
        """The decision for a role, a resource and an action; None where no rule allows it."""
        return self.decisions.get((role, resource, action))

    def allowed(self, role: str) -> Mapping[str, Mapping[str, Decision]]:
        """Everything that a role may do: resource -> action -> decision."""
        result: dict[str, dict[str, Decision]] = {}
        for decision in self.decisions.values():
            if decision.role == role:
                result.setdefault(decision.resource, {})[decision.action] = decision
        return result


def load_access(policy: Path, model: Path, vocabulary: Vocabulary) -> AccessTable:
    """The table of a policy file, or a DeclarationError with everything that is wrong with it or with the model."""
    with _ONE_AT_A_TIME:
        return _load(policy, model, vocabulary)


def _load(policy: Path, model: Path, vocabulary: Vocabulary) -> AccessTable:
    model_findings = Findings(model.name)
    policy_findings = Findings(policy.name)
    model_bytes = _read(model, model_findings, "policy_model")
    model_text = "" if model_bytes is None else read_model(model_bytes, model_findings)
    policy_bytes = _read(policy, policy_findings, "policy_missing")
    problems = [*check_installed(), *model_findings.problems(), *policy_findings.problems()]
    if policy_bytes is not None:
        read = read_policy(policy_bytes, vocabulary, policy.name)
        problems += read.problems
    fatal = [problem for problem in problems if problem.fatal]
    if fatal or policy_bytes is None:
        raise DeclarationError(fatal)
    return AccessTable(
        version=sha256(policy_bytes).hexdigest()[:16],
        rules=read.meaning.rules,
        links=read.meaning.links,
        problems=read.problems,
        vocabulary=vocabulary,
        decisions=MappingProxyType(_decisions(read.meaning, model_text, policy.name)),
    )


def _read(path: Path, findings: Findings, code: str) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        findings.add(code, 1, 1, f"The file cannot be read: {error.strerror}.")
        return None


def _decisions(meaning: Meaning, model: str, where: str) -> dict[tuple[str, str, str], Decision]:
    """Every allowed (role, resource, action), resources and actions in the order of the vocabulary."""
    table: dict[tuple[str, str, str], Decision] = {}
    roles = meaning.vocabulary.roles
    for resource, noun in meaning.vocabulary.nouns.items():
        rules = meaning.of_resource(resource)
        views = {role: meaning.view(meaning.lineage[role], resource) for role in roles} if rules else {}
        for action in noun.actions:
            asked = [rule for rule in rules if rule.action in (action, "*")]
            if not asked:
                continue  # nothing can be allowed, and without any rule Casbin evaluates the matcher on empty words
            words = sorted({rule.rows for rule in asked} - {ANY})
            enforcer = _enforcer(model, asked, meaning.links)
            for role in roles:
                rows = _rows(enforcer, role, resource, action, words)
                if rows:
                    cells = views[role].get(action, {})
                    table[role, resource, action] = _decision(role, resource, action, rows, cells, where)
    return table


def _enforcer(model: str, rules: Iterable[Rule], links: Sequence[Link]) -> casbin.Enforcer:
    """A fresh Enforcer with all links and with the rules for one resource and action.

    The answers are those of one with the whole file, since the matcher demands ``r.obj == p.obj`` and the same action
    or ``*`` (``read_model`` saw to it). It does not look at fields, so rules that differ only there are one to it.
    """
    disabled_logging()  # the constructor does so too, but only after it has logged the model
    parsed = casbin.Model()
    parsed.load_model_from_text(model)
    enforcer = casbin.Enforcer(parsed, enable_log=False)
    distinct = {(rule.role, rule.resource, rule.action, rule.rows) for rule in rules}
    enforcer.add_policies([[*words, "*"] for words in sorted(distinct)])
    enforcer.add_grouping_policies([[link.role, link.parent] for link in links])
    return enforcer


def _rows(enforcer: casbin.Enforcer, role: str, resource: str, action: str, words: Sequence[str]) -> tuple[str, ...]:
    """The rows that Casbin allows: ``any`` alone, or the words, or none."""
    try:
        if enforcer.enforce(role, resource, action, ANY):
            return (ANY,)
        return tuple(word for word in words if enforcer.enforce(role, resource, action, word))
    except Exception as error:  # a matcher may raise anything at all
        problem = Problem("policy_model", "model.conf:1:1", f"Casbin cannot evaluate the matcher: {error!r}.")
        raise DeclarationError([problem]) from error


def _decision(
    role: str, resource: str, action: str, rows: tuple[str, ...], cells: Mapping[str, Cell], where: str
) -> Decision:
    """Casbin said which rows; the rules behind them say which fields."""
    if not cells.keys() >= set(rows):
        message = f"The matcher lets '{role}' {action} {resource} although no rule says so."
        raise DeclarationError([Problem("policy_model", "model.conf:1:1", message)])
    # All words have the same fields under the shipped matcher; under another one the common ones are safe.
    fields = frozenset.intersection(*(cells[word].fields for word in rows))
    lines = sorted({rule.line for word in rows for rule in cells[word].rules})
    named = ", ".join(f"{where}:{line}" for line in lines[:_NAMED_LINES])
    more = f" and {len(lines) - _NAMED_LINES} more" if len(lines) > _NAMED_LINES else ""
    return Decision(role, resource, action, rows, fields, named + more)


__all__ = ["AccessTable", "Decision", "load_access"]
