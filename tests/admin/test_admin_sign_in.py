"""Who gets into the admin, for how long, and how one is put out again."""

import re
from http.cookies import SimpleCookie
from pathlib import Path

import httpx2
import pytest

from charter.admin.tokens import FIELD
from tests.admin.desk import PASSWORD, Office, enter, form_of, office
from tests.toy.resources.members import members

pytestmark = pytest.mark.anyio


async def attempt(client: httpx2.AsyncClient, email: str, password: str = PASSWORD) -> httpx2.Response:
    """One try at the login page."""
    return await enter(client, email, password)


async def sessions(desk: Office) -> int:
    """How many sign-ins are good at the moment."""
    ((count,),) = await desk.toy.rows("SELECT count(*) FROM refresh_token WHERE revoked_at IS NULL")
    return int(count)


async def test_nobody_sees_a_screen_without_signing_in(desk: Office) -> None:
    """A page leads to the login page; what is no page is refused."""
    note = await desk.note("keeper", "Mine")
    visitor = desk.visitor()
    for path in ("", "notes/list", f"notes/details/{note}", f"notes/edit/{note}", "notes/ajax/lookup?name=a&term=b"):
        answer = await visitor.get(f"/admin/{path}")
        assert answer.status_code == 302
        assert answer.headers["location"].endswith("/admin/login")
    assert (await visitor.post("/admin/notes/create", data={"title": "x"})).status_code == 401
    assert (await visitor.delete(f"/admin/notes/delete?pks={note}")).status_code == 401
    assert await desk.titles() == ["Mine"]


async def test_the_cookie_holds_a_sign_in_and_nothing_else(place: Office) -> None:
    """HttpOnly, SameSite=Strict, for eight hours, for the admin alone; it is not written again later."""
    client = place.visitor()
    answer = await attempt(client, "keeper@example.org")
    assert answer.status_code == 302
    cookie = SimpleCookie(answer.headers["set-cookie"])["session"]
    assert [cookie["httponly"], cookie["samesite"], cookie["max-age"]] == [True, "strict", "28800"]
    assert [cookie["path"], cookie["secure"]] == ["/admin", ""]
    assert "keeper" not in answer.headers["set-cookie"]
    assert "set-cookie" not in (await client.get("/admin/notes/list")).headers
    assert await sessions(place) == 1


async def test_the_cookie_is_secure_where_the_site_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An https address in PUBLIC_URL is enough."""
    url = f"sqlite+aiosqlite:///{tmp_path}/toy.db"
    async with office(url, tmp_path, monkeypatch, public_url="https://toy.example") as found:
        client = found.visitor()
        client.base_url = httpx2.URL("https://toy.example")
        answer = await attempt(client, "keeper@example.org")
        cookies = [cookie.lower() for cookie in answer.headers.get_list("set-cookie")]
        assert ["; secure" in cookie for cookie in cookies] == [True] * len(cookies)
        assert any(cookie.startswith("session=") for cookie in cookies)
        assert "__Host-entry" in client.cookies


async def test_wrong_credentials_are_told_alike(desk: Office) -> None:
    """An unknown address and a wrong password have the same page, and no sign-in comes of either."""
    answers = [await attempt(desk.visitor(), *given) for given in (("keeper@example.org", "no"), ("x@y.zz", "no"))]
    pages = {re.sub(r"[0-9a-f]{64}", "", answer.text) for answer in answers}
    assert len(pages) == 1
    assert "wrong" in pages.pop()
    for email, password in (("", ""), ("\x00", "\x00"), ("keeper@example.org", "\x00"), ("a" * 5000, "b" * 5000)):
        assert (await attempt(desk.visitor(), email, password)).status_code == 400
    files = {"username": ("a", b"b"), "password": ("c", b"d")}
    assert (await desk.visitor().post("/admin/login", files=files)).status_code == 400
    assert await sessions(desk) == 0


async def test_a_role_without_the_right_is_turned_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the right password: words on the login page, no cookie, no sign-in."""
    url = f"sqlite+aiosqlite:///{tmp_path}/toy.db"
    async with office(url, tmp_path, monkeypatch) as found:
        await found.toy.services.store.write(
            lambda tx: tx.repository(members).create(email="odd@example.org", role="reader", password=PASSWORD)
        )
        table = found.toy.services.access
        kept = {key: value for key, value in table.decisions.items() if key[1] != "admin"}
        object.__setattr__(table, "decisions", kept)
        answer = await attempt(found.visitor(), "odd@example.org")
        assert answer.status_code == 403
        assert "may not enter" in answer.text
        assert "session=" not in answer.headers["set-cookie"]
        assert await sessions(found) == 0


async def test_a_cookie_ends_with_its_sign_in(place: Office) -> None:
    """Ended from elsewhere, it is worth nothing, at once."""
    client = await place.sign_in("keeper")
    assert (await client.get("/admin/notes/list")).status_code == 200
    services = place.toy.services
    sessions, keeper = services.auth.sessions, place.people["keeper"]
    await services.store.write(lambda tx: sessions.end_all(tx, keeper, "ended"))
    assert (await client.get("/admin/notes/list")).status_code == 302
    assert (await client.post("/admin/notes/create", data={"title": "x"})).status_code == 401


async def test_a_copied_cookie_is_worth_nothing_after_the_logout(desk: Office) -> None:
    """Logging out ends the sign-in, not only the cookie."""
    client = await desk.sign_in("keeper")
    stolen = client.cookies["session"]
    answer = await client.post("/admin/logout")
    assert answer.headers["location"].endswith("/admin/login")
    thief = desk.visitor()
    thief.cookies.set("session", stolen)
    assert (await thief.get("/admin/notes/list")).status_code == 302
    assert await sessions(desk) == 0


async def test_a_locked_account_is_out(desk: Office) -> None:
    """Deactivated by somebody else's form, it has no screen any more."""
    reader, keeper = await desk.sign_in("reader"), await desk.sign_in("keeper")
    answer = await keeper.post(f"/admin/users/edit/{desk.people['reader']}", data={"is_active": ""})
    assert answer.status_code == 302
    assert (await reader.get("/admin/notes/list")).status_code == 302
    assert (await attempt(desk.visitor(), "reader@example.org")).status_code == 400


async def test_signing_in_again_ends_the_sign_in_before(desk: Office) -> None:
    """One browser holds one."""
    client = await desk.sign_in("keeper")
    assert (await attempt(client, "keeper@example.org")).status_code == 302
    assert await sessions(desk) == 1


async def test_a_cookie_that_we_did_not_write_is_none(desk: Office) -> None:
    """Changed, of another purpose, or no cookie at all."""
    good = (await desk.sign_in("keeper")).cookies["session"]
    for value in (good[:-1], f"x{good}", "null", "e30=", "e30=.a.b", good.replace(".", "..", 1), "%00", '"'):
        client = desk.visitor()
        answer = await client.get("/admin/notes/list", headers={"Cookie": f"session={value}"})
        assert answer.status_code == 302


async def test_signing_in_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten tries in a minute for one account, here and at the API together; then a page says so."""
    url = f"sqlite+aiosqlite:///{tmp_path}/toy.db"
    async with office(url, tmp_path, monkeypatch, rate_limits=True) as found:
        visitor = found.visitor()
        credentials = {"username": "keeper@example.org", "password": "no"}
        for _ in range(11):  # two windows of ten, if a new one begins meanwhile
            await visitor.post("/auth/login", data=credentials)
            answer = await enter(visitor, "keeper@example.org", "no")
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "text/html" in answer.headers["content-type"]


async def test_every_page_counts_against_the_caller(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixty in a minute, in the toy; styles and scripts have a bucket of their own."""
    url = f"sqlite+aiosqlite:///{tmp_path}/toy.db"
    async with office(url, tmp_path, monkeypatch, rate_limits=True) as found:
        client = await found.sign_in("keeper")
        answers = [(await client.get("/admin/notes/list")).status_code for _ in range(122)]
        assert answers[:59] == [200] * 59  # one page was looked at for the token
        assert 429 in answers[59:]
        assert (await client.get("/admin/statics/css/main.css")).status_code == 200


async def test_the_login_page_takes_only_what_was_made_for_its_cookie(desk: Office) -> None:
    """Without the cookie, without the token, with that of another browser: words, a fresh form, no sign-in."""
    own, other = desk.visitor(), desk.visitor()
    given = {"username": "keeper@example.org", "password": PASSWORD}
    mine, theirs = [str(form_of((await client.get("/admin/login")).text)[FIELD]) for client in (own, other)]
    assert mine != theirs
    for client, token in ((own, theirs), (own, ""), (own, "\N{SNOWMAN}"), (own, mine[:-1]), (desk.visitor(), mine)):
        answer = await client.post("/admin/login", data={**given, FIELD: token})
        assert answer.status_code == 403, token
        assert "sign in again" in answer.text
        assert "session" not in client.cookies
    assert (await own.post("/admin/login", data=given)).status_code == 403
    assert await sessions(desk) == 0
    assert (await own.post("/admin/login", data={**given, FIELD: mine})).status_code == 302


async def test_nobody_is_locked_out_by_a_cookie_that_is_gone(desk: Office) -> None:
    """The page that tells of it can be sent at once; a cookie that we did not write is replaced."""
    client = desk.visitor()
    form = form_of((await client.get("/admin/login")).text)
    given = {"username": "keeper@example.org", "password": PASSWORD}
    client.cookies.clear()
    again = form_of((await client.post("/admin/login", data={**form, **given})).text)
    assert again[FIELD] != form[FIELD]
    client.cookies.set("entry", "x", path="/admin")
    again = form_of((await client.get("/admin/login")).text)
    client.cookies.delete("entry", path="/admin", domain="")
    assert (await client.post("/admin/login", data={**again, **given})).status_code == 302


async def test_two_login_pages_of_one_browser_are_both_good(desk: Office) -> None:
    """The cookie stays the same while it lasts, which is an hour; scripts do not see it."""
    client = desk.visitor()
    first, second = [await client.get("/admin/login") for _ in range(2)]
    assert form_of(first.text)[FIELD] == form_of(second.text)[FIELD]
    cookie = SimpleCookie(second.headers["set-cookie"])["entry"]
    assert [cookie["httponly"], cookie["samesite"], cookie["max-age"], cookie["path"]] == [
        True,
        "strict",
        "3600",
        "/admin",
    ]


async def test_a_logout_is_asked_for_and_done_by_a_form(desk: Office) -> None:
    """A GET shows a button and does nothing; a form without the token neither; a sign-in that has ended is no error."""
    client = await desk.sign_in("keeper")
    for method in ("GET", "HEAD"):
        assert (await client.request(method, "/admin/logout")).status_code == 200
    page = (await client.get("/admin/logout")).text
    assert await sessions(desk) == 1
    assert (await client.post("/admin/logout", headers={"X-Form-Token": "x"})).status_code == 403
    assert await sessions(desk) == 1
    del client.headers["X-Form-Token"]
    answer = await client.post("/admin/logout", data={FIELD: form_of(page)[FIELD]})
    assert answer.headers["location"].endswith("/admin/login")
    assert await sessions(desk) == 0
    for method in ("GET", "POST"):
        assert (await client.request(method, "/admin/logout")).headers["location"].endswith("/admin/login")
