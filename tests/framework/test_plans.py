"""Remembered plans: a list that was asked before is planned no second time, and nobody gets the plan of another."""

import random
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from charter.plugins.parameters import LONGEST_QUERY, read_query
from charter.serve import plans
from charter.serve.plans import Plans
from tests.problems import places
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

ROLES = ("anonymous", "reader", "editor", "keeper")
SEED = 20261129
LISTS = ("", "sort=fee", "fee__gte=0", "fields=title,fee", "size=2&count=none", "sort=-title&tag__is_null=true")
ROWS = ("", "fields=title,fee", "with=can", "include=tag")


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The queries that were planned, not remembered."""
    seen: list[bytes] = []

    def reading(raw: bytes) -> Any:
        seen.append(raw)
        return read_query(raw)

    monkeypatch.setattr(plans, "read_query", reading)
    return seen


async def test_a_list_is_planned_once(toy: Toy, made: list[bytes]) -> None:
    """Its pages by cursor, too: they are one list."""
    http = await toy.as_role("keeper")
    for number in range(7):
        await http.post("/notes", json={"title": f"n{number}"})
    first = (await http.get("/notes?sort=title&size=2")).json()
    query, titles = f"/notes?sort=title&size=2&cursor={first['next']}", [row["title"] for row in first["items"]]
    while query:
        page = (await http.get(query)).json()
        titles += [row["title"] for row in page["items"]]
        query = f"/notes?cursor={page['next']}&sort=title&size=2" if page["next"] else ""
    assert titles == [f"n{number}" for number in range(7)]
    assert made == [b"sort=title&size=2", b"sort=title&size=2&cursor=-", b"cursor=-&sort=title&size=2"]


async def test_a_row_is_planned_once(toy: Toy, made: list[bytes]) -> None:
    """Whichever row it is, and however it is asked for; none is answered as another."""
    http = await toy.as_role("keeper")
    places = [f"/notes/{(await http.post('/notes', json={'title': f'n{number}'})).json()['id']}" for number in range(3)]
    for query, place in product(("", "?fields=title"), places):
        answer = await http.get(f"{place}{query}")
        assert answer.json()["title"] == f"n{places.index(place)}"
        assert ("fee" in answer.json()) is (query == "")
    assert made == [b"", b"fields=title"]


async def test_roles_take_turns(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asked before, each is answered as where nothing is remembered; the control forgets whose plan it is."""
    clients = {role: toy.client() if role == "anonymous" else await toy.as_role(role) for role in ROLES}
    for number, public in product(range(3), (True, False)):
        note = await clients["keeper"].post("/notes", json={"title": f"{number}", "is_public": public})
        assert note.is_success
    row = f"/notes/{note.json()['id']}"
    assert (await clients["keeper"].patch(row, json={"is_public": True})).is_success
    places = [*(f"/notes?{query}" for query in LISTS), *(f"{row}?{query}" for query in ROWS)]

    async def answers(seed: int) -> dict[tuple[str, str], Any]:
        asked = [*product(ROLES, places)]
        random.Random(seed).shuffle(asked)  # noqa: S311 # a fixed order
        return {(role, place): told(await clients[role].get(place)) for role, place in asked}

    with monkeypatch.context() as patch:
        patch.setattr(plans, "LONGEST_REMEMBERED", -1)
        expected = await answers(SEED)
    assert {status for status, _ in expected.values()} == {200, 400}
    assert [await answers(SEED + turn) for turn in range(3)] == [expected] * 3

    real = Plans.of
    monkeypatch.setattr(Plans, "of", lambda self, access, _, query, made: real(self, access, "anybody", query, made))
    mixed = await answers(SEED)
    differing = {place.partition("?")[0] for (role, place), answer in mixed.items() if answer != expected[role, place]}
    assert differing == {"/notes", row}


def told(answer: Any) -> tuple[int, str]:
    """What of an answer may not depend on who asked before."""
    return answer.status_code, answer.text if answer.status_code == 200 else str(sorted(places(answer)))


async def test_another_policy_begins_anew(toy: Toy, tmp_path: Path, made: list[bytes]) -> None:
    """A list that may no longer be sorted by a field is refused, though its plan was there."""
    http = await toy.as_role("editor")
    assert (await http.get("/notes?sort=fee")).status_code == 200
    file, policy = tmp_path / "policy.csv", toy.services.policy
    file.write_text(file.read_text().replace("p, editor, notes, list, any, *", "p, editor, notes, list, any, -fee"))
    policy.take(policy.load())
    assert (await http.get("/notes?sort=fee")).status_code == 400
    assert made == [b"sort=fee"] * 2


async def test_what_is_refused_is_refused_again(toy: Toy, made: list[bytes]) -> None:
    """Nothing is remembered of it."""
    http = await toy.as_role("keeper")
    answers = [await http.get("/notes?nonsense=1") for _ in range(2)]
    assert [places(answer) for answer in answers] == [{"nonsense": "unknown_parameter"}] * 2
    assert len(made) == 2


@pytest.mark.parametrize(
    "query",
    [
        "cursor={0}&cursor={0}", "cursor={0}&page=1", "xcursor={0}", "cursor={0}&Cursor={0}", "cursor=",
        "cursor={0}%00", "cursor={0}=", "cursor=-", "sort=title&cursor={0}", "c%75rsor={0}&cursor={0}",
    ],
)  # fmt: skip
async def test_no_cursor_hides_behind_another(toy: Toy, query: str) -> None:
    """However it is written, a cursor that is no good there is refused, whatever was remembered."""
    http = await toy.as_role("keeper")
    for number in range(3):
        await http.post("/notes", json={"title": f"n{number}"})
    cursor = (await http.get("/notes?size=1")).json()["next"]
    assert (await http.get(f"/notes?cursor={cursor}")).status_code == 200
    assert (await http.get(f"/notes?{query.format(cursor)}")).status_code == 400
    assert (await http.get(f"/notes?{query.format(cursor)}")).status_code == 400


async def test_a_cursor_is_a_part_of_the_query_that_may_be_so_long(toy: Toy) -> None:
    """That it is taken out does not make room for more."""
    http = await toy.as_role("keeper")
    await http.post("/notes", json={"title": "n"})
    cursor = "A" * 4000
    sort = "title," * ((LONGEST_QUERY - len(f"cursor={cursor}&sort=")) // 6 + 1)
    answer = await http.get(f"/notes?cursor={cursor}&sort={sort}")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "The query string is too long."


def test_the_memory_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan that was made first makes room; what is long is not remembered."""
    monkeypatch.setattr(plans, "MOST_PLANS", 3)
    memory, made = Plans[Any](), list[bytes]()
    access: Any = object()

    def ask(query: bytes) -> None:
        def plan() -> Any:
            made.append(query)
            return object()

        memory.of(access, "reader", query, plan)

    for query in (b"a", b"b", b"c", b"a", b"d", b"b", b"a"):
        ask(query)
    assert made == [b"a", b"b", b"c", b"d", b"a"]
    long = b"x" * (plans.LONGEST_REMEMBERED + 1)
    ask(long)
    ask(long)
    assert made[-2:] == [long, long]
