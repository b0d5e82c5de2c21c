"""``python -m tests.storms.flood``: logins at an even pace, from a process of its own: who measures is not to be busy.

Prints what was answered, as one line of JSON.
"""

import argparse
import asyncio
import json
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlsplit

GIVEN_UP = 30.0
"""Seconds after which nobody waits for an answer any more."""

MOST_LATE = 1.0
"""Seconds that the flood may be behind its pace; a machine that cannot send it shows nothing."""


@dataclass(slots=True)
class Answers:
    """What came back: how often which status (0 for nothing), refusals that name no time, and seconds behind."""

    statuses: Counter[int] = field(default_factory=Counter)
    without_a_time: int = 0
    behind: float = 0.0


async def ask(url: str, request: bytes) -> tuple[int, bytes]:
    """Status and head of the answer over a connection of its own; 0 where none came."""
    parts = urlsplit(url)
    try:
        async with asyncio.timeout(GIVEN_UP):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
            try:
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return 0, b""
    return int(head.split()[1]), head.lower()


def login_request(email: str, password: str) -> bytes:
    """A login as bytes."""
    body = f"username={email.replace('@', '%40')}&password={password}".encode()
    head = "POST /auth/login HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def flood(url: str, request: bytes, seconds: float, per_second: int) -> Answers:
    """The same request at an even pace, whether the ones before are answered or not."""
    seen, begun = Answers(), time.perf_counter()

    async def one() -> None:
        status, head = await ask(url, request)
        seen.statuses[status] += 1
        seen.without_a_time += status == 503 and b"retry-after:" not in head

    async with asyncio.TaskGroup() as group:
        for number in range(int(seconds * per_second)):
            early = begun + number / per_second - time.perf_counter()
            await asyncio.sleep(max(0.0, early))
            seen.behind = max(seen.behind, -early)
            group.create_task(one())
    return seen


async def flood_apart(url: str, credentials: tuple[str, str], seconds: float, per_second: int) -> Answers:
    """The same from a process of its own."""
    command = ("-m", "tests.storms.flood", url, *credentials, str(seconds), str(per_second))
    process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    told = json.loads(output)
    statuses = Counter({int(status): count for status, count in told["statuses"].items()})
    return Answers(statuses, told["without_a_time"], told["behind"])


def main() -> int:
    """Flood as told."""
    parser = argparse.ArgumentParser(prog="python -m tests.storms.flood", description=__doc__)
    for name, kind in (("url", str), ("email", str), ("password", str), ("seconds", float), ("per_second", int)):
        parser.add_argument(name, type=kind)
    given = parser.parse_args()
    request = login_request(given.email, given.password)
    seen = asyncio.run(flood(given.url, request, given.seconds, given.per_second))
    told = {"statuses": seen.statuses, "without_a_time": seen.without_a_time, "behind": seen.behind}
    print(json.dumps(told))  # noqa: T201 # this is the command's output
    return 0


if __name__ == "__main__":
    sys.exit(main())


__all__ = ["MOST_LATE", "Answers", "ask", "flood_apart"]
