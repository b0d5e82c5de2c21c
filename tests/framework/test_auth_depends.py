"""What hand-written routes are given: the database, the caller, and the policy's decisions."""

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from tests.framework.auth_toy import Toy, toy

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.org"


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application without limits."""
    async with toy(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/toy.db") as found:
        yield found


async def test_a_token_is_read_from_the_header_and_nothing_else(app: Toy) -> None:
    """None without one, 401 for another scheme."""
    assert (await app.client().get("/own/token")).json() == {"there": False}
    assert (await app.client("abc").get("/own/token")).json() == {"there": True}
    assert (await app.client().get("/own/token", headers={"Authorization": "Basic abc"})).status_code == 401


@pytest.mark.parametrize(
    "path", ["/own/me", "/own/editors", "/own/notes", "/own/notes/0b93caba-a412-4cea-acf5-0a5943eca738"]
)
async def test_strangers_are_asked_to_sign_in(app: Toy, path: str) -> None:
    """401, with the challenge."""
    answer = await app.client().get(path)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")


async def test_the_caller_is_the_accounts_owner(app: Toy) -> None:
    """Read from the token."""
    ada = await app.signed_in(EMAIL)

    assert (await ada.get("/own/me")).json()["id"] == (await ada.get("/people/me")).json()["id"]


@pytest.mark.parametrize(("role", "status"), [("reader", 403), ("editor", 200), ("owner", 200)])
async def test_a_role_is_enough_for_what_a_lower_one_needs(app: Toy, role: str, status: int) -> None:
    """403 below it."""
    client = await app.signed_in(EMAIL, role)

    assert (await client.get("/own/editors")).status_code == status


async def test_a_permission_is_the_policys_decision(app: Toy) -> None:
    """The route gets it, rows included."""
    ada = await app.signed_in(EMAIL)

    assert (await ada.get("/own/notes")).json() == {"rows": ["own"]}


async def test_only_ones_own_rows_are_found(app: Toy) -> None:
    """A foreign row and a missing one look alike."""
    ada, bob = await app.signed_in(EMAIL), await app.signed_in("bob@example.org")
    made = (await ada.post("/own/notes")).json()

    assert (await ada.get(f"/own/notes/{made}")).status_code == 200
    assert (await bob.get(f"/own/notes/{made}")).status_code == 404
    assert (await ada.get("/own/notes/0b93caba-a412-4cea-acf5-0a5943eca738")).status_code == 404


async def test_a_failed_route_keeps_nothing(app: Toy) -> None:
    """The session is rolled back."""
    ada = await app.signed_in(EMAIL)
    with pytest.raises(LookupError):
        await ada.post("/own/broken")

    assert await app.rows("note") == []


async def test_hand_made_tokens_are_those_of_a_sign_in(app: Toy) -> None:
    """Good at once, seen in the table, and refused for nobody."""
    row_id = await app.account(EMAIL)
    found = (await app.client().post(f"/own/tokens/{row_id}")).json()

    assert found["id"] == str(row_id)
    assert (await app.client(found["access"]).get("/own/me")).status_code == 200
    refreshed = await app.client().post("/auth/refresh", json={"refresh_token": found["refresh"]})
    assert refreshed.status_code == 200
    assert (await app.client().post(f"/own/tokens/{uuid4()}")).status_code == 404
