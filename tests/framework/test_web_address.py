"""Who is calling, with and without proxies."""

import pytest
from starlette.types import Scope

from charter.settings import load_settings
from charter.web import client_address


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("192.0.2.1", [], "192.0.2.1"),
        ("192.0.2.1", ["203.0.113.7"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.7, 10.0.0.2"], "203.0.113.7"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.7"], "203.0.113.7"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.7, nonsense, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.7:4711"], "203.0.113.7"),
        ("10.0.0.1", ["[2001:db8::7]:4711"], "2001:db8::7"),
        ("::ffff:10.0.0.1", ["2001:db8:0:0::7"], "2001:db8::7"),
        ("fd00::1", ["203.0.113.7"], "203.0.113.7"),
        ("2001:db8::9", ["203.0.113.7"], "2001:db8::9"),
        ("::ffff:192.0.2.1", [], "192.0.2.1"),
        ("not-an-address", ["203.0.113.7"], "not-an-address"),
    ],
)
def test_client_is_the_rightmost_hop_that_is_not_trusted(peer: str, forwarded: list[str], expected: str) -> None:
    """What a caller writes into X-Forwarded-For never counts, what a trusted proxy adds does."""
    headers = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    scope: Scope = {"type": "http", "client": (peer, 1), "headers": headers}
    assert (
        client_address(scope, load_settings(environment="test", trusted_proxies="10.0.0.0/8, fd00::/8").trusted_proxies)
        == expected
    )


def test_client_without_an_address_is_unknown() -> None:
    """A Unix socket has no peer."""
    assert client_address({"type": "http", "client": None, "headers": []}, ()) == "unknown"
