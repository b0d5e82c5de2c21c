"""Runs the declared jobs while the application serves: each in a task of its own, each round in transactions."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from charter.declare import Job
from charter.errors import ApiException
from charter.services import Services
from charter.store.ending import end_task

log = logging.getLogger("charter.jobs")

HOUR = 3_600.0


def upkeep(services: Services) -> tuple[Job, ...]:
    """What the framework itself has to do now and then."""
    return (
        Job("old idempotency keys", HOUR, services.replays.purge),
        Job("old refresh tokens", HOUR, services.auth.sessions.purge),
        Job("old mailed tokens", HOUR, services.auth.outbox.purge),
        Job("old notices about accounts", HOUR, services.auth.notices.purge),
    )


@asynccontextmanager
async def working(services: Services, jobs: Sequence[Job]) -> AsyncIterator[None]:
    """Every job, again and again, as long as the block lasts."""
    tasks = [asyncio.create_task(repeat(services, job)) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            await end_task(task)


async def repeat(services: Services, job: Job) -> None:
    """One job until cancelled; at different moments in different processes. Nothing that it raises ends it."""
    await asyncio.sleep(job.seconds * random.random())  # noqa: S311 # spread, not secret
    while True:
        try:
            await do_all(services, job)
        except ApiException as error:
            log.warning("job '%s' was not done: %s", job.name, error.detail)
        except Exception:
            log.exception("job '%s' failed", job.name)
        await asyncio.sleep(job.seconds)


async def do_all(services: Services, job: Job) -> None:
    """One round: transactions until nothing is left to do."""
    has_more = True
    while has_more:
        has_more = await services.store.write(job.run)


__all__ = ["do_all", "repeat", "upkeep", "working"]
