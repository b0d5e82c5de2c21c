"""Sends what the outbox owes, in the background, so that no answer waits for a mail or tells of one.

Every process sends what it has been asked for at once, and looks now and then for what others left behind: a process
that has ended, a command, a mail whose time to be tried again has come. A row is sent by whoever takes it first.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from charter.auth.letters import Letters
from charter.auth.outbox import Letter, Outbox
from charter.mail import MailError, MailRefusedError, send
from charter.settings import Settings
from charter.store import Store, Transaction
from charter.store.ending import end_task

log = logging.getLogger("charter.auth")

LOOK_SECONDS = 1.0
"""How often a process looks whether a mail is due."""

MOST_AT_ONCE = 4
"""Mails that one process sends at the same time; a server that hangs holds up no more than these."""

MOST_WAITING = 1_000
"""Background tasks; what comes on top is dropped and logged, so that nothing slow can fill the memory."""

CLOSING_SECONDS = 15
"""How long the end of the process waits for what is under way. What remains is in the outbox."""


class Post:
    """The background work of one application."""

    def __init__(self, settings: Settings, store: Store, outbox: Outbox) -> None:
        self._settings = settings
        self._store = store
        self._outbox = outbox
        self._letters = Letters(settings)
        self._tasks: set[asyncio.Task[None]] = set()
        self._senders = 0
        self._again = False
        self._looking: asyncio.Task[None] | None = None

    def owe(self, tx: Transaction, kind: str, email: str) -> None:
        """Owe a mail in this transaction; it leaves as soon as that is committed."""
        self._outbox.put(tx, kind, email)
        tx.after_commit(self.wake)

    def wake(self) -> None:
        """Send what is due."""
        self._again = True
        if self._senders < MOST_AT_ONCE:
            self._senders += 1
            self._run(self._send_all())

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` after the answer; its failure is logged."""
        if len(self._tasks) >= MOST_WAITING:
            work.close()
            log.error("background work dropped: too much is waiting")
            return
        self._run(work)

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start(self) -> None:
        """Begin to look for mails that nobody sends."""
        self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """Wait a moment for what is under way, then give it up."""
        if self._looking is not None:
            await end_task(self._looking)
            self._looking = None
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)
        for task in late:
            task.cancel()

    async def settled(self) -> None:
        """Wait until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                if await self._store.read(self._outbox.is_due):
                    self.wake()
            except Exception as error:  # noqa: BLE001 # a database that is away is told of by everything else
                log.debug("the outbox could not be looked at", extra={"error": type(error).__name__})

    async def _send_all(self) -> None:
        try:
            while self._again:
                self._again = False
                found = True
                while found:
                    found, letter = await self._store.write(self._outbox.take)
                    if letter is not None:
                        await self._deliver(letter)
        finally:
            self._senders -= 1

    async def _deliver(self, letter: Letter) -> None:
        """Send one mail, and note that it is sent, or has to be tried again, or never can be sent."""
        try:
            await send(self._settings, self._letters.write(letter.kind, letter.to, letter.token))
        except MailRefusedError as error:
            await self._store.write(lambda tx: self._outbox.done(tx, letter.id))
            # whoever mistypes an address is no fault of ours
            log.warning("a mail was refused for good; its address takes none", extra=_facts(letter, error))
        except MailError as error:
            if await self._store.write(lambda tx: self._outbox.postpone(tx, letter)):
                log.warning("a mail could not be sent; it is tried again", extra=_facts(letter, error))
            else:
                log.error("a mail was given up", extra=_facts(letter, error))  # noqa: TRY400 # its text may repeat the mail
        else:
            await self._store.write(lambda tx: self._outbox.done(tx, letter.id))


def _facts(letter: Letter, error: MailError) -> dict[str, object]:
    """What a log may tell of a mail that did not leave: neither its address nor the server's words."""
    cause = type(error.__cause__ or error).__name__
    return {"mail": str(letter.id), "kind": letter.kind, "attempt": letter.attempt, "error": cause}


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 # nobody is left to tell; the text of an error could repeat a mail
        log.warning("background work failed", extra={"error": type(error).__name__})


__all__ = ["LOOK_SECONDS", "MOST_AT_ONCE", "Post"]
