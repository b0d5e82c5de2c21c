"""What one application is made of, in one frozen value: found at ``app.state.charter`` by routes and dependencies."""

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from charter.access import AccessTable, InForce
from charter.auth import Auth
from charter.catalog import Catalog
from charter.declare import Roles
from charter.plugins.cursors import Cursors
from charter.plugins.ratelimit import RateLimiter
from charter.replay import Replays
from charter.settings import Settings
from charter.store import Store


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a request may need; made once by ``build()``."""

    settings: Settings
    catalog: Catalog
    roles: Roles
    policy: InForce
    store: Store
    limiter: RateLimiter
    auth: Auth
    replays: Replays
    cursors: Cursors

    @property
    def access(self) -> AccessTable:
        """The decisions that hold for the request under way."""
        return self.policy.table


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that answers `connection`."""
    found: Services = connection.app.state.charter
    return found
