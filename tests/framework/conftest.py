"""Fixtures for the tests of the framework: the toy application in this process, on each database."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.servers import postgres_database
from tests.toy.running import Toy, running, url_of


@pytest.fixture(params=["sqlite", "postgresql"])
def toy_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database."""
    return url_of(request, tmp_path)


@pytest.fixture
async def toy(toy_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Toy]:
    """The toy on each database, without rows but the first account."""
    async with running(toy_url, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture(scope="session")
def accounts_postgres() -> Iterator[str]:
    """A database of its own for the tests of accounts, whose tables have the names of the toy's."""
    with postgres_database() as url:
        yield url
