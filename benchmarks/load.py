"""The load: a few keep-alive connections, in a process of its own, that ask again as soon as they are answered.

``fire`` starts ``python -m benchmarks.load`` and hands it the job on its standard input.
"""

import asyncio
import gc
import itertools
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.cores import pin, processor_time
from benchmarks.requests import SERIAL, Request

ROOT = Path(__file__).parent.parent
GOOD = (b"200", b"201")


@dataclass(frozen=True)
class Job:
    """What to ask, of whom, for how long. Bodies are numbered from `serial` on."""

    port: int
    process: int
    requests: list[Request]
    tokens: dict[str, str]
    serial: int
    seconds: float
    connections: int
    core: int | None


@dataclass(frozen=True)
class Round:
    """What came of one job.

    `cost` is the server's processor time for one request in microseconds (where a system does not tell it, the time of
    the clock); `p50` and `p99` are milliseconds; `busy` is the share of the time that this process computed.
    """

    answered: int
    cost: float
    rate: float
    p50: float
    p99: float
    size: int
    busy: float


class LoadError(Exception):
    """An answer was not the one that the benchmark measures."""


def fire(job: Job) -> Round:
    """Run the job in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(asdict(job)),
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=job.seconds + 60,
        check=False,
    )
    if done.returncode != 0:
        raise LoadError(done.stderr.strip().splitlines()[-1])
    return Round(**json.loads(done.stdout))


def _numbered(job: Job) -> Iterator[bytes]:
    """The requests, over and over, each with a number of its own where it has room for one."""
    mark, numbers = SERIAL.encode(), itertools.count(job.serial)
    for request in itertools.cycle([request.sent(job.tokens) for request in job.requests]):
        yield request.replace(mark, b"%d" % next(numbers)) if mark in request else request


async def _run(job: Job) -> Round:
    requests = _numbered(job)
    times: list[float] = []
    served, start, computed = processor_time(job.process), time.perf_counter(), time.process_time()
    sizes = await asyncio.gather(
        *(_ask(job.port, requests, start + job.seconds, times) for _ in range(job.connections))
    )
    elapsed, computed = time.perf_counter() - start, time.process_time() - computed
    served = elapsed if served is None else (processor_time(job.process) or 0.0) - served
    times.sort()
    return Round(
        answered=len(times),
        cost=1e6 * served / len(times),
        rate=len(times) / elapsed,
        p50=1000 * times[len(times) // 2],
        p99=1000 * times[len(times) * 99 // 100],
        size=sum(sizes) // len(times),
        busy=computed / elapsed,
    )


async def _ask(port: int, requests: Iterator[bytes], deadline: float, times: list[float]) -> int:
    """One connection, until the deadline; answers the number of bytes of all bodies."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    total = 0
    before = time.perf_counter()
    while before < deadline:
        request = next(requests)
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        if head[9:12] not in GOOD:
            raise LoadError(f"{head[:15].decode()} to {request[: request.index(b' HTTP/')].decode()}")
        where = head.index(b"\r\ncontent-length:") + 17
        size = int(head[where : head.index(b"\r\n", where)])
        await reader.readexactly(size)
        total += size
        after = time.perf_counter()
        times.append(after - before)
        before = after
    writer.close()
    return total


def main() -> None:
    """Read the job, do it, print what came of it."""
    given = json.load(sys.stdin)
    job = Job(**{**given, "requests": [Request(**request) for request in given["requests"]]})
    pin(0, job.core)
    gc.disable()
    print(json.dumps(asdict(asyncio.run(_run(job)))))


if __name__ == "__main__":
    main()
