"""The storms of the checkout, short; ``python -m tests.storms`` plays them at full length."""

from collections.abc import Iterator

import pytest

from tests.storms.programme import STORMS, play
from tests.storms.stage import SHORT, Stage, database, staged


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stage(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A shop of two processes on each database."""
    with database(request.param) as given, staged(tmp_path_factory.mktemp("storms"), given=given) as found:
        yield found


@pytest.mark.parametrize("name", STORMS)
def test_a_storm_breaks_no_promise(stage: Stage, name: str) -> None:
    """Whatever many do at once, each is answered truly, nothing is a 5xx, and the audit finds nothing."""
    played = play(stage, name, SHORT)
    assert (played.broken, played.findings) == ("", [])
    assert played.seen
