"""What every request passes before the application sees it: plain ASGI, from the outside in."""

from collections.abc import Callable, Sequence

from starlette.types import ASGIApp

from charter.settings import Settings
from charter.web.address import client_address
from charter.web.body import BodyLimit
from charter.web.cors import Cors, cors
from charter.web.door import Door, Endpoint
from charter.web.envelope import RequestEnvelope
from charter.web.failures import Failures
from charter.web.shortcut import Shortcut


def wrap(app: ASGIApp, settings: Settings, guards: Sequence[Callable[[ASGIApp], ASGIApp]] = ()) -> ASGIApp:
    """`app` inside its envelope: request id and log, CORS, failures as problems, `guards` (first is outermost), size.

    Guards come before the body is looked at. They may answer, or raise an ApiException.
    """
    stack: ASGIApp = BodyLimit(app, settings.max_body_bytes)
    for guard in reversed(guards):
        stack = guard(stack)
    return RequestEnvelope(cors(Failures(stack), settings), settings.trusted_proxies)


__all__ = [
    "BodyLimit",
    "Cors",
    "Door",
    "Endpoint",
    "Failures",
    "RequestEnvelope",
    "Shortcut",
    "client_address",
    "cors",
    "wrap",
]
