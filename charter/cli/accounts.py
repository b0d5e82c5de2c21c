"""The commands about accounts."""

import argparse
import asyncio
import getpass
import sys
from typing import Any

from charter.assemble import close_db
from charter.cli.folder import say, services


def user_create(given: argparse.Namespace) -> int:
    """Make an account; the password comes from the terminal, unseen, or from standard input."""
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    return asyncio.run(
        _account(lambda found: found.auth.create_account(given.email, password, given.role, verified=True))
    )


def user_promote(given: argparse.Namespace) -> int:
    """Give an account a role."""
    return asyncio.run(_account(lambda found: found.auth.promote(given.email, given.role)))


async def _account(work: Any) -> int:
    found = services()
    try:
        await work(found)
    finally:
        await close_db(found)
    say("done")
    return 0
