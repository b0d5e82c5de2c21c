"""Which core runs what: the server and its load must not take each other's time."""

import os
import sys


def pair() -> tuple[int | None, int | None]:
    """One core for the server under test, another for the load; None where processes cannot be pinned."""
    if sys.platform == "linux":
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) > 1:
            return cores[-1], cores[0]
    return None, None


def pin(process: int, core: int | None) -> None:
    """Keep the process (0: this one) on the core."""
    if sys.platform == "linux" and core is not None:
        os.sched_setaffinity(process, {core})
