"""``Idempotency-Key``: what is sent twice is done once, and whoever sends it gets one answer."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg  # type: ignore[import-untyped] # it ships no types
import httpx2
import pytest

from charter import Caller
from charter.replay import Repeat
from charter.types import utc_now
from tests.problems import places, problem
from tests.toy.resources import notes as hooks
from tests.toy.running import HERE, Toy

pytestmark = pytest.mark.anyio

Row = dict[str, Any]


def under(key: str) -> dict[str, str]:
    """The header."""
    return {"Idempotency-Key": key}


async def titles(toy: Toy) -> list[str]:
    """Every note that is there."""
    return [row[0] for row in await toy.rows("SELECT title FROM note ORDER BY title")]


async def test_a_repeat_is_done_once_and_answered_alike(toy: Toy) -> None:
    """Status, body and Location of the first time, marked as a replay; no hook follows the commit again."""
    http = await toy.as_role("reader")
    first = await http.post("/notes", json={"title": "once"}, headers=under("k1"))
    hooks.MOMENTS.clear()
    again = await http.post("/notes", json={"title": "once"}, headers=under('"k1"'))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first.headers["location"] == again.headers["location"]
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert not [moment for moment in hooks.MOMENTS if moment != "prepare create"]
    assert await titles(toy) == ["once"]


async def test_another_body_or_another_path_is_another_request(toy: Toy) -> None:
    """422, and nothing is written; another key is free."""
    http = await toy.as_role("editor")
    assert (await http.post("/notes", json={"title": "a"}, headers=under("k"))).status_code == 201
    for path, body in (("/notes", {"title": "b"}), ("/folders", {"name": "a"})):
        answer = await http.post(path, json=body, headers=under("k"))
        problem(answer, 422, "idempotency_mismatch")
        assert places(answer) == {"Idempotency-Key": "idempotency_mismatch"}
    one, other = (Repeat("k", "here").key(Caller("reader"), path, b"{}") for path in ("/a/1/ship", "/a/2/ship"))
    assert one.content != other.content
    assert (await http.post("/notes", json={"title": "b"}, headers=under("k2"))).status_code == 201
    assert await titles(toy) == ["a", "b"]


async def test_a_key_is_its_callers_own(toy: Toy) -> None:
    """Two people may choose the same key."""
    one, other = await toy.as_role("reader", "one"), await toy.as_role("reader", "other")
    answers = [await http.post("/notes", json={"title": "t"}, headers=under("same")) for http in (one, other)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["id"] != answers[1].json()["id"]


async def test_a_failure_is_not_kept(toy: Toy) -> None:
    """What was refused, or broke, may be sent again under its key, with another body too."""
    http = await toy.as_role("reader")
    problem(await http.post("/notes", json={"title": hooks.REFUSED}, headers=under("k")), 409)
    problem(await http.post("/notes", json={"title": hooks.BROKEN}, headers=under("k")), 500)
    problem(await http.post("/notes", json={"title": ""}, headers=under("k")), 422)
    assert (await http.post("/notes", json={"title": "fine"}, headers=under("k"))).status_code == 201
    assert await titles(toy) == ["fine"]


@pytest.mark.parametrize("key", ["", '""', "a b", "tab\there", "x" * 256, "caf\u00e9".encode().decode("latin-1")])
async def test_a_header_that_is_no_key_is_refused(toy: Toy, key: str) -> None:
    """400 after the decision, and nothing is written."""
    http = await toy.as_role("reader")
    headers = [("Idempotency-Key", key.encode("latin-1"))]
    answer = await http.post("/notes", json={"title": "t"}, headers=headers)  # type: ignore[arg-type] # bytes are taken
    problem(answer, 400, "bad_request")
    twice = await http.post("/notes", json={"title": "t"}, headers=[("Idempotency-Key", "a"), ("Idempotency-Key", "b")])
    problem(twice, 400, "bad_request")
    problem(await toy.client().post("/notes", json={"title": "t"}, headers=headers), 401)  # type: ignore[arg-type] # same
    assert await titles(toy) == []


async def test_a_long_and_a_short_key_are_taken(toy: Toy) -> None:
    """1 to 255 visible characters; the kept ones are told apart to the last."""
    http = await toy.as_role("reader")
    keys = ["!", "~" * 255, "~" * 254 + "!", '"' + "q" * 255 + '"']
    for key in keys:
        assert (await http.post("/notes", json={"title": key[-9:]}, headers=under(key))).status_code == 201
    assert len(await titles(toy)) == len(keys)


async def test_twins_at_once_are_one(toy: Toy) -> None:
    """Fifty of the same, together: one row; each gets its answer."""
    http = await toy.as_role("reader")
    sent = [http.post("/notes", json={"title": "twin"}, headers=under("k")) for _ in range(50)]
    answers: list[httpx2.Response] = await asyncio.gather(*sent)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotency-replayed" in answer.headers for answer in answers) == 49
    assert await titles(toy) == ["twin"]


async def test_an_old_key_is_free_again_and_purged(toy: Toy) -> None:
    """After IDEMPOTENCY_HOURS a key stands for nothing; the purge takes the row away."""
    http, replays = await toy.as_role("reader"), toy.services.replays
    assert (await http.post("/notes", json={"title": "old"}, headers=under("k"))).status_code == 201

    def age(tx: Any) -> None:
        old = utc_now() - replays.lifetime - timedelta(seconds=1)
        tx.execute(replays.table.update().values(created_at=old))

    await toy.in_transaction(age)
    assert (await http.post("/notes", json={"title": "new"}, headers=under("k"))).status_code == 201
    assert await toy.in_transaction(replays.purge) is False
    assert len(await toy.rows("SELECT id FROM idempotency_key")) == 1
    await toy.in_transaction(age)
    await toy.in_transaction(replays.purge)
    assert await toy.rows("SELECT id FROM idempotency_key") == []
    assert await titles(toy) == ["new", "old"]


async def test_an_answer_is_kept_as_the_caller_saw_it(toy: Toy) -> None:
    """A caller who may not read what they make is told its id, the second time too."""
    http = await toy.as_role("reader")
    note = (await http.post("/notes", json={"title": "n"})).json()["id"]
    body = {"text": "hm", "note_id": note}
    answers = [await http.post("/comments", json=body, headers=under("k")) for _ in range(2)]
    assert [set(answer.json()) for answer in answers] == [{"id"}, {"id"}]


def enforce(toy: Toy, policy: str) -> None:
    """Put a policy in force, as the watch does."""
    Path("policy.csv").write_text(policy)
    toy.services.policy.take(toy.services.policy.load())


def original() -> str:
    """The policy as the toy ships it."""
    return (HERE / "policy.csv").read_text()


async def test_an_answer_is_never_wider_than_the_policy_of_its_repeat(toy: Toy) -> None:
    """A field that was shown and no longer may be is gone from the repeat, too; and where nothing changed, it stays."""
    http = await toy.as_role("reader")
    first = await http.post("/notes", json={"title": "t"}, headers=under("k"))
    assert first.json()["text"] == ""
    enforce(toy, original().replace("-fee|-is_costly", "-fee|-is_costly|-text"))
    again = await http.post("/notes", json={"title": "t"}, headers=under("k"))
    assert again.headers["idempotency-replayed"] == "true"
    assert again.json() == {name: value for name, value in first.json().items() if name != "text"}
    enforce(toy, original())
    assert (await http.post("/notes", json={"title": "t"}, headers=under("k"))).content == first.content


@pytest.mark.parametrize("toy_url", ["postgresql"], indirect=True)
async def test_a_twin_that_takes_too_long_is_told_of(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """409 while the first request is still under way; afterwards its answer."""
    http = await toy.as_role("reader")
    row = (await toy.rows("SELECT id FROM users WHERE nickname = 'reader'"))[0]
    connection = await asyncpg.connect(toy.services.settings.database_url.replace("+asyncpg", ""))
    under_way = connection.transaction()
    await under_way.start()
    try:
        await connection.execute(
            "INSERT INTO idempotency_key (id, created_at, owner, key, path, content, status, body, access)"
            " VALUES (gen_random_uuid(), now(), $1, 'k', '', '', 0, '', '')",
            f"user {row[0]}",
        )
        problem(await http.post("/notes", json={"title": "t"}, headers=under("k")), 409, "idempotency_in_flight")
    finally:
        await under_way.rollback()
        await connection.close()
    assert (await http.post("/notes", json={"title": "t"}, headers=under("k"))).status_code == 201
