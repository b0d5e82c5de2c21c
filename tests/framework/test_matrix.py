"""The access matrix of the toy, for shapes that the shop has not, under several policies; and that it would notice."""

import random
from pathlib import Path

import pytest

from tests.framework.matrix_toy import ORDER, SHAPES, SHIPPED, SIDE_EFFECTS, STRICT, stage
from tests.framework.saboteurs import CHANGING, LOOKING, Saboteur, forget
from tests.matrix.cells import ask_all_here
from tests.matrix.policies import some_policy
from tests.matrix.run import changing, looking
from tests.matrix.snapshot import surprises

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("database", "policy"),
    [("sqlite", "shipped"), ("sqlite", "strict"), ("sqlite", "1"), ("postgresql", "strict"), ("postgresql", "2")],
)
async def test_no_cell_of_the_toy_differs_from_the_oracle(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, policy: str
) -> None:
    """Zero differences under the toy's own policy, one with field rules everywhere, and policies by chance."""
    known = {"shipped": SHIPPED, "strict": STRICT}
    text = known.get(policy) or some_policy(random.Random(policy), ORDER, SHAPES.values())  # noqa: S311 # the same each time
    url = f"sqlite+aiosqlite:///{tmp_path}/toy.db" if database == "sqlite" else request.getfixturevalue("postgres")
    async with stage(url, tmp_path, monkeypatch, text) as found:
        looked = await ask_all_here(looking(found.world), found.client)
        assert not looked.differences, looked.table()
        changed = await ask_all_here(changing(found.world), found.client)
        assert not changed.differences, changed.table()
        assert not surprises(found.world, await found.now(), SHAPES.keys() - SIDE_EFFECTS)
    assert len(looked.asked) > 900
    assert len(changed.asked) > 350
    print(f"{len(looked.asked)} + {len(changed.asked)} cells, no difference")  # noqa: T201 # shown by -s
    assert {entry.split(maxsplit=1)[1] for entry in found.world.untried} <= {"users delete own"}
    every = {cell.door for cell in (*looked.asked, *changed.asked)}
    assert every <= {door for one in (*LOOKING, *CHANGING) for door in one.shows}, "a door without a saboteur"


async def test_the_matrix_notices_every_saboteur_who_lets_people_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without one row rule or field rule of a read, its door differs; afterwards none does."""
    async with stage(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch, STRICT) as found:
        for one in LOOKING:
            with monkeypatch.context() as patch:
                forget()
                one.strike(patch)
                cells = (cell for cell in looking(found.world) if cell.door in one.shows)
                outcome = await ask_all_here(cells, found.client, one.shows)
            forget()
            assert outcome.doors == one.shows, f"{one.deed}: {outcome.table()}"


@pytest.mark.parametrize("one", CHANGING, ids=lambda one: one.deed.replace(" ", "_"))
async def test_the_matrix_notices_every_saboteur_who_lets_people_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, one: Saboteur
) -> None:
    """Without one row rule or field rule of a write, its doors differ."""
    async with stage(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch, STRICT) as found:
        with monkeypatch.context() as patch:
            forget()
            one.strike(patch)
            cells = (cell for cell in changing(found.world) if cell.door in one.shows)
            outcome = await ask_all_here(cells, found.client, one.shows)
        forget()
    assert outcome.doors == one.shows, f"{one.deed}: {outcome.table()}"
