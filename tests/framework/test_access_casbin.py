"""Casbin stays the law: the table gives the answers of an Enforcer that has read the whole file by itself.

Vocabulary and policy are random. ``POLICY_CASES=1000000`` asks that many questions.
"""

import itertools
import os
from dataclasses import replace
from pathlib import Path

import casbin  # type: ignore[import-untyped]  # it ships no types
import pytest

from charter.access import ANY, AccessTable, Decision, Noun, Vocabulary, load_access
from charter.errors import DeclarationError
from tests.framework.random_policies import SCOPES, Case, Question, random_case
from tests.policy_oracle import READS, WRITES, read_oracle

MODEL = Path(__file__).parents[2] / "model.conf"
WANTED = int(os.environ.get("POLICY_CASES", "20000"))
PARTS = 4
"""Cases that can run beside each other."""


def disagreements(access: AccessTable, file: Path, case: Case) -> list[Question]:
    """Where Casbin, which reads the same file by itself, answers other than the table."""
    reference = casbin.Enforcer(str(MODEL), str(file))
    wrong = []
    for role, resource, action, word in case.questions():
        decision = access.decide(role, resource, action)
        ours = decision is not None and (decision.rows == (ANY,) or word in decision.rows)
        if ours != reference.enforce(role, resource, action, word):
            wrong.append((role, resource, action, word))
    return wrong


def misreadings(access: AccessTable, case: Case) -> list[tuple[str, str, str]]:
    """Where the plainest reading finds other rows or other fields than the table."""
    nouns = case.words.nouns
    oracle = read_oracle(
        case.text,
        {name: noun.actions for name, noun in nouns.items()},
        {name: noun.granted for name, noun in nouns.items()},
    )
    wrong = []
    for role, (resource, noun) in itertools.product(case.words.roles, nouns.items()):
        for action in noun.actions:
            written = (noun.updatable if action == "update" else noun.creatable) | noun.granted
            whole = noun.readable if action in READS else written if action in WRITES else frozenset()
            decision = access.decide(role, resource, action)
            ours = (frozenset(decision.rows), decision.fields) if decision else (frozenset(), frozenset())
            plain = oracle.rows(role, resource, action), oracle.fields(role, resource, action, whole)
            if ours != plain:
                wrong.append((role, resource, action))
    return wrong


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the policy of a test is written."""
    return tmp_path / "policy.csv"


@pytest.mark.parametrize("part", range(PARTS))
def test_the_table_says_what_casbin_says_for_every_question(part: int, file: Path) -> None:
    """Of random policies, those that load give Casbin's own answers, and the fields of the plainest reading."""
    asked = loaded = tried = 0
    for seed in itertools.count(part, PARTS):
        if asked >= WANTED / PARTS:
            break
        case, tried = random_case(seed), tried + 1
        file.write_text(case.text)
        try:
            access = load_access(file, MODEL, case.words)
        except DeclarationError:
            continue
        assert disagreements(access, file, case) == [], (seed, case.text)
        assert misreadings(access, case) == [], (seed, case.text)
        asked, loaded = asked + sum(1 for _ in case.questions()), loaded + 1
    assert loaded / tried > 0.3


def test_what_nobody_declared_is_denied_by_both(file: Path) -> None:
    """Unknown roles, resources, actions and rows, and a role's name in the place of a resource."""
    case = random_case(0)
    file.write_text("p, role0, console, access, any, *\n")
    access = load_access(file, MODEL, case.words)
    reference = casbin.Enforcer(str(MODEL), str(file))
    assert reference.enforce("role0", "console", "access", "own")
    for question in (
        ("", "", ""),
        ("nobody", "console", "access"),
        ("role0", "nothing", "access"),
        ("role0", "console", "list"),
        ("role0", "role0", "access"),
        ("console", "console", "access"),
    ):
        assert access.decide(*question) is None
        assert not any(reference.enforce(*question, word) for word in ("", ANY, *SCOPES))


def test_a_corrupted_table_is_found_out(file: Path) -> None:
    """The comparisons would notice a decision too many, one too few, other rows, and other fields."""
    noun = Noun(("list",), readable=frozenset({"id", "title"}), scopes=frozenset({"own", "shared"}))
    words = Vocabulary(("guest", "chief"), {"notes": noun, "folders": noun}, frozenset({"own", "shared"}))
    case = Case(words, "p, guest, notes, list, own, title\np, chief, folders, list, any, *\n")
    file.write_text(case.text)
    access = load_access(file, MODEL, words)
    assert disagreements(access, file, case) == [] == misreadings(access, case)
    key = ("guest", "notes", "list")
    extra = Decision("guest", "folders", "list", (ANY,), frozenset(), "")
    for wrong in (
        {**access.decisions, ("guest", "folders", "list"): extra},
        {place: decision for place, decision in access.decisions.items() if place != key},
        {**access.decisions, key: replace(access.decisions[key], rows=(ANY,))},
        {**access.decisions, key: replace(access.decisions[key], rows=("shared",))},
    ):
        assert disagreements(replace(access, decisions=wrong), file, case) != []
        assert misreadings(replace(access, decisions=wrong), case) != []
    wider = {**access.decisions, key: replace(access.decisions[key], fields=frozenset({"id", "title"}))}
    assert misreadings(replace(access, decisions=wider), case) == [key]
