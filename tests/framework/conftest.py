"""Fixtures for the tests of the framework: the toy application in this process, on each database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
