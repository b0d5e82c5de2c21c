"""Passwords: slow on purpose, so never on the event loop, and in a bounded number of threads.

fastapi-users' helper over argon2id with the OWASP floor; bcrypt is still read, for accounts that come from elsewhere.
"""

import asyncio
import base64
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from charter.errors import DatabaseException

T = TypeVar("T")

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
"""The OWASP floor for argon2id: some 26 ms and 19 MiB a password."""

WAITING_PER_CORE = 4
"""How many passwords may wait for each thread; one more is refused, since it would only make everybody wait longer."""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


NOBODY = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${_base64(bytes(16))}${_base64(bytes(32))}"
"""A hash that no password has: checking against it takes as long as against a real one."""


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a password is right, and its hash with today's parameters where the kept one is older."""

    ok: bool
    upgraded: str | None = None


class Passwords:
    """Hashes and checks in `threads` threads of its own."""

    def __init__(self, threads: int) -> None:
        argon2 = Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self.helper = PasswordHelper(PasswordHash((argon2, BcryptHasher())))
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="charter-password")
        self._room = threading.Semaphore(threads * (1 + WAITING_PER_CORE))

    async def hash(self, text: str) -> str:
        """The hash of `text`. :class:`DatabaseException` (503) when too many wait."""
        return await self._run(lambda: self.helper.hash(text))

    async def check(self, text: str, hashed: str | None) -> Checked:
        """Whether `text` has the hash `hashed`; None stands for an unknown account and takes as long."""
        return await self._run(lambda: self.check_now(text, hashed or NOBODY))

    def check_now(self, text: str, hashed: str) -> Checked:
        """The same in the calling thread. What is no hash is never right."""
        try:
            return Checked(*self.helper.verify_and_update(text, hashed))
        except UnknownHashError:
            self.helper.verify_and_update(text, NOBODY)  # so that time does not tell such an account
            return Checked(ok=False)
        except ValueError:  # bcrypt takes 72 bytes at most; lone surrogates have no bytes
            return Checked(ok=False)

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._room.acquire(blocking=False):
            raise DatabaseException("Too many passwords are being checked; come back in a moment.", retry_after=1)
        future = self._threads.submit(work)
        # the room is given back when the thread is done, not when a caller stops waiting
        future.add_done_callback(lambda _: self._room.release())
        return await asyncio.wrap_future(future)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


passwords = Passwords(cores())
"""One for the process: what it bounds, the cores, belongs to the process and not to an application in it."""


async def hash_password(text: str) -> str:
    """The hash to keep for `text`. :class:`DatabaseException` (503) when too many passwords wait."""
    return await passwords.hash(text)


async def verify_password(text: str, hashed: str) -> bool:
    """Whether `text` is the password behind `hashed`; what is no hash is simply not right."""
    return (await passwords.check(text, hashed)).ok


__all__ = ["NOBODY", "Checked", "Passwords", "hash_password", "passwords", "verify_password"]
