"""Mails of accounts: written here, sent in the background, so that no answer waits for them or tells of them.

What is under way is lost when the process ends; the accounts' outbox will take this place.
"""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from charter.auth.tables import Account
from charter.mail import Mail, send
from charter.settings import Settings

log = logging.getLogger("charter.auth")

MOST_WAITING = 1_000
"""Tasks; what comes on top is dropped and logged, so that a slow mail server cannot fill the memory."""

CLOSING_SECONDS = 15
"""How long the end of the process waits for mails under way."""

_TEXTS = {
    "verify-email": (
        "Please verify your e-mail address",
        "Welcome to {brand}. Open this link within 30 minutes to verify your e-mail address:",
    ),
    "reset-password": (
        "Reset your password",
        "Somebody, probably you, wants to reset your password at {brand}. Open this link within 30 minutes to do so:",
    ),
}


class Post:
    """Runs background work of one application, and mails links."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._tasks: set[asyncio.Task[None]] = set()

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` after the answer; its failure is logged."""
        if len(self._tasks) >= MOST_WAITING:
            work.close()
            log.error("background work dropped: too much is waiting")
            return
        task = asyncio.get_running_loop().create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Wait a moment for what is under way, then give it up."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=CLOSING_SECONDS)
        for task in late:
            task.cancel()

    async def link(self, kind: str, user: Account, token: str) -> None:
        """Mail the link of `kind` with `token` in it."""
        subject, first = _TEXTS[kind]
        line = first.format(brand=self._settings.brand_name)
        url = f"{self._settings.public_url.rstrip('/')}/{kind}?token={token}"
        text = f"{line}\n\n{url}\n\nIf this was not you, you can ignore this mail.\n"
        await send(self._settings, Mail(user.email, subject, text))


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except Exception as error:  # noqa: BLE001 # nobody is left to tell; the text of an error could repeat a mail
        log.warning("background work failed", extra={"error": type(error).__name__})


__all__ = ["Post"]
