"""The load: so many clients at once, each of whom places the order of one buyer after the other."""

import asyncio
import gc
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass

from benchmarks.cores import pin

BODY = json.dumps({"ship_name": "Ada", "ship_address": "Canal Street 1", "phone": "+31201234567"}).encode()


@dataclass(frozen=True)
class Job:
    """Whose orders to place, where. ``rate`` orders per second, or (0) each client again as soon as it is answered."""

    port: int
    tokens: list[str]
    clients: int
    core: int | None
    rate: float = 0


@dataclass(frozen=True)
class Round:
    """What came of it. Times in milliseconds; ``refused``: answers other than 201, ``broken``: those from 500 on."""

    rate: float
    p50: float
    p99: float
    refused: int
    broken: int


async def run(job: Job) -> Round:
    """Place every order once."""
    moments = (number / job.rate if job.rate else 0.0 for number in range(len(job.tokens)))
    orders, times, statuses = zip(job.tokens, moments, strict=True), list[float](), list[int]()
    start = time.perf_counter()
    await asyncio.gather(*(_client(job.port, start, orders, times, statuses) for _ in range(job.clients)))
    elapsed = time.perf_counter() - start
    times.sort()
    return Round(
        rate=statuses.count(201) / elapsed,
        p50=1000 * times[len(times) // 2],
        p99=1000 * times[len(times) * 99 // 100],
        refused=sum(status != 201 for status in statuses),
        broken=sum(status >= 500 for status in statuses),
    )


async def _client(
    port: int, start: float, orders: Iterator[tuple[str, float]], times: list[float], statuses: list[int]
) -> None:
    """One connection. An order that has a moment is timed from there, whenever it could be sent."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for token, moment in orders:
        if moment:
            await asyncio.sleep(max(0.0, start + moment - time.perf_counter()))
        head = (
            "POST /orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer {token}\r\nIdempotency-Key: {token[-40:]}\r\nContent-Length: {len(BODY)}\r\n\r\n"
        )
        before = start + moment if moment else time.perf_counter()
        writer.write(head.encode() + BODY)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        where = answer.index(b"\r\ncontent-length:") + 17
        await reader.readexactly(int(answer[where : answer.index(b"\r\n", where)]))
        times.append(time.perf_counter() - before)
        statuses.append(int(answer[9:12]))
    writer.close()


def main() -> None:
    """Read the job, do it, print what came of it."""
    job = Job(**json.load(sys.stdin))
    pin(0, job.core)
    gc.disable()
    print(json.dumps(asdict(asyncio.run(run(job)))))


if __name__ == "__main__":
    main()
