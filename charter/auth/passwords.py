"""Passwords: slow on purpose, so never on the event loop, and in a bounded number of threads.

fastapi-users' helper over argon2id with the OWASP floor; bcrypt is still read, for accounts that come from elsewhere.
"""

import asyncio
import base64
import os
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import TypeVar
from weakref import WeakKeyDictionary

from fastapi_users.password import PasswordHelper
from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher

from charter.errors import DatabaseException

T = TypeVar("T")

MEMORY_KIB, PASSES, LANES = 19 * 1024, 2, 1
"""The OWASP floor for argon2id: some 26 ms and 19 MiB a password."""

WAITING_PER_THREAD = 4
"""How many passwords may wait for each thread for as long as they like; more than that is a crowd."""

CROWDED_SECONDS = 2.0
"""How long there may be a crowd. A burst is worked off; who comes to a crowd that stays is refused at once."""

CALM_SECONDS = 5.0
"""How long nobody may have come to a crowd until the next one is borne again."""

MOST_PER_THREAD = 50
"""How many passwords wait for each thread at the very most: some one and a half seconds of work."""

NICENESS = 10
"""How far threads that hash stand back behind the event loop, where they share a core."""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode().rstrip("=")


NOBODY = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${_base64(bytes(16))}${_base64(bytes(32))}"
"""A hash that no password has: checking against it takes as long as against a real one."""


class Passwords:
    """Hashes and checks in `threads` threads of its own; bears a crowd for `patience` seconds, and `most` at all."""

    def __init__(self, threads: int, patience: float = CROWDED_SECONDS, most: int = MOST_PER_THREAD) -> None:
        argon2 = Argon2Hasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
        self._current = argon2
        self.helper = PasswordHelper(PasswordHash((argon2, BcryptHasher())))
        self._threads = ThreadPoolExecutor(threads, "charter-password", _step_back)
        self._at_once = threads + 1  # while some are hashed, the account of one more is looked up
        self._room, self._most = threads * (1 + WAITING_PER_THREAD), threads * (1 + most)
        self._patience = patience
        self._lock = threading.Lock()
        self._inside = 0
        self._crowded_since = self._last_crowded = float("-inf")
        self._lines: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait in line until a password can be worked on; :class:`DatabaseException` (503) when too many wait.

        Whatever belongs to it, such as looking up the account, is best done inside: a crowd costs nothing before.
        """
        with self._lock:
            if self._is_full():
                raise _crowded()
            self._inside += 1
        try:
            async with self._line():
                yield
        finally:
            with self._lock:
                self._inside -= 1

    def _line(self) -> asyncio.Semaphore:
        """One for each event loop: first come, first served."""
        return self._lines.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(self._at_once))

    async def hash(self, text: str) -> str:
        """The hash of `text`. :class:`DatabaseException` (503) when too many wait."""
        async with self.turn():
            return await self._run(lambda: self.helper.hash(text))

    async def check(self, text: str, hashed: str | None) -> bool:
        """Whether `text` has the hash `hashed`. :class:`DatabaseException` (503) when too many wait."""
        async with self.turn():
            return await self.check_in_turn(text, hashed)

    async def check_in_turn(self, text: str, hashed: str | None) -> bool:
        """The same for whoever has a :meth:`turn`. None stands for an unknown account and takes as long."""
        return await self._run(lambda: self.check_now(text, hashed or NOBODY))

    def check_now(self, text: str, hashed: str) -> bool:
        """The same in the calling thread. What is no hash is never right."""
        try:
            return self.helper.password_hash.verify(text, hashed)
        except UnknownHashError:
            self.helper.password_hash.verify(text, NOBODY)  # so that time does not tell such an account
            return False
        except ValueError:  # bcrypt takes 72 bytes at most; lone surrogates have no bytes
            return False

    def is_old(self, hashed: str) -> bool:
        """Whether `hashed` was made by another method, or with other parameters, than today's."""
        return not self._current.identify(hashed) or self._current.check_needs_rehash(hashed)

    def refuse_crowd(self) -> None:
        """:class:`DatabaseException` (503) where a :meth:`turn` would be refused; before anything else costs time."""
        with self._lock:
            if self._is_full():
                raise _crowded()

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.wrap_future(self._threads.submit(work))

    def _is_full(self) -> bool:
        """Whether there has been a crowd for too long, or it is too large."""
        if self._inside < self._room:
            return False
        now = time.monotonic()
        if now - self._last_crowded > CALM_SECONDS:
            self._crowded_since = now
        self._last_crowded = now
        return now - self._crowded_since > self._patience or self._inside >= self._most


def _crowded() -> DatabaseException:
    return DatabaseException("Too many passwords are being checked; come back in a moment.", retry_after=2)


def _step_back() -> None:
    """Let this thread have what the others leave, so that a flood of logins slows nothing but logins."""
    with suppress(OSError, AttributeError):  # Linux gives each thread a priority of its own; elsewhere nothing happens
        if sys.platform == "linux":
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICENESS)


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


passwords = Passwords(max(1, cores() - 1))
"""One for the process: what it bounds, the cores, belongs to the process and not to an application in it."""


async def hash_password(text: str) -> str:
    """The hash to keep for `text`. :class:`DatabaseException` (503) when too many passwords wait."""
    return await passwords.hash(text)


async def verify_password(text: str, hashed: str) -> bool:
    """Whether `text` is the password behind `hashed`; what is no hash is simply not right."""
    return await passwords.check(text, hashed)


__all__ = ["NOBODY", "Passwords", "hash_password", "passwords", "verify_password"]
