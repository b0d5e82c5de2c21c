"""Fixtures for all tests: the shop as a real process, on each database that this machine has."""

import secrets
from collections.abc import Iterator

import pytest

from tests.running import Running, copy_application, running
from tests.servers import POSTGRES, answers, database_url, need, run_on_postgres


@pytest.fixture
def anyio_backend() -> str:
    """Charter runs on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a fresh PostgreSQL database."""
    need("PostgreSQL", there=answers(POSTGRES))
    name = f"charter_test_{secrets.token_hex(4)}"
    run_on_postgres(f"CREATE DATABASE {name}")
    yield database_url(name)
    run_on_postgres(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session", params=["sqlite", "postgresql"])
def shop(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The shop with its demo data, without limits, on each database."""
    folder = copy_application(tmp_path_factory.mktemp("shop"))
    given = {} if request.param == "sqlite" else {"DATABASE_URL": request.getfixturevalue("postgres")}
    with running(folder, **given) as found:
        found.database = request.param
        yield found
