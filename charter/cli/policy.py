"""The commands for whoever maintains the policy: check, explain, matrix, diff, test."""

import argparse
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path

from charter.access import AccessTable, Vocabulary, load_access
from charter.access.differences import differences, differences_text
from charter.access.expectations import Sentence, read_expectations
from charter.access.explain import explain, unknown_words
from charter.access.findings import Findings, nearest, quoted
from charter.access.matrix import detail, matrix, overview
from charter.access.verdicts import Failure, failures
from charter.access.wording import rule_text
from charter.assemble import MODEL_FILE
from charter.checks import PSEUDO
from charter.cli.explained import explained
from charter.cli.folder import law, say, words
from charter.errors import DeclarationError, Problem, problems_text

EXPECTATIONS = "policies/expectations.csv"
"""Where they stand unless another file is named."""

_MOST_CASES = 5  # of one sentence; the others mostly have the same cause


def policy_check(given: argparse.Namespace) -> int:
    """Check the policy: errors are raised, all at once; warnings are told and do no harm."""
    found = law(given.file)
    problems = found.table.problems
    told = _count(len(problems), "warning") if problems else "no problem"
    nouns = len(found.words.nouns.keys() - set(PSEUDO))
    summary = f"{nouns} resources, policy {found.table.version}, {_count(len(found.table.rules), 'rule')}: {told}"
    say("\n".join([*map(str, problems), summary]))
    return 0


def policy_explain(given: argparse.Namespace) -> int:
    """Why a role may do something, or why not: 0 allowed, 1 denied, 2 an unknown word."""
    found = law(given.policy)
    question = (given.role, given.resource, given.action)
    unknown = unknown_words(found.words, *question)
    if unknown:
        say("\n".join(unknown))
        return 2
    answer = explain(found.table, found.words, *question)
    say("\n".join(explained(answer, found)))
    return 0 if answer.decision else 1


def policy_matrix(given: argparse.Namespace) -> int:
    """Who may do what, at a glance; or one resource with its fields. 2 for an unknown resource."""
    found = law(given.policy)
    whole = overview(found.table, found.words)
    if given.resource is None:
        say("\n".join(matrix(whole)))
        return 0
    if given.resource not in found.words.nouns:
        hint = nearest(given.resource, found.words.nouns)
        say(f"There is no resource {quoted(given.resource)}. {hint}".strip())
        return 2
    say("\n".join(detail(whole.sheet(given.resource))))
    return 0


def policy_diff(given: argparse.Namespace) -> int:
    """What a change gives and takes. As for diff: 0 no difference in effect, 1 a difference, 2 trouble."""
    known = words()
    tables, troubles = [], []
    for file in (given.old, given.new):
        try:
            tables.append(load_access(Path(file), MODEL_FILE, known))
        except DeclarationError as error:
            troubles.append(f"{file} is no policy for this application:\n{problems_text(error.problems)}")
    if troubles:
        say("\n".join(troubles))
        return 2
    return _compare(tables[0], tables[1], known, given)


def _compare(old: AccessTable, new: AccessTable, known: Vocabulary, given: argparse.Namespace) -> int:
    changes = differences(old, new, known)
    if changes:
        say("\n".join(differences_text(changes, given.old, given.new)))
        return 1
    reason = (
        "the files are the same" if old.version == new.version else "only wording, comments, order or needless lines"
    )
    say(f"no difference in effect: {reason}")
    return 0


def policy_test(given: argparse.Namespace) -> int:
    """Hold the policy against the expectations; 1 if one of them is malformed or does not hold."""
    found = law(given.policy)
    sentences, problems = _expectations(given.file, found.words)
    broken = _grouped(failures(found.table, found.words, sentences))
    told = [line for sentence, cases in broken for line in _told(given.file, found.file, sentence, cases)]
    if problems or broken:
        wrong = f", {_count(len(problems), 'finding')} about the file" if problems else ""
        count = f"{_count(len(sentences), 'expectation')}, {len(broken)} failed{wrong}"
        say("\n".join([*map(str, problems), *told, count]))
        return 1
    say(f"{_count(len(sentences), 'expectation')} held by policy {found.table.version}")
    return 0


def _expectations(file: str, known: Vocabulary) -> tuple[tuple[Sentence, ...], list[Problem]]:
    try:
        data = Path(file).read_bytes()
    except OSError as error:
        findings = Findings(file)
        findings.add("expectation_missing", 1, 1, f"The file cannot be read: {error.strerror}.")
        return (), findings.problems()
    return read_expectations(data, known, file)


def _grouped(found: Iterable[Failure]) -> list[tuple[Sentence, list[Failure]]]:
    return [(sentence, list(cases)) for sentence, cases in groupby(found, key=lambda failure: failure.sentence)]


def _told(file: str, policy: Path, sentence: Sentence, cases: list[Failure]) -> Iterator[str]:
    """One line for a sentence that does not hold, and some for what the policy does instead, and where it says so."""
    yield str(Problem("expectation_failed", f"{file}:{sentence.line}:1", f"'{sentence.text}' does not hold:"))
    for case in cases[:_MOST_CASES]:
        yield f"  {case.role} {case.action} {case.resource} {case.says}"
        yield from (f"    {policy}:{rule.line}: {rule_text(rule)}" for rule in case.rules)
    if len(cases) > _MOST_CASES:
        yield f"  and {_count(len(cases) - _MOST_CASES, 'case')} more"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
