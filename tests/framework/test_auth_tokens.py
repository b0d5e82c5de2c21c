"""Access tokens: only ours, only whole, only in time; and what an Authorization header may look like."""

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest

from charter import auth
from charter.auth.tokens import CLAIMS, AccessTokens, bearer_token, key_id
from charter.errors import AuthenticationException
from charter.settings import derived_key
from tests.framework.auth_toy import toy_settings

SETTINGS = toy_settings(Path("/nowhere"), "sqlite+aiosqlite:///nowhere.db")
KEY = derived_key(SETTINGS.secret_key, "access")
TOKENS = AccessTokens(SETTINGS)
KID = {"kid": key_id(SETTINGS.secret_key)}


def signed(given: dict[str, Any], key: str = KEY, algorithm: str = "HS256", headers: Any = KID) -> str:
    """A token with these claims."""
    return jwt.encode(given, key, algorithm, headers=headers)


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
    assert TOKENS.read(signed(claims())).epoch == 0


@pytest.mark.parametrize("name", CLAIMS)
def test_no_claim_may_be_left_out(name: str) -> None:
    """A token without an expiry, say, is no token."""
    refuse(signed(claims(**{name: None})))


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
    refuse(signed(claims(**{name: value})))


def test_a_token_that_expired_a_second_ago_is_refused() -> None:
    """There is no leeway."""
    refuse(signed(claims(exp=int(time.time()) - 1)))


def test_only_one_algorithm_and_one_key_are_taken() -> None:
    """No algorithm ``none``, no stronger one either, no key of another purpose or of the settings themselves."""
    good = claims()
    refuse(signed(good, "", "none"))
    refuse(signed(good, algorithm="HS512"))
    refuse(signed(good, SETTINGS.secret_key))
    refuse(signed(good, derived_key(SETTINGS.secret_key, "refresh")))


@pytest.mark.parametrize("kid", [None, "", "x", 1, ["x"], key_id("another secret")])
def test_the_header_names_the_key_and_only_one_of_ours_counts(kid: Any) -> None:
    """A token without a name, or with that of a key that we do not have, is refused whatever signed it."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode()).rstrip(b"=")
    body = signed(claims()).encode().split(b".")[1]
    signature = hmac.new(KEY.encode(), header + b"." + body, hashlib.sha256).digest()
    refuse((header + b"." + body + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode())


def test_a_new_secret_ends_nobodys_tokens_where_the_old_one_is_kept() -> None:
    """New tokens are signed with the new one; those of the old one are read, and no longer once it is dropped."""
    old, new = SETTINGS.secret_key, "another secret that is long enough"
    rotated = AccessTokens(SETTINGS.model_copy(update={"secret_key": new, "previous_secret_keys": (old,)}))
    dropped = AccessTokens(SETTINGS.model_copy(update={"secret_key": new}))
    before, after = TOKENS.write(uuid4(), uuid4(), 0), rotated.write(uuid4(), uuid4(), 0)

    assert jwt.get_unverified_header(after)["kid"] != jwt.get_unverified_header(before)["kid"]
    assert rotated.read(before)
    assert rotated.read(after)
    assert dropped.read(after)
    with pytest.raises(AuthenticationException):
        dropped.read(before)
    refuse(after)


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


def test_a_token_that_was_read_before_expires_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its signature is checked once, its end each time; and a changed letter is never taken for what was read."""
    tokens = AccessTokens(SETTINGS)
    token = tokens.write(uuid4(), uuid4(), 0)
    known = tokens.read(token)
    monkeypatch.setattr(tokens, "_checked", lambda _: pytest.fail("checked again"))
    assert tokens.read(token) == known
    monkeypatch.setattr(time, "time", lambda: known.expires_at - 0.001)
    assert tokens.read(token) == known
    monkeypatch.setattr(time, "time", lambda: float(known.expires_at))
    with pytest.raises(AuthenticationException):
        tokens.read(token)
    monkeypatch.undo()
    with pytest.raises(AuthenticationException):
        tokens.read(token[:-2] + ("AA" if token[-2:] != "AA" else "BB"))


def test_no_more_tokens_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest makes room, and is simply checked again."""
    monkeypatch.setattr(auth.tokens, "MOST_READ", 3)
    tokens = AccessTokens(SETTINGS)
    made = [tokens.write(uuid4(), uuid4(), 0) for _ in range(5)]
    assert [tokens.read(token).epoch for token in (*made, *made)] == [0] * 10
    assert len(tokens._read) == 3
