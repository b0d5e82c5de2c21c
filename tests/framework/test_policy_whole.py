"""One policy for all of a request, on every way it goes; and a watch that nothing else holds up."""

import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine
from starlette.types import Receive, Scope, Send

from charter.assemble.startup import FIRST_START_LOCK
from charter.store.engines import sqlite_file
from tests.patience import until
from tests.toy.running import HERE, Toy

pytestmark = pytest.mark.anyio

FILE, MODEL = Path("policy.csv"), Path("model.conf")

OPEN = "p, anonymous, traces, list, any, *\n"
"""A line that the toy's policy does not have."""


async def within(toy: Toy, work: Callable[[], Awaitable[Any]], kind: str = "http") -> None:
    """Do `work` as a request does: under the policy that was in force when it began."""

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        await work()

    nothing: Any = None
    await toy.services.policy.keep(app)({"type": kind}, nothing, nothing)


async def test_a_transaction_is_decided_by_the_policy_of_its_request(toy: Toy) -> None:
    """Also where it runs in a thread of its own: what a write refers to is looked at there."""
    services = toy.services
    asked: list[Any] = []

    async def work() -> None:
        asked.append(services.access)
        services.policy.take(replace(services.access, version="another"))
        asked.append(await services.store.read(lambda _: services.access))
        asked.append(await services.store.write(lambda _: services.access))

    await within(toy, work)
    assert [table.version == "another" for table in asked] == [False, False, False]
    assert services.access.version == "another"


async def test_what_outlives_all_requests_is_not_held_to_the_first_policy(toy: Toy) -> None:
    """The application's own life is no request: what runs in it sees each new policy."""
    services = toy.services

    async def work() -> None:
        services.policy.take(replace(services.access, version="another"))
        assert services.access.version == "another"

    await within(toy, work, kind="lifespan")


async def test_a_request_over_a_reload_leaves_no_old_document_behind(toy: Toy) -> None:
    """The document is kept with the policy that it was made for, whichever request had it made."""
    services = toy.services

    def is_open() -> bool:
        return {} in toy.app.openapi()["paths"]["/traces"]["get"]["security"]

    async def work() -> None:
        FILE.write_text((HERE / "policy.csv").read_text() + OPEN)  # noqa: ASYNC240 # nobody waits
        services.policy.take(services.policy.load())
        assert not is_open()

    await within(toy, work)
    assert is_open()


@asynccontextmanager
async def busy_database(toy: Toy) -> AsyncIterator[None]:
    """Nobody can bring the image of the policy up to date while this lasts."""
    url = toy.services.settings.database_url
    if toy.database == "sqlite":
        connection = sqlite3.connect(sqlite_file(url), isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.close()
        return
    engine = create_async_engine(url)
    async with engine.begin() as session:
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": FIRST_START_LOCK})
        yield
    await engine.dispose()


async def test_a_busy_database_holds_up_no_policy(toy: Toy) -> None:
    """What is saved while the tables that show the policy cannot be written is in force all the same."""
    http = toy.client()
    async with busy_database(toy):
        for rules, status in ((OPEN, 200), ("", 401)):
            FILE.write_text((HERE / "policy.csv").read_text() + rules)  # noqa: ASYNC240 # nobody waits

            async def answers(status: int = status) -> bool:
                return (await http.get("/traces")).status_code == status

            await until(answers)


async def test_a_changed_grammar_is_in_force_too(toy: Toy) -> None:
    """`model.conf` says what the lines mean, so saving it alone changes what is allowed."""
    editor = await toy.as_role("editor")
    assert (await editor.get("/traces")).status_code == 200
    MODEL.write_text(MODEL.read_text().rstrip() + ' && r.sub != "editor"\n')  # noqa: ASYNC240 # nobody waits

    async def refused() -> bool:
        return (await editor.get("/traces")).status_code == 403

    await until(refused)


async def test_a_loader_that_fails_is_told(toy: Toy) -> None:
    """A file that could not be judged, for whatever reason, is not taken for one that is in force."""
    policy = toy.services.policy
    load = policy.load

    def fails() -> Any:
        raise RuntimeError("nobody thought of this")

    policy.load = fails
    FILE.write_text((HERE / "policy.csv").read_text() + OPEN)  # noqa: ASYNC240 # nobody waits

    async def told() -> bool:
        return policy.error is not None

    await until(told)
    assert "nobody thought of this" not in str(policy.error)
    policy.load = load
    FILE.write_text((HERE / "policy.csv").read_text())  # noqa: ASYNC240 # nobody waits

    async def mended() -> bool:
        return policy.error is None

    await until(mended)
