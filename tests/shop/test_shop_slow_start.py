"""A machine that is busy: processes that take their time to start are waited for."""

from pathlib import Path

import pytest

from tests.running import SERVE, copy_application, running
from tests.storms.processes import Journal, wait_for_workers

SLOW = """
import multiprocessing, time
if multiprocessing.parent_process() is not None:
    time.sleep(7)
"""
"""Longer than uvicorn waits unasked for a sign of life."""


@pytest.mark.thorough
def test_processes_that_start_slowly_are_not_ended(tmp_path: Path) -> None:
    """They would be started anew, just as slowly, without end."""
    app = copy_application(tmp_path) / "app.py"
    app.write_text(f"{SLOW}\n{app.read_text()}")
    with running(tmp_path, SERVE, WORKERS="2") as shop:
        journal = Journal(shop.output)
        wait_for_workers(journal, 2)
        assert journal.count("Child process") == 0
