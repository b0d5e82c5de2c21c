"""Thousands of random slips in the shipped policy: none drops a line silently, none opens more than its text says.

``MUTATIONS=100000`` asks for that many; each seed is a case of its own and can be asked for again.
"""

import os
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from charter.access import ANY, AccessTable, Decision, Vocabulary, check_policy, load_access
from charter.errors import DeclarationError
from tests.policy_oracle import READS, WRITES, Oracle, read_oracle
from tests.running import ROOT
from tests.shop.mutations import all_words, mutated
from tests.shop.words import shop_words

MODEL = ROOT / "model.conf"
SHIPPED = (ROOT / "policy.csv").read_bytes()
WANTED = int(os.environ.get("MUTATIONS", "3000"))
PARTS = 10
"""Cases that can run beside each other."""

Load = Callable[[bytes], AccessTable]


@dataclass(frozen=True, slots=True)
class Bench:
    """The shop's words, and the strict loader under them."""

    words: Vocabulary
    file: Path

    def load(self, data: bytes) -> AccessTable:
        """The table of a policy, or the refusal."""
        self.file.write_bytes(data)
        return load_access(self.file, MODEL, self.words)

    def oracle(self, data: bytes) -> Oracle:
        """What the plainest reading finds in the same bytes."""
        actions = {name: noun.actions for name, noun in self.words.nouns.items()}
        return read_oracle(data.decode(), actions, {name: noun.granted for name, noun in self.words.nouns.items()})

    def expected(self, oracle: Oracle, role: str, resource: str, action: str) -> tuple[frozenset[str], frozenset[str]]:
        """Rows and fields by the oracle."""
        noun = self.words.nouns[resource]
        whole = noun.readable if action in READS else noun.updatable if action == "update" else noun.creatable
        fields = oracle.fields(role, resource, action, whole | noun.granted) if action in READS | WRITES else set()
        return oracle.rows(role, resource, action), frozenset({*fields, *(noun.always if action in READS else ())})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Where the policies of one test are written."""
    return Bench(shop_words(), tmp_path / "policy.csv")


def faults(bench: Bench, data: bytes, load: Load) -> list[str]:
    """What is wrong with how a policy was taken; a refusal that says where is never wrong."""
    try:
        table = load(data)
    except DeclarationError as error:
        return [str(problem) for problem in error.problems if not _is_place(problem.where, data)]
    oracle = bench.oracle(data)
    in_force = len(table.rules) + len(table.links)
    if in_force != len(oracle.lines):
        return [f"{len(oracle.lines)} lines, {in_force} in force"]
    found = []
    for role in bench.words.roles:
        for resource, noun in bench.words.nouns.items():
            for action in noun.actions:
                decision = table.decide(role, resource, action)
                rows, fields = bench.expected(oracle, role, resource, action)
                if decision is None:
                    found += [f"{role} {action} {resource}: dropped"] if rows else []
                elif (frozenset(decision.rows), decision.fields) != (rows, fields):
                    found.append(f"{role} {action} {resource}: {decision}, not {rows} {fields}")
    return found


def _is_place(where: str, data: bytes) -> bool:
    """Whether something may stand there: a line of the file, and a column of it or the one behind."""
    match = re.fullmatch(r"policy\.csv:(\d+):(\d+)", where)
    lines = re.split(r"\r\n|\r|\n", data.decode("utf-8-sig", "replace"))
    return (
        match is not None
        and 1 <= int(match[1]) <= len(lines)
        and 1 <= int(match[2]) <= len(lines[int(match[1]) - 1]) + 1
    )


@pytest.mark.parametrize("part", [0, *(pytest.param(part, marks=pytest.mark.thorough) for part in range(1, PARTS))])
def test_no_slip_drops_a_line_or_opens_more_than_its_text_says(part: int, bench: Bench) -> None:
    """Each mutation is refused with a place, or every line of it is in force, and nothing else is."""
    words, taken = all_words(bench.words), 0
    seeds = range(part, WANTED, PARTS)
    for seed in seeds:
        data = mutated(SHIPPED, random.Random(seed), words)  # noqa: S311 # repeatable, not secret
        assert faults(bench, data, bench.load) == [], (seed, data)
        taken += not any(problem.fatal for problem in check_policy(data, bench.words))
    assert 0.1 < taken / len(seeds) < 0.9, "mutations should be refused and taken, both"


def test_of_a_cut_file_nothing_is_in_force_that_was_not_meant(bench: Bench) -> None:
    """Cut at any byte it is refused, but behind a whole line; there it allows less than the whole file, never more."""
    whole = bench.load(SHIPPED)
    for end in range(len(SHIPPED)):
        cut = SHIPPED[:end]
        if SHIPPED[end - 1 : end] != b"\n":
            codes = {problem.code for problem in check_policy(cut, bench.words) if problem.fatal}
            assert codes & {"policy_truncated", "policy_empty"}, cut[-40:]
        elif not any(problem.fatal for problem in check_policy(cut, bench.words)):
            assert wider(bench.load(cut), whole) == []


def wider(table: AccessTable, other: AccessTable) -> list[Decision]:
    """The decisions of a table that another one does not include."""
    return [
        decision
        for key, decision in table.decisions.items()
        if (there := other.decisions.get(key)) is None
        or not decision.fields <= there.fields
        or not (there.rows == (ANY,) or set(decision.rows) <= set(there.rows))
    ]


def test_a_loader_that_drops_what_it_does_not_know_would_be_found_out(bench: Bench) -> None:
    """The judgement is shown one: it leaves out each line with a finding, as Casbin itself does with many."""

    def lax(data: bytes) -> AccessTable:
        wrong = {int(problem.where.split(":")[1]) for problem in check_policy(data, bench.words) if problem.fatal}
        lines = data.decode("utf-8", "replace").split("\n")
        kept = [line for number, line in enumerate(lines, start=1) if number not in wrong]
        return bench.load("\n".join([*kept, ""]).encode())

    words = all_words(bench.words)
    found = 0
    for seed in range(60):
        data = mutated(SHIPPED, random.Random(seed), words)  # noqa: S311 # repeatable, not secret
        try:
            found += bool(faults(bench, data, lax))
        except UnicodeDecodeError:
            found += 1  # it took what is not even text
    assert found > 20
    line = b"p, manager, products, delete, any, *"
    for slip in (b"P, manager, products, delete, any, *", b"p, manger, products, delete, any, *"):
        assert faults(bench, SHIPPED.replace(line, slip), lax) != []
        assert faults(bench, SHIPPED.replace(line, slip), bench.load) == []


def test_a_table_that_is_too_wide_or_too_narrow_would_be_found_out(bench: Bench) -> None:
    """The judgement is shown a decision too many, one too few, other rows, and other fields."""
    right = bench.load(SHIPPED)
    assert faults(bench, SHIPPED, lambda _: right) == []
    key = ("anonymous", "products", "list")
    one = right.decisions[key]
    for wrong in (
        {
            **right.decisions,
            ("anonymous", "users", "list"): Decision("anonymous", "users", "list", (ANY,), frozenset(), ""),
        },
        {place: decision for place, decision in right.decisions.items() if place != key},
        {**right.decisions, key: replace(one, rows=(ANY,))},
        {**right.decisions, key: replace(one, fields=one.fields | {"cost_price"})},
        {**right.decisions, key: replace(one, fields=one.fields - {"price"})},
    ):
        table = replace(right, decisions=wrong)
        assert len(faults(bench, SHIPPED, partial(lambda table, _: table, table))) == 1
