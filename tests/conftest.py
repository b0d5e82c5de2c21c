"""Fixtures for all tests: the shop as a real process, on each database that this machine has."""

from collections.abc import Iterator

import anyio
import pytest

from tests.forgetting import forget
from tests.running import Running, copy_application, running
from tests.servers import REQUIRED, need, postgres_database

for _name in dir(anyio):
    # Now, not when a request first needs it: pytest parses what anyio imports lazily while Casbin parses in a thread of
    # its own, and Python 3.11 confuses the two.
    getattr(anyio, _name)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Leave out what is marked ``thorough``, unless everything is wanted."""
    if item.get_closest_marker("thorough"):
        need("the time for a thorough test", there=REQUIRED)


@pytest.fixture
def anyio_backend() -> str:
    """Charter runs on asyncio."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    """Nothing of a test's application outlives it."""
    yield
    forget()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A PostgreSQL database for the toy, which empties it before each test."""
    with postgres_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The settings for an empty database of one test: a file in the application's folder, or one on the server."""
    if request.param == "sqlite":
        yield {}
    else:
        with postgres_database() as url:
            yield {"DATABASE_URL": url}


@pytest.fixture(scope="session")
def shop_postgres() -> Iterator[str]:
    """One for the shop, which keeps its rows as long as the tests last; the toy empties its own again and again."""
    with postgres_database() as url:
        yield url


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The shop with its demo data, without limits, on each database. Its tokens outlive the tests that share them."""
    folder = copy_application(tmp_path_factory.mktemp("shop"))
    given = {} if request.param == "sqlite" else {"DATABASE_URL": request.getfixturevalue("shop_postgres")}
    with running(folder, ACCESS_TOKEN_MINUTES="120", **given) as found:
        found.database = request.param
        yield found
