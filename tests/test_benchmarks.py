"""The benchmarks run: in small, since their figures are for people. What they find wrong ends them with an error."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SMALL = {
    "benchmarks": ("--products", "5000", "--rounds", "1", "--seconds", "0.2"),
    "benchmarks.admin": ("--products", "12000", "--orders", "300", "--rounds", "1"),
    "benchmarks.decisions": ("--rules", "100", "--lines", "1000"),
    "benchmarks.million": ("--products", "20000", "--rounds", "1", "--seconds", "0.2"),
    "benchmarks.orders": ("--rounds", "1", "--orders", "20", "--clients", "5"),
}
TOLD = {
    "benchmarks": "| change |",
    "benchmarks.admin": "dashboard",
    "benchmarks.decisions": "lines read and checked",
    "benchmarks.million": "memory of the server",
    "benchmarks.orders": "audit of charter's database: Nothing found.",
}


@pytest.mark.thorough
@pytest.mark.parametrize("module", SMALL)
def test_a_benchmark_runs(module: str) -> None:
    """Its contenders start, answer rightly, and are told about to the end."""
    command = [sys.executable, "-m", module, *SMALL[module]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False)  # noqa: S603 # ours
    assert done.returncode == 0, done.stderr
    assert TOLD[module] in done.stdout
