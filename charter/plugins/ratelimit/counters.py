"""The counters: in Redis while it answers, otherwise in this process."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import lru_cache
from inspect import unwrap
from math import floor
from typing import Any, Protocol, TypeVar

from limits.aio.storage import MemoryStorage, RedisStorage
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from slowapi.wrappers import Limit

from charter.plugins.ratelimit.buckets import Bucket, Exceeded, Seen

MEMORY_KEYS = 50_000
MOST_KEYS = 4096  # that are remembered as limits writes them
TICK, TICKS = 0.005, 10  # 50 ms is how long a request waits for Redis before it is counted here
PROBE = 1.0  # seconds between two looks at a lost Redis
PATIENCE = 0.25  # seconds that such a look may take
CONNECTIONS = 8  # to Redis, per process; more only make each other late

LOST = (StorageError, OSError, TimeoutError)
log = logging.getLogger(__name__)

Answer = TypeVar("Answer")
Window = tuple[int, float, int, float]
"""The hits of the window before this one and of this one, each followed by the seconds for which they still count."""


class Storage(Protocol):
    """Sliding windows as limits keeps them, in memory or in Redis."""

    async def acquire_sliding_window_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        """Count a hit, unless that is over the limit."""

    async def get_sliding_window(self, key: str, expiry: int) -> Window:
        """The windows of a key."""


Question = Callable[[Storage, tuple[Limit, ...], str], Awaitable[Answer]]


async def hit(storage: Storage, limits: tuple[Limit, ...], who: str) -> Seen:
    """Count in every window of a limit string; the tightest one, or :class:`Exceeded`."""
    found = []
    for limit in limits:
        key, amount, span = _terms(limit, who)
        granted = await storage.acquire_sliding_window_entry(key, amount, span)
        seen = _seen(limit.scope, amount, span, await storage.get_sliding_window(key, span))
        if not granted:
            raise Exceeded(limit, seen._replace(remaining=0))
        found.append(seen)
    return found[0] if len(found) == 1 else min(found, key=lambda seen: seen.remaining)


async def check(storage: Storage, limits: tuple[Limit, ...], who: str) -> None:
    """Raise :class:`Exceeded` when a window is used up; count nothing."""
    for limit in limits:
        key, amount, span = _terms(limit, who)
        seen = _seen(limit.scope, amount, span, await storage.get_sliding_window(key, span))
        if not seen.remaining:
            raise Exceeded(limit, seen)


@lru_cache(maxsize=MOST_KEYS)
def _terms(limit: Limit, who: str) -> tuple[str, int, int]:
    """The key that limits' own strategies would take, how many hits are allowed, and in how many seconds."""
    item = limit.limit
    return item.key_for(limit.scope, who), item.amount, item.get_expiry()


def _seen(name: str, amount: int, span: int, window: Window) -> Seen:
    """What a window leaves, by the rule of limits' sliding window counter: the one before counts as far as it overlaps.

    limits' own strategy makes the key, and looks at the window, once more for each of these numbers.
    """
    before, before_left, now, now_left = window
    used = floor(before * before_left / span + now)
    wait = now_left % span if now else 0.0
    if before:
        freed = before_left % (span / before)
        wait = min(wait, freed) if now else freed
    # In the very instant in which a window begins, there is nothing left of the wait; it means the whole window.
    # Rounded up past a whole second, because at the exact edge of a window the one before still has its full weight.
    return Seen(name, amount, span, max(0, amount - used), int(wait if wait > 0 else span) + 1)


class MemoryCounters(MemoryStorage):
    """limits' counters in memory with a ceiling, and without its task that reads every key after every hit."""

    def __init__(self, keys: int = MEMORY_KEYS) -> None:
        super().__init__()
        self.keys = keys

    async def get(self, key: str) -> int:
        """The counter's value, 0 once it has expired."""
        return self.storage.get(key, 0) if self.expirations.get(key, 0.0) > time.time() else 0

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Count; nothing in here waits, so that no other request comes between."""
        now = time.time()
        if self.expirations.get(key, 0.0) <= now:
            self._forget(key)  # a new life goes to the end: the dictionary stays sorted by age
            if len(self.storage) >= self.keys:
                self._make_room(now)
            self.expirations[key] = now + expiry
        self.storage[key] += amount
        return self.storage[key]

    def _forget(self, key: str) -> None:
        self.storage.pop(key, None)
        self.expirations.pop(key, None)

    def _make_room(self, now: float) -> None:
        """Drop what has expired, then the lowest counts (the oldest of equals) until a tenth of the room is free.

        Nearly used-up buckets go last: a flood from fresh addresses does not wash away what is known about guessers.
        """
        for key in [key for key, end in self.expirations.items() if end <= now]:
            self._forget(key)
        surplus = len(self.storage) - self.keys + max(1, self.keys // 10)
        for key in sorted(self.storage, key=self.storage.__getitem__)[: max(0, surplus)]:
            self._forget(key)


# limits wraps every storage method for the errors of its client, once for each class; there are none here
for _method in ("get", "incr", "get_sliding_window", "acquire_sliding_window_entry"):
    setattr(MemoryCounters, _method, unwrap(getattr(MemoryCounters, _method)))


class Counters:
    """One way to ask; who answers depends on Redis."""

    def __init__(self, redis_url: str, prefix: str) -> None:
        self._local = MemoryCounters()
        self._redis = RedisCounters(redis_url, prefix) if redis_url else None

    @property
    def shared(self) -> bool:
        """Whether Redis counts at present."""
        return self._redis is not None and not self._redis.away

    async def start(self) -> None:
        """Open the first connection, or tell at once that there is none."""
        if self._redis is not None:
            await self._redis.start()

    async def close(self) -> None:
        """Stop probing and let the connections go."""
        if self._redis is not None:
            await self._redis.close()

    async def ask(self, question: Question[Answer], bucket: Bucket, key: str) -> Answer:
        """The answer of Redis within its deadline, else that of this process."""
        if self._redis is not None and not self._redis.away:
            try:
                return await self._redis.ask(question, bucket.whole, key)
            except LOST as error:
                self._redis.suspect(error)
        return await question(self._local, bucket.share, key)


class Deadline:
    """The end of a wait for Redis, counted in ticks: while our own event loop is busy, Redis is not the slow one.

    A tick is set only when the one before has run, so a loop that was held up for long has spent one tick on it, and
    the answer that lies in the socket is read. Otherwise a burst of requests would look like an outage.
    """

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self._left = TICKS
        self._loop = asyncio.get_running_loop()
        self.timer = self._loop.call_later(TICK, self._tick)

    def _tick(self) -> None:
        self._left -= 1
        if self._left:
            self.timer = self._loop.call_later(TICK, self._tick)
        else:
            self._timeout.reschedule(self._loop.time())


class RedisCounters:
    """The same counters for every process, with a deadline on each question and a watch on Redis."""

    def __init__(self, url: str, prefix: str) -> None:
        self.url = url
        self.prefix = prefix
        self.away = False
        self._reason: Exception | None = None
        self._recovery: asyncio.Task[None] | None = None
        self._open()

    def _open(self) -> None:
        """What belongs to one event loop; nothing connects yet. The pool is ours: limits cannot close its own."""
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._pool = ConnectionPool.from_url(self.url, max_connections=CONNECTIONS + 1)  # one for the probe
        options: dict[str, Any] = {"connection_pool": self._pool}
        uri = self.url.replace("unix:", "redis+unix:", 1) if self.url.startswith("unix:") else self.url
        # limits takes coredis unless told; wrapped errors spare us the client's own classes.
        self._storage = RedisStorage(
            f"async+{uri}", wrap_exceptions=True, implementation="redispy", key_prefix=self.prefix, **options
        )

    async def start(self) -> None:
        """Begin in this event loop, perhaps after another one."""
        await self.close()
        self._open()
        self.away = False
        if not all(await asyncio.gather(*(self._answers() for _ in range(CONNECTIONS)))):  # opens every connection
            self._lose()
            self._watch()

    async def close(self) -> None:
        """Stop probing and let the connections go."""
        if self._recovery is not None:
            self._recovery.cancel()
            await asyncio.wait({self._recovery})
        await self._pool.aclose()

    async def ask(self, question: Question[Answer], limits: tuple[Limit, ...], key: str) -> Answer:
        """The answer, or one of LOST. The wait for a turn is ours and not Redis's, so the deadline begins after it."""
        async with self._turns:
            if self.away:
                raise TimeoutError
            async with asyncio.timeout(None) as timeout:
                deadline = Deadline(timeout)
                try:
                    return await question(self._storage, limits, key)
                finally:
                    deadline.timer.cancel()

    def suspect(self, error: Exception) -> None:
        """Leave Redis at once after an error; after a mere delay (our own loop may be busy) if a probe fails, too."""
        self._reason = error
        if not isinstance(error, TimeoutError):
            self._lose()
        if self._recovery is None or self._recovery.done():
            self._watch()

    def _lose(self) -> None:
        if not self.away:
            self.away = True
            log.warning("Redis is away (%r); each process enforces its share of the rate limits", self._reason)

    def _watch(self) -> None:
        self._recovery = asyncio.get_running_loop().create_task(self._recover())

    async def _recover(self) -> None:
        while not await self._answers():
            self._lose()
            await asyncio.sleep(PROBE)
        if self.away:
            self.away = False
            log.info("Redis answers again; rate limits are shared")

    async def _answers(self) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                await self._storage.get("probe")
        except LOST as error:
            self._reason = error
            return False
        return True
