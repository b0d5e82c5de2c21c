"""Asking for a decision: the question that every door puts before it looks at parameters, bodies or rows."""

from charter.access import Decision
from charter.catalog import Entry
from charter.declare import Caller
from charter.errors import AuthenticationException, AuthorizationException
from charter.plan import Lens, lens
from charter.plugins.filtering import Reach
from charter.services import Services


def decide(services: Services, caller: Caller, resource: str, action: str) -> Decision:
    """The decision that lets `caller` do `action`; 401 where signing in could help, else 403."""
    decision = services.access.decide(caller.role, resource, action)
    if decision is not None:
        return decision
    if caller.id is None and any(services.access.decide(role, resource, action) for role in services.roles.order):
        raise AuthenticationException("Sign in to do this.")
    raise AuthorizationException(f"No rule lets {caller.role} {action} {resource}.")


def read_lens(services: Services, caller: Caller, entry: Entry) -> Lens | None:
    """What `caller` may read of `entry`, or None."""
    decision = services.access.decide(caller.role, entry.name, "read")
    return lens(entry, decision) if decision else None


def reach(services: Services, caller: Caller, entry: Entry) -> Reach:
    """A function from a relation's name to the caller's read lens on its target."""

    def found(name: str) -> Lens | None:
        target = services.catalog.of_table(entry.relations[name].target)
        return read_lens(services, caller, target) if target else None

    return found
