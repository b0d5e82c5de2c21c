"""The sign-ins of an account as its owner sees and ends them; and the cookie in which browsers keep theirs."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from charter.auth.cookie import NAME
from charter.types import utc_now
from tests.framework.auth_toy import PASSWORD, Toy, toy

pytestmark = pytest.mark.anyio

EMAIL = "ada@example.org"
SHOP = "https://www.example.com"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database."""
    on_sqlite = request.param == "sqlite"
    return f"sqlite+aiosqlite:///{tmp_path}/toy.db" if on_sqlite else str(request.getfixturevalue("accounts_postgres"))


@pytest.fixture
async def app(url: str, tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application on each database, with one account."""
    async with toy(tmp_path, url) as found:
        await found.account(EMAIL)
        yield found


@pytest.fixture
async def browsers(tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application where browsers keep the refresh token in a cookie."""
    given: dict[str, Any] = {"refresh_cookie": True, "cors_origins": (SHOP,)}
    async with toy(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/toy.db", **given) as found:
        await found.account(EMAIL)
        yield found


async def signed_in_on(app: Toy, device: str) -> dict[str, Any]:
    form = {"username": EMAIL, "password": PASSWORD}
    answer = await app.client().post("/auth/login", data=form, headers={"User-Agent": device})
    found: dict[str, Any] = answer.json()
    return found


async def devices(app: Toy, tokens: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The list by device."""
    answer = await app.client(tokens["access_token"]).get("/auth/sessions")
    assert answer.status_code == 200
    body = answer.json()
    assert (body["total"], body["page"], body["pages"], body["next"]) == (len(body["items"]), 1, 1, None)
    assert answer.headers["cache-control"] == "no-store"
    return {item["user_agent"]: item for item in body["items"]}


async def test_an_owner_sees_where_they_are_signed_in(app: Toy) -> None:
    """Each living sign-in once, however often it was prolonged, the one that asks marked; nobody else's."""
    phone, laptop = await signed_in_on(app, "phone"), await signed_in_on(app, "laptop")
    await app.account("eve@example.org")
    await app.tokens("eve@example.org")
    before = (await devices(app, laptop))["phone"]
    await asyncio.sleep(0.01)
    body = {"refresh_token": phone["refresh_token"]}
    await app.client().post("/auth/refresh", json=body, headers={"User-Agent": "phone"})
    found = await devices(app, laptop)

    assert list(found) == ["phone", "laptop"]
    assert [item["current"] for item in found.values()] == [False, True]
    assert found["phone"]["created_at"] == before["created_at"]
    assert found["phone"]["last_used_at"] > before["last_used_at"] == before["created_at"]
    assert found["phone"]["id"] == before["id"]
    assert found["phone"]["ip"] == "127.0.0.1"
    assert found["phone"].keys() == {"id", "created_at", "last_used_at", "expires_at", "user_agent", "ip", "current"}


async def test_a_sign_in_is_ended_from_another_device(app: Toy) -> None:
    """At once, both tokens; a second time there is none."""
    phone, laptop = await signed_in_on(app, "phone"), await signed_in_on(app, "laptop")
    lost = (await devices(app, laptop))["phone"]["id"]
    http = app.client(laptop["access_token"])

    assert (await http.delete(f"/auth/sessions/{lost}")).status_code == 204
    assert list(await devices(app, laptop)) == ["laptop"]
    assert (await app.client(phone["access_token"]).get("/own/me")).status_code == 401
    assert (await app.client().post("/auth/refresh", json={"refresh_token": phone["refresh_token"]})).status_code == 401
    assert (await http.delete(f"/auth/sessions/{lost}")).status_code == 404


async def test_nobody_ends_the_sign_in_of_another(app: Toy) -> None:
    """It is not there for them, like one that never was."""
    await app.account("eve@example.org", "owner")
    eve = app.client((await app.tokens("eve@example.org"))["access_token"])
    ada = await signed_in_on(app, "phone")
    session = (await devices(app, ada))["phone"]["id"]

    for known in (session, str(uuid4()), "x", "1"):
        assert (await eve.delete(f"/auth/sessions/{known}")).status_code == 404
    assert list(await devices(app, ada)) == ["phone"]


async def test_signing_out_everywhere_ends_all(app: Toy) -> None:
    """The one that asks too; others keep theirs."""
    phone, laptop = await signed_in_on(app, "phone"), await signed_in_on(app, "laptop")
    await app.account("eve@example.org")
    eve = await app.tokens("eve@example.org")
    assert (await app.client(phone["access_token"]).delete("/auth/sessions")).status_code == 204

    for tokens, status in ((phone, 401), (laptop, 401), (eve, 200)):
        assert (await app.client(tokens["access_token"]).get("/own/me")).status_code == status
        refreshed = await app.client().post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert refreshed.status_code == status


async def test_what_is_over_is_not_shown(app: Toy) -> None:
    """By age or by idleness."""
    await signed_in_on(app, "phone")
    await app.change_tokens(idle_expires_at=utc_now() - timedelta(seconds=1))
    assert list(await devices(app, await signed_in_on(app, "laptop"))) == ["laptop"]


@pytest.mark.parametrize(("method", "path"), [("GET", ""), ("DELETE", ""), ("DELETE", f"/{UUID(int=7)}")])
async def test_strangers_have_no_sign_ins(app: Toy, method: str, path: str) -> None:
    """They are asked to sign in; a parameter that is not there is told."""
    answer = await app.client().request(method, f"/auth/sessions{path}")
    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    ada = await signed_in_on(app, "phone")
    wrong = await app.client(ada["access_token"]).request(method, f"/auth/sessions{path}?size=1")
    assert wrong.status_code == 400
    assert list(await devices(app, ada)) == ["phone"]


def browser(app: Toy, **headers: str) -> httpx2.AsyncClient:
    """A browser on a page of `SHOP`, where nothing else is said."""
    transport = httpx2.ASGITransport(app=app.app)
    given = headers or {"Origin": SHOP}
    made = httpx2.AsyncClient(transport=transport, base_url="https://api.example.com", headers=given)
    app.clients.append(made)
    return made


async def signed_in_browser(app: Toy) -> httpx2.AsyncClient:
    http = browser(app)
    assert (await http.post("/auth/login", data={"username": EMAIL, "password": PASSWORD})).status_code == 200
    return http


async def test_a_browser_gets_its_refresh_token_where_no_script_can_read_it(browsers: Toy) -> None:
    """In a cookie of this host alone, over TLS alone, and not in the body."""
    answer = await browser(browsers).post("/auth/login", data={"username": EMAIL, "password": PASSWORD})
    kept = answer.headers["set-cookie"]
    token = kept.partition("=")[2].partition(";")[0]

    assert kept.startswith(f"{NAME}=")
    assert {part.strip().lower() for part in kept.split(";")[1:]} == {
        "httponly",
        "secure",
        "path=/",
        "samesite=strict",
        "max-age=7776000",
    }
    assert answer.json()["refresh_token"] is None
    assert token not in answer.text


async def test_the_cookie_is_exchanged_like_a_token(browsers: Toy) -> None:
    """For the next cookie; the one before, used again after its successor, ends the sign-in."""
    http = await signed_in_browser(browsers)
    first = http.cookies[NAME]
    answer = await http.post("/auth/refresh")
    second = http.cookies[NAME]
    assert (answer.status_code, answer.json()["refresh_token"]) == (200, None)
    assert first != second
    assert (await browsers.client(answer.json()["access_token"]).get("/own/me")).status_code == 200
    assert (await http.post("/auth/refresh")).status_code == 200

    thief = browser(browsers)
    thief.cookies.set(NAME, first)
    assert (await thief.post("/auth/refresh")).status_code == 401
    assert (await http.post("/auth/refresh")).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": SHOP}, 200),
        ({"Origin": "https://api.example.com"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://www.example.com.evil.example"}, 403),
        ({"Origin": "https://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"X-Nothing": "said"}, 403),
    ],
)
async def test_the_cookie_counts_for_pages_of_an_allowed_origin_only(
    browsers: Toy, headers: dict[str, str], status: int
) -> None:
    """Any page can make a browser send it; and a refused request uses no token up."""
    http = await signed_in_browser(browsers)
    other = browser(browsers, **headers)
    other.cookies.set(NAME, http.cookies[NAME])
    answer = await other.post("/auth/refresh")

    assert answer.status_code == status
    if status == 403:
        assert answer.json()["code"] == "cross_origin"
    assert (await http.post("/auth/refresh")).status_code == 200


async def test_a_logout_takes_the_cookie_along(browsers: Toy) -> None:
    """The browser forgets it, and its sign-in is over."""
    http = await signed_in_browser(browsers)
    access, kept = (await http.post("/auth/refresh")).json()["access_token"], http.cookies[NAME]
    answer = await http.post("/auth/logout", headers={"Authorization": f"Bearer {access}"})

    assert answer.status_code == 204
    assert "Max-Age=0" in answer.headers["set-cookie"]
    http.cookies.set(NAME, kept)
    assert (await http.post("/auth/refresh")).status_code == 401


async def test_programs_use_the_body_where_browsers_use_the_cookie(browsers: Toy) -> None:
    """Whoever sends no Origin is no browser, and has no cookie jar to speak of."""
    tokens = await browsers.tokens(EMAIL)
    answer = await browsers.client().post("/auth/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert answer.status_code == 200
    assert answer.json()["refresh_token"]


async def test_without_the_setting_no_cookie_is_written_or_read(app: Toy) -> None:
    """The token is in the body, and a cookie counts for nothing."""
    http = browser(app)
    answer = await http.post("/auth/login", data={"username": EMAIL, "password": PASSWORD})
    assert "set-cookie" not in answer.headers
    http.cookies.set(NAME, answer.json()["refresh_token"])
    assert (await http.post("/auth/refresh")).json()["code"] == "malformed_json"
