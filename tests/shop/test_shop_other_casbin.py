"""Another implementation of Casbin, in JavaScript, gives the same answers to the same two files."""

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import casbin  # type: ignore[import-untyped]  # it ships no types
import pytest

from charter.access import ANY, check_policy
from tests.framework.random_policies import random_case
from tests.policy_oracle import read_oracle
from tests.running import ROOT
from tests.servers import NODE, need
from tests.shop.words import shop_words

PACKAGE = "casbin@5.51.1"
SCRIPT = "other_casbin.cjs"
MODEL = ROOT / "model.conf"
SECONDS = 120
Question = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Other:
    """The other implementation, installed in a folder of its own."""

    folder: Path

    def answers(self, policy: Path, questions: Sequence[Question], model: Path = MODEL) -> list[bool]:
        """What it says to each question."""
        done = subprocess.run(  # noqa: S603 # our own script
            [str(NODE), SCRIPT, str(model), str(policy)],
            cwd=self.folder,
            input=json.dumps(questions),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: list[bool] = json.loads(done.stdout)
        return found


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Other:
    """It is fetched as anybody would; where that cannot be done, its tests are left out."""
    need("node with npm", there=bool(NODE))
    folder = tmp_path_factory.mktemp("other-casbin")
    (folder / "package.json").write_text("{}")  # else npm looks for one further up
    shutil.copy(Path(__file__).with_name(SCRIPT), folder)
    flags = ("--no-save", "--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts", "--fetch-retries=1")
    done = subprocess.run(  # noqa: S603 # fixed words
        [str(shutil.which("npm")), "install", *flags, PACKAGE],
        cwd=folder,
        env={**os.environ, "npm_config_cache": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    need(f"the npm package {PACKAGE}", there=done.returncode == 0)
    return Other(folder)


def all_questions() -> list[Question]:
    """Every role, resource, action and rows word of the shop, and some of nobody's."""
    words = shop_words()
    known = [
        (role, resource, action, word)
        for role, (resource, noun) in itertools.product(words.roles, words.nouns.items())
        for action, word in itertools.product(noun.actions, (ANY, *sorted(words.scopes)))
    ]
    nobody = [
        ("nobody", "products", "list", ANY),
        ("admin", "nothing", "list", ANY),
        ("admin", "products", "shop", ANY),
    ]
    return [*known, *nobody, ("anonymous", "products", "list", "nonsense"), ("", "", "", "")]


def by_casbin(policy: Path, questions: Sequence[Question]) -> list[bool]:
    """What the implementation says that the shop runs on."""
    enforcer = casbin.Enforcer(str(MODEL), str(policy))
    return [enforcer.enforce(*question) for question in questions]


@cache
def ours() -> list[bool]:
    """What it says of the shipped files."""
    return by_casbin(ROOT / "policy.csv", all_questions())


def test_the_shipped_files_mean_the_same_in_javascript(other: Other) -> None:
    """The other implementation, ours, and the plainest reading agree on every question."""
    questions, policy = all_questions(), ROOT / "policy.csv"
    actions = {name: noun.actions for name, noun in shop_words().nouns.items()}
    oracle = read_oracle(policy.read_text(), {**actions, "nothing": (), "": ()})
    answers = other.answers(policy, questions)
    assert answers == ours()
    for (role, resource, action, word), answer in zip(questions, answers, strict=True):
        assert answer == bool({ANY, word} & oracle.rows(role, resource, action)), (role, resource, action, word)
    assert 0 < answers.count(True) < len(answers)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_policy_that_was_accepted_means_the_same_in_javascript(other: Other, tmp_path: Path, end: str) -> None:
    """Also one with padding, tabs, comments and Windows line ends: what the loader accepts is not misread elsewhere."""
    policy = tmp_path / "policy.csv"
    lines = (ROOT / "policy.csv").read_text().splitlines()
    odd = [f" \t{line.replace(', ', '	,  ')} " if line else "  # who; 'may' # do [what]" for line in lines]
    policy.write_bytes("".join(line + end for line in odd).encode())
    assert [problem for problem in check_policy(policy.read_bytes(), shop_words()) if problem.fatal] == []
    assert other.answers(policy, all_questions()) == ours()


@pytest.mark.parametrize("seed", range(8))
def test_a_random_policy_means_the_same_in_javascript(other: Other, tmp_path: Path, seed: int) -> None:
    """Accepted ones agree in everything: long inheritance too, since both follow nine steps."""
    cases = (random_case(number) for number in itertools.count(seed * 100))
    case = next(case for case in cases if not any(p.fatal for p in check_policy(case.text.encode(), case.words)))
    policy = tmp_path / "policy.csv"
    policy.write_text(case.text)
    questions = list(case.questions())
    assert other.answers(policy, questions) == by_casbin(policy, questions)


def test_nine_steps_are_followed_by_both(other: Other, tmp_path: Path) -> None:
    """The bound of the loader is the one of the other implementation as well."""
    policy = tmp_path / "policy.csv"
    ladder = "".join(f"g, role{number + 1}, role{number}\n" for number in range(12))
    policy.write_text(f"p, role0, notes, list, any, *\n{ladder}")
    questions = [(f"role{number}", "notes", "list", "any") for number in range(10)]
    assert other.answers(policy, questions) == by_casbin(policy, questions) == [True] * 10


def test_another_model_would_be_noticed(other: Other, tmp_path: Path) -> None:
    """The comparison fails where the files mean something else there."""
    model = tmp_path / "model.conf"
    model.write_text(MODEL.read_text().replace('p.rows == "any" || ', ""))
    assert other.answers(ROOT / "policy.csv", all_questions(), model) != ours()
