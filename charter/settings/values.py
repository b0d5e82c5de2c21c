"""What a setting's text may look like: the types that settings are made of, each with one sentence for a wrong value.

No message repeats the value, because a value may be a secret.
"""

import re
from email.utils import getaddresses
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import NoDecode

Network = IPv4Network | IPv6Network


def lower(value: object) -> object:
    """Text in lower case without spaces around it, so that ``Production`` is taken too; anything else as it is."""
    return value.strip().lower() if isinstance(value, str) else value


def upper(value: object) -> object:
    """Text in upper case without spaces around it; anything else as it is."""
    return value.strip().upper() if isinstance(value, str) else value


def matching(pattern: str, message: str) -> AfterValidator:
    """A validator: the whole value has to match `pattern`, else `message` is told."""

    def check(value: str) -> str:
        if not re.fullmatch(pattern, value):
            raise ValueError(message)
        return value

    return AfterValidator(check)


def name_and_address(value: str) -> tuple[str, str, str]:
    """``Support <help@example.com>`` as name (may be empty), user and domain; ValueError when it is no address."""
    found = getaddresses([value])
    name, address = found[0] if len(found) == 1 else ("", "")
    user, _, domain = address.rpartition("@")
    if not (user and re.fullmatch(r"[^\s@,;:<>()\[\]]+", domain)) or re.search(r"[\x00-\x1f\x7f]", value):
        raise ValueError("should be one e-mail address such as support@example.com")
    return name, user, domain


def _comma_separated(value: object) -> object:
    return tuple(word for part in value.split(",") if (word := part.strip())) if isinstance(value, str) else value


def _networks(value: object) -> object:
    words = _comma_separated(value)
    try:
        if isinstance(words, tuple | list):
            return tuple(word if isinstance(word, Network) else ip_network(word, strict=False) for word in words)
    except ValueError:
        pass  # told below, without the value
    raise ValueError("should be addresses or networks such as 10.0.0.0/8, separated by commas")


def _address(value: str) -> str:
    name_and_address(value)
    return value


def _mail_url(value: str) -> str:
    parts = urlsplit(value)
    try:
        is_server = bool(parts.hostname) and parts.port != 0 and parts.path in {"", "/"}
    except ValueError:  # its text would repeat a part of the value
        is_server = False
    is_known = {
        "console": not (parts.netloc or parts.path),
        "file": parts.netloc in {"", "localhost"} and len(parts.path) > 1,
        "smtp": is_server,
        "smtps": is_server,
    }
    if not is_known.get(parts.scheme):
        raise ValueError(
            "should be console:, file:///folder, smtp://user:pass@host:port or smtps://user:pass@host:port"
        )
    return value


Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_comma_separated)]
Networks = Annotated[tuple[Network, ...], NoDecode, BeforeValidator(_networks)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
MailAddress = Annotated[str, AfterValidator(_address)]
MailUrl = Annotated[str, AfterValidator(_mail_url)]
Currency = Annotated[str, BeforeValidator(upper), matching("[A-Z]{3}", "should be an ISO 4217 code such as EUR")]
Host = Annotated[str, matching(r"[^\s/]+", "should be a host name or an address")]
Line = Annotated[str, matching(r"[^\r\n]*[^\s][^\r\n]*", "should be one line of text"), Field(max_length=200)]
DatabaseUrl = Annotated[
    str,
    matching(
        r"(sqlite\+aiosqlite:///|postgresql\+asyncpg://)\S+",
        "should begin with sqlite+aiosqlite:/// or postgresql+asyncpg:// and name a database",
    ),
]
RedisUrl = Annotated[str, matching(r"((rediss?|unix)://\S+)?", "should be empty or begin with redis:// or rediss://")]
HttpUrl = Annotated[
    str, matching(r"(https?://[^\s/?#]+(/[^\s?#]*)?)?", "should be an address such as https://api.example.com")
]
LocalPath = Annotated[
    str, matching(r"(/([^/\s\\]\S*)?)?", "should be empty or a path on this server such as /logo.svg")
]
