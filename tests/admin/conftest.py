"""Fixtures of the admin's tests."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.admin.desk import Office, office
from tests.admin.tabs import Tab, chromium
from tests.running import Running
from tests.toy.running import url_of


@pytest.fixture(params=["sqlite", "postgresql"])
def place_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database."""
    return url_of(request, tmp_path)


@pytest.fixture
async def place(place_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """The toy with people in it, on each database."""
    async with office(place_url, tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """The same on SQLite alone, for what no database decides."""
    async with office(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch) as found:
        yield found


@pytest.fixture
def browser(shop: Running) -> Iterator[Any]:  # it is there first
    """Chromium, started after the shop."""
    with chromium() as found:
        yield found


@pytest.fixture
def tab(browser: Any, shop: Running) -> Iterator[Tab]:
    """A fresh window."""
    made = Tab(browser, shop)
    yield made
    made.close()
