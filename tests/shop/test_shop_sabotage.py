"""The negative control: the same storms on a shop with a mistake in it have to find the mistake."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.storms.programme import play
from tests.storms.sabotage import CART_READ_OUTSIDE, CHECK_THEN_TAKE
from tests.storms.stage import SHORT, database, staged

LONGER = replace(SHORT, rounds=5)
"""Who is lucky once is not lucky five times."""

pytestmark = pytest.mark.thorough
DATABASES = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


@DATABASES
def test_check_then_take_is_found_by_the_audit(tmp_path: Path, kind: str) -> None:
    """Stock that is looked at, then taken: more is sold than there was, and no CHECK of the database notices."""
    with database(kind) as given, staged(tmp_path, CHECK_THEN_TAKE, given=given) as stage:
        played = play(stage, "one-unit", LONGER)
        names = {line.partition(":")[0] for line in played.findings}
        assert names == {"stock is the sum of its movements", "what came in is on hand or sold"}
        assert played.broken
        assert {stock for (stock,) in stage.inside.rows("SELECT stock FROM product")} == {0}


@DATABASES
def test_a_cart_that_is_read_outside_is_found_by_the_storm(tmp_path: Path, kind: str) -> None:
    """One cart is ordered more than once; each order is whole, so only the storm can know."""
    with database(kind) as given, staged(tmp_path, CART_READ_OUTSIDE, given=given) as stage:
        played = play(stage, "no-key", LONGER)
        assert played.broken
        assert played.findings == []
