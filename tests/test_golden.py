"""What the declarations and the policy lead to is as reviewed: the golden files, made anew and compared."""

import difflib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.running import ROOT

GOLDEN = Path(__file__).parent / "golden"
FILES = ("catalog.txt", "policy-matrix.txt", "openapi.json")
REFRESH = "If this is meant, write it anew with 'python -m tests.golden' and review the difference."
MOST_LINES = 80


@pytest.fixture(scope="module")
def derived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files as they would be written now, by a process of its own."""
    folder = tmp_path_factory.mktemp("golden")
    command = [sys.executable, "-W", "error", "-m", "tests.golden", "--into", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 # our own module
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def difference(name: str, kept: str, now: str) -> str:
    """What has changed, as a unified diff, and what to do about it; empty where nothing has."""
    lines = list(difflib.unified_diff(kept.splitlines(), now.splitlines(), f"kept/{name}", f"now/{name}", lineterm=""))
    if not lines:
        return ""
    rest = [f"… and {len(lines) - MOST_LINES} more lines"] if len(lines) > MOST_LINES else []
    return "\n".join([f"{name} has changed.", *lines[:MOST_LINES], *rest, REFRESH])


@pytest.mark.parametrize("name", FILES)
def test_consequences_are_as_reviewed(name: str, derived: Path) -> None:
    """A change of a declaration or a rule shows here, with all that follows from it."""
    kept = GOLDEN / name
    found = difference(name, kept.read_text(encoding="utf-8"), (derived / name).read_text(encoding="utf-8"))
    if found:
        pytest.fail(found, pytrace=False)


def test_nothing_else_is_kept() -> None:
    """Each golden file is compared; a forgotten one would only look like a promise."""
    assert {file.name for file in GOLDEN.iterdir() if file.suffix in {".txt", ".json"}} == set(FILES)


def test_a_difference_shows_the_lines_and_the_way_out() -> None:
    """A long one is cut."""
    found = difference("a.txt", "one\ntwo\n", "one\n2\n")
    assert "-two\n+2" in found
    assert found.endswith(REFRESH)
    assert "… and " in difference("a.txt", "", "\n".join(map(str, range(500))))
    assert difference("a.txt", "one\n", "one\n") == ""
