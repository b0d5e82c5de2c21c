"""The commands of whoever maintains the policy, in a copy of the application."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.running import ROOT, copy_application, settings_for
from tests.shop.test_shop_command import break_line, charter

COST = ("p, support, products, read, any, -cost_price", "p, support, products, read, any, *")
LINE = (ROOT / "policy.csv").read_text().splitlines().index


ANSWER = """
import contextlib, io, json, sys
from charter.cli import main

for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as output:
        code = main(["policy", *line.split()])
    print(json.dumps([code, output.getvalue()]), flush=True)
"""
"""Runs the commands that come in, one a line: a process of its own for each would take seconds to start."""

Ask = Callable[..., str]
"""What ``charter policy`` says to a command, whose exit code has to be `code`."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application that nobody changes."""
    return copy_application(tmp_path_factory.mktemp("policy"))


def changed(folder: Path, *changes: tuple[str, str], name: str = "new.csv") -> Path:
    """A copy of the policy beside it, with changes."""
    shutil.copy(folder / "policy.csv", folder / name)
    for old, new in changes:
        break_line(folder, name, old, new)
    return folder / name


@pytest.fixture(scope="module")
def ask(folder: Path) -> Iterator[Ask]:
    """One process that runs the commands of all tests; what none of them catches would end it."""
    with subprocess.Popen(  # noqa: S603 # our own application
        [sys.executable, "-c", ANSWER],
        cwd=folder,
        env=settings_for(folder),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def answer(words: str, code: int = 0) -> str:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write(f"{words}\n")
            process.stdin.flush()
            found, output = json.loads(process.stdout.readline())
            assert found == code, output
            return str(output)

        yield answer
        process.communicate()


def test_a_good_policy_is_counted(folder: Path) -> None:
    """Resources, rules, and the version that `/health` shows."""
    output = charter(folder, "policy", "check")
    rules = sum(line.startswith("p,") for line in (ROOT / "policy.csv").read_text().splitlines())
    assert output.startswith("11 resources, policy ")
    assert output.endswith(f", {rules} rules: no problem\n")


def test_errors_end_with_one_and_warnings_with_nought(folder: Path, ask: Ask) -> None:
    """Each with file, line, column and code; another file than the one in force can be checked."""
    changed(folder, ("customer, cart, *, own", "customer, cart, *, owned"), name="error.csv")
    output = ask("check error.csv", code=1)
    assert output.startswith(f"error.csv:{LINE('p, customer, cart, *, own, *') + 1}:23: policy_unknown_scope ")
    changed(
        folder, ("p, admin, users, delete", "p, admin, users, read, own, *\np, admin, users, delete"), name="warn.csv"
    )
    first, last = ask("check warn.csv").splitlines()
    assert first.startswith("warn.csv:")
    assert " policy_shadowed " in first
    assert last.endswith(": 1 warning")


def test_an_allowed_action_is_explained_by_its_lines(ask: Ask) -> None:
    """With their text and numbers, and through whom the role has them."""
    output = ask("explain manager orders list")
    line = "p, support, orders, list, any, *"
    assert output.startswith("allowed: manager may list orders\n  rows    any (every row)\n  fields  all fields\n")
    assert f"decided by\n  policy.csv:{LINE(line) + 1}: {line}\n    manager inherits from support (line 3)\n" in output
    output = ask("explain support products read")
    assert "fields  all but cost_price\n" in output


def test_a_denied_action_is_explained_by_what_is_missing(folder: Path, ask: Ask) -> None:
    """Exit code 1, the nearest lines, and one that does allow it when it is added."""
    output = ask("explain customer orders ship", code=1)
    line = "p, manager, orders, ship, any, *"
    assert output.startswith(
        f"denied: customer may not ship orders\nnearest lines\n  policy.csv:{LINE(line) + 1}: {line}\n"
    )
    assert "customer does not inherit from manager" in output
    cure = output.splitlines()[-1].strip()
    assert cure == "p, customer, orders, ship, own, *"
    grown = changed(folder, (line, f"{line}\n{cure}"), name="grown.csv")
    output = ask(f"explain customer orders ship --policy {grown.name}")
    assert "\n  rows    own\n" in output


def test_a_question_with_unknown_words_is_not_understood(ask: Ask) -> None:
    """Exit code 2, with what was perhaps meant."""
    output = ask("explain custmer ordrs ship", code=2)
    assert "Perhaps you meant 'customer'." in output
    assert "Perhaps you meant 'orders'." in output
    for words in ("explain customer orders shp", "matrix --resource order"):
        assert "Perhaps you meant" in ask(words, code=2)


def test_the_matrix_is_read_at_a_glance(ask: Ask) -> None:
    """Every resource in at most 120 columns; one resource as the golden file has it."""
    output = ask("matrix")
    assert max(map(len, output.splitlines())) <= 120
    rows = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line[:1].strip()}
    assert rows["products"] == ["published:", "lr", "=", "any:", "lr", "any:", "LRCUDEI", "stock", "="]
    assert rows["docs"] == ["any:", "access", "=", "=", "=", "="]
    golden = (ROOT / "tests/golden/policy-matrix.txt").read_text()
    for name in ("products", "users", "admin"):
        assert ask(f"matrix --resource {name}") in golden


def test_a_gain_shows_and_fails_an_expectation(folder: Path, ask: Ask) -> None:
    """Cost prices for support: told by `diff` with exit code 1, and by `test` with both lines, of sentence and rule."""
    changed(folder, COST, name="cost.csv")
    assert ask("diff policy.csv cost.csv", code=1) == (
        "gains, from policy.csv to cost.csv:\n  + support: read products: fields: cost_price\n1 gain, 0 losses\n"
    )
    back = ask("diff cost.csv policy.csv", code=1)
    assert "  - support: read products: fields: cost_price\n0 gains, 1 loss\n" in back
    output = ask("test --policy cost.csv", code=1)
    sentence = "hide, -manager|-admin, products, cost_price"
    number = (folder / "policies/expectations.csv").read_text().splitlines().index(sentence) + 1
    told = f"policies/expectations.csv:{number}:1: expectation_failed '{sentence}' does not hold:\n"
    assert output.startswith(
        f"{told}  support read products is shown cost_price\n    cost.csv:{LINE(COST[0]) + 1}: {COST[1]}\n"
    )
    assert output.endswith(", 1 failed\n")


def test_what_was_meant_is_written_down_and_holds_again(folder: Path, ask: Ask) -> None:
    """The recipe: both lines for support, and the sentence."""
    changed(folder, COST, (COST[0].replace("read", "list"), COST[1].replace("read", "list")), name="meant.csv")
    sentences = (folder / "policies/expectations.csv").read_text()
    (folder / "meant-expectations.csv").write_text(sentences.replace("hide, -manager", "hide, -support|-manager"))
    assert " held by policy " in ask("test meant-expectations.csv --policy meant.csv")


SLIPS = [
    ("customer, cart, *, own", "customer, cart, *, any"),
    ("p, support, products, read, any, -cost_price", "p, support, products, stock, any, *\n"),
    ("manager, orders, ship", "support, orders, ship"),
    ("users, update, own, full_name", "users, update, own, role|full_name"),
    ("customer, orders, read, own", "customer, orders, read, any"),
    ("p, customer, orders, cancel, own, *\n", ""),
    ("anonymous, products, read, published", "anonymous, products, read, any"),
    ("p, support, admin, access", "p, customer, admin, access"),
    ("support, stock-movements, list", "anonymous, stock-movements, list"),
    ("manager, products, export", "support, products, export"),
    ("g, customer, anonymous\n", ""),
    ("p, admin, users, delete", "p, manager, users, delete"),
    ("manager, roles, list", "customer, roles, import"),
]


def test_the_shipped_expectations_hold_and_notice_slips(folder: Path, ask: Ask) -> None:
    """Exit code 0 with a count; each of these slips fails at least one."""
    output = charter(folder, "policy", "test")
    assert int(output.split()[0]) >= 20
    for slip in SLIPS:
        changed(folder, slip, name="slip.csv")
        assert "expectation_failed" in ask("test --policy slip.csv", code=1), slip


def test_wording_makes_no_difference_in_effect(folder: Path, ask: Ask) -> None:
    """Exit code 0, said in words; the same file too."""
    lines = (folder / "policy.csv").read_text().splitlines()
    (folder / "turned.csv").write_text("\n".join(["# turned", *reversed(lines), ""]))
    assert ask("diff policy.csv turned.csv").startswith("no difference in effect: only wording")
    assert "the same" in ask("diff policy.csv policy.csv")


BAD = {"none.csv": "No such file", "policies": "Is a directory", "bytes.csv": "not UTF-8"}


def test_a_file_that_cannot_be_used_is_told(folder: Path, ask: Ask) -> None:
    """A missing one, a folder, bytes that are no text, a half-written line: where and why, never a traceback."""
    (folder / "bytes.csv").write_bytes(b"p, caf\xe9\n")
    (folder / "half.csv").write_text("p, anonymous, products, li")
    (folder / "void.csv").write_text("")
    for name, words in BAD.items():
        assert words in ask(f"check {name}", code=1)
        assert words in ask(f"test {name}", code=1)
        assert words in ask(f"explain admin users read --policy {name}", code=1)
        assert words in ask(f"diff policy.csv {name}", code=2)
        assert words in ask(f"diff {name} policy.csv", code=2)
    assert ask("diff none.csv half.csv", code=2).count("is no policy for this application") == 2
    assert "expectation_empty" in ask("test void.csv", code=1)
    assert "expectation_verb" in ask("test policy.csv", code=1)


def test_a_folder_without_an_application_is_told(tmp_path: Path) -> None:
    """In a line."""
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "charter").symlink_to(ROOT / "charter")
    alone = {"PYTHONPATH": str(tmp_path / "lib")}
    for command, code in ((("policy", "check"), 1), (("policy", "diff", "a", "b"), 2)):
        output = charter(tmp_path, *command, code=code, settings=alone)
        assert "there is no package 'resources' in this folder" in output
