"""Escalation is closed: what gives power is in no body unless a rule names it, and nobody gives a role above theirs."""

from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.framework.matrix_toy import ORDER, SHAPES, SHIPPED, STRICT, Stage, stage
from tests.matrix import power
from tests.matrix.cells import ask_all_here

pytestmark = pytest.mark.anyio

INHERIT = "g, reader, anonymous\ng, editor, reader\ng, keeper, editor\n"
STARS = INHERIT + "".join(f"p, reader, {path}, *, any, *\n" for path in SHAPES)
"""Everybody may do everything with every field, as somebody in a hurry would write it."""

GIVERS = "\n".join(
    [
        INHERIT.strip(),
        "p, reader, users, list, any, *",
        "p, reader, users, read, any, *",
        "p, reader, users, delete, any, *",
        "p, reader, users, create, any, email|password|role",
        "p, reader, users, update, any, email|nickname|role|is_active",
        *(f"p, reader, {path}, list, any, *" for path in SHAPES if path != "users"),
        "",
    ]
)
"""Everybody with an account may give roles."""

STEPS = ORDER[1:]


@pytest.mark.parametrize("policy", [STARS, SHIPPED, STRICT], ids=["stars", "shipped", "strict"])
async def test_what_gives_power_is_in_no_body_unless_a_rule_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, policy: str
) -> None:
    """Role, flags, owner, state and hidden columns: 422 as for nonsense, in POST, PUT and PATCH; not documented."""
    async with stage(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch, policy) as found:
        oracle = found.world.oracle
        outcome = await ask_all_here(power.cells(oracle, ORDER, SHAPES), found.client)
        document = (await found.client("keeper").get("/openapi.json")).json()
        register = {"email": "who@example.org", "password": "long enough", "role": "keeper", "is_active": True}
        refused = await found.client("anonymous").post("/auth/register", json=register)
    assert not outcome.differences, outcome.table()
    assert len(outcome.asked) >= 20
    assert not power.documented(document, oracle, SHAPES)
    assert refused.status_code == 422
    assert {error["pointer"] for error in refused.json()["errors"]} == {"/role", "/is_active"}


async def status(found: Stage, giver: str, method: str, path: str, body: dict[str, Any]) -> int:
    """What a giver is answered."""
    return (await found.client(giver).request(method, path, json=body)).status_code


async def test_nobody_gives_a_role_above_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every giver, every role, every role that the account had: by create, change, replace, ``/me`` or default."""
    async with stage(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch, GIVERS) as found:
        spare = {row["role"]: row for row in found.world.rows["users"] if row["email"].startswith("spare")}
        for giver, given in product(STEPS, STEPS):
            allowed = STEPS.index(given) <= STEPS.index(giver)
            body = {"email": f"{giver}-{given}@example.org", "password": "long enough", "role": given}
            assert await status(found, giver, "POST", "/users", body) == (201 if allowed else 403), (giver, given)
            own = await (await found.toy.as_role(giver, f"{giver}-as-{given}")).patch("/users/me", json={"role": given})
            assert own.status_code == (200 if allowed else 403), (giver, given)
            for before, row in spare.items():
                may = allowed and STEPS.index(before) <= STEPS.index(giver)
                for method in ("PATCH", "PUT"):
                    whole = {"email": row["email"], "role": given}
                    answer = await status(found, giver, method, f"/users/{row['id']}", whole)
                    assert answer == (200 if may else 403), (giver, given, before, method)
                    await restore(found, before, row["id"])
        for giver, (before, row) in product(STEPS, spare.items()):
            high = STEPS.index(before) > STEPS.index(giver)
            for method, given in (("PATCH", "nickname"), ("PATCH", "role"), ("DELETE", "role")):
                if high:
                    answer = await status(found, giver, method, f"/users/{row['id']}", {given: giver})
                    assert answer == 403, (giver, before, method, given)
        for giver in STEPS:  # left out, the role is the lowest: a replace of what is above is refused, too
            plain = {"email": f"{giver}-plain@example.org", "password": "long enough"}
            made = await found.client(giver).post("/users", json=plain)
            assert made.json()["role"] == "reader"
            for before, row in spare.items():
                answer = await status(found, giver, "PUT", f"/users/{row['id']}", {"email": row["email"]})
                assert answer == (403 if STEPS.index(before) > STEPS.index(giver) else 200), (giver, before)
                await restore(found, before, row["id"])
            for word in ("anonymous", "owner", "KEEPER", " keeper"):
                body = {**plain, "email": f"{giver}-odd@example.org", "role": word}
                assert await status(found, giver, "POST", "/users", body) == 422, word


async def restore(found: Stage, role: str, row_id: str) -> None:
    """The role as it was, with no sign-in ended by it."""
    await found.toy.execute(f"UPDATE users SET role = '{role}' WHERE id = '{row_id}'")  # noqa: S608 # our own words
