"""The policy file replaced again and again under load, and the storm itself shown to find what it looks for."""

from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.storms.policy import WORKERS, storm
from tests.storms.verdict import GRACE, History, Seen, faults, unexplained
from tests.storms.versions import ALL, SIZE, Shown, Version

ROUNDS = 18

IN_TWO_STEPS = """
import asyncio
from dataclasses import replace
from charter.access import InForce

take = InForce.take

def in_two_steps(self, table):
    held = self.newest.decisions
    half = {key: held.get(key, found) if key[1] == "categories" else found for key, found in table.decisions.items()}
    take(self, replace(table, decisions=half))
    asyncio.get_running_loop().call_later(0.3, take, self, table)

InForce.take = in_two_steps
"""

NEVER = """
from charter.assemble.watch import Watch

async def look(self):
    pass

Watch.look = look
"""


@pytest.mark.thorough
def test_a_policy_that_is_replaced_under_load(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """No answer by a policy that never was in force, no 5xx, and each good version comes to be in force everywhere.

    From the moment when every process has it, no answer is given by another one. How soon that is, is measured by
    ``python -m tests.storms.policy``, which has the machine for itself; here other tests share its two cores.
    """
    with storm(tmp_path, "", WORKERS, grace=PATIENCE, **empty_database) as found:
        found.blow(ROUNDS)
    print(found.figures())  # noqa: T201 # shown where it fails
    assert found.judge() == []
    assert len(found.told) == ROUNDS // 3
    assert len(found.everywhere) == ROUNDS - ROUNDS // 3
    assert max(found.everywhere) <= PATIENCE
    assert len(found.load.seen) > ROUNDS * 20
    assert {part for seen in found.load.seen for part in seen.shown} == set(Version(0).parts)


@pytest.mark.thorough
def test_a_table_that_is_swapped_in_two_steps_is_found(tmp_path: Path) -> None:
    """Control: new rules for one resource and old ones for another, for a third of a second."""
    with storm(tmp_path, IN_TWO_STEPS, workers=2, grace=PATIENCE) as found:
        found.good("renamed")
        found.good("in place")
    wrong = found.judge()
    assert wrong
    assert all("include=category" in line or "/users/me/permissions" in line for line in wrong), wrong


@pytest.mark.thorough
def test_a_watch_that_never_looks_is_found(tmp_path: Path) -> None:
    """Control: the version that is saved is in force nowhere, in no time."""
    with storm(tmp_path, NEVER, workers=2) as found:
        found.patience = GRACE * 2
        found.good("renamed")
    assert any("in force everywhere after inf" in line for line in found.judge())


def seen(started: float, **shown: Shown) -> Seen:
    """An answer that took a tenth of a second."""
    return Seen("/", started, started + 0.1, 200, shown)


def shows(number: int, *parts: str) -> dict[str, Shown]:
    """Parts of an answer as a version gives them."""
    return {part: Version(number).parts[part] for part in parts}


LISTED, READ, INCLUDED = "products.list", "products.read", "categories.read"
WHOLE = shows(2, LISTED, READ, INCLUDED)

DOCTORED = {
    "two versions in one answer": seen(30, **shows(2, LISTED), **shows(1, INCLUDED)),
    "too early": seen(19.8, **WHOLE),
    "one that was over": seen(20.1 + GRACE + 0.01, **shows(1, LISTED)),
    "one that never was": seen(30, **shows(7, LISTED)),
    "nothing of a policy": seen(30),
    "a field too many": seen(30, **{LISTED: frozenset({*Version(2).fields[LISTED], "cost_price"})}),
    "a field too few": seen(30, **{LISTED: Version(2).fields[LISTED] - {"id"}}),
    "another file": seen(30, hash="0123456789abcdef"),
}


@pytest.mark.parametrize("answer", DOCTORED.values(), ids=DOCTORED)
def test_the_verdict_finds_what_is_wrong(answer: Seen) -> None:
    """Control: one doctored answer among right ones."""
    history = History()
    history.save(Version(1), 10.0, 10.1)
    history.save(Version(2), 20.0, 20.1)
    right = [
        seen(30, **WHOLE),
        seen(19.95, **WHOLE),
        seen(15, **shows(1, LISTED, INCLUDED)),
        seen(20.1 + GRACE, **shows(1, LISTED)),
    ]
    assert unexplained(history, right) == []
    assert len(unexplained(history, [*right, answer])) == 1


def test_the_verdict_knows_when_a_version_is_gone() -> None:
    """Control: within the grace an older version is explained, but not once every process is known to have left it."""
    history, late = History(grace=60), seen(25, **shows(1, LISTED))
    history.save(Version(1), 10.0, 10.1)
    history.save(Version(2), 20.0, 20.1)
    assert unexplained(history, [late]) == []
    history.settle(24.0)
    assert unexplained(history, [seen(23.9, **shows(1, LISTED)), seen(25, **WHOLE)]) == []
    assert len(unexplained(history, [late])) == 1


def test_the_verdict_finds_faults() -> None:
    """Control: every 5xx is one, whatever else it shows."""
    assert len(faults([Seen("/", 0, 1, status, {}) for status in (200, 401, 404, 429, 500, 503)])) == 2


def test_versions_can_be_told_apart() -> None:
    """By any one part with fields, as far as the number has bits; by nothing that a look at the file would show."""
    versions = [Version(number) for number in range(ALL + 1)]
    for part in (LISTED, READ, INCLUDED):
        assert len({version.parts[part] for version in versions}) == ALL + 1
    assert {len(version.text) for version in versions} == {SIZE}
