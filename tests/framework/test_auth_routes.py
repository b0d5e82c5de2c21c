"""The routes under /auth, over HTTP: what they answer, what they refuse, and what they never tell."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from charter.auth.passwords import passwords
from tests.framework.auth_toy import PASSWORD, Toy, toy
from tests.patience import until

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.org"
JSON_ROUTES = ["register", "refresh", "forgot-password", "reset-password", "request-verify-email", "verify-email"]


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application without limits."""
    async with toy(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/toy.db") as found:
        yield found


async def post(app: Toy, route: str, body: Any, token: str = "") -> tuple[int, dict[str, Any]]:
    answer = await app.client(token).post(f"/auth/{route}", json=body)
    return answer.status_code, answer.json() if answer.content else {}


async def test_registration_answers_the_row_and_mails_a_link(app: Toy) -> None:
    """Hidden columns stay hidden; the link verifies, once."""
    body = {"email": "Ada@Example.org", "password": PASSWORD, "nickname": "A"}
    answer = await app.client().post("/auth/register", json=body)
    row = answer.json()

    assert answer.status_code == 201
    assert answer.headers["location"] == f"/people/{row['id']}"
    assert (row["email"], row["role"], row["nickname"], row["is_verified"]) == (EMAIL, "reader", "A", False)
    assert row.keys().isdisjoint({"password", "hashed_password", "epoch"})
    token = await app.mailed_token("verify-email")
    assert (await post(app, "verify-email", {"token": token}))[0] == 200
    assert (await app.client((await app.tokens(EMAIL))["access_token"]).get("/people/me")).json()["is_verified"]
    status, problem = await post(app, "verify-email", {"token": token})
    assert (status, problem["errors"][0]["pointer"]) == (422, "/token")


async def test_a_known_address_is_taken_in_every_spelling(app: Toy) -> None:
    """The unique index decides, also between two that come at once."""
    spellings = [EMAIL, "ADA@example.org", " ada@Example.org", "\uff41\uff44\uff41@example.org"]
    answers = await asyncio.gather(*(post(app, "register", {"email": e, "password": PASSWORD}) for e in spellings))

    assert sorted(status for status, _ in answers) == [201, 409, 409, 409]
    assert {(b["code"], b["errors"][0]["pointer"]) for s, b in answers if s == 409} == {("unique", "/email")}
    assert await app.tokens("aDa@EXAMPLE.org")


@pytest.mark.parametrize("name", ["role", "is_active", "is_verified", "hashed_password", "epoch", "id", "is_superuser"])
async def test_nobody_registers_with_more_than_is_theirs_to_say(app: Toy, name: str) -> None:
    """Not even with the value it would get anyway."""
    status, problem = await post(app, "register", {"email": EMAIL, "password": PASSWORD, name: "owner"})

    assert status == 422
    assert [item["pointer"] for item in problem["errors"]] == [f"/{name}"]


@pytest.mark.parametrize(
    ("email", "password"),
    [
        ("ada", PASSWORD),
        ("ada@", PASSWORD),
        ("@example.org", PASSWORD),
        ("a b@example.org", PASSWORD),
        ("Ada <ada@example.org>", PASSWORD),
        (f"{'a' * 250}@example.org", PASSWORD),
        ("a" * 2000, PASSWORD),
        ("a\x00@example.org", PASSWORD),
        ("\ud800@example.org", PASSWORD),
        (None, PASSWORD),
        (5, PASSWORD),
        (EMAIL, "short"),
        (EMAIL, "x" * 257),
        (EMAIL, "\ud800 correct horse"),
        (EMAIL, None),
        (EMAIL, ["correct horse"]),
    ],
)
async def test_what_is_no_address_or_no_password_is_refused_unrepeated(app: Toy, email: Any, password: Any) -> None:
    """422 or, where it is not even JSON, 400; the secret is not in the answer."""
    content = json.dumps({"email": email, "password": password})
    headers = {"content-type": "application/json"}
    answer = await app.client().post("/auth/register", content=content, headers=headers)

    assert answer.status_code in {400, 422}
    assert "correct horse" not in answer.text


@pytest.mark.parametrize("password", ["baseball", "PassWord1", "QWERTYUIOP", "12345678"])
async def test_what_everybody_tries_first_is_no_password(app: Toy, password: str) -> None:
    """In any case of its letters, at every door; and it is not said again."""
    status, problem = await post(app, "register", {"email": EMAIL, "password": password})
    assert (status, [item["pointer"] for item in problem["errors"]]) == (422, ["/password"])
    assert password not in str(problem)
    assert "common" in problem["errors"][0]["detail"]

    ada = await app.signed_in(EMAIL)
    answer = await ada.patch("/people/me", json={"password": password, "current_password": PASSWORD})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/password")
    await post(app, "forgot-password", {"email": EMAIL})
    token = await app.mailed_token("reset-password")
    assert (await post(app, "reset-password", {"token": token, "password": password}))[0] == 422
    assert (await post(app, "reset-password", {"token": token, "password": "a rarer one"}))[0] == 204


async def test_login_takes_any_spelling_and_both_kinds_of_form(app: Toy) -> None:
    """The answer is never cached."""
    await app.account(EMAIL)
    form = {"username": " ADA@Example.org", "password": PASSWORD, "grant_type": "password", "scope": ""}
    answer = await app.client().post("/auth/login", data=form)
    files = {name: (None, value) for name, value in form.items()}

    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 900
    assert (await app.client().post("/auth/login", files=files)).status_code == 200


@pytest.mark.parametrize("email", [EMAIL, "nobody@example.org", "no address", "\x00", "a" * 1000])
async def test_wrong_and_unknown_look_alike(app: Toy, email: str) -> None:
    """One code, one sentence."""
    await app.account(EMAIL)
    answer = await app.client().post("/auth/login", data={"username": email, "password": "wrong"})
    body = answer.json()

    assert (answer.status_code, body["code"], body["errors"]) == (401, "bad_credentials", [])
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_an_inactive_account_looks_like_a_wrong_password(app: Toy) -> None:
    """Who was locked out is nobody's business."""
    await app.auth.create_account(EMAIL, PASSWORD, "reader", verified=True, is_active=False)
    answer = await app.client().post("/auth/login", data={"username": EMAIL, "password": PASSWORD})

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_credentials")


async def test_time_does_not_tell_known_from_unknown_addresses(app: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same work is done for both: one check of one password, against a hash of today's parameters."""
    await app.account(EMAIL)
    checked: list[str] = []
    hashing = passwords.helper.password_hash
    check = hashing.verify

    def counted(password: str, hashed: str) -> bool:
        checked.append(hashed.rsplit("$", 2)[0])
        return check(password, hashed)

    monkeypatch.setattr(hashing, "verify", counted)
    for email in (EMAIL, "nobody@example.org"):
        await app.client().post("/auth/login", data={"username": email, "password": "wrong"})

    assert len(checked) == 2
    assert checked[0] == checked[1]


@pytest.mark.parametrize(
    ("content", "media", "status"),
    [
        (b"{", "application/json", 400),
        (b"", "application/json", 400),
        (b"[]", "application/json", 422),
        (b"{}", "application/json", 422),
        (b'{"x":1}', "application/json", 422),
        (b"{}", "text/plain", 415),
        (b"email=a", "application/x-www-form-urlencoded", 415),
    ],
)
@pytest.mark.parametrize("route", JSON_ROUTES)
async def test_bad_bodies_are_told_in_one_format(app: Toy, route: str, content: bytes, media: str, status: int) -> None:
    """400 for what is no JSON, 415 for what says so, 422 for the rest."""
    answer = await app.client().post(f"/auth/{route}", content=content, headers={"content-type": media})

    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_login_takes_forms_only_and_whole_ones(app: Toy) -> None:
    """JSON is 415, a missing part 422, an unknown parameter 400, a file 400."""
    client = app.client()

    assert (await client.post("/auth/login", json={"username": EMAIL, "password": "x"})).status_code == 415
    assert (await client.post("/auth/login", data={"username": EMAIL})).status_code == 422
    assert (await client.post("/auth/login?x=1", data={"username": EMAIL, "password": "x"})).status_code == 400
    assert (await client.post("/auth/login", files={"username": ("a.txt", b"x")})).status_code == 400
    form = {"username": EMAIL, "password": "x", "grant_type": "client_credentials"}
    assert (await client.post("/auth/login", data=form)).status_code == 422


async def test_logout_ends_the_sign_in_for_both_tokens(app: Toy) -> None:
    """At the next request; other sign-ins go on."""
    await app.account(EMAIL)
    tokens, other = await app.tokens(EMAIL), await app.tokens(EMAIL)
    body = {"refresh_token": tokens["refresh_token"]}

    assert (await post(app, "logout", body))[0] == 401
    assert await post(app, "logout", body, tokens["access_token"]) == (204, {})
    assert (await app.client(tokens["access_token"]).get("/people/me")).status_code == 401
    assert (await post(app, "refresh", body))[0] == 401
    assert (await app.client(other["access_token"]).get("/people/me")).status_code == 200
    assert (await app.client(other["access_token"]).post("/auth/logout")).status_code == 204
    assert (await post(app, "refresh", {"refresh_token": other["refresh_token"]}))[0] == 401


async def test_a_logout_with_somebody_elses_token_ends_only_ones_own_sign_in(app: Toy) -> None:
    """A found token is no weapon."""
    await app.account(EMAIL)
    await app.account("bob@example.org")
    ada, bob = await app.tokens(EMAIL), await app.tokens("bob@example.org")
    await post(app, "logout", {"refresh_token": ada["refresh_token"]}, bob["access_token"])

    assert (await post(app, "refresh", {"refresh_token": ada["refresh_token"]}))[0] == 200


async def test_a_forgotten_password_is_reset_once_and_ends_every_sign_in(app: Toy) -> None:
    """The mailed token opens once; afterwards only the new password does."""
    await app.account(EMAIL)
    tokens = await app.tokens(EMAIL)
    assert (await post(app, "forgot-password", {"email": "ADA@example.org"}))[0] == 202
    token = await app.mailed_token("reset-password")
    body = {"token": token, "password": "an even longer one"}

    assert (await post(app, "reset-password", {**body, "password": "short"}))[0] == 422
    assert await post(app, "reset-password", body) == (204, {})
    assert (await post(app, "reset-password", body))[0] == 422
    assert (await app.client(tokens["access_token"]).get("/people/me")).status_code == 401
    assert (await post(app, "refresh", {"refresh_token": tokens["refresh_token"]}))[0] == 401
    assert await app.tokens(EMAIL, "an even longer one")


async def test_two_resets_at_once_set_one_password(app: Toy) -> None:
    """The other one is told that its token is no good."""
    await app.account(EMAIL)
    await post(app, "forgot-password", {"email": EMAIL})
    token = await app.mailed_token("reset-password")
    bodies = [{"token": token, "password": f"password number {number}"} for number in range(3)]
    answers = await asyncio.gather(*(post(app, "reset-password", body) for body in bodies))

    assert sorted(status for status, _ in answers) == [204, 422, 422]


@pytest.mark.parametrize("route", ["forgot-password", "request-verify-email"])
async def test_asking_for_a_mail_tells_nothing(app: Toy, route: str) -> None:
    """Known, unknown, inactive and verified addresses have one answer; mails go to those who need one."""
    await app.account(EMAIL)
    await app.account("new@example.org", verified=False)
    await app.auth.create_account("gone@example.org", PASSWORD, "reader", verified=False, is_active=False)
    addresses = [EMAIL, "new@example.org", "gone@example.org", "nobody@example.org"]
    answers = [await post(app, route, {"email": email}) for email in addresses]
    await app.auth.close()

    assert len({str(answer) for answer in answers}) == 1
    assert answers[0][0] == 202
    texts = [file.read_text() for file in app.mails.glob("*.eml")]
    asked = [EMAIL, "new@example.org"] if route == "forgot-password" else ["new@example.org"]
    invited = ["new@example.org"]  # when the account was made
    assert sorted(next(e for e in addresses if f"To: {e}" in text) for text in texts) == sorted(asked + invited)


async def test_tokens_of_mails_are_not_interchangeable(app: Toy) -> None:
    """Neither with each other nor with access tokens."""
    await app.account(EMAIL, verified=False)
    await post(app, "forgot-password", {"email": EMAIL})
    reset, verify = await app.mailed_token("reset-password"), await app.mailed_token("verify-email")
    access = (await app.tokens(EMAIL))["access_token"]

    for token in (reset, access, "x"):
        assert (await post(app, "verify-email", {"token": token}))[0] == 422
    for token in (verify, access, "x"):
        assert (await post(app, "reset-password", {"token": token, "password": PASSWORD}))[0] == 422
    for token in (verify, reset):
        assert (await app.client(token).get("/people/me")).status_code == 401


async def test_a_mail_server_that_is_away_changes_no_answer(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The failure is logged, without the address, the text or the token."""

    async def told() -> bool:
        return bool(caplog.records)

    async with toy(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/toy.db", mail_url="smtp://127.0.0.1:9") as app:
        with caplog.at_level(logging.WARNING, "charter.auth"):
            assert (await post(app, "register", {"email": EMAIL, "password": PASSWORD}))[0] == 201
            await until(told)  # the mail follows the answer

    [record] = [found for found in caplog.records if found.name == "charter.auth"]
    assert (vars(record)["error"], vars(record)["attempt"]) == ("ConnectionRefusedError", 1)
    assert EMAIL not in record.getMessage()


async def test_guessing_is_limited_by_account_and_address(tmp_path: Path) -> None:
    """The sixth attempt within the minute has to wait, whatever was right about it."""
    async with toy(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/toy.db", limited=True) as app:
        await app.account(EMAIL)
        form = {"username": EMAIL, "password": "wrong"}
        answers = [await app.client().post("/auth/login", data=form) for _ in range(6)]

        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert (await post(app, "register", {"email": "b@example.org", "password": PASSWORD}))[0] == 429
        assert (await post(app, "forgot-password", {"email": EMAIL}))[0] == 429


async def test_every_route_is_documented_with_examples(app: Toy) -> None:
    """Bodies, answers and refusals."""
    paths = {path: methods for path, methods in app.app.openapi()["paths"].items() if "/auth/" in path}
    operations = [found for methods in paths.values() for found in methods.values()]

    assert {found["operationId"] for found in operations} == {
        "auth_register",
        "auth_login",
        "auth_refresh",
        "auth_logout",
        "auth_sessions",
        "auth_end_session",
        "auth_end_sessions",
        "auth_forgot_password",
        "auth_reset_password",
        "auth_request_verify_email",
        "auth_verify_email",
    }
    for found in operations:
        for content in found.get("requestBody", {"content": {}})["content"].values():
            assert content["example"], found["operationId"]
        usual = {"400", "422", "429", "503"} if "requestBody" in found else {"400", "429", "503"}
        assert usual <= found["responses"].keys(), found["operationId"]
        for answer in found["responses"].values():
            assert all(part["example"] for part in answer.get("content", {}).values()), found["operationId"]
