"""Access tokens: only ours, only whole, only in time; and what an Authorization header may look like."""

import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest

from charter.auth.tokens import CLAIMS, AccessTokens, bearer_token, derived_key
from charter.errors import AuthenticationException
from tests.framework.auth_toy import toy_settings

SETTINGS = toy_settings(Path("/nowhere"), "sqlite+aiosqlite:///nowhere.db")
KEY = derived_key(SETTINGS.secret_key, "access")
TOKENS = AccessTokens(SETTINGS)


def claims(**changed: Any) -> dict[str, Any]:
    """Good claims, some of them changed; None leaves one out."""
    now = int(time.time())
    good = {
        "sub": str(uuid4()),
        "sid": str(uuid4()),
        "epoch": 0,
        "jti": "a",
        "iat": now,
        "exp": now + 60,
        "iss": "charter",
        "aud": "charter:api",
        "typ": "access",
    }
    return {name: value for name, value in {**good, **changed}.items() if value is not None}


def refuse(token: str) -> None:
    with pytest.raises(AuthenticationException) as refused:
        TOKENS.read(token)
    assert refused.value.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_says_whose_it_is_and_of_which_sign_in() -> None:
    """What is written is read again, and lives as long as the setting says."""
    user, session = uuid4(), uuid4()
    found = TOKENS.read(TOKENS.write(user, session, 3))

    assert (found.user_id, found.session, found.epoch) == (user, session, 3)
    assert 0 <= found.expires_at - time.time() - TOKENS.seconds + 1 <= 1


def test_the_tests_own_claims_are_good() -> None:
    """Otherwise the refusals below would prove nothing."""
    assert TOKENS.read(jwt.encode(claims(), KEY, "HS256")).epoch == 0


@pytest.mark.parametrize("name", CLAIMS)
def test_no_claim_may_be_left_out(name: str) -> None:
    """A token without an expiry, say, is no token."""
    refuse(jwt.encode(claims(**{name: None}), KEY, "HS256"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sub", "1"),
        ("sub", ""),
        ("sid", "x"),
        ("epoch", "0"),
        ("epoch", True),
        ("epoch", 0.5),
        ("jti", 1),
        ("iat", 10**10),
        ("exp", 1),
        ("iss", "someone"),
        ("aud", "fastapi-users:auth"),
        ("aud", ["fastapi-users:reset"]),
        ("typ", "refresh"),
    ],
)
def test_no_claim_may_be_another(name: str, value: Any) -> None:
    """A wrong kind of token, of another issuer, for another audience, or for nobody, is refused."""
    refuse(jwt.encode(claims(**{name: value}), KEY, "HS256"))


def test_a_token_that_expired_a_second_ago_is_refused() -> None:
    """There is no leeway."""
    refuse(jwt.encode(claims(exp=int(time.time()) - 1), KEY, "HS256"))


def test_only_one_algorithm_and_one_key_are_taken() -> None:
    """No algorithm ``none``, no stronger one either, no key of another purpose or of the settings themselves."""
    good = claims()
    refuse(jwt.encode(good, "", "none"))
    refuse(jwt.encode(good, KEY, "HS512"))
    refuse(jwt.encode(good, SETTINGS.secret_key, "HS256"))
    refuse(jwt.encode(good, derived_key(SETTINGS.secret_key, "verify-email"), "HS256"))


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "..", "é.é.é", "a" * 100_000, "\ud800"])
def test_no_text_is_more_than_a_refusal(text: str) -> None:
    """Whatever is sent as a token, it ends in a 401."""
    refuse(text)


def test_keys_of_two_purposes_differ() -> None:
    """Nothing signed for one purpose is good for another."""
    assert len({derived_key("s", "a"), derived_key("s", "b"), derived_key("t", "a")}) == 3


@pytest.mark.parametrize("value", [b"Bearer abc", b"bearer abc", b"BEARER  abc", b"Bearer abc ", b" Bearer abc"])
def test_a_bearer_header_is_read_whatever_its_case(value: bytes) -> None:
    """RFC 6750 with RFC 9110's case-insensitive scheme."""
    assert bearer_token({"headers": [(b"authorization", value)]}) == "abc"


@pytest.mark.parametrize(
    "value",
    [b"", b"Bearer", b"Bearer ", b"Basic abc", b"Bearer a b", b"Bearer a,b", b"abc", b"Bearer \xff", b"Token abc"],
)
def test_any_other_authorization_header_is_bad_credentials(value: bytes) -> None:
    """A header that is there and cannot be read never makes a guest of its sender."""
    with pytest.raises(AuthenticationException):
        bearer_token({"headers": [(b"authorization", value)]})


def test_no_header_is_no_token_and_two_are_bad_credentials() -> None:
    """Which of two would count is anybody's guess, so neither does."""
    assert bearer_token({"headers": [(b"accept", b"*/*")]}) is None
    with pytest.raises(AuthenticationException):
        bearer_token({"headers": [(b"authorization", b"Bearer a"), (b"authorization", b"Bearer b")]})
