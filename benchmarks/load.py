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

from benchmarks.cores import pin

ROOT = Path(__file__).parent.parent


@dataclass(frozen=True)
class Job:
    """What to ask, of whom, for how long."""

    port: int
    paths: list[str]
    seconds: float
    connections: int
    core: int | None


@dataclass(frozen=True)
class Round:
    """What came of one job. Times in milliseconds; ``busy`` is the share of the time that this process computed."""

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


async def _run(job: Job) -> Round:
    requests = itertools.cycle(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\n\r\n".encode() for path in job.paths
    )
    times: list[float] = []
    start, computed = time.perf_counter(), time.process_time()
    sizes = await asyncio.gather(
        *(_ask(job.port, requests, start + job.seconds, times) for _ in range(job.connections))
    )
    elapsed, computed = time.perf_counter() - start, time.process_time() - computed
    times.sort()
    return Round(
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
        if head[9:12] != b"200":
            raise LoadError(f"{head[:15].decode()} to {request.split(b' ')[1].decode()}")
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
    job = Job(**json.load(sys.stdin))
    pin(0, job.core)
    gc.disable()
    print(json.dumps(asdict(asyncio.run(_run(job)))))


if __name__ == "__main__":
    main()
