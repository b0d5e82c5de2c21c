"""What one application is made of, in one frozen value: found at ``app.state.charter`` by routes and dependencies."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from charter.access import AccessTable
from charter.auth import Auth
from charter.catalog import Catalog
from charter.declare import Roles
from charter.plugins.ratelimit import RateLimiter
from charter.settings import Settings
from charter.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a request may need; made once by ``build()``."""

    settings: Settings
    catalog: Catalog
    roles: Roles
    access: AccessTable
    store: Store
    limiter: RateLimiter
    auth: Auth


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that answers `connection`."""
    found: Services = connection.app.state.charter
    return found
