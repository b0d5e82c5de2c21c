"""Passwords: hashed slowly, off the event loop, in bounded numbers, and nothing that is no hash is ever right."""

import asyncio
import threading

import bcrypt
import pytest

from charter.auth.passwords import NOBODY, Passwords, hash_password, verify_password
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
    checked = await Passwords(1).check("correct horse", old)

    assert checked.ok
    assert checked.upgraded is not None
    assert checked.upgraded.startswith("$argon2id$")
    assert not await verify_password("x" * 100, old)
    assert not await verify_password("\ud800", old)


async def test_more_than_four_waiting_for_each_thread_are_told_to_come_back() -> None:
    """Room is one in work and four waiting; the next one is a 503 with Retry-After, at once."""
    pool, gate = Passwords(1), threading.Event()
    held = [asyncio.ensure_future(pool._run(gate.wait)) for _ in range(5)]
    await asyncio.sleep(0)

    with pytest.raises(DatabaseException) as refused:
        await pool.hash("one too many")

    assert refused.value.headers["Retry-After"] == "1"
    gate.set()
    await asyncio.gather(*held)
    assert await pool.hash("room again")


async def test_the_event_loop_goes_on_while_passwords_are_hashed() -> None:
    """Hashing happens in threads: the loop keeps turning meanwhile."""
    turns = 0
    work = asyncio.ensure_future(hash_password("correct horse"))
    while not work.done():
        turns += 1
        await asyncio.sleep(0)

    assert turns > 10
