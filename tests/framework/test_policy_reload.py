"""A saved policy is in force without a restart; a wrong one changes nothing and says so everywhere it should."""

import asyncio
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from charter.access import InForce
from tests.patience import until
from tests.toy.running import HERE, Toy

pytestmark = pytest.mark.anyio

FILE = Path("policy.csv")

OPEN = "p, anonymous, traces, list, any, *\n"
"""A line that the toy's policy does not have."""


def original() -> str:
    """The policy as the toy ships it."""
    return (HERE / "policy.csv").read_text()


def save(text: str | bytes) -> None:
    """Write the policy of the running toy, whose folder is the working folder."""
    FILE.write_bytes(text if isinstance(text, bytes) else text.encode())


def disguise(text: str) -> None:
    """Put another file in the policy's place that has its size and its time."""
    times, other = FILE.stat(), FILE.with_name("other.csv")
    other.write_text(text)
    assert other.stat().st_size == times.st_size
    os.utime(other, ns=(times.st_atime_ns, times.st_mtime_ns))
    other.replace(FILE)


async def state(toy: Toy) -> dict[str, Any]:
    """What ``/health`` says of the policy."""
    found: dict[str, Any] = (await toy.client().get("/health")).json()["policy"]
    return found


async def test_a_saved_rule_is_in_force_and_so_is_its_withdrawal(toy: Toy) -> None:
    """What a line allows is allowed soon after it is saved, and refused soon after it is gone."""
    http = toy.client()
    before = (await state(toy))["version"]

    async def answers(status: int) -> bool:
        return (await http.get("/traces")).status_code == status

    assert await answers(401)
    save(original() + OPEN)
    await until(lambda: answers(200))
    now = await state(toy)
    assert (now["error"], now["reloads"], now["refusals"]) == (None, 1, 0)
    assert now["version"] != before
    save(original())
    await until(lambda: answers(401))
    assert (await state(toy))["version"] == before


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        (lambda: OPEN.replace("traces", "trace"), "policy.csv:1:15: policy_unknown_resource"),
        (lambda: original() + "p, anonymous, traces, lst, any, *\n", "policy_unknown_action"),
        (lambda: b"", "policy_empty"),
        (lambda: original().encode("utf-16"), "policy_encoding"),
        (lambda: "\ufeff" + original(), "policy_bom"),
    ],
)
async def test_a_wrong_file_keeps_the_last_good_policy(
    toy: Toy, wrong: Callable[[], str | bytes], told: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The rules from before stay; `/health` and the log tell line and column; what is mended is taken."""
    http = toy.client()
    before = (await state(toy))["version"]
    save(wrong())

    async def told_of() -> bool:
        return (await state(toy))["error"] is not None

    await until(told_of)
    now = await state(toy)
    assert told in now["error"]
    assert (now["version"], now["refusals"]) == (before, 1)
    assert told in caplog.text
    assert (await http.get("/folders")).status_code == 200
    save(original())

    async def mended() -> bool:
        return (await state(toy))["error"] is None

    await until(mended)
    assert (await state(toy))["version"] == before


async def test_a_file_that_is_gone_keeps_the_last_good_policy(toy: Toy) -> None:
    """Deleted, then a folder of that name, then saved again."""

    async def says(word: str) -> bool:
        return word in ((await state(toy))["error"] or "fine")

    FILE.unlink()  # noqa: ASYNC240 # nobody waits
    await until(lambda: says("No such file"))
    assert (await toy.client().get("/folders")).status_code == 200
    FILE.mkdir()  # noqa: ASYNC240 # same
    await until(lambda: says("directory"))
    FILE.rmdir()  # noqa: ASYNC240 # same
    save(original())
    await until(lambda: says("fine"))


async def test_a_replaced_file_of_the_same_size_and_time_is_noticed(toy: Toy) -> None:
    """Tools that keep times (``cp -p``, ``rsync -t``) and a change that keeps the length do not hide a change."""
    narrow = original().replace("p, editor, traces, list", "p, keeper, traces, list")
    editor = await toy.as_role("editor")
    assert (await editor.get("/traces")).status_code == 200
    disguise(narrow)

    async def refused() -> bool:
        return (await editor.get("/traces")).status_code == 403

    await until(refused)


async def test_a_request_is_decided_by_one_policy_to_its_end() -> None:
    """A table that is swapped while a request runs is for the next one."""
    tables: Any = iter(["old", "new"])
    policy = InForce(lambda: next(tables))
    seen: list[Any] = []

    async def app(_: Scope, __: Receive, ___: Send) -> None:
        seen.append(policy.table)
        policy.take(policy.load())
        await asyncio.sleep(0)
        seen.append(policy.table)

    nothing: Any = None
    await policy.keep(app)({"type": "http"}, nothing, nothing)
    assert seen == ["old", "old"]
    assert str(policy.table) == "new"


async def test_the_document_says_what_is_open_now(toy: Toy) -> None:
    """`/openapi.json` marks an operation as open to everybody as soon as a rule says so."""
    http = toy.client()

    async def is_open() -> bool:
        document = (await http.get("/openapi.json")).json()
        return {} in document["paths"]["/traces"]["get"]["security"]

    assert not await is_open()
    save(original() + OPEN)
    await until(is_open)


async def test_a_new_account_is_shown_as_its_owner_may_read_it(toy: Toy) -> None:
    """`/auth/register` answers the fields that the default role reads, and those of the policy in force."""
    http = toy.client()

    async def registered(name: str) -> set[str]:
        body = {"email": f"{name}@example.org", "password": "a password for tests"}
        answer = await http.post("/auth/register", json=body)
        assert answer.status_code == 201
        return set(answer.json())

    assert {"id", "email", "role", "nickname"} <= await registered("newcomer")
    for rule, shown in (("p, reader, users, read, own, email\n", {"id", "email"}), ("", {"id"})):
        before = (await state(toy))["reloads"]
        save(original().replace("p, reader, users, read, own, *\n", rule))
        await until(partial(moved, toy, before))
        assert await registered(f"later{len(shown)}") == shown


async def moved(toy: Toy, before: int) -> bool:
    """Whether another policy is in force."""
    return bool((await state(toy))["reloads"] > before)
