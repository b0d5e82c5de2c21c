"""What every write to an account goes through: ranks, the present password, and the end of its sign-ins."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bcrypt
import httpx2
import pytest

from charter.auth import Auth, normal_email
from charter.auth.passwords import passwords
from charter.auth.tables import as_uuid
from charter.catalog import compile_catalog
from charter.declare import Roles
from charter.errors import ConflictException, DeclarationError, NotFoundException, ValidationException
from tests.framework.auth_toy import PASSWORD, PEOPLE, Person, Toy, toy

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.org"
NEW = "an even longer one"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database."""
    on_sqlite = request.param == "sqlite"
    return f"sqlite+aiosqlite:///{tmp_path}/toy.db" if on_sqlite else str(request.getfixturevalue("accounts_postgres"))


@pytest.fixture
async def app(url: str, tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application on each database."""
    async with toy(tmp_path, url) as found:
        yield found


async def row_of(app: Toy, email: str) -> dict[str, Any]:
    return next(row for row in await app.rows("users") if row["email"] == email)


def pointers(answer: httpx2.Response) -> dict[str, str]:
    return {item["pointer"]: item["code"] for item in answer.json()["errors"]}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" Ada@Example.ORG ", EMAIL),
        ("\uff21\uff24\uff21\uff20example.org", EMAIL),
        ("STRASSE@example.org", "strasse@example.org"),
        ("straße@example.org", "strasse@example.org"),
        ("ada@BÜCHER.example", "ada@bücher.example"),
    ],
)
def test_spellings_of_one_address_are_one_text(given: str, kept: str) -> None:
    """Case, width and space do not make another account; the normal form is its own normal form."""
    assert normal_email(given) == kept
    assert normal_email(kept) == kept


def test_only_the_text_of_a_uuid_is_one() -> None:
    """Anything else is None, never an error."""
    assert as_uuid("x") is as_uuid(1) is as_uuid(None) is None
    assert str(as_uuid("01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10")).startswith("01997a4e")


async def test_a_new_account_gets_the_default_role_and_asks_for_proof(app: Toy) -> None:
    """By whatever door it is made."""
    editor = await app.signed_in("editor@example.org", "editor")
    answer = await editor.post("/people", json={"email": EMAIL, "password": PASSWORD})

    assert answer.status_code == 201
    assert (answer.json()["role"], answer.json()["is_verified"]) == ("reader", False)
    assert await app.mailed_token("verify-email")
    assert (await app.tokens(EMAIL))["token_type"] == "bearer"


async def test_no_door_shows_hash_or_epoch(app: Toy) -> None:
    """Hidden columns are in no answer."""
    editor = await app.signed_in("editor@example.org", "editor")
    text = (await editor.get("/people")).text + (await editor.get("/people/me")).text

    assert "epoch" not in text
    assert "argon2" not in text


@pytest.mark.parametrize(("role", "status"), [("reader", 201), ("editor", 201), ("owner", 403), ("king", 422)])
async def test_nobody_gives_a_role_above_their_own(app: Toy, role: str, status: int) -> None:
    """On create."""
    editor = await app.signed_in("editor@example.org", "editor")
    answer = await editor.post("/people", json={"email": EMAIL, "password": PASSWORD, "role": role})

    assert answer.status_code == status, answer.text


async def test_the_role_of_strangers_is_given_to_nobody(app: Toy) -> None:
    """An account is somebody."""
    editor = await app.signed_in("editor@example.org", "editor")
    answer = await editor.post("/people", json={"email": EMAIL, "password": PASSWORD, "role": "anonymous"})

    assert pointers(answer) == {"/role": "unknown_role"}


async def test_nobody_raises_changes_or_deletes_above_their_own_rank(app: Toy) -> None:
    """On update and delete, of others and of themselves."""
    above, own = await app.account("owner@example.org", "owner"), await app.account(EMAIL)
    editor = await app.signed_in("editor@example.org", "editor")
    me = (await editor.get("/people/me")).json()["id"]

    assert (await editor.patch(f"/people/{above}", json={"nickname": "x"})).status_code == 403
    assert (await editor.delete(f"/people/{above}")).status_code == 403
    assert (await editor.patch(f"/people/{own}", json={"role": "owner"})).status_code == 403
    assert (await editor.patch(f"/people/{me}", json={"role": "owner"})).status_code == 403
    assert (await editor.patch(f"/people/{own}", json={"role": "editor"})).status_code == 200
    assert (await editor.delete(f"/people/{own}")).status_code == 204


@pytest.mark.parametrize("body", [{"password": NEW}, {"email": "new@example.org"}])
async def test_ones_own_credentials_change_only_with_the_present_password(app: Toy, body: dict[str, str]) -> None:
    """Missing and wrong are told at the same place; the right one is taken."""
    ada = await app.signed_in(EMAIL)
    missing = await ada.patch("/people/me", json=body)
    wrong = await ada.patch("/people/me", json={**body, "current_password": NEW})

    assert (missing.status_code, pointers(missing)) == (422, {"/current_password": "wrong_password"})
    assert (wrong.status_code, pointers(wrong)) == (422, {"/current_password": "wrong_password"})
    assert (await ada.patch("/people/me", json={**body, "current_password": PASSWORD})).status_code == 200


async def test_other_columns_need_no_password(app: Toy) -> None:
    """Nor does an address that stays the same in another spelling."""
    ada = await app.signed_in(EMAIL)

    assert (await ada.patch("/people/me", json={"nickname": "A", "email": EMAIL.upper()})).status_code == 200
    assert (await ada.get("/people/me")).json()["is_verified"] is True


async def test_a_new_address_has_to_be_proved_again(app: Toy) -> None:
    """Otherwise a verified account could take anybody's address."""
    ada = await app.signed_in(EMAIL)
    answer = await ada.patch("/people/me", json={"email": "New@Example.org", "current_password": PASSWORD})

    assert (answer.json()["email"], answer.json()["is_verified"]) == ("new@example.org", False)
    token = await app.mailed_token("verify-email")
    assert (await app.client().post("/auth/verify-email", json={"token": token})).status_code == 200
    assert (await row_of(app, "new@example.org"))["is_verified"]


@pytest.mark.parametrize("body", [{"password": NEW}, {"email": "new@example.org"}])
async def test_ones_own_new_credentials_end_every_other_sign_in(app: Toy, body: dict[str, str]) -> None:
    """The one that changed them goes on, by its access token and by its refresh token; a stolen one does not."""
    await app.account(EMAIL)
    mine, other = await app.tokens(EMAIL), await app.tokens(EMAIL)
    ada = app.client(mine["access_token"])
    answer = await ada.patch("/people/me", json={**body, "current_password": PASSWORD})

    assert answer.status_code == 200
    assert (await ada.get("/people/me")).status_code == 200
    for pair, status in ((mine, 200), (other, 401)):
        refreshed = await app.client().post("/auth/refresh", json={"refresh_token": pair["refresh_token"]})
        assert refreshed.status_code == status
    assert (await app.client(other["access_token"]).get("/people/me")).status_code == 401


async def test_credentials_that_somebody_else_changes_end_every_sign_in(app: Toy) -> None:
    """Whoever holds one of them is not known to be the owner any more."""
    row_id = await app.account(EMAIL)
    owner = await app.signed_in("owner@example.org", "owner")
    for body in ({"password": NEW}, {"email": "new@example.org", "password": PASSWORD}):
        ada = app.client((await app.tokens(EMAIL, PASSWORD if body == {"password": NEW} else NEW))["access_token"])
        assert (await ada.get("/people/me")).status_code == 200
        assert (await owner.patch(f"/people/{row_id}", json=body)).status_code == 200
        assert (await ada.get("/people/me")).status_code == 401


async def test_a_login_that_races_with_a_new_password_opens_nothing(app: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old password was right when it was checked, and is not when the sign-in would begin."""
    ada = await app.signed_in(EMAIL)
    check, first = passwords.check_in_turn, True

    async def slow(text: str, hashed: str | None) -> bool:
        nonlocal first
        found = await check(text, hashed)
        if first:
            first = False
            changed = await ada.patch("/people/me", json={"password": NEW, "current_password": PASSWORD})
            assert changed.status_code == 200
        return found

    monkeypatch.setattr(passwords, "check_in_turn", slow)
    answer = await app.client().post("/auth/login", data={"username": EMAIL, "password": PASSWORD})
    assert (first, answer.status_code) == (False, 401)


async def test_a_new_password_ends_every_other_sign_in(app: Toy) -> None:
    """Access and refresh tokens alike, at the next request; only the new password opens."""
    ada = await app.signed_in(EMAIL)
    other = await app.tokens(EMAIL)
    await ada.patch("/people/me", json={"password": NEW, "current_password": PASSWORD})

    assert (await ada.get("/people/me")).status_code == 200
    assert (await app.client(other["access_token"]).get("/people/me")).status_code == 401
    refreshed = await app.client().post("/auth/refresh", json={"refresh_token": other["refresh_token"]})
    assert refreshed.status_code == 401
    form = {"username": EMAIL, "password": PASSWORD}
    assert (await app.client().post("/auth/login", data=form)).status_code == 401
    assert await app.tokens(EMAIL, NEW)
    assert {row["reason"] for row in await app.rows("refresh_token") if row["revoked_at"]} == {"password"}


@pytest.mark.parametrize(("body", "reason"), [({"role": "editor"}, "role"), ({"is_active": False}, "is_active")])
async def test_role_change_and_deactivation_end_every_sign_in(app: Toy, body: dict[str, Any], reason: str) -> None:
    """At the next request."""
    row_id = await app.account(EMAIL)
    ada = app.client((await app.tokens(EMAIL))["access_token"])
    owner = await app.signed_in("owner@example.org", "owner")
    assert (await ada.get("/people/me")).status_code == 200
    assert (await owner.patch(f"/people/{row_id}", json=body)).status_code == 200

    assert (await ada.get("/people/me")).status_code == 401
    assert {row["reason"] for row in await app.rows("refresh_token") if row["user_id"] == row_id} == {reason}


async def test_a_deleted_account_takes_its_sign_ins_with_it(app: Toy) -> None:
    """Its tokens are nobody's."""
    row_id = await app.account(EMAIL)
    ada = app.client((await app.tokens(EMAIL))["access_token"])
    owner = await app.signed_in("owner@example.org", "owner")
    await owner.delete(f"/people/{row_id}")

    assert (await ada.get("/people/me")).status_code == 401
    assert len(await app.rows("refresh_token")) == 1


async def test_scripts_make_accounts_with_a_plain_password(app: Toy) -> None:
    """Through a repository: the same hooks, in their own transaction, any spelling of the address, any role."""
    given = {"email": " ADA@example.org", "password": PASSWORD, "role": "owner", "is_verified": True}
    await app.services.store.write(lambda tx: tx.repository(PEOPLE).create(**given))
    row = await row_of(app, EMAIL)

    assert row["is_verified"]
    assert await app.tokens(EMAIL)


async def test_an_account_without_a_password_cannot_sign_in(app: Toy) -> None:
    """An empty hash is no hash."""
    await app.services.store.write(lambda tx: tx.repository(PEOPLE).create(email=EMAIL))
    answer = await app.client().post("/auth/login", data={"username": EMAIL, "password": " "})

    assert answer.status_code == 401


async def test_operators_make_and_promote_accounts(app: Toy) -> None:
    """The same rules hold for them, apart from the ranks."""
    await app.account("Ada@Example.org", "owner")
    await app.auth.promote("ADA@example.org", "editor")

    assert (await row_of(app, EMAIL))["role"] == "editor"
    with pytest.raises(ConflictException) as taken:
        await app.account(EMAIL)
    assert (taken.value.code, taken.value.errors[0].pointer) == ("unique", "/email")
    with pytest.raises(NotFoundException):
        await app.auth.promote("nobody@example.org", "editor")
    for email, password, role, pointer in (
        ("nobody", PASSWORD, "reader", "/email"),
        ("b@example.org", "short", "reader", "/password"),
        ("b@example.org", PASSWORD, "king", "/role"),
    ):
        with pytest.raises(ValidationException) as refused:
            await app.auth.create_account(email, password, role, verified=True)
        assert refused.value.errors[0].pointer == pointer


async def test_an_old_hash_is_renewed_at_a_login_without_ending_anything(app: Toy) -> None:
    """Accounts from elsewhere come with bcrypt."""
    before = await app.signed_in(EMAIL)
    old = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    users = app.auth.entry.table
    await app.services.store.write(lambda tx: tx.execute(users.update().values(hashed_password=old)) and None)
    await app.tokens(EMAIL)

    await app.auth.close()  # it is renewed after the answer

    assert (await row_of(app, EMAIL))["hashed_password"].startswith("$argon2id$")
    assert (await before.get("/people/me")).status_code == 200


async def test_a_role_that_left_the_policy_opens_nothing(app: Toy) -> None:
    """It is not taken for a stranger's either."""
    ada = await app.signed_in(EMAIL)
    users = app.auth.entry.table
    await app.services.store.write(lambda tx: tx.execute(users.update().values(role="gone")) and None)

    assert (await ada.get("/people/me")).status_code == 401


async def test_the_admin_signs_in_with_the_same_accounts(app: Toy) -> None:
    """Its cookie holds the id of a sign-in like any other."""
    await app.account(EMAIL, "owner")
    scope: dict[str, Any] = {"type": "http", "headers": [(b"user-agent", b"Browser\x01/1")], "client": ("1.2.3.4", 5)}
    assert await app.auth.login(EMAIL, "wrong", scope) is None
    user = await app.auth.login(EMAIL, PASSWORD, scope)
    assert user is not None
    session = await app.auth.open_session(user, PASSWORD, scope)
    assert session is not None
    caller = await app.auth.caller_of_session(session)

    assert caller is not None
    assert (caller.email, caller.role, caller.session) == (EMAIL, "owner", session)
    [row] = await app.rows("refresh_token")
    assert (row["user_agent"], row["ip"]) == ("Browser/1", "1.2.3.4")
    await app.auth.end_session(session)
    assert await app.auth.caller_of_session(session) is None
    assert await app.auth.open_session({**user, "epoch": 7}, PASSWORD, scope) is None


async def test_every_wrong_declaration_of_accounts_is_told_at_once(app: Toy) -> None:
    """No inputs and no default role."""
    bare = compile_catalog([replace(PEOPLE, extra=())], []).entries["people"]
    services = app.services
    with pytest.raises(DeclarationError) as refused:
        Auth(services.settings, services.store, bare, Roles(("anonymous", "reader")), services.limiter, services.policy)

    assert [problem.code for problem in refused.value.problems] == ["account_inputs", "default_role"]
    assert Person(email=EMAIL).is_superuser is False
