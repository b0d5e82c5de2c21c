"""What is secret is in no refusal and in no line of the log, however it was sent, at the most talkative level."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.running import ADMIN, SERVE, Running, copy_application, running
from tests.shop.people import okay, unique

CANARY = "canary-8dJq2Lx0VbWm4Tz"
"""Sent as whatever is secret."""

TOKENS = ("access_token", "refresh_token")


@pytest.fixture(scope="module", params=["console", "json"])
def talkative(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A shop that logs all it can, in each format; with the refresh cookie on."""
    given = {"LOG_LEVEL": "debug", "LOG_FORMAT": str(request.param), "REFRESH_COOKIE": "on"}
    with running(copy_application(tmp_path_factory.mktemp("talkative")), SERVE, **given) as found:
        yield found


REFUSED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "register": ("POST", "/auth/register", {"json": {"email": 5, "password": CANARY}}),
    "register, unknown member": (
        "POST",
        "/auth/register",
        {"json": {"password": CANARY, "token": CANARY, "x": CANARY}},
    ),
    "register, not JSON": ("POST", "/auth/register", {"content": f'{{"password": "{CANARY}"'}),
    "register, a list": ("POST", "/auth/register", {"json": [CANARY]}),
    "login": ("POST", "/auth/login", {"data": {"username": ADMIN[0], "password": CANARY}}),
    "login, no name": ("POST", "/auth/login", {"data": {"password": CANARY}}),
    "login, another grant": (
        "POST",
        "/auth/login",
        {"data": {"username": "a", "password": CANARY, "grant_type": CANARY}},
    ),
    "login, as JSON": ("POST", "/auth/login", {"json": {"username": "a", "password": CANARY}}),
    "refresh": ("POST", "/auth/refresh", {"json": {"refresh_token": CANARY}}),
    "refresh, too long": ("POST", "/auth/refresh", {"json": {"refresh_token": CANARY * 400}}),
    "refresh, a number beside": ("POST", "/auth/refresh", {"json": {"refresh_token": CANARY, "n": 1}}),
    "refresh, cookie": (
        "POST",
        "/auth/refresh",
        {"headers": {"Cookie": f"__Host-refresh={CANARY}", "Origin": "https://evil.example"}},
    ),
    "logout": ("POST", "/auth/logout", {"headers": {"Authorization": f"Bearer {CANARY}"}}),
    "basic": ("GET", "/users/me", {"headers": {"Authorization": f"Basic {CANARY}"}}),
    "reset": ("POST", "/auth/reset-password", {"json": {"token": CANARY, "password": f"{CANARY} new"}}),
    "reset, short": ("POST", "/auth/reset-password", {"json": {"token": CANARY, "password": CANARY[:7]}}),
    "verify": ("POST", "/auth/verify-email", {"json": {"token": CANARY}}),
    "query": ("GET", f"/products?token={CANARY}&password={CANARY}", {}),
    "login by query": ("POST", f"/auth/login?password={CANARY}", {"data": {"username": "a", "password": CANARY}}),
    "admin": ("POST", "/admin/login", {"data": {"username": ADMIN[0], "password": CANARY}}),
}


@pytest.mark.parametrize("name", REFUSED)
def test_no_refusal_repeats_a_secret(talkative: Running, name: str) -> None:
    """Neither in its body nor in its headers."""
    method, path, given = REFUSED[name]
    with talkative.client() as http:
        answer = http.request(method, path, **given)
    assert 400 <= answer.status_code < 500, answer.status_code
    assert CANARY[:7] not in answer.text
    assert CANARY[:7] not in str(answer.headers)
    assert CANARY[:7] not in talkative.log()


def test_a_change_that_is_refused_repeats_no_password(talkative: Running) -> None:
    """The present one is wrong, and another field, too."""
    with talkative.as_admin() as http:
        body = {"password": CANARY, "current_password": f"{CANARY} old", "email": 5}
        wrong = http.patch("/users/me", json=body)
        refused = http.patch("/users/me", json={**body, "email": "other@example.com"})
    assert (wrong.status_code, refused.status_code) == (422, 422)
    assert CANARY[:7] not in wrong.text + refused.text + talkative.log()


def test_the_log_of_a_whole_life_holds_no_secret(talkative: Running) -> None:
    """Register, verify, sign in, refresh, forget, reset, sign out: no password, hash, token or text of a mail."""
    email, password, new = f"{unique('life').replace(' ', '-')}@example.com", f"{CANARY} one", f"{CANARY} two"
    with talkative.client() as http:
        assert http.post("/auth/register", json={"email": email, "password": password}).status_code == 201
        verify = talkative.mail(email, containing="/verify-email?").partition("?token=")[2].split()[0]
        okay(http.post("/auth/verify-email", json={"token": verify}))
        first = okay(http.post("/auth/login", data={"username": email, "password": password}))
        second = okay(http.post("/auth/refresh", json={"refresh_token": first["refresh_token"]}))
        assert http.post("/auth/forgot-password", json={"email": email}).status_code == 202
        reset = talkative.mail(email, containing="/reset-password?").partition("?token=")[2].split()[0]
        assert http.post("/auth/reset-password", json={"token": reset, "password": new}).status_code == 204
        last = okay(http.post("/auth/login", data={"username": email, "password": new}))
        signed_in = {"Authorization": f"Bearer {last['access_token']}"}
        assert http.post("/auth/logout", headers=signed_in).status_code == 204
    log = talkative.log()
    secrets = [verify, reset, *(str(pair[key]) for pair in (first, second, last) for key in TOKENS)]
    assert "/auth/reset-password" in log  # it is the log
    for secret in (CANARY[:7], "$argon2id$", "Open this link", *secrets, *(text.split(".")[-1] for text in secrets)):
        assert secret not in log
