"""Who is calling, seen through the proxies that are trusted."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address

from starlette.types import Scope

from charter.settings import Network

UNKNOWN = "unknown"
"""The address of a peer without one, such as a Unix socket."""


def client_address(scope: Scope, trusted: Sequence[Network]) -> str:
    """The rightmost hop of ``X-Forwarded-For`` that is not trusted when the peer is trusted, else the peer.

    Hops further left are whatever the caller claims. IPv6 addresses are kept whole.
    """
    peer = _peer(scope)
    if not trusted or not _is_trusted(_parse(peer), trusted):
        return peer
    seen = peer
    for hop in _hops(scope):
        address = _parse(hop)
        if address is None:
            return seen  # not an address, so not written by a proxy of ours
        seen = str(address)
        if not _is_trusted(address, trusted):
            return seen
    return seen


def client_scheme(scope: Scope, trusted: Sequence[Network]) -> str:
    """``http`` or ``https`` as the caller sees it: ``X-Forwarded-Proto`` is believed from a trusted peer only."""
    scheme = str(scope.get("scheme", "http"))
    if trusted and _is_trusted(_parse(_peer(scope)), trusted):
        told = _header(scope, b"x-forwarded-proto")[-1:]
        return told[0].strip().lower() if told and told[0].strip().lower() in {"http", "https"} else scheme
    return scheme


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    peer = str(client[0]) if client and client[0] else UNKNOWN
    return peer.removeprefix("::ffff:") if "." in peer else peer  # a dual-stack socket shows IPv4 as ::ffff:192.0.2.1


def _hops(scope: Scope) -> Iterator[str]:
    return reversed(_header(scope, b"x-forwarded-for"))


def _header(scope: Scope, wanted: bytes) -> list[str]:
    """All values of a header that is a list, from all its lines."""
    return [part for name, value in scope["headers"] if name == wanted for part in value.decode("latin-1").split(",")]


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address in a hop such as ``192.0.2.1``, ``192.0.2.1:4711``, ``2001:db8::1`` or ``[2001:db8::1]:4711``."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


def _is_trusted(address: IPv4Address | IPv6Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
