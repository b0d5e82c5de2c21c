"""Passwords: hashed slowly, off the event loop, in bounded numbers, and nothing that is no hash is ever right."""

import asyncio
import sys
import time

import bcrypt
import pytest

from charter.auth.passwords import NOBODY, Passwords, cores, hash_password, passwords, verify_password
from charter.errors import DatabaseException

pytestmark = pytest.mark.anyio


async def test_a_password_fits_its_own_hash_and_no_other() -> None:
    """Hash and check are inverse; hashes are salted."""
    first, second = await hash_password("correct horse"), await hash_password("correct horse")

    assert first != second
    assert await verify_password("correct horse", first)
    assert not await verify_password("Correct horse", first)


async def test_hashes_have_the_parameters_of_the_owasp_floor() -> None:
    """argon2id with 19 MiB, two passes, one lane."""
    assert (await hash_password("correct horse")).startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.parametrize("hashed", ["", "!", "plain", "$argon2id$v=19$m=19456", "$2b$12$short", "\x00", "$argon2id$ä"])
async def test_what_is_no_hash_is_never_right(hashed: str) -> None:
    """A garbled column refuses the login; it does not stop the server."""
    assert not await verify_password("anything", hashed)


async def test_a_hash_of_nobody_has_todays_parameters() -> None:
    """Otherwise time would tell unknown accounts from known ones."""
    assert not Passwords(1).helper.password_hash.current_hasher.check_needs_rehash(NOBODY)
    assert not await verify_password("", NOBODY)


async def test_an_old_bcrypt_hash_is_read_and_renewed() -> None:
    """Accounts from elsewhere keep their passwords; even too long ones are a no, not an error."""
    old = bcrypt.hashpw(b"correct horse", bcrypt.gensalt(4)).decode()

    assert await verify_password("correct horse", old)
    assert Passwords(1).is_old(old)
    assert Passwords(1).is_old(NOBODY.replace("t=2", "t=1"))
    assert not Passwords(1).is_old(await hash_password("correct horse"))
    assert not await verify_password("x" * 100, old)
    assert not await verify_password("\ud800", old)


async def held(pool: Passwords, gate: asyncio.Event) -> None:
    """Have a turn until the gate is opened."""
    async with pool.turn():
        await gate.wait()


def crowd(pool: Passwords, gate: asyncio.Event, count: int) -> list["asyncio.Task[None]"]:
    return [asyncio.create_task(held(pool, gate)) for _ in range(count)]


async def test_a_crowd_that_stays_is_told_to_come_back() -> None:
    """One in work and four waiting are none; a burst on top is worked off; after two seconds it is a 503, at once."""
    pool, gate = Passwords(1, patience=0.2), asyncio.Event()
    usual = crowd(pool, gate, 5)
    await asyncio.sleep(0.3)
    burst = crowd(pool, gate, 10)
    await asyncio.sleep(0.3)

    began = time.perf_counter()
    with pytest.raises(DatabaseException) as refused:
        await pool.hash("one too many")
    assert time.perf_counter() - began < 0.05
    assert refused.value.headers["Retry-After"] == "2"
    gate.set()
    await asyncio.gather(*usual, *burst)
    assert await pool.hash("there is room again")


async def test_a_crowd_that_comes_back_at_once_has_not_been_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a flood those who may wait stay few, so each waits shortly; once it has been calm, a burst is borne again."""
    monkeypatch.setattr(sys.modules[Passwords.__module__], "CALM_SECONDS", 0.4)
    pool, gate = Passwords(1, patience=0.1), asyncio.Event()
    first = crowd(pool, gate, 8)
    await asyncio.sleep(0.2)
    gate.set()
    await asyncio.gather(*first)
    gate.clear()

    usual = crowd(pool, gate, 5)
    await asyncio.sleep(0)
    with pytest.raises(DatabaseException):
        pool.refuse_crowd()
    await asyncio.sleep(0.5)
    pool.refuse_crowd()
    gate.set()
    await asyncio.gather(*usual, *crowd(pool, gate, 8))


async def test_a_crowd_has_an_end() -> None:
    """However fast it came: what waits is bounded, and so is the memory."""
    pool, gate = Passwords(1, most=7), asyncio.Event()
    inside = crowd(pool, gate, 8)
    await asyncio.sleep(0)
    with pytest.raises(DatabaseException):
        await pool.hash("one too many")
    gate.set()
    await asyncio.gather(*inside)


async def test_few_have_their_turn_at_once_and_in_the_order_in_which_they_came() -> None:
    """One is hashed, of one more the account is looked up; who waits has cost nothing yet. Who leaves makes room."""
    pool, gates, began = Passwords(1), [asyncio.Event() for _ in range(5)], []

    async def work(number: int) -> None:
        async with pool.turn():
            began.append(number)
            await gates[number].wait()

    tasks = [asyncio.create_task(work(number)) for number in range(5)]
    await asyncio.sleep(0.05)
    assert began == [0, 1]
    tasks[2].cancel()
    gates[1].set()
    await asyncio.sleep(0.05)
    assert began == [0, 1, 3]
    for gate in gates:
        gate.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert began == [0, 1, 3, 4]


def test_one_core_is_left_to_everything_else() -> None:
    """And there is always a thread that hashes."""
    assert passwords._threads._max_workers == max(1, cores() - 1)


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    """Hashing happens in threads: the loop keeps turning meanwhile."""
    turns = 0
    work = asyncio.ensure_future(hash_password("correct horse"))
    while not work.done():
        turns += 1
        await asyncio.sleep(0)

    assert turns > 10
