"""The address guard's ASGI side: who asks, with what in hand, and the headers of every answer."""

import json
from collections.abc import Awaitable, Callable
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from typing import Literal

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charter.errors import RateLimitException, problem_response
from charter.plugins.ratelimit.buckets import Seen

RECORD = "rate_limit"  # where scope["state"] keeps the tightest bucket of a request
SESSION_COOKIE = b"session"

Claim = Literal["none", "header", "session"]
Step = Callable[[Scope, Claim], Awaitable[None]]


def address(scope: Scope) -> str:
    """The caller's key: the client that the outer envelope found, else the peer; an IPv6 one cut to its /64."""
    peer = scope.get("client")
    return _network(str(scope.get("state", {}).get("client") or (peer[0] if peer else "")))


@lru_cache(maxsize=4096)
def _network(host: str) -> str:
    """One subscriber usually holds a whole /64, so its addresses share a bucket; no address is a bucket, too."""
    try:
        found = ip_address(host)
    except ValueError:
        return f"address:{host or 'unknown'}"
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return f"address:{IPv6Address(int(found) >> 64 << 64)}/64"
    return f"address:{getattr(found, 'ipv4_mapped', None) or found}"


def record(scope: Scope, seen: Seen) -> None:
    """Keep the tightest bucket of this request for its headers."""
    state = scope.setdefault("state", {})
    if RECORD not in state or seen.remaining <= state[RECORD].remaining:
        state[RECORD] = seen


def recorded(scope: Scope) -> bool:
    """Whether some bucket has counted this request."""
    return RECORD in scope["state"]


def rate_limit_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """`RateLimit-Policy` and `RateLimit` (IETF draft) of the tightest bucket that this request hit."""
    seen: Seen | None = scope.get("state", {}).get(RECORD)
    if seen is None:
        return []
    name, policy = _policy(seen.name, seen.quota, seen.window)
    return [(b"ratelimit-policy", policy), (b"ratelimit", f"{name};r={seen.remaining};t={seen.reset}".encode())]


@lru_cache(maxsize=256)
def _policy(name: str, quota: int, window: int) -> tuple[str, bytes]:
    """The name of a bucket, quoted, and ASCII whatever a role is called; and what it promises."""
    quoted = json.dumps(name)
    return quoted, f"{quoted};q={quota};w={window}".encode()


def _claim(scope: Scope) -> Claim:
    """What the request shows as credentials; whether they are good is for others to find out."""
    session = False
    for name, value in scope["headers"]:
        if name == b"authorization":
            return "header"
        if name == b"cookie":
            session = session or any(part.split(b"=")[0].strip() == SESSION_COOKIE for part in value.split(b";"))
    return "session" if session else "none"


class Guard:
    """Plain ASGI: ``admit`` runs before the application, ``settle`` before the answer leaves; both may refuse."""

    def __init__(self, app: ASGIApp, admit: Step, settle: Step) -> None:
        self.app = app
        self.admit = admit
        self.settle = settle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse, or let the application answer and add the headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})
        claim = _claim(scope)
        replaced = False

        async def refuse(refusal: RateLimitException) -> None:
            response = problem_response(refusal, scope)
            response.raw_headers.extend(rate_limit_headers(scope))
            await response(scope, receive, send)

        async def answer(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start":
                try:
                    await self.settle(scope, claim)
                except RateLimitException as refusal:
                    replaced = True
                    await refuse(refusal)
                    return
                headers = [*message.get("headers", ()), *rate_limit_headers(scope)]
                message = {**message, "headers": headers}
            if not replaced:
                await send(message)

        try:
            await self.admit(scope, claim)
        except RateLimitException as refusal:
            await refuse(refusal)
        else:
            await self.app(scope, receive, answer)
