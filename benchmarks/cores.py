"""Which core runs what, and for how long: the server and its load must not take each other's time."""

import os
import sys
from pathlib import Path


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


def processor_time(process: int) -> float | None:
    """Seconds that the process has computed until now, all its threads; None where there is no ``/proc`` to tell."""
    try:
        line = Path(f"/proc/{process}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    # The name of the program stands in brackets and may hold anything; user and system time are fields 14 and 15.
    user, system = line.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
