"""What never reaches a screen: requests from elsewhere, addresses that are none, routes that are not ours."""

import re
from typing import Any

import httpx2
import pytest
from sqlalchemy.exc import OperationalError

from charter.admin.views import EntryView
from charter.admin.visit import visit
from tests.admin.desk import UNKNOWN, Office, form_of

pytestmark = pytest.mark.anyio

CROSS = "cross_origin"


def refused(answer: httpx2.Response) -> bool:
    """Whether the origin guard said no, in the one format."""
    return answer.status_code == 403 and answer.json()["code"] == CROSS


FOREIGN: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "http://toy"},
    {"Origin": "http://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://toy.evil.example"},
    {"Origin": "http://toy:81"},
    {"Origin": "http://[::1"},
    {"Referer": "http://evil.example/?http://toy/"},
    {},
)

OWN: tuple[dict[str, str], ...] = (
    {"Sec-Fetch-Site": "same-origin"},
    {"Origin": "http://toy"},
    {"Origin": "http://TOY:80"},
    {"Origin": "https://toy"},
    {"Referer": "http://toy/admin/notes/create"},
)


async def test_another_site_cannot_change_anything(desk: Office) -> None:
    """With the cookie in hand, as a browser would send it from a page of another site or of none."""
    note = await desk.note("keeper", "Mine")
    client = await desk.sign_in("keeper")
    del client.headers["Sec-Fetch-Site"]
    for headers in FOREIGN:
        given: Any = {"headers": headers}
        assert refused(await client.post("/admin/notes/create", data={"title": "Theirs"}, **given)), headers
        assert refused(await client.post(f"/admin/notes/edit/{note}", data={"title": "Theirs"}, **given)), headers
        assert refused(await client.delete(f"/admin/notes/delete?pks={note}", **given)), headers
        assert refused(await client.post("/admin/logout", **given)), headers
        assert refused(await client.post("/admin/view-as", data={"role": "reader"}, **given)), headers
        assert refused(await client.get(f"/admin/notes/action/ship?pks={note}", **given)), headers
        assert refused(await client.post("/admin/login", data={"username": "a", "password": "b"}, **given)), headers
    assert await desk.titles() == ["Mine"]
    assert (await client.get("/admin/notes/list")).status_code == 200  # still signed in


async def test_a_page_of_ours_may(desk: Office) -> None:
    """Old browsers, and those on plain http, send no Sec-Fetch-Site."""
    client = await desk.sign_in("keeper")
    del client.headers["Sec-Fetch-Site"]
    for headers in OWN:
        answer = await client.post("/admin/notes/create", data={"title": "Ours"}, headers=headers)
        assert answer.status_code == 302, headers


BAD_IDS = ("x", "1", "%00", UNKNOWN[:-1], f"{UNKNOWN}0", UNKNOWN.replace("-", ""), "9" * 40, "..", "a%2Fb", "%ff", "'")


async def test_a_bad_id_is_a_row_that_is_not_there(place: Office) -> None:
    """4xx on each page that takes one, never 500."""
    client = await place.sign_in("keeper")
    for row_id in BAD_IDS:
        for path in (f"details/{row_id}", f"edit/{row_id}", f"details/{row_id}/x", f"details/{row_id}/text/download/"):
            answer = await client.get(f"/admin/notes/{path}")
            assert 400 <= answer.status_code < 500, (path, answer.status_code)
        for query in (f"pks={row_id}", f"pks={UNKNOWN},{row_id}"):
            assert 400 <= (await client.delete(f"/admin/notes/delete?{query}")).status_code < 500, row_id
        answer = await client.post(f"/admin/notes/edit/{row_id}", data={"title": "x"})
        assert 400 <= answer.status_code < 500, row_id


WRONG = (
    ("DELETE", "notes/delete", 400),
    ("DELETE", "notes/delete?pks=", 400),
    ("DELETE", f"notes/delete?pks={UNKNOWN}&pks={UNKNOWN}", 400),
    ("DELETE", f"nothing/delete?pks={UNKNOWN}", 404),
    ("GET", "nothing/list", 404),
    ("GET", "nothing/create", 404),
    ("GET", f"nothing/details/{UNKNOWN}", 404),
    ("GET", "nothing/ajax/lookup?name=a&term=b", 404),
    ("GET", "nothing", 404),
    ("GET", "notes/details", 404),
    ("GET", "no%00tes/list", 400),
    ("GET", "notes/list?search=%00", 400),
    ("GET", "notes/list?page=x", 400),
    ("GET", "notes/list?pageSize=x", 400),
    ("GET", "notes/list?pageSize=0", 400),
    ("GET", "notes/list?pageSize=-1", 400),
    ("GET", f"notes/list?page={'9' * 5000}", 400),
    ("GET", "notes/list?sortBy=nothing", 400),
    ("GET", "notes/list?sortBy=__class__", 400),
    ("GET", "notes/ajax/lookup", 400),
    ("GET", "notes/ajax/lookup?name=nothing&term=a", 400),
    ("POST", "notes/list", 405),
    ("PATCH", f"notes/edit/{UNKNOWN}", 405),
)


async def test_what_is_wrong_with_an_address_is_told(desk: Office) -> None:
    """400 for what cannot be read, 404 for what is not there, 405 for another method."""
    client = await desk.sign_in("keeper")
    for method, path, status in WRONG:
        assert (await client.request(method, f"/admin/{path}")).status_code == status, (method, path)


async def test_a_page_far_behind_the_last_leads_to_the_last(desk: Office) -> None:
    """Whatever number is asked for."""
    await desk.note("keeper", "Mine")
    client = await desk.sign_in("keeper")
    for page in (2, 10**20, -5):
        answer = await client.get(f"/admin/notes/list?page={page}")
        assert answer.headers["location"].endswith("page=1")


async def test_a_list_comes_back_as_it_was_after_a_deletion(desk: Office) -> None:
    """With its search and order, whatever the Referer looks like."""
    client = await desk.sign_in("keeper")
    for referer, query in (
        ("http://toy/admin/notes/list?search=a&sortBy=title", "search=a&sortBy=title"),
        ("http://toy/admin/notes/list?self=1&identity=2", "self=1&identity=2"),
        ("http://[", ""),
        ("", ""),
    ):
        note = await desk.note("keeper", "Mine")
        answer = await client.delete(f"/admin/notes/delete?pks={note}", headers={"Referer": referer})
        assert answer.status_code == 200, referer
        assert answer.text == "http://toy/admin/notes/list" + (f"?{query}" if query else "")


async def test_an_odd_form_is_no_fault_of_ours(desk: Office) -> None:
    """Endless, empty, of another kind, or in no encoding: 4xx or nothing changed, never 500."""
    client = await desk.sign_in("keeper")
    html = {"Content-Type": "application/x-www-form-urlencoded"}
    for body, headers in (
        (b"a=1&" * 20_000, html),
        (b"title=%ED%A0%80%ff%00&" + b"&" * 50, html),
        (b"", html),
        (b'{"title": "x"}', {"Content-Type": "application/json"}),
        (b"x" * 2_000_000, html),
    ):
        answer = await client.post("/admin/notes/create", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, body[:20]
    assert await desk.titles() == []


async def test_an_endless_search_finds_nothing(place: Office) -> None:
    """Databases refuse endless patterns; what nobody types is cut."""
    client = await place.sign_in("keeper")
    for term in ("x" * 60_000, "a " * 20_000, "\ud800", "\\", "'", "\U0001f600"):
        answer = await client.get("/admin/notes/list", params={"search": term.encode("utf-8", "surrogatepass")})
        assert answer.status_code == 200, term[:9]
        answer = await client.get(
            "/admin/comments/ajax/lookup",
            params={"name": "note_id", "term": term.encode("utf-8", "surrogatepass")},
        )
        assert answer.json() == {"results": []}


async def test_a_busy_database_is_told_as_such(desk: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """503 with Retry-After on a page, as everywhere; the words of the driver stay inside."""

    async def locked(*_: Any) -> None:
        raise OperationalError("SELECT secret", {}, Exception("database is locked"))

    client = await desk.sign_in("keeper")
    monkeypatch.setattr(EntryView, "_run_query", locked)
    answer = await client.get("/admin/notes/list")
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert "busy" in answer.text
    assert "secret" not in answer.text


async def test_a_host_that_is_none_is_refused(desk: Office) -> None:
    """SQLAdmin builds addresses from it."""
    client = await desk.sign_in("keeper")
    for host in ("[", "a b", 'x"><script>', "a/b", "a:b"):
        assert (await client.get("/admin/notes/list", headers={"Host": host})).status_code == 400


async def test_sqladmins_own_exports_and_imports_are_not_served(desk: Office) -> None:
    """They go past filters, schemas and hooks; ours have other addresses, or the same with other forms."""
    client = await desk.sign_in("keeper")
    for kind in ("json", "xml", "csv/", "csv/csv"):
        assert (await client.get(f"/admin/notes/export/{kind}")).status_code in {307, 404}, kind
    theirs = {"csvfile": ("notes.csv", b"title\nTheirs\n")}
    assert (await client.post("/admin/notes/import", files=theirs)).status_code == 400
    assert await desk.titles() == []


async def test_no_file_of_the_server_can_be_fetched(desk: Office) -> None:
    """SQLAdmin serves files whose path stands in any text column; those routes are gone."""
    note = await desk.note("keeper", "office.csv", text="office.csv")
    client = await desk.sign_in("keeper")
    for column in ("title", "text"):
        for verb in ("download", "preview"):
            answer = await client.get(f"/admin/notes/{note}/{column}/{verb}/")
            assert answer.status_code == 404
            assert "reader" not in answer.text


async def test_no_page_shows_a_hidden_value(desk: Office) -> None:
    """Neither by its name nor by its value: hashes, epochs, and what a declaration hides."""
    note = await desk.note("keeper", "Mine", secret="for nobody")
    client = await desk.sign_in("keeper")
    ((user, hashed),) = await desk.toy.rows("SELECT id, hashed_password FROM users WHERE email = 'keeper@example.org'")
    paths = ["", "users/list", f"users/details/{user}", f"users/edit/{user}", "users/create"]
    paths += ["notes/list", f"notes/details/{note}", f"notes/edit/{note}", "notes/create", "traces/list"]
    paths += ["users/list?search=argon2", "bookmarks/list", "bookmarks/create", "folders/list", "comments/create"]
    for path in paths:
        answer = await client.get(f"/admin/{path}")
        assert answer.status_code == 200, path
        for word in ("hashed", hashed, "argon2id", "epoch", "for nobody", "Secret"):
            assert word not in answer.text.replace('value="argon2"', ""), (path, word)


async def test_words_above_a_list_do_not_come_from_a_link(desk: Office) -> None:
    """SQLAdmin would show any ``error`` that stands in the address."""
    client = await desk.sign_in("keeper")
    answer = await client.get("/admin/notes/list?error=Call+this+number&size=1")
    assert answer.status_code == 307
    assert "Call" not in answer.headers["location"]


async def test_pages_are_kept_by_nobody(desk: Office) -> None:
    """What a signed-in person saw is not in the browser's memory; styles and scripts are."""
    client = await desk.sign_in("keeper")
    assert (await client.get("/admin/notes/list")).headers["cache-control"] == "no-store"
    assert "max-age" in (await client.get("/admin/statics/css/main.css")).headers["cache-control"]


async def test_nothing_comes_from_another_host(desk: Office) -> None:
    """Every address in a page is the server's own, and no script stands in it: the policy allows none."""
    note = await desk.note("keeper", "Mine")
    client = await desk.sign_in("keeper")
    for path in ("", "notes/list", f"notes/details/{note}", f"notes/edit/{note}", "notes/create", "nothing"):
        answer = await client.get(f"/admin/{path}")
        hosts = set(re.findall(r"(?:src|href|action)=[\"']?(?:https?:)?//([^/\"']+)", answer.text))
        assert hosts == {"toy"}
        assert not re.search(r"<script(?![^>]*\bsrc=)", answer.text)
        assert not re.search(r"\bon[a-z]+=", answer.text)
        assert "script-src 'self'" in answer.headers["content-security-policy"]


async def test_every_text_in_a_page_is_escaped(desk: Office) -> None:
    """In lists, details, forms, titles of related rows and search."""
    evil = '"><script>alert(1)</script>'
    note = await desk.note("keeper", evil, text=f"{evil}\n</textarea>{evil}", tag=evil)
    client = await desk.sign_in("keeper")
    assert (await client.post("/admin/comments/create", data={"text": evil, "note_id": str(note)})).status_code == 302
    paths = ["notes/list", f"notes/details/{note}", f"notes/edit/{note}", "comments/list"]
    for path in (*paths, "notes/list?search=%22%3E%3Cscript%3Ealert(1)%3C/script%3E"):
        answer = await client.get(f"/admin/{path}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
    assert form_of((await client.get(f"/admin/notes/edit/{note}")).text)["title"] == evil


async def test_a_visit_leaves_nothing_behind(desk: Office) -> None:
    """After the answer nobody is the caller any more."""
    client = await desk.sign_in("keeper")
    await client.get("/admin/notes/list")
    assert visit().caller is None
