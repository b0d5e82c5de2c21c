"""Time does not tell who is registered: two hundred samples of each, taken in turns."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from statistics import median

import pytest

from charter.auth.passwords import NOBODY, verify_password
from tests.framework.auth_toy import PASSWORD, Toy, toy

pytestmark = [pytest.mark.anyio, pytest.mark.no_cover]  # counting lines takes longer where more is done

ROUNDS = 3
"""On a machine that others keep busy, chance alone may part two medians; a difference that is there shows each time."""

KNOWN, UNKNOWN = "ada@example.org", "bob@example.org"
SAMPLES = 200
FEW = 40
"""Enough to see a difference that is as large as the answer itself."""


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application with one account; its mails go nowhere slow."""
    async with toy(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/toy.db") as found:
        await found.account(KNOWN)
        yield found


def alike(known: list[float], unknown: list[float]) -> bool:
    """Whether the medians are within 3 % or 2 ms of each other."""
    one, other = median(known), median(unknown)
    print(f"known {1000 * one:.2f} ms, unknown {1000 * other:.2f} ms")  # noqa: T201 # shown where it fails
    return abs(one - other) <= max(0.03 * max(one, other), 0.002)


async def are_alike(app: Toy, ask: Callable[[str], Awaitable[None]]) -> bool:
    """Whether the medians of one of the rounds are alike."""
    for _ in range(ROUNDS):
        if alike(*await measured(app, ask)):
            return True
    return False


async def measured(
    app: Toy, ask: Callable[[str], Awaitable[None]], samples: int = SAMPLES
) -> tuple[list[float], list[float]]:
    """Seconds for the known and for the unknown address, in turns, each once nothing else is under way."""
    found: dict[str, list[float]] = {KNOWN: [], UNKNOWN: []}
    for turn in range(samples):
        for address in (KNOWN, UNKNOWN) if turn % 2 else (UNKNOWN, KNOWN):
            began = time.perf_counter()
            await ask(address)
            found[address].append(time.perf_counter() - began)
            await app.auth.post.settled()
    return found[KNOWN], found[UNKNOWN]


def test_the_judge_sees_a_difference() -> None:
    """Of five milliseconds in fifty; and none where there is none."""
    assert not alike([0.050] * 9, [0.055] * 9)
    assert not alike([0.0014] * 9, [0.120] * 9)
    assert alike([0.050] * 9, [0.051] * 9)


async def test_logins_take_the_same_time_for_known_and_unknown_addresses(app: Toy) -> None:
    """The wrong password of somebody, and any password of nobody."""
    http = app.client()

    async def log_in(address: str) -> None:
        answer = await http.post("/auth/login", data={"username": address, "password": "not the password"})
        assert answer.status_code == 401

    assert await are_alike(app, log_in)


async def test_a_lookup_that_takes_longer_for_known_addresses_is_seen(app: Toy) -> None:
    """The negative control: what stock fastapi-users does, twice as much work for who is known."""
    http = app.client()

    async def log_in(address: str) -> None:
        if address == KNOWN:
            await verify_password(PASSWORD, NOBODY)
        await http.post("/auth/login", data={"username": address, "password": "not the password"})

    assert not alike(*await measured(app, log_in, FEW))


async def test_forgetting_takes_the_same_time_for_known_and_unknown_addresses(app: Toy) -> None:
    """Whether a mail is written is found out after the answer."""
    http = app.client()

    async def forget(address: str) -> None:
        assert (await http.post("/auth/forgot-password", json={"email": address})).status_code == 202

    assert await are_alike(app, forget)
