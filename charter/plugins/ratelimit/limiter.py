"""The limiter that the application holds: one object, asked by the guard, by credentials and by sign-in routes."""

import hashlib
import unicodedata
from typing import Literal

from limits.errors import ConfigurationError
from starlette.types import ASGIApp, Scope

from charter.declare import Caller, Limits, Roles
from charter.errors import DeclarationError, Problem, RateLimitException
from charter.plugins.ratelimit.buckets import Bucket, Exceeded, Seen, compile_buckets
from charter.plugins.ratelimit.counters import Counters, Question, check, hit
from charter.plugins.ratelimit.guard import Claim, Guard, address, record, recorded


class RateLimiter:
    """Limits by address, by user and by account. ``prefix`` keeps two applications on one Redis apart."""

    def __init__(
        self,
        limits: Limits,
        roles: Roles,
        *,
        enabled: bool,
        scale: float,
        workers: int,
        redis_url: str = "",
        prefix: str = "charter",
    ) -> None:
        self._buckets = compile_buckets(limits, roles, scale=scale, workers=workers)
        self._enabled = enabled
        try:
            self._counters = Counters(redis_url if enabled else "", prefix)
        except (ConfigurationError, ValueError) as error:
            hint = "Write it as redis://host:port/number."
            raise DeclarationError([Problem("redis_url_malformed", "REDIS_URL", f"{error}.", hint)]) from error

    @property
    def redis(self) -> Literal["ok", "off"]:
        """Whether limits are shared through Redis at this moment."""
        return "ok" if self._counters.shared else "off"

    async def start(self) -> None:
        """Connect; a Redis that is away does not stop the start."""
        await self._counters.start()

    async def close(self) -> None:
        """Let go of Redis."""
        await self._counters.close()

    async def hit_user(self, scope: Scope, caller: Caller) -> None:
        """Count the request for a known caller; the address guard has counted an anonymous one already."""
        if caller.id is not None:
            # A role that came into the database from elsewhere gets the least.
            bucket = self._buckets.roles.get(caller.role, self._buckets.anonymous)
            await self._ask(hit, scope, bucket, f"user:{caller.id}")

    async def hit_sign_in(self, scope: Scope, account: str) -> None:
        """Count an attempt on a sign-in route, for the address and for the account that it names."""
        await self._ask(hit, scope, self._buckets.sign_in, address(scope))
        # Without a name there is no account: one bucket for all such requests would let anyone shut out everyone.
        name = unicodedata.normalize("NFKC", account).strip().casefold()
        if name:
            digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
            await self._ask(hit, scope, self._buckets.sign_in, f"account:{digest}")

    async def bad_credentials(self, scope: Scope) -> None:
        """Count a failed credential for the address."""
        await self._ask(hit, scope, self._buckets.bad_credentials, address(scope))

    def guard(self, app: ASGIApp) -> ASGIApp:
        """`app` behind the address limit, on every path, before body and credentials are looked at."""
        return Guard(app, self._admit, self._settle) if self._enabled else app

    async def _admit(self, scope: Scope, claim: Claim) -> None:
        """Count a request without credentials; refuse one with them from an address that failed too often."""
        if claim == "none":
            await self._ask(hit, scope, self._buckets.anonymous, address(scope))
        else:
            await self._ask(check, scope, self._buckets.bad_credentials, address(scope))

    async def _settle(self, scope: Scope, claim: Claim) -> None:
        """Count a request whose credentials nobody looked at.

        Without this, any ``Authorization`` header would open unknown and public paths without a limit. A session
        cookie comes along with every image of the admin, so it gets the room of the most powerful role.
        """
        if not recorded(scope):
            bucket = self._buckets.session if claim == "session" else self._buckets.anonymous
            await self._ask(hit, scope, bucket, address(scope))

    async def _ask(self, question: Question[Seen | None], scope: Scope, bucket: Bucket, key: str) -> None:
        """Count or check, remember what was seen, and say no in our own words."""
        if not self._enabled:
            return
        try:
            seen = await self._counters.ask(question, bucket, key)
        except Exceeded as exceeded:
            record(scope, exceeded.seen)
            raise RateLimitException(exceeded.seen.reset, exceeded.detail) from exceeded
        if seen is not None:
            record(scope, seen)
