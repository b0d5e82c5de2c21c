"""Accounts over HTTP: from the registration to the forgotten password, as a client would go the way."""

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import httpx2
import pytest

from tests.running import Running
from tests.shop.people import People, Row, created, okay, refused, unique

PASSWORD, NEXT_PASSWORD = "correct horse battery", "staple paper lantern"


@dataclass(slots=True)
class Visitor:
    """Somebody on their way through the accounts of a running shop."""

    shop: Running
    http: httpx2.Client
    email: str
    tokens: Row

    def post(self, path: str, **body: str) -> httpx2.Response:
        """A JSON request to ``/auth``."""
        return self.http.post(f"/auth/{path}", json=body)

    def try_login(self, password: str = PASSWORD) -> httpx2.Response:
        return self.http.post("/auth/login", data={"username": self.email, "password": password})

    def login(self, password: str = PASSWORD) -> None:
        self.tokens = okay(self.try_login(password))

    def me(self, access_token: str = "") -> httpx2.Response:
        token = access_token or self.tokens["access_token"]
        return self.http.get("/users/me", headers={"Authorization": f"Bearer {token}"})

    def mailed_token(self, kind: str) -> str:
        """The token in the newest mail's one link."""
        links = re.findall(r"\S+\?token=(\S+)", self.shop.mail(self.email, containing=f"/{kind}?"))
        assert len(links) == 1
        return str(links[0])


@pytest.fixture
def visitor(shop: Running) -> Iterator[Visitor]:
    """A fresh account, registered and signed in."""
    with httpx2.Client(base_url=shop.url, timeout=30) as http:
        found = Visitor(shop, http, f"{unique('visitor').replace(' ', '-')}@example.com", {})
        created(found.post("register", email=found.email, password=PASSWORD))
        found.login()
        yield found


def test_an_account_goes_from_registration_to_logout(shop: Running) -> None:
    """Register, verify by the mailed token, sign in, look at oneself, refresh, sign out."""
    email = f"{unique('Path').replace(' ', '-')}@Example.com"
    with httpx2.Client(base_url=shop.url, timeout=30) as http:
        new = Visitor(shop, http, email.casefold(), {})
        answer = new.post("register", email=email, password=PASSWORD, full_name="Ada")
        row = created(answer)
        assert answer.headers["location"] == f"/users/{row['id']}"
        assert (row["email"], row["role"], row["is_verified"], row["full_name"]) == (
            new.email, "customer", False, "Ada"
        )  # fmt: skip
        assert "password" not in answer.text
        new.login()
        assert new.tokens.keys() == {"access_token", "refresh_token", "token_type", "expires_in"}
        assert (new.tokens["token_type"], new.tokens["expires_in"]) == ("bearer", 120 * 60)
        assert okay(new.me())["is_verified"] is False
        okay(new.post("verify-email", token=new.mailed_token("verify-email")))
        assert okay(new.me()) == {**row, "is_verified": True, "updated_at": okay(new.me())["updated_at"]}
        old = new.tokens
        new.tokens = okay(new.post("refresh", refresh_token=old["refresh_token"]))
        assert new.tokens["refresh_token"] != old["refresh_token"]
        okay(new.me())
        headers = {"Authorization": f"Bearer {new.tokens['access_token']}"}
        body = {"refresh_token": new.tokens["refresh_token"]}
        assert http.post("/auth/logout", json=body, headers=headers).status_code == 204
        refused(new.me(), 401, "not_authenticated")
        refused(new.me(old["access_token"]), 401, "not_authenticated")
        refused(new.post("refresh", **body), 401, "not_authenticated")


def test_a_known_address_cannot_be_registered_again(visitor: Visitor) -> None:
    """409 `unique`, in any spelling that reaches the same mailbox; the first password stays."""
    for spelling in (visitor.email, visitor.email.upper(), f" {visitor.email} ", visitor.email.title()):
        answer = visitor.post("register", email=spelling, password=NEXT_PASSWORD)
        refused(answer, 409, "unique", "/email")
    visitor.login()
    assert visitor.try_login(NEXT_PASSWORD).status_code == 401


@pytest.mark.parametrize("field", ["role", "is_active", "is_verified", "hashed_password", "epoch", "id"])
def test_nobody_registers_as_more_than_a_customer(visitor: Visitor, field: str) -> None:
    """What a stranger may not say about themselves is an unknown field: 422."""
    body = {"email": f"x{visitor.email}", "password": PASSWORD, field: "admin"}
    refused(visitor.post("register", **body), 422, "validation", f"/{field}")


@pytest.mark.parametrize("password", ["", "seven77", "x" * 257, "nul\x00nulnul"])
def test_a_password_has_8_to_256_characters(visitor: Visitor, password: str) -> None:
    """Anything else is 422 at its field, and not repeated."""
    answer = visitor.post("register", email=f"x{visitor.email}", password=password)
    refused(answer, 422, "validation", "/password")
    assert not password or password not in answer.text


@pytest.mark.parametrize("email", ["", "x", "x@", "@example.com", "a b@example.com", "a@example.com\nBcc: b@c.de"])
def test_an_address_is_one(visitor: Visitor, email: str) -> None:
    """What is no e-mail address is 422 at its field."""
    refused(visitor.post("register", email=email, password=PASSWORD), 422, "validation", "/email")


def test_a_wrong_password_and_an_unknown_address_look_alike(visitor: Visitor) -> None:
    """401 `bad_credentials` for both, in the same words."""
    wrong = refused(visitor.try_login("wrong password"), 401, "bad_credentials")
    visitor.email = f"nobody-{visitor.email}"
    unknown = refused(visitor.try_login(), 401, "bad_credentials")
    assert {**wrong, "request_id": ""} == {**unknown, "request_id": ""}


def test_the_address_signs_in_in_any_case(visitor: Visitor) -> None:
    """The same mailbox, however it is spelt."""
    visitor.email = visitor.email.upper()
    visitor.login()
    okay(visitor.me())


def test_a_repeated_refresh_gets_the_same_successor(visitor: Visitor) -> None:
    """The immediately previous token, again within ten seconds: the same next token, and a living sign-in."""
    first = visitor.tokens["refresh_token"]
    successors = {okay(visitor.post("refresh", refresh_token=first))["refresh_token"] for _ in range(3)}
    assert len(successors) == 1
    visitor.tokens = okay(visitor.post("refresh", refresh_token=successors.pop()))
    okay(visitor.me())


def test_an_older_refresh_token_ends_the_family(visitor: Visitor) -> None:
    """A token from before the previous one was stolen: every token of the family is dead, access tokens included."""
    first = visitor.tokens["refresh_token"]
    second = okay(visitor.post("refresh", refresh_token=first))["refresh_token"]
    newest = okay(visitor.post("refresh", refresh_token=second))
    refused(visitor.post("refresh", refresh_token=first), 401, "not_authenticated")
    refused(visitor.post("refresh", refresh_token=newest["refresh_token"]), 401, "not_authenticated")
    refused(visitor.me(newest["access_token"]), 401, "not_authenticated")
    visitor.login()
    okay(visitor.me())


def test_a_logout_ends_one_sign_in_alone(visitor: Visitor) -> None:
    """Other sign-ins of the account go on."""
    phone = visitor.tokens
    visitor.login()
    headers = {"Authorization": f"Bearer {visitor.tokens['access_token']}"}
    assert visitor.http.post("/auth/logout", headers=headers).status_code == 204
    refused(visitor.me(), 401, "not_authenticated")
    okay(visitor.me(phone["access_token"]))
    okay(visitor.post("refresh", refresh_token=phone["refresh_token"]))
    refused(visitor.http.post("/auth/logout"), 401, "not_authenticated")


def test_a_forgotten_password_is_reset_by_mail(visitor: Visitor) -> None:
    """The mailed token sets a new password, once; the old password and all old tokens are dead."""
    old = visitor.tokens
    assert visitor.post("forgot-password", email=visitor.email).status_code == 202
    token = visitor.mailed_token("reset-password")
    assert visitor.post("reset-password", token=token, password=NEXT_PASSWORD).status_code == 204
    refused(visitor.me(), 401, "not_authenticated")
    refused(visitor.post("refresh", refresh_token=old["refresh_token"]), 401, "not_authenticated")
    refused(visitor.try_login(), 401, "bad_credentials")
    visitor.login(NEXT_PASSWORD)
    okay(visitor.me())
    answer = visitor.post("reset-password", token=token, password=PASSWORD)
    refused(answer, 422, "validation", "/token")


def test_forgot_answers_alike_for_everybody(visitor: Visitor) -> None:
    """Known and unknown addresses get the same 202, and only the known one a mail."""
    stranger = f"stranger-{visitor.email}"
    for path in ("forgot-password", "request-verify-email"):
        answers = [visitor.post(path, email=email) for email in (visitor.email, stranger)]
        assert [answer.status_code for answer in answers] == [202, 202]
        assert answers[0].json() == answers[1].json()
        assert answers[0].headers.keys() == answers[1].headers.keys()
    visitor.mailed_token("reset-password")
    assert visitor.shop.mails(stranger) == []


def test_a_verified_address_gets_no_further_verification(visitor: Visitor) -> None:
    """Asked again after it was proved: 202 as always, and no mail."""
    okay(visitor.post("verify-email", token=visitor.mailed_token("verify-email")))
    before = len(visitor.shop.mails(visitor.email))
    assert visitor.post("request-verify-email", email=visitor.email).status_code == 202
    assert visitor.post("forgot-password", email=visitor.email).status_code == 202
    visitor.mailed_token("reset-password")
    assert len(visitor.shop.mails(visitor.email)) == before + 1


@pytest.mark.parametrize("path", ["verify-email", "reset-password"])
def test_a_made_up_or_foreign_token_opens_nothing(visitor: Visitor, path: str) -> None:
    """Garbage, an access token, and the token of the other kind of mail: all 422 at the token."""
    assert visitor.post("forgot-password", email=visitor.email).status_code == 202
    other = {"verify-email": "reset-password", "reset-password": "verify-email"}[path]
    body = {"password": NEXT_PASSWORD} if path == "reset-password" else {}
    for token in ("x", "a.b.c", visitor.tokens["access_token"], visitor.mailed_token(other)):
        found = refused(visitor.post(path, token=token, **body), 422, "validation", "/token")
        assert found["errors"][0]["code"] == "invalid_token"
    visitor.login()


def test_a_password_is_changed_by_whoever_knows_it(visitor: Visitor) -> None:
    """`current_password` is needed and has to be right; then the old password and every other sign-in have ended."""
    other = okay(visitor.try_login())
    headers = {"Authorization": f"Bearer {visitor.tokens['access_token']}"}

    def change(**body: str) -> httpx2.Response:
        return visitor.http.patch("/users/me", json={"password": NEXT_PASSWORD, **body}, headers=headers)

    found = refused(change(), 422, "validation", "/current_password")
    assert found["errors"][0]["code"] == "wrong_password"
    refused(change(current_password="wrong password"), 422, "validation", "/current_password")
    okay(visitor.me())
    okay(change(current_password=PASSWORD))
    okay(visitor.me())
    refused(visitor.me(other["access_token"]), 401, "not_authenticated")
    refused(visitor.post("refresh", refresh_token=other["refresh_token"]), 401, "not_authenticated")
    refused(visitor.try_login(), 401, "bad_credentials")
    visitor.login(NEXT_PASSWORD)


@pytest.mark.parametrize("path", ["/users/me", "/users", "/cart"])
def test_a_stranger_is_told_how_to_sign_in(visitor: Visitor, path: str) -> None:
    """401 with `WWW-Authenticate` where credentials could help."""
    answer = visitor.http.get(path)
    refused(answer, 401, "not_authenticated")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_bad_token_is_never_a_guest(visitor: Visitor) -> None:
    """Whoever shows credentials that are no good gets 401, also where a stranger is welcome."""
    good = visitor.tokens["access_token"]
    head, body, signature = good.split(".")
    unsigned = "eyJhbGciOiJub25lIn0"
    bad = [
        "Bearer x", "Bearer", "Basic YTpi", f"Bearer {good}x", f"Bearer {head}.{body}.", f"Token {good}",
        f"Bearer {unsigned}.{body}.", f"Bearer {unsigned}.{body}.{signature}",
        f"Bearer {visitor.tokens['refresh_token']}", f"Bearer {visitor.mailed_token('verify-email')}",
    ]  # fmt: skip
    okay(visitor.http.get("/products?size=1"))
    for credentials in bad:
        for path in ("/products?size=1", "/users/me", "/docs"):
            answer = visitor.http.get(path, headers={"Authorization": credentials})
            refused(answer, 401, "not_authenticated")
            assert answer.headers["www-authenticate"].startswith("Bearer")
    okay(visitor.http.get("/products?size=1", headers={"Authorization": f"bearer {good}"}))


def test_no_secret_is_in_the_log(visitor: Visitor) -> None:
    """Neither password nor token of this account stands in what the process printed."""
    visitor.me()
    time.sleep(0.05)
    log = visitor.shop.log()
    for secret in (PASSWORD, visitor.tokens["access_token"], visitor.tokens["refresh_token"]):
        assert secret not in log
    assert visitor.mailed_token("verify-email") not in log


def test_a_deleted_account_is_signed_out(visitor: Visitor, people: People) -> None:
    """Its tokens are dead at the next request, and its address is free again."""
    row = okay(visitor.me())
    assert people.admin.http.delete(f"/users/{row['id']}").status_code == 204
    refused(visitor.me(), 401, "not_authenticated")
    refused(visitor.post("refresh", refresh_token=visitor.tokens["refresh_token"]), 401, "not_authenticated")
    refused(visitor.try_login(), 401, "bad_credentials")
    created(visitor.post("register", email=visitor.email, password=NEXT_PASSWORD))
