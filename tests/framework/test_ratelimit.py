"""Rate limits: counted exactly, on every path, by address, user and account, with or without Redis."""

import asyncio
import functools
import json
import logging
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from types import SimpleNamespace
from typing import NamedTuple
from unittest.mock import AsyncMock
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Message, Scope

from charter.declare import Caller, Limits, Roles
from charter.errors import DeclarationError, RateLimitException
from charter.plugins.ratelimit import RateLimiter, counters, rate_limit_headers
from charter.plugins.ratelimit.counters import MemoryCounters
from tests.patience import PATIENCE
from tests.servers import REDIS, answers, need

pytestmark = pytest.mark.anyio

ROLES = Roles(("anonymous", "member", "chief"))
# A day for a window: no test crosses the edge of one.
LIMITS = Limits({"anonymous": "3/day", "member": "5/day", "chief": "7/day"}, sign_in="2/day")
BEARER = [(b"authorization", b"Bearer what")]
COOKIE = [(b"cookie", b"theme=dark; session=abc")]


@pytest.fixture
def redis_url() -> str:
    """A real Redis, database 15; every limiter there has a prefix of its own."""
    need("Redis", there=answers(REDIS))
    return REDIS


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The wall clock, stopped at the beginning of a minute; a test moves ``now``."""
    clock = SimpleNamespace(now=1_800_000_000.0)
    monkeypatch.setattr(time, "time", lambda: clock.now)
    return clock


def limiter(
    limits: Limits = LIMITS, *, scale: float = 1, workers: int = 1, redis: str = "", prefix: str = ""
) -> RateLimiter:
    return RateLimiter(
        limits, ROLES, enabled=True, scale=scale, workers=workers, redis_url=redis, prefix=prefix or uuid4().hex
    )


@asynccontextmanager
async def started(*limiters: RateLimiter) -> AsyncIterator[None]:
    await asyncio.gather(*(one.start() for one in limiters))
    yield
    await asyncio.gather(*(one.close() for one in limiters))


async def page(request: Request) -> Response:
    return PlainTextResponse("here", status_code=int(request.query_params.get("status", "200")))


def site() -> Starlette:
    inner = Starlette(routes=[Route("/list", page)])
    return Starlette(routes=[Route("/", page), Route("/health/live", page), Mount("/admin", inner)])


def scope_of(path: str = "/", client: str = "192.0.2.1", headers: list[tuple[bytes, bytes]] | None = None) -> Scope:
    path, _, query = path.partition("?")
    return {
        "type": "http", "method": "GET", "path": path, "raw_path": path.encode(), "root_path": "", "scheme": "http",
        "query_string": query.encode(), "headers": headers or [], "client": (client, 1) if client else None,
        "server": ("testserver", 80), "http_version": "1.1",
    }  # fmt: skip


class Reply(NamedTuple):
    """What a client sees."""

    status: int
    headers: dict[str, str]
    body: bytes


async def ask(app: ASGIApp, scope: Scope) -> Reply:
    sent: list[Message] = []
    await app(scope, AsyncMock(return_value={"type": "http.request"}), AsyncMock(side_effect=sent.append))
    starts = [message for message in sent if message["type"] == "http.response.start"]
    assert len(starts) == 1
    headers = {name.decode(): value.decode() for name, value in starts[0]["headers"]}
    return Reply(starts[0]["status"], headers, b"".join(message.get("body", b"") for message in sent))


async def statuses(app: ASGIApp, *scopes: Scope) -> list[int]:
    return [(await ask(app, scope)).status for scope in scopes]


async def granted(call: Callable[[], Awaitable[None]], times: int) -> int:
    """How many of `times` calls are let through."""
    count = 0
    for _ in range(times):
        with suppress(RateLimitException):
            await call()
            count += 1
    return count


async def test_an_address_gets_exactly_its_limit_over_all_paths() -> None:
    """Known, unknown, mounted and health paths share the address's one bucket, and the next request is refused."""
    app = limiter().guard(site())
    for paths in (["/", "/nowhere", "/admin/list", "/"], ["/health/live", "/admin/nowhere", "/", "/nowhere"]):
        client = f"192.0.2.{len(paths[0])}"
        found = await statuses(app, *(scope_of(path, client) for path in paths))
        assert found[:3] == [404 if "nowhere" in path else 200 for path in paths[:3]]
        assert found[3] == 429


async def test_other_protocols_pass_unchanged() -> None:
    """Lifespan messages are no requests: the same application answers them as without the guard."""
    for app in (site(), limiter().guard(site())):
        messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        sent: list[Message] = []
        await app({"type": "lifespan"}, AsyncMock(side_effect=messages), AsyncMock(side_effect=sent.append))
        assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_without_the_guard_nothing_is_counted() -> None:
    """The negative control: the same requests, unguarded or with limits off, all pass and carry no headers."""
    off = RateLimiter(LIMITS, ROLES, enabled=False, scale=1, workers=1)
    await off.hit_sign_in(scope_of(), "a@example.org")
    for app in (site(), off.guard(site())):
        assert await statuses(app, *(scope_of() for _ in range(9))) == [200] * 9
        assert "ratelimit" not in (await ask(app, scope_of())).headers
    assert rate_limit_headers(scope_of()) == []


async def test_every_status_carries_the_headers_and_only_429_says_when_to_retry() -> None:
    """RateLimit and RateLimit-Policy stand on 2xx, 4xx, 5xx and 429; Retry-After on 429 alone."""
    app = limiter(scale=2).guard(site())
    for used, path in enumerate(("/", "/nowhere", "/?status=503", "/?status=204", "/", "/"), start=1):
        reply = await ask(app, scope_of(path))
        assert reply.headers["ratelimit-policy"] == '"anonymous";q=6;w=86400'
        assert reply.headers["ratelimit"].startswith(f'"anonymous";r={6 - used};t=')
        assert "retry-after" not in reply.headers
    reply = await ask(app, scope_of())
    assert reply.status == 429
    assert reply.headers["content-type"] == "application/problem+json"
    assert b'"code":"rate_limited"' in reply.body
    assert reply.headers["ratelimit"] == f'"anonymous";r=0;t={reply.headers["retry-after"]}'


async def test_waiting_as_long_as_retry_after_says_is_enough(clock: SimpleNamespace) -> None:
    """Whoever waits is let in, and whoever comes a good second early is not."""
    app = limiter(Limits({**LIMITS.roles, "anonymous": "4/minute"})).guard(site())
    for moment in (0.0, 17.3, 59.9):
        clock.now += moment
        client = f"192.0.2.{int(moment)}"
        while (reply := await ask(app, scope_of(client=client))).status == 200:
            pass
        wait = int(reply.headers["retry-after"])
        clock.now += wait - 1.001
        assert await statuses(app, scope_of(client=client)) == [429]
        clock.now += 1.001
        assert await statuses(app, scope_of(client=client)) == [200]


async def test_the_tightest_window_of_several_is_told() -> None:
    """A limit string with two windows enforces both and shows the one with less left."""
    app = limiter(Limits({**LIMITS.roles, "anonymous": "100/day; 3/hour"})).guard(site())
    replies = [await ask(app, scope_of()) for _ in range(4)]
    assert [reply.headers["ratelimit-policy"] for reply in replies] == ['"anonymous";q=3;w=3600'] * 4
    assert replies[3].status == 429


async def test_forwarded_headers_change_nothing() -> None:
    """The address is the peer, or what the outer envelope found; a client cannot write it."""
    app = limiter().guard(site())
    spoofed = [
        scope_of(headers=[(name, f"203.0.113.{i}".encode())])
        for i, name in enumerate((b"x-forwarded-for", b"x-real-ip", b"forwarded", b"x_forwarded_for"))
    ]
    assert await statuses(app, *spoofed) == [200, 200, 200, 429]
    told = scope_of()
    told["state"] = {"client": "203.0.113.9"}
    assert await statuses(app, told) == [200]


@pytest.mark.parametrize(
    ("clients", "shared"),
    [
        (("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:0db8:0001:0002::3"), True),
        (("2001:db8:1:2::1", "2001:db8:1:3::1", "2001:db8:1:4::1"), False),
        (("::ffff:192.0.2.7", "192.0.2.7", "::ffff:c000:207"), True),
        (("", "", ""), True),
    ],
)
async def test_an_address_is_an_ipv6_network_an_ipv4_host_or_unknown(clients: tuple[str, ...], *, shared: bool) -> None:
    """One /64 is one caller; a missing address is a bucket as well, never a way around."""
    app = limiter().guard(site())
    await statuses(app, *(scope_of(client=client) for client in clients))
    assert await statuses(app, scope_of(client=clients[0])) == [429 if shared else 200]


async def test_a_user_is_counted_by_role_wherever_the_request_comes_from() -> None:
    """The user bucket spans addresses; another user, or the anonymous caller, is not touched by it."""
    guard, caller = limiter(), Caller("member", uuid4())
    hosts = iter(range(9))
    assert await granted(lambda: guard.hit_user(scope_of(client=f"192.0.2.{next(hosts)}"), caller), 9) == 5
    for other, amount in ((Caller("chief", uuid4()), 7), (Caller("stranger", uuid4()), 3), (Caller("anonymous"), 9)):
        assert await granted(functools.partial(guard.hit_user, scope_of(), other), 9) == amount


async def test_a_request_with_good_credentials_is_counted_for_its_user_alone() -> None:
    """The address does not pay for its users, and the answer shows the user's bucket."""
    guard, caller, inner = limiter(), Caller("member", uuid4()), site()

    async def app(scope: Scope, receive: object, send: object) -> None:
        await guard.hit_user(scope, caller)
        await inner(scope, receive, send)  # type: ignore[arg-type] # passed on as they came

    replies = [await ask(guard.guard(app), scope_of(headers=BEARER)) for _ in range(5)]
    assert [reply.headers["ratelimit"].split(";t")[0] for reply in replies] == [f'"member";r={4 - i}' for i in range(5)]
    assert await statuses(guard.guard(inner), scope_of()) == [200]


async def test_an_address_that_failed_too_often_is_refused_before_anything_is_looked_up() -> None:
    """Failed credentials have a bucket; once used up, requests with credentials do not reach the application."""
    guard, reached = limiter(), 0

    async def app(scope: Scope, receive: object, send: object) -> None:
        nonlocal reached
        reached += 1
        await guard.bad_credentials(scope)
        await Response(status_code=401)(scope, receive, send)  # type: ignore[arg-type] # passed on as they came

    assert await statuses(guard.guard(app), *(scope_of(headers=BEARER) for _ in range(5))) == [401] * 3 + [429] * 2
    assert await statuses(guard.guard(app), scope_of(headers=COOKIE)) == [429]
    assert reached == 3
    assert await statuses(guard.guard(site()), scope_of()) == [200]
    assert await granted(lambda: guard.bad_credentials(scope_of()), 1) == 0


@pytest.mark.parametrize(("headers", "amount"), [(BEARER, 3), (COOKIE, 7), ([(b"cookie", b"xsession=1")], 3)])
async def test_credentials_that_nobody_checks_open_no_unlimited_path(
    headers: list[tuple[bytes, bytes]], amount: int
) -> None:
    """A made-up header on public and unknown paths counts for the address after all; one answer goes out, a 429."""
    app, paths = limiter().guard(site()), ["/", "/nowhere", "/admin/list", "/health/live"] * 3
    found = [await ask(app, scope_of(path, headers=headers)) for path in paths]
    assert [reply.status == 429 for reply in found] == [i >= amount for i in range(12)]
    assert json.loads(found[-1].body)["code"] == "rate_limited"
    assert int(found[-1].headers["retry-after"]) > 0


async def test_sign_in_is_limited_per_account_across_addresses() -> None:
    """However the account is written and wherever the guesser sits, it is one account; its name is in no key."""
    guard = limiter()
    names = iter(["Ann@Example.org", " ann@example.ORG ", "ANN@EXAMPLE.ORG", "ann@example.org"])
    hosts = iter(range(9))
    assert await granted(lambda: guard.hit_sign_in(scope_of(client=f"192.0.2.{next(hosts)}"), next(names)), 4) == 2
    keys = guard._counters._local.storage  # the memory's own dictionary
    assert {"example" in key.lower() for key in keys} == {False}


async def test_sign_in_is_limited_per_address_across_accounts() -> None:
    """One address cannot go through a list of accounts; requests without an account share no bucket but the address."""
    guard = limiter()
    names = iter(f"{i}@example.org" for i in range(9))
    assert await granted(lambda: guard.hit_sign_in(scope_of(), next(names)), 4) == 2
    hosts = iter(range(9))
    assert await granted(lambda: guard.hit_sign_in(scope_of(client=f"198.51.100.{next(hosts)}"), ""), 9) == 9


def test_wrong_limits_are_told_at_the_start_all_at_once() -> None:
    """A limit that cannot be read, lets nothing through, misses its role or belongs to none stops the start."""
    wrong = Limits({"anonymous": "often", "member": "0/minute", "chef": "1/fortnight"}, sign_in="10/minutes please")
    with pytest.raises(DeclarationError) as caught:
        limiter(wrong)
    found = [(problem.code, problem.where) for problem in caught.value.problems]
    malformed = ["limits.roles['anonymous']", "limits.roles['member']", "limits.roles['chef']", "limits.sign_in"]
    told = [("limit_missing", "limits.roles"), ("limit_unknown_role", "limits.roles")]
    assert found == told + [("limit_malformed", where) for where in malformed]
    with pytest.raises(DeclarationError, match="redis_url_malformed"):
        limiter(redis="gopher://nowhere")


@pytest.mark.parametrize(("scale", "workers", "amount"), [(2, 1, 6), (0.1, 1, 1), (4, 3, 4), (1, 9, 1)])
async def test_scale_multiplies_and_workers_without_redis_share(scale: float, workers: int, amount: int) -> None:
    """Each of several workers enforces its part of the scaled limit, and never less than one."""
    app = limiter(scale=scale, workers=workers).guard(site())
    assert (await statuses(app, *(scope_of() for _ in range(9)))).count(200) == amount


async def test_memory_is_bounded_and_keeps_what_is_nearly_used_up(clock: SimpleNamespace) -> None:
    """Distinct addresses do not grow memory without bound: expired keys go first, then those with the lowest counts."""
    memory = MemoryCounters(keys=100)
    for _ in range(9):
        await memory.incr("guesser", 60)
    for i in range(1_000):
        await memory.incr(f"fresh/{i}", 60)
        assert len(memory.storage) == len(memory.expirations) <= 100
    assert await memory.get("guesser") == 9
    clock.now += 61
    assert await memory.get("guesser") == 0
    for i in range(100):
        await memory.incr(f"later/{i}", 60)
    assert set(memory.storage) >= {f"later/{i}" for i in range(100)}
    assert memory.timer is None


async def test_over_redis_two_processes_share_one_bucket(redis_url: str) -> None:
    """Two limiters on one Redis let exactly the limit through together, in a burst as well."""
    prefix = uuid4().hex
    limits = Limits({**LIMITS.roles, "anonymous": "20/day"})
    pair = [limiter(limits, workers=2, redis=redis_url, prefix=prefix) for _ in range(2)]
    async with started(*pair):
        apps = [one.guard(site()) for one in pair]
        found = await asyncio.gather(*(ask(apps[i % 2], scope_of()) for i in range(120)))
        assert [reply.status for reply in found].count(200) == 20
        assert [reply.status for reply in found].count(429) == 100
        assert {one.redis for one in pair} == {"ok"}
        assert all(0 < int(reply.headers["ratelimit"].rpartition("=")[2]) <= 86_400 for reply in found)
        assert await granted(lambda: pair[0].bad_credentials(scope_of()), 20) == 20
        assert await statuses(apps[1], scope_of(headers=BEARER)) == [429]


@pytest.mark.parametrize("silent", [False, True], ids=["refused", "silent"])
async def test_a_dead_redis_gives_answers_and_one_warning(caplog: pytest.LogCaptureFixture, *, silent: bool) -> None:
    """A closed port, or one that never answers: no 5xx, no long wait, the local share, one line in the log."""
    caplog.set_level(logging.WARNING)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        if silent:
            bound.listen()
        one = limiter(workers=2, scale=4, redis=f"redis://127.0.0.1:{bound.getsockname()[1]}/0")
        async with asyncio.timeout(15):
            found = await asyncio.gather(*(ask(one.guard(site()), scope_of()) for _ in range(200)))
        assert [reply.status for reply in found].count(200) == 6
        assert [reply.status for reply in found].count(429) == 194
        async with started(one):
            assert await statuses(one.guard(site()), scope_of(), scope_of("/nowhere")) == [429, 429]
    assert {record.message.split(" (")[0] for record in caplog.records} == {"Redis is away"}
    assert len(caplog.records) == 2  # one an outage: the first requests found one, the start another


async def test_a_redis_that_comes_back_counts_again(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """An outage in the middle is bridged locally, told once, and over soon after Redis is there again."""
    caplog.set_level(logging.INFO, logger="charter")
    monkeypatch.setattr(counters, "PROBE", 0.02)
    where, pipes = urlsplit(redis_url), list[asyncio.StreamWriter]()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        pipes.append(writer)
        while data := await reader.read(65_536):
            writer.write(data)
        writer.close()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(where.hostname, where.port)
        await asyncio.gather(carry(reader, back), carry(there, writer), return_exceptions=True)

    relay = await asyncio.start_server(forward, "127.0.0.1", 0)
    port = relay.sockets[0].getsockname()[1]
    one = limiter(redis=f"redis://127.0.0.1:{port}/15")
    async with started(one):
        app = one.guard(site())
        assert await statuses(app, scope_of(), scope_of()) == [200, 200]
        relay.close()
        for pipe in pipes:
            pipe.close()
        assert await statuses(app, *(scope_of() for _ in range(4))) == [200, 200, 200, 429]
        await asyncio.sleep(0.05)  # a few probes in vain
        assert not one._counters.shared
        relay = await asyncio.start_server(forward, "127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            while not one._counters.shared:  # noqa: ASYNC110 # the limiter has no event to wait for
                await asyncio.sleep(0.01)
        assert await statuses(app, scope_of(), scope_of()) == [200, 429]
    relay.close()
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
