"""Sign-ins: one good refresh token at a time, a short grace for a lost answer, the end of a reused family."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from charter.store import Transaction
from charter.types import utc_now
from tests.framework.auth_toy import APART, PASSWORD, Toy, another, toy

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.org"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database."""
    on_sqlite = request.param == "sqlite"
    return f"sqlite+aiosqlite:///{tmp_path}/toy.db" if on_sqlite else str(request.getfixturevalue("accounts_postgres"))


@pytest.fixture
async def app(url: str, tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application on each database."""
    async with toy(tmp_path, url) as found:
        await found.account(EMAIL)
        yield found


async def refresh(app: Toy, token: str) -> tuple[int, dict[str, Any]]:
    answer = await app.client().post("/auth/refresh", json={"refresh_token": token})
    return answer.status_code, answer.json()


async def seen_by(app: Toy, access_token: str) -> int:
    return (await app.client(access_token).get("/people/me")).status_code


async def test_a_refresh_token_is_exchanged_for_the_next_one(app: Toy) -> None:
    """Each answer has a new pair, and both are good."""
    first = await app.tokens(EMAIL)
    status, second = await refresh(app, first["refresh_token"])

    assert status == 200
    assert second.keys() == first.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
    assert second["refresh_token"] != first["refresh_token"]
    assert await seen_by(app, second["access_token"]) == 200
    assert (await refresh(app, second["refresh_token"]))[0] == 200


async def test_only_hashes_are_kept(app: Toy) -> None:
    """A stolen table opens nothing."""
    token = (await app.tokens(EMAIL))["refresh_token"]
    [row] = await app.rows("refresh_token")

    assert token not in str(row)
    assert len(row["token_hash"]) == 64
    assert row["user_agent"].startswith("python-httpx")


async def test_fifty_refreshes_at_once_have_one_successor(app: Toy) -> None:
    """Nobody is signed out by a client that asks twice, or fifty times."""
    token = (await app.tokens(EMAIL))["refresh_token"]
    answers = await asyncio.gather(*(refresh(app, token) for _ in range(50)))

    assert {status for status, _ in answers} == {200}
    assert len({body["refresh_token"] for _, body in answers}) == 1
    assert len(await app.rows("refresh_token")) == 2


async def test_the_previous_token_is_no_good_after_the_grace(app: Toy) -> None:
    """Ten seconds later a repetition is a theft: the family ends, and that is kept although the answer is 401."""
    first = await app.tokens(EMAIL)
    _, second = await refresh(app, first["refresh_token"])
    await app.services.store.write(lambda tx: _shift_use(tx, seconds=11))

    assert (await refresh(app, first["refresh_token"]))[0] == 401
    assert (await refresh(app, second["refresh_token"]))[0] == 401
    assert await seen_by(app, second["access_token"]) == 401
    assert {row["reason"] for row in await app.rows("refresh_token")} == {"reuse"}


def _shift_use(tx: Transaction, seconds: int) -> None:
    table = APART.metadata.tables["refresh_token"]
    tx.execute(update(table).where(table.c.used_at.is_not(None)).values(used_at=utc_now() - timedelta(seconds=seconds)))


async def test_a_token_before_the_previous_one_ends_the_family_at_once(app: Toy) -> None:
    """The grace is for the immediately previous token only."""
    first = await app.tokens(EMAIL)
    _, second = await refresh(app, first["refresh_token"])
    _, third = await refresh(app, second["refresh_token"])

    assert (await refresh(app, first["refresh_token"]))[0] == 401
    assert (await refresh(app, third["refresh_token"]))[0] == 401


async def test_a_new_secret_ends_no_sign_in(app: Toy, url: str, tmp_path: Path) -> None:
    """Not even for a client that never got the answer before the restart, and asks again after it."""
    first = await app.tokens(EMAIL)
    _, second = await refresh(app, first["refresh_token"])
    old, new = app.services.settings.secret_key, "another secret that is long enough"
    async with another(tmp_path, url, secret_key=new, previous_secret_keys=(old,)) as restarted:
        status, repeated = await refresh(restarted, first["refresh_token"])
        assert (status, repeated["refresh_token"]) == (200, second["refresh_token"])
        assert await seen_by(restarted, second["access_token"]) == 200
        assert (await refresh(restarted, second["refresh_token"]))[0] == 200
    async with another(tmp_path, url, secret_key=new) as forgetful:
        assert await seen_by(forgetful, second["access_token"]) == 401


async def test_reuse_ends_one_sign_in_and_leaves_the_others(app: Toy) -> None:
    """Families are apart."""
    stolen, other = await app.tokens(EMAIL), await app.tokens(EMAIL)
    _, second = await refresh(app, stolen["refresh_token"])
    await refresh(app, second["refresh_token"])

    assert (await refresh(app, stolen["refresh_token"]))[0] == 401
    assert (await refresh(app, other["refresh_token"]))[0] == 200


@pytest.mark.parametrize("column", ["idle_expires_at", "expires_at"])
async def test_a_sign_in_ends_by_idleness_and_by_age(app: Toy, column: str) -> None:
    """Both lifetimes hold, for refresh and access tokens alike; no reuse is suspected."""
    tokens = await app.tokens(EMAIL)
    await app.change_tokens(**{column: utc_now() - timedelta(seconds=1)})

    assert (await refresh(app, tokens["refresh_token"]))[0] == 401
    assert await seen_by(app, tokens["access_token"]) == 401
    assert {row["revoked_at"] for row in await app.rows("refresh_token")} == {None}


async def test_a_refresh_prolongs_idleness_and_never_the_age(app: Toy) -> None:
    """The absolute end is that of the login."""
    tokens = await app.tokens(EMAIL)
    await refresh(app, tokens["refresh_token"])
    first, second = await app.rows("refresh_token")

    assert second["expires_at"] == first["expires_at"]
    assert second["idle_expires_at"] > first["idle_expires_at"]
    assert second["family_id"] == first["family_id"]


@pytest.mark.parametrize("token", ["x", "é", "a" * 4096, "00000000"])
async def test_a_made_up_token_is_refused(app: Toy, token: str) -> None:
    """401, whatever it looks like."""
    assert (await refresh(app, token))[0] == 401


async def test_a_deactivated_account_cannot_refresh(app: Toy) -> None:
    """Even where its sign-ins were not ended, as by a script that goes past the hooks."""
    tokens = await app.tokens(EMAIL)
    users = app.auth.entry.table
    await app.services.store.write(lambda tx: tx.execute(update(users).values(is_active=False)) and None)

    assert (await refresh(app, tokens["refresh_token"]))[0] == 401
    assert await seen_by(app, tokens["access_token"]) == 401


async def test_the_purge_forgets_sign_ins_that_are_over(app: Toy) -> None:
    """The table does not grow for ever; what can still be prolonged stays."""
    await app.tokens(EMAIL)
    await app.change_tokens(expires_at=utc_now() - timedelta(days=1))
    pair = await app.tokens(EMAIL)
    assert await app.services.store.write(app.services.auth.sessions.purge) is False

    assert len(await app.rows("refresh_token")) == 1
    assert (await refresh(app, pair["refresh_token"]))[0] == 200


async def test_a_reset_that_races_with_refreshes_and_logins_leaves_no_live_token(app: Toy) -> None:
    """Whoever comes first, after the reset only the new password opens anything."""
    tokens = [await app.tokens(EMAIL) for _ in range(5)]
    await app.client().post("/auth/forgot-password", json={"email": EMAIL})
    token = await app.mailed_token("reset-password")
    logins = [_try_login(app) for _ in range(3)]
    reset = app.client().post("/auth/reset-password", json={"token": token, "password": "a new password"})
    done, *rest = await asyncio.gather(reset, *(refresh(app, pair["refresh_token"]) for pair in tokens), *logins)

    assert done.status_code == 204
    for _, body in [*rest, *((0, pair) for pair in tokens)]:
        if "access_token" in body:
            assert await seen_by(app, body["access_token"]) == 401
            assert (await refresh(app, body["refresh_token"]))[0] == 401


async def _try_login(app: Toy) -> tuple[int, dict[str, Any]]:
    answer = await app.client().post("/auth/login", data={"username": EMAIL, "password": PASSWORD})
    return answer.status_code, answer.json()
