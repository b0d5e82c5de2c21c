"""Who uses the shop, and what they find there."""

from collections.abc import Iterator

import pytest

from tests.running import ADMIN, Running
from tests.shop.buying import verified
from tests.shop.people import People, Person


@pytest.fixture(scope="session")
def people(shop: Running) -> People:
    """One client for each role, signed in; ``anonymous`` is nobody."""
    found = {role: Person(*shop.account(role)) for role in ("customer", "support", "manager")}
    admin = Person(*ADMIN, shop.as_admin())
    return People(anonymous=Person("", "", shop.client()), admin=admin, **found)


@pytest.fixture
def customer(shop: Running) -> Iterator[Person]:
    """A customer of this test alone, with an empty cart."""
    person = Person(*shop.account("customer"))
    yield person
    person.http.close()


@pytest.fixture
def buyer(shop: Running) -> Iterator[Person]:
    """A customer of this test alone who may order."""
    person = verified(shop)
    yield person
    person.http.close()
