"""Three real processes on one database: whoever ends a sign-in at one of them ends it at all, within a second."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.running import Running, copy_application, launch, running, wait_until_up
from tests.servers import postgres_database
from tests.shop.doorway import enter
from tests.shop.people import Row, okay, unique

PASSWORD, NEXT_PASSWORD = "correct horse battery", "staple paper lantern"
CONNECTIONS = 8
"""Fresh connections that are tried at the address behind which two workers wait; each gets any of the two."""


@dataclass(slots=True)
class Fleet:
    """One process alone, where everything is changed, and two workers behind another address."""

    alone: Running
    pair: Running

    def account(self) -> tuple[str, str]:
        """The id and the address of a fresh customer."""
        email = f"{unique('fleet').replace(' ', '-')}@example.com"
        with self.alone.as_admin() as http:
            made = http.post("/users", json={"email": email, "password": PASSWORD, "role": "customer"})
            row_id = made.json()["id"]
        link = self.alone.mail(email, containing="/verify-email?").partition("?token=")[2].split()[0]
        with self.alone.client() as http:
            okay(http.post("/auth/verify-email", json={"token": link}))
        return row_id, email

    def signed_in(self, email: str) -> Row:
        """Tokens of a new sign-in, which every process has been asked about."""
        with self.pair.client() as http:
            found = okay(http.post("/auth/login", data={"username": email, "password": PASSWORD}))
        for _ in range(3):
            assert {self.seen_alone(found), *self.seen_by_pair(found)} == {200}
        return found

    def seen_alone(self, tokens: Row) -> int:
        with self.alone.client(tokens["access_token"]) as http:
            return http.get("/users/me").status_code

    def seen_by_pair(self, tokens: Row) -> set[int]:
        found = set()
        for _ in range(CONNECTIONS):
            with self.pair.client(tokens["access_token"]) as http:
                found.add(http.get("/users/me").status_code)
        return found


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """The fleet on each database."""
    folder = copy_application(tmp_path_factory.mktemp("fleet"))
    if request.param == "sqlite":
        yield from _fleet(folder, {})
    else:
        with postgres_database() as url:
            yield from _fleet(folder, {"DATABASE_URL": url})


def _fleet(folder: Path, given: dict[str, Any]) -> Iterator[Fleet]:
    with running(folder, **given) as alone:
        pair = launch(alone.folder, output="pair.log", WORKERS="2", **given)
        try:
            wait_until_up(pair)
            yield Fleet(alone, pair)
        finally:
            pair.stop()


def by_logout(fleet: Fleet, _: str, __: str, tokens: Row) -> None:
    with fleet.alone.client(tokens["access_token"]) as http:
        assert http.post("/auth/logout").status_code == 204


def everywhere(fleet: Fleet, _: str, __: str, tokens: Row) -> None:
    with fleet.alone.client(tokens["access_token"]) as http:
        assert http.delete("/auth/sessions").status_code == 204


def by_reset(fleet: Fleet, _: str, email: str, __: Row) -> None:
    with fleet.alone.client() as http:
        assert http.post("/auth/forgot-password", json={"email": email}).status_code == 202
        token = fleet.alone.mail(email, containing="/reset-password?").partition("?token=")[2].split()[0]
        body = {"token": token, "password": NEXT_PASSWORD}
        assert http.post("/auth/reset-password", json=body).status_code == 204


def by_admin(**values: object) -> Callable[[Fleet, str, str, Row], None]:
    def change(fleet: Fleet, row_id: str, _: str, __: Row) -> None:
        with fleet.alone.as_admin() as http:
            okay(http.patch(f"/users/{row_id}", json=values))

    return change


ENDINGS = {
    "logout": by_logout,
    "everywhere": everywhere,
    "reset": by_reset,
    "role": by_admin(role="support"),
    "lock": by_admin(is_active=False),
}


@pytest.mark.parametrize("ending", list(ENDINGS))
def test_what_ends_in_one_process_has_ended_in_every_other_within_a_second(fleet: Fleet, ending: str) -> None:
    """At the next request where it was ended; a second after the answer everywhere."""
    row_id, email = fleet.account()
    tokens, other = fleet.signed_in(email), fleet.signed_in(email)
    ENDINGS[ending](fleet, row_id, email, tokens)
    assert fleet.seen_alone(tokens) == 401
    time.sleep(1)

    assert fleet.seen_by_pair(tokens) == {401}
    assert fleet.seen_by_pair(other) == ({200} if ending == "logout" else {401})


def test_the_admin_hears_of_it_too(fleet: Fleet) -> None:
    """A sign-in to the admin is one like any other."""
    email, password, http = fleet.pair.account("manager")
    browser = fleet.pair.client()
    browser.headers.update({"Accept": "text/html", "Sec-Fetch-Site": "same-origin"})
    assert enter(browser, email, password).status_code == 302
    assert browser.get("/admin/").status_code == 200
    row_id = okay(http.get("/users/me"))["id"]
    with fleet.alone.as_admin() as admin:
        okay(admin.patch(f"/users/{row_id}", json={"role": "customer"}))
    time.sleep(1)

    answers = [httpx2.get(f"{fleet.pair.url}/admin/", cookies=dict(browser.cookies)) for _ in range(CONNECTIONS)]
    assert {answer.status_code for answer in answers} == {302}
