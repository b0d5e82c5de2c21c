"""Access tokens: short-lived, signed, and checked claim by claim. Their sign-in is looked up elsewhere."""

import re
import time
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any
from uuid import UUID, uuid4

import jwt
from fastapi_users.jwt import JWT_ALGORITHM
from starlette.types import Scope

from charter.auth.tables import as_uuid
from charter.errors import AuthenticationException
from charter.settings import Settings, derived_key

ISSUER, AUDIENCE, KIND = "charter", "charter:api", "access"
CLAIMS = ("sub", "sid", "epoch", "jti", "iat", "exp", "iss", "aud", "typ")
LONGEST_TOKEN = 4096
"""Characters; ours have some 450."""
MOST_READ = 10_000
"""Tokens whose claims are remembered, by a digest; some 5 MiB."""

_BEARER = re.compile(r"(?i:bearer) +([A-Za-z0-9\-._~+/]+=*)")


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says: whose it is, of which session, and how often the account had been locked out then."""

    user_id: UUID
    session: UUID
    epoch: int
    token_id: str
    expires_at: int


def invalid_token() -> AuthenticationException:
    """401 for credentials that are there but not good (RFC 6750, section 3.1); never says what is wrong with them."""
    return AuthenticationException(headers={"WWW-Authenticate": 'Bearer error="invalid_token"'})


def key_id(secret: str) -> str:
    """The name of a secret's key in the header ``kid``; nothing about the secret can be told from it."""
    return derived_key(secret, f"{KIND}:kid")[:16]


class AccessTokens:
    """Writes access tokens with the present secret; reads those of the previous ones too, until they expire."""

    def __init__(self, settings: Settings) -> None:
        secrets = (settings.secret_key, *settings.previous_secret_keys)
        self._keys = {key_id(secret): derived_key(secret, KIND) for secret in reversed(secrets)}
        self._current = key_id(settings.secret_key)
        self.seconds = max(1, round(settings.access_token_minutes * 60))
        self._read: dict[bytes, Claims] = {}

    def write(self, user_id: UUID, session: UUID, epoch: int) -> str:
        """A token for `user_id` that lives ``ACCESS_TOKEN_MINUTES``."""
        now = int(time.time())
        claims = {
            "sub": str(user_id),
            "sid": str(session),
            "epoch": epoch,
            "jti": uuid4().hex,
            "iat": now,
            "exp": now + self.seconds,
            "iss": ISSUER,
            "aud": AUDIENCE,
            "typ": KIND,
        }
        return jwt.encode(claims, self._keys[self._current], JWT_ALGORITHM, headers={"kid": self._current})

    def read(self, token: str) -> Claims:
        """The claims of a token of ours that has not expired; :class:`AuthenticationException` for any other text.

        A signature is checked once: what a token says never changes, only the time does.
        """
        if len(token) > LONGEST_TOKEN:
            raise invalid_token()
        digest = blake2b(token.encode("utf-8", "surrogatepass"), digest_size=32).digest()
        found = self._read.get(digest)
        if found is None:
            found = self._checked(token)
            if len(self._read) >= MOST_READ:
                del self._read[next(iter(self._read))]
            self._read[digest] = found
        elif found.expires_at <= time.time():
            del self._read[digest]
            raise invalid_token()
        return found

    def _checked(self, token: str) -> Claims:
        try:
            # fastapi-users' decoder accepts a token without `exp`, and knows one key only
            data = jwt.decode(
                token,
                self._keys[jwt.get_unverified_header(token)["kid"]],
                algorithms=[JWT_ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": list(CLAIMS)},
            )
        except (jwt.PyJWTError, ValueError, LookupError):
            raise invalid_token() from None
        return _claims(data)


def _claims(data: dict[str, Any]) -> Claims:
    user_id, session = as_uuid(data["sub"]), as_uuid(data["sid"])
    epoch, token_id = data["epoch"], data["jti"]
    if user_id is None or session is None or type(epoch) is not int or not isinstance(token_id, str):
        raise invalid_token()
    if data["typ"] != KIND:
        raise invalid_token()
    return Claims(user_id, session, epoch, token_id, int(data["exp"]))


def bearer_token(scope: Scope) -> str | None:
    """The token of the ``Authorization`` header (RFC 6750, section 2.1), None without one.

    :class:`AuthenticationException` for a header of another scheme or form, or for more than one.
    """
    given = [value for name, value in scope["headers"] if name == b"authorization"]
    if not given:
        return None
    match = _BEARER.fullmatch(given[0].decode("latin-1").strip())
    if match is None or len(given) > 1:
        raise invalid_token()
    return match.group(1)


__all__ = ["AccessTokens", "Claims", "bearer_token", "invalid_token", "key_id"]
