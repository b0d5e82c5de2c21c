"""Waiting for what has to come: looked for often, and for so long that a busy machine is no reason to fail.

How fast something has to be is never judged by it; a test that fails here has waited in vain.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

PATIENCE = 180.0
"""Seconds. Two busy cores need more than one minute to start eight processes, each of which needs seconds of them."""

OFTEN = 0.05
"""Seconds between two looks."""


def wait_until(holds: Callable[[], bool], what: str = "it never came to hold") -> None:
    """Return once it holds; else fail, and tell `what`."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(OFTEN)


async def until(holds: Callable[[], Awaitable[bool]], what: str = "it never came to hold") -> None:
    """The same on the event loop."""
    end = time.monotonic() + PATIENCE
    while not await holds():
        assert time.monotonic() < end, what
        await asyncio.sleep(OFTEN)


__all__ = ["PATIENCE", "until", "wait_until"]
