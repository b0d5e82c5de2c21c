"""A short flood of logins; ``python -m tests.storms.logins`` plays the whole minute and holds times against it, too."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.running import SERVE, Running, running
from tests.storms.flood import Answers
from tests.storms.logins import Told, flooded_shop, storm
from tests.storms.watch import Loop


@pytest.fixture(scope="module")
def flooded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A shop with a watch over its event loop."""
    with running(flooded_shop(tmp_path_factory.mktemp("flood")), SERVE) as found:
        yield found


@pytest.mark.thorough
def test_a_flood_of_logins_stops_nobody_else(flooded: Running) -> None:
    """Two hundred a second: each is a sign-in or a 503 with a time, the event loop is never kept, memory is bounded.

    What others feel depends on who else uses the machine: that is for the command. A busy machine brings requests in
    heaps, whose work is counted together; a round of the garbage collector over everything took 200 ms.
    """
    told = asyncio.run(storm(flooded, seconds=5, per_second=200))

    assert told.broken(blocked=0.15) == []
    assert told.answers.statuses.total() == 1000
    assert told.answers.statuses[503]
    assert told.loop_flooded.late.total()


def test_the_judge_sees_what_is_broken() -> None:
    """Each promise of the flood, broken on purpose; and none where all is well."""
    well = Told(Answers(Counter({200: 1, 503: 1})), [0.005] * 100, [0.01] * 100, memory_most=2**28)
    assert [*well.broken(), *well.slowed()] == []

    answers = Answers(Counter({500: 1}), without_a_time=1, behind=2.0)
    told = Told(answers, [0.005] * 100, [0.011] * 100, loop_flooded=Loop(0.06), memory_most=2**30)
    assert len(told.broken()) == 5
    assert len(told.slowed()) == 2


def test_lateness_is_told_by_its_share() -> None:
    """Of a hundred rounds one may be later."""
    assert Loop(0.0, Counter({0: 98, 3: 1, 40: 1})).late_at(0.01) == 0.003
    assert Loop(0.0, Counter({0: 99, 40: 1})).late_at(0.0) == 0.04
    assert Loop().late_at(0.01) == 0.0
