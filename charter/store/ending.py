"""The end of a task that asks the database again and again."""

import asyncio
from typing import Any

PATIENCE = 0.2
"""Seconds until a task that goes on is told once more."""


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel `task`, and again until it has ended.

    A cancellation that comes in the moment of an answer can be lost inside the driver (``asyncio.wait_for`` before
    Python 3.12); the task would go on, and whoever waits for it would wait for ever.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE)
    if not task.cancelled():
        task.exception()  # looked at, so that nobody complains that nobody did


__all__ = ["end_task"]
