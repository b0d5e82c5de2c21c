"""Limit strings, compiled at start into what the counters count."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from slowapi.errors import RateLimitExceeded
from slowapi.wrappers import Limit, LimitGroup

from charter.declare import Limits, Roles
from charter.errors import DeclarationError, Problem

DETAIL = "Too many requests; come back after as many seconds as Retry-After says."
HINT = "Write it as 120/minute, several as 10/second; 120/minute."


class Seen(NamedTuple):
    """A bucket as one request left it; ``reset`` is the number of seconds until it has more room."""

    name: str
    quota: int
    window: int
    remaining: int
    reset: int


class Exceeded(RateLimitExceeded):
    """slowapi's exception, with the bucket that was found used up."""

    def __init__(self, limit: Limit, seen: Seen) -> None:
        super().__init__(limit)
        self.seen = seen


@dataclass(frozen=True, slots=True)
class Bucket:
    """One limit string, compiled: the whole of it for Redis, and a process's share for when it counts alone."""

    whole: tuple[Limit, ...]
    share: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class Buckets:
    """Every limit of an application. ``session`` is for requests whose session cookie no one has checked."""

    roles: Mapping[str, Bucket]
    anonymous: Bucket
    bad_credentials: Bucket
    session: Bucket
    sign_in: Bucket


def compile_buckets(limits: Limits, roles: Roles, *, scale: float, workers: int) -> Buckets:
    """All limits, or a :class:`DeclarationError` with every reason why not."""
    problems = [*_role_problems(limits, roles), *_text_problems(limits)]
    if problems:
        raise DeclarationError(problems)

    def bucket(name: str, text: str) -> Bucket:
        return Bucket(_parse(name, text, scale, 1), _parse(name, text, scale, max(1, workers)))

    by_role = {role: bucket(role, text) for role, text in limits.roles.items()}
    return Buckets(
        roles=by_role,
        anonymous=by_role[roles.anonymous],
        bad_credentials=bucket("bad-credentials", limits.roles[roles.anonymous]),
        session=bucket("session", limits.roles[roles.order[-1]]),
        sign_in=bucket("sign-in", limits.sign_in),
    )


def _role_problems(limits: Limits, roles: Roles) -> list[Problem]:
    missing = [role for role in roles.order if role not in limits.roles]
    unknown = [role for role in limits.roles if role not in roles.order]
    return [
        *(Problem("limit_missing", "limits.roles", f"The role {role!r} has no limit.", HINT) for role in missing),
        *(Problem("limit_unknown_role", "limits.roles", f"There is no role {role!r}.") for role in unknown),
    ]


def _text_problems(limits: Limits) -> list[Problem]:
    texts = {f"limits.roles[{role!r}]": text for role, text in limits.roles.items()}
    problems = []
    for where, text in {**texts, "limits.sign_in": limits.sign_in}.items():
        try:
            idle = any(limit.limit.amount < 1 for limit in _group("", text))
        except ValueError:
            problems.append(Problem("limit_malformed", where, f"{text!r} is not a limit.", HINT))
        else:
            if idle:
                problems.append(Problem("limit_malformed", where, f"{text!r} lets nothing through.", HINT))
    return problems


def _parse(name: str, text: str, scale: float, divisor: int) -> tuple[Limit, ...]:
    limits = tuple(_group(name, text))
    for limit in limits:
        item = limit.limit
        limit.limit = type(item)(max(1, round(item.amount * scale) // divisor), item.multiples)
    return limits


def _group(name: str, text: str) -> LimitGroup:
    """A limit string as slowapi reads it; keys are ours to choose, so its key function gives the bucket's name."""
    return LimitGroup(
        text,
        key_function=lambda: name,
        scope=name,
        per_method=False,
        methods=None,
        error_message=DETAIL,
        exempt_when=None,
        cost=1,
        override_defaults=False,
    )
