"""The end of a task that loses the cancellation that it gets."""

import asyncio

import pytest

from charter.store.ending import end_task

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("lost", [0, 1, 3])
async def test_a_task_that_loses_its_cancellation_is_told_again(lost: int) -> None:
    """As a driver may lose it in the moment of an answer: the task goes on, and still ends."""
    left = lost

    async def work() -> None:
        nonlocal left
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                if not left:
                    raise
                left -= 1

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    async with asyncio.timeout(30):
        await end_task(task)
    assert (task.cancelled(), left) == (True, 0)


async def test_what_a_task_raised_does_not_matter_any_more() -> None:
    """One that failed has ended; whoever ends it is not told."""

    async def work() -> None:
        raise RuntimeError

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    await end_task(task)
    assert task.done()
