"""Remembered sign-ins: no statement for what is known, and nobody gets in for longer than a second after their end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, update

from charter.auth import standing
from charter.auth.standing import FRESH_SECONDS, Standings
from charter.errors import DatabaseException
from charter.types import utc_now
from tests.framework.auth_toy import APART, PASSWORD, Toy, another, toy
from tests.patience import until
from tests.statements import statements

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.org"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database."""
    on_sqlite = request.param == "sqlite"
    return f"sqlite+aiosqlite:///{tmp_path}/toy.db" if on_sqlite else str(request.getfixturevalue("accounts_postgres"))


@pytest.fixture
async def app(url: str, tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application, which remembers."""
    async with toy(tmp_path, url) as found, remembering(found):
        yield found


@pytest.fixture
async def other(app: Toy, url: str, tmp_path: Path) -> AsyncIterator[Toy]:
    """A second process' worth of the same application, on the same database."""
    async with another(tmp_path, url) as found, remembering(found):
        yield found


@asynccontextmanager
async def remembering(app: Toy) -> AsyncIterator[None]:
    """`app` looks for notices as it does while it serves; the first look is done."""
    app.auth.standings.start()
    await eventually(lambda: app.auth.standings.is_fresh)
    yield


async def eventually(is_so: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.01)


async def seen_by(app: Toy, token: str) -> int:
    return (await app.client(token).get("/own/me")).status_code


@pytest.fixture
def however_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look may be relied on for long, so that a slow machine does not ask again what these tests count."""
    monkeypatch.setattr(standing, "FRESH_SECONDS", 60)


async def gone_within_a_second(app: Toy, token: str) -> None:
    """Fails unless `app` refuses `token` in whatever request begins a second from now."""
    began = asked = time.monotonic()
    while (status := await seen_by(app, token)) == 200:
        assert asked - began < 1, "still signed in after a second"
        await asyncio.sleep(0.01)
        asked = time.monotonic()
    assert status == 401


@pytest.mark.usefixtures("however_busy")
async def test_a_known_sign_in_takes_no_statement(app: Toy) -> None:
    """The first request asks once; the next hundred ask nothing."""
    await app.account(EMAIL)
    token = (await app.tokens(EMAIL))["access_token"]
    await app.auth.standings.look()  # what the login told is heard: nothing is forgotten for it later
    with statements("FROM users") as first:
        assert await seen_by(app, token) == 200
    with statements("FROM users") as others:
        assert {await seen_by(app, token) for _ in range(100)} == {200}

    assert len(first) == 1
    assert others == []


async def test_without_looking_nothing_is_remembered(app: Toy) -> None:
    """A process that does not look, such as a script, asks the database every time."""
    await app.account(EMAIL)
    token = (await app.tokens(EMAIL))["access_token"]
    await app.auth.standings.close()
    with statements("FROM users") as asked:
        assert [await seen_by(app, token) for _ in range(3)] == [200] * 3
    assert len(asked) == 3


async def log_out(app: Toy, pair: dict[str, Any], _: UUID) -> None:
    answer = await app.client(pair["access_token"]).post("/auth/logout")
    assert answer.status_code == 204


async def reuse(app: Toy, pair: dict[str, Any], _: UUID) -> None:
    first = pair["refresh_token"]
    second = (await app.client().post("/auth/refresh", json={"refresh_token": first})).json()["refresh_token"]
    assert (await app.client().post("/auth/refresh", json={"refresh_token": second})).status_code == 200
    assert (await app.client().post("/auth/refresh", json={"refresh_token": first})).status_code == 401


async def reset(app: Toy, _: dict[str, Any], __: UUID) -> None:
    assert (await app.client().post("/auth/forgot-password", json={"email": EMAIL})).status_code == 202
    token = await app.mailed_token("reset-password")
    answer = await app.client().post("/auth/reset-password", json={"token": token, "password": f"new {PASSWORD}"})
    assert answer.status_code == 204


def changed(**values: Any) -> Any:
    async def by_the_owner(app: Toy, _: dict[str, Any], row_id: UUID) -> None:
        owner = await app.signed_in("owner@example.org", "owner")
        assert (await owner.patch(f"/people/{row_id}", json=values)).status_code == 200

    return by_the_owner


async def deleted(app: Toy, _: dict[str, Any], row_id: UUID) -> None:
    owner = await app.signed_in("owner@example.org", "owner")
    assert (await owner.delete(f"/people/{row_id}")).status_code == 204


ENDINGS = {
    "logout": log_out,
    "reuse": reuse,
    "reset": reset,
    "role": changed(role="editor"),
    "lock": changed(is_active=False),
    "password": changed(password=f"new {PASSWORD}"),
    "deleted": deleted,
}


@pytest.mark.parametrize("ending", list(ENDINGS))
async def test_an_ended_sign_in_is_known_at_once_here_and_within_a_second_elsewhere(
    app: Toy, other: Toy, ending: str
) -> None:
    """Whatever ends it, and though both processes remember it well."""
    row_id = await app.account(EMAIL)
    pair = await app.tokens(EMAIL)
    token = pair["access_token"]
    assert {await seen_by(app, token), await seen_by(other, token)} == {200}

    async def remembered() -> bool:
        with statements("FROM users") as asked:
            assert {await seen_by(app, token), await seen_by(other, token)} == {200}
        return asked == []

    await until(remembered, "on a machine that is not too busy to hear of endings, nobody asks twice")
    await ENDINGS[ending](app, pair, row_id)
    assert await seen_by(app, token) == 401
    await gone_within_a_second(other, token)


async def test_a_process_that_does_not_hear_relies_on_nothing(
    app: Toy, other: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a look that succeeds it asks the database, so that it is never behind by more than a second."""
    row_id = await app.account(EMAIL)
    pair = await app.tokens(EMAIL)
    assert await seen_by(other, pair["access_token"]) == 200

    async def cannot(_: Standings) -> None:
        raise DatabaseException("away")

    monkeypatch.setattr(Standings, "look", cannot)  # the database answers everything but this
    await ENDINGS["lock"](app, pair, row_id)
    await gone_within_a_second(other, pair["access_token"])


async def test_what_is_read_while_it_changes_is_not_remembered(app: Toy) -> None:
    """A read that began before the end of a sign-in and finishes after it must not bring it back."""
    await app.account(EMAIL)
    pair = await app.tokens(EMAIL)
    session = app.auth.access_tokens.read(pair["access_token"]).session
    reads, may_go_on = asyncio.Event(), asyncio.Event()
    read = app.services.store.read

    async def slow(work: Any, **given: Any) -> Any:
        found = await read(work, **given)
        reads.set()
        await may_go_on.wait()
        return found

    standings = Standings(app.services.store, app.auth.standings.callers, app.auth.notices)
    await standings.look()
    standings.store = type("Slow", (), {"read": staticmethod(slow)})()
    asked = asyncio.create_task(standings.of(session))
    await reads.wait()
    await app.auth.end_session(session)
    may_go_on.set()

    assert await asked is not None  # as it was when it was asked
    assert await standings.of(session) is None


async def test_a_sign_in_ends_by_its_age_though_it_is_remembered(app: Toy) -> None:
    """Nobody tells of a moment that passes."""
    await app.account(EMAIL)
    token = (await app.tokens(EMAIL))["access_token"]
    await app.change_tokens(idle_expires_at=utc_now() + timedelta(seconds=1.5))
    assert await seen_by(app, token) == 200
    await asyncio.sleep(1.6)
    assert await seen_by(app, token) == 401


@pytest.mark.usefixtures("however_busy")
async def test_a_change_past_charter_is_seen_when_the_memory_is_too_old(
    app: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain SQL tells nobody, so nothing is remembered for long."""
    await app.account(EMAIL)
    token = (await app.tokens(EMAIL))["access_token"]
    await app.auth.standings.look()
    assert await seen_by(app, token) == 200
    users = app.auth.entry.table
    await app.services.store.write(lambda tx: tx.execute(update(users).values(is_active=False)) and None)
    assert await seen_by(app, token) == 200
    monkeypatch.setattr(standing, "OLDEST_SECONDS", 0)
    assert await seen_by(app, token) == 401


async def test_an_unproved_address_is_asked_for_each_time(app: Toy, other: Toy) -> None:
    """So that who has just proved it need not wait, whichever process answers."""
    await app.auth.create_account(EMAIL, PASSWORD, "reader", verified=False)
    token = (await app.tokens(EMAIL))["access_token"]
    assert await seen_by(other, token) == 200
    mailed = await app.mailed_token("verify-email")
    assert (await app.client().post("/auth/verify-email", json={"token": mailed})).status_code == 200
    assert (await other.auth.caller_of_token(token)).is_verified


async def test_a_token_of_another_epoch_or_account_is_refused_though_its_sign_in_is_known(app: Toy) -> None:
    """What is remembered is held against every claim."""
    row_id = await app.account(EMAIL)
    token = (await app.tokens(EMAIL))["access_token"]
    session = app.auth.access_tokens.read(token).session
    assert await seen_by(app, token) == 200

    assert await seen_by(app, app.auth.access_tokens.write(row_id, session, 0)) == 200
    assert await seen_by(app, app.auth.access_tokens.write(row_id, session, 1)) == 401
    assert await seen_by(app, app.auth.access_tokens.write(uuid4(), session, 0)) == 401
    assert await seen_by(app, app.auth.access_tokens.write(row_id, uuid4(), 0)) == 401


async def test_lost_notices_are_noticed(app: Toy, other: Toy) -> None:
    """Where the last one that a process has read is gone, others may be too: it forgets everything."""
    await app.account(EMAIL)
    for _ in range(2):
        await log_out(app, await app.tokens(EMAIL), uuid4())
    await asyncio.sleep(2 * standing.LOOK_SECONDS)  # both are heard
    token = (await app.tokens(EMAIL))["access_token"]
    assert await seen_by(other, token) == 200
    notices = APART.metadata.tables["account_notice"]
    await app.services.store.write(lambda tx: tx.execute(delete(notices)) and None)
    await eventually(lambda: not other.auth.standings.known)
    assert await seen_by(other, token) == 200


async def test_the_purge_keeps_the_newest_notice(app: Toy) -> None:
    """Numbers go on from it; old ones are of no use."""
    await app.account(EMAIL)
    for _ in range(3):
        await log_out(app, await app.tokens(EMAIL), uuid4())
    notices = APART.metadata.tables["account_notice"]
    old = update(notices).values(created_at=utc_now() - timedelta(hours=2))
    await app.services.store.write(lambda tx: tx.execute(old) and None)
    await app.services.store.write(app.auth.notices.purge)

    [left] = await app.rows("account_notice")
    await log_out(app, await app.tokens(EMAIL), uuid4())
    assert [row["id"] for row in await app.rows("account_notice")] == [left["id"], left["id"] + 1]


@pytest.mark.usefixtures("however_busy")
async def test_the_memory_has_an_end(app: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was looked up first makes room."""
    monkeypatch.setattr(standing, "MOST_KEPT", 3)
    await app.account(EMAIL)
    tokens = [(await app.tokens(EMAIL))["access_token"] for _ in range(5)]
    await app.auth.standings.look()
    for token in tokens:
        assert await seen_by(app, token) == 200
    assert len(app.auth.standings.known) == 3


async def test_nobody_looks_while_nobody_asks(app: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle process leaves the database alone, and begins anew with the next request."""
    await app.account(EMAIL)
    token = (await app.tokens(EMAIL))["access_token"]
    assert await seen_by(app, token) == 200
    monkeypatch.setattr(standing, "QUIET_SECONDS", 0.1)
    await asyncio.sleep(3 * standing.LOOK_SECONDS)
    with statements("account_notice") as looked:
        await asyncio.sleep(3 * standing.LOOK_SECONDS)
    assert looked == []
    monkeypatch.undo()
    assert await seen_by(app, token) == 200
    await eventually(lambda: app.auth.standings.is_fresh)


async def test_notices_of_many_writers_are_seen_in_order(app: Toy, other: Toy) -> None:
    """Fifty sign-ins end at once over two processes; nobody passes one by."""
    await app.account(EMAIL)
    pairs = [await app.tokens(EMAIL) for _ in range(25)]
    ours = [pair["access_token"] for pair in pairs]
    for token in ours:
        assert {await seen_by(app, token), await seen_by(other, token)} == {200}
    ends = [(app if index % 2 else other).auth.end_session for index in range(25)]
    sessions = [app.auth.access_tokens.read(token).session for token in ours]
    await asyncio.gather(*(end(session) for end, session in zip(ends, sessions, strict=True)))
    await asyncio.sleep(FRESH_SECONDS)

    assert {await seen_by(app, token) for token in ours} == {401}
    assert {await seen_by(other, token) for token in ours} == {401}
    await eventually(lambda: (app.auth.standings.known | other.auth.standings.known).isdisjoint(sessions))
