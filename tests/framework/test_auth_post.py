"""Mails that are owed: they arrive though the server was down, hung, or we ended; each once; and they open once."""

import asyncio
import logging
import re
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import update

from charter import mail
from charter.auth import outbox, post
from charter.types import utc_now
from tests.framework.auth_toy import APART, PASSWORD, Toy, another, toy

pytestmark = pytest.mark.anyio

EMAIL, NEW = "ada@example.org", "staple paper lantern"


class Inbox:
    """Keeps what a mail server was given: to whom, and the one link in it."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 # its name there
        body = message_from_bytes(envelope.content, policy=policy.default).get_body(("plain",))
        assert body is not None
        self.texts.append((envelope.rcpt_tos[0], body.get_content()))
        return "250 taken"

    def tokens(self, kind: str) -> list[str]:
        """The tokens of all links of `kind`, the oldest first."""
        return [found for _, text in self.texts for found in re.findall(rf"/{kind}\?token=(\S+)", text)]


@contextmanager
def smtp(port: int = 0) -> Iterator[tuple[Inbox, int]]:
    """A real mail server on the loopback interface."""
    inbox, port = Inbox(), port or free_port()
    server = Controller(inbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield inbox, port
    finally:
        server.stop()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database."""
    on_sqlite = request.param == "sqlite"
    return f"sqlite+aiosqlite:///{tmp_path}/toy.db" if on_sqlite else str(request.getfixturevalue("accounts_postgres"))


@pytest.fixture
async def app(tmp_path: Path) -> AsyncIterator[Toy]:
    """The toy application on SQLite, whose mails are files."""
    async with toy(tmp_path, f"sqlite+aiosqlite:///{tmp_path}/toy.db") as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and looks come soon, and a server that says nothing is given up after a second."""
    monkeypatch.setattr(outbox, "FIRST_RETRY", timedelta(seconds=0.1))
    monkeypatch.setattr(post, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 1)


async def eventually(is_so: Callable[[], Any], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def ask(app: Toy, route: str, **body: str) -> int:
    return (await app.client().post(f"/auth/{route}", json=body)).status_code


async def no_mail_is_owed(app: Toy) -> None:
    end = time.monotonic() + 20
    while await app.rows("mail_outbox"):
        assert time.monotonic() < end
        await asyncio.sleep(0.02)


async def purchase(app: Toy, inbox: "Inbox") -> None:
    """Register, verify by mail, forget, reset by mail, sign in; and nothing is owed at the end."""
    assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
    await eventually(lambda: inbox.tokens("verify-email"))
    assert await ask(app, "verify-email", token=inbox.tokens("verify-email")[0]) == 200
    assert await ask(app, "forgot-password", email=EMAIL) == 202
    await eventually(lambda: inbox.tokens("reset-password"))
    assert await ask(app, "reset-password", token=inbox.tokens("reset-password")[0], password=NEW) == 204
    assert await app.tokens(EMAIL, NEW)
    await no_mail_is_owed(app)


async def test_a_purchase_of_mail(url: str, tmp_path: Path) -> None:
    """Register, verify by mail, forget, reset by mail, sign in: over SMTP, and nothing is owed at the end."""
    with smtp() as (inbox, port):
        async with toy(tmp_path, url, mail_url=f"smtp://127.0.0.1:{port}") as app:
            await purchase(app, inbox)
    assert [to for to, _ in inbox.texts] == [EMAIL, EMAIL]


async def test_a_server_that_was_down_gets_the_mail_later(url: str, tmp_path: Path) -> None:
    """No answer changes, no mail is lost."""
    port = free_port()
    async with toy(tmp_path, url, mail_url=f"smtp://127.0.0.1:{port}") as app:
        app.auth.post.start()
        began = time.monotonic()
        assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
        assert await ask(app, "forgot-password", email=EMAIL) == 202
        assert time.monotonic() - began < 5
        await asyncio.sleep(0.5)
        assert len(await app.rows("mail_outbox")) == 2
        with smtp(port) as (inbox, _):
            await no_mail_is_owed(app)
        assert len(inbox.tokens("verify-email")) == len(inbox.tokens("reset-password")) == 1
        assert await ask(app, "verify-email", token=inbox.tokens("verify-email")[0]) == 200


async def test_a_server_that_hangs_holds_up_nobody(url: str, tmp_path: Path) -> None:
    """It takes connections and says nothing: answers come at once, and the mail later."""
    port = free_port()
    async with toy(tmp_path, url, mail_url=f"smtp://127.0.0.1:{port}") as app:
        app.auth.post.start()
        with socket.create_server(("127.0.0.1", port)):
            for number in range(6):
                began = time.monotonic()
                assert await ask(app, "forgot-password", email=f"nobody{number}@example.org") == 202
                assert time.monotonic() - began < 1
            assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
            await asyncio.sleep(0.3)
        with smtp(port) as (inbox, _):
            await no_mail_is_owed(app)
        assert len(inbox.tokens("verify-email")) == 1


async def test_what_was_owed_before_a_restart_is_sent_after_it(url: str, tmp_path: Path) -> None:
    """The process ends while its server is away; the next one, which nobody asks for anything, sends the mail."""
    async with toy(tmp_path, url, mail_url=f"smtp://127.0.0.1:{free_port()}") as app:
        assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
    with smtp() as (inbox, port):
        async with another(tmp_path, url, mail_url=f"smtp://127.0.0.1:{port}") as app:
            app.auth.post.start()
            await no_mail_is_owed(app)
            assert await ask(app, "verify-email", token=inbox.tokens("verify-email")[0]) == 200


async def test_a_mail_whose_process_was_killed_is_sent_when_its_lease_is_over(app: Toy) -> None:
    """Not before, since it may be on its way."""
    await app.account(EMAIL)
    table = APART.metadata.tables["mail_outbox"]
    await app.services.store.write(lambda tx: app.auth.outbox.put(tx, "reset-password", EMAIL))
    assert (await app.services.store.write(app.auth.outbox.take))[1] is not None  # and is never heard of again
    assert await app.services.store.write(app.auth.outbox.take) == (False, None)
    over = update(table).values(due_at=table.c.due_at)
    [row] = await app.rows("mail_outbox")
    assert row["due_at"] > utc_now() + outbox.LEASE / 2
    await app.services.store.write(lambda tx: tx.execute(over.values(due_at=utc_now())) and None)
    app.auth.post.start()
    assert await app.mailed_token("reset-password")


async def test_each_mail_is_sent_by_one_process_alone(url: str, tmp_path: Path) -> None:
    """Two processes look at one outbox; thirty mails arrive, each once."""
    with smtp() as (inbox, port):
        given: dict[str, Any] = {"mail_url": f"smtp://127.0.0.1:{port}"}
        async with toy(tmp_path, url, **given) as one, another(tmp_path, url, **given) as two:
            names = [f"ada{number}@example.org" for number in range(30)]
            make = one.services.store.write
            people = one.auth.entry
            await make(lambda tx: [tx.rows(people).create(email=name, is_verified=True) for name in names] and None)
            for name in names:
                await make(lambda tx, name=name: one.auth.outbox.put(tx, "reset-password", name))  # type: ignore[misc] # no type for a default
            for _ in range(post.MOST_AT_ONCE):
                one.auth.post.wake()
                two.auth.post.wake()
            await no_mail_is_owed(one)
    assert sorted(to for to, _ in inbox.texts) == sorted(names)


async def test_a_later_mail_makes_the_earlier_one_void(app: Toy) -> None:
    """Of two links the last one opens, once."""
    await app.account(EMAIL)
    await ask(app, "forgot-password", email=EMAIL)
    first = await app.mailed_token("reset-password")
    await ask(app, "forgot-password", email=EMAIL)
    await no_mail_is_owed(app)
    second = await app.mailed_token("reset-password")

    assert first != second
    assert await ask(app, "reset-password", token=first, password=NEW) == 422
    assert await ask(app, "reset-password", token=second, password=NEW) == 204
    assert await ask(app, "reset-password", token=second, password=NEW) == 422


async def test_a_link_is_good_for_half_an_hour(app: Toy) -> None:
    """A second later it is not; the purge forgets it."""
    await app.account(EMAIL)
    await ask(app, "forgot-password", email=EMAIL)
    token = await app.mailed_token("reset-password")
    table = APART.metadata.tables["mail_token"]
    [row] = await app.rows("mail_token")
    assert timedelta(minutes=29) < row["expires_at"] - utc_now() <= timedelta(minutes=30)
    over = update(table).values(expires_at=utc_now() - timedelta(seconds=1))
    await app.services.store.write(lambda tx: tx.execute(over) and None)

    assert await ask(app, "reset-password", token=token, password=NEW) == 422
    assert await app.services.store.write(app.auth.outbox.purge) is False
    assert await app.rows("mail_token") == []


@pytest.mark.parametrize("body", [{"password": NEW}, {"email": "new@example.org"}])
async def test_new_credentials_make_mailed_links_void(app: Toy, body: dict[str, str]) -> None:
    """A reset that was asked for before is not wanted any more; nor does it go to who has the address now."""
    ada = await app.signed_in(EMAIL)
    await ask(app, "forgot-password", email=EMAIL)
    token = await app.mailed_token("reset-password")
    assert (await ada.patch("/people/me", json={**body, "current_password": PASSWORD})).status_code == 200
    assert await ask(app, "reset-password", token=token, password="another long one") == 422


async def test_neither_tables_nor_logs_tell_a_token_or_a_text(
    app: Toy, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a mail says is in no row at any moment, and in no record of any logger."""
    seen: list[str] = []
    send = mail.send

    async def looked_at(settings: Any, letter: mail.Mail) -> None:
        seen.extend([str(await app.rows(name)) for name in ("mail_outbox", "mail_token")])
        await send(settings, letter)

    monkeypatch.setattr(post, "send", looked_at)
    with caplog.at_level(logging.DEBUG):
        assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
        await ask(app, "forgot-password", email=EMAIL)
        tokens = [await app.mailed_token("verify-email"), await app.mailed_token("reset-password")]
        assert await ask(app, "reset-password", token=tokens[1], password=NEW) == 204
        pair = await app.tokens(EMAIL, NEW)
        await app.client(pair["access_token"]).get("/auth/sessions")
        [row] = await app.rows("users")
        await no_mail_is_owed(app)
    logged = "\n".join(
        f"{record.getMessage()} {vars(record)}" for record in caplog.records if "aiosqlite" not in record.name
    )
    canaries = [*tokens, PASSWORD, NEW, "Open this link", row["hashed_password"], *pair.values()]

    assert len(seen) == 4
    for canary in map(str, canaries):
        if canary not in {"bearer", "900"}:
            assert canary not in logged, canary
            assert canary not in "".join(seen), canary


async def test_a_mail_is_tried_again_ever_more_slowly_and_given_up_after_a_day(
    app: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five seconds, ten, twenty, to a quarter of an hour; a later mail of the same kind takes its place."""
    monkeypatch.setattr(outbox, "FIRST_RETRY", timedelta(seconds=5))
    store, box = app.services.store, app.auth.outbox
    await app.account(EMAIL)
    await store.write(lambda tx: box.put(tx, "reset-password", EMAIL))
    found, letter = await store.write(box.take)
    assert found
    assert letter is not None
    for attempt, seconds in ((1, 5), (2, 10), (3, 20), (9, 900), (500, 900)):
        tried = outbox.Letter(letter.id, letter.kind, letter.to, letter.token, attempt)
        assert await store.write(lambda tx, tried=tried: box.postpone(tx, tried))  # type: ignore[misc] # no type for a default
        [row] = await app.rows("mail_outbox")
        assert 0.75 * seconds < (row["due_at"] - utc_now()).total_seconds() < 1.25 * seconds
    table = APART.metadata.tables["mail_outbox"]
    old = update(table).values(created_at=utc_now() - timedelta(days=1, seconds=1))
    await store.write(lambda tx: tx.execute(old) and None)
    first = letter
    assert not await store.write(lambda tx: box.postpone(tx, first))
    assert await app.rows("mail_outbox") == []

    await store.write(lambda tx: box.put(tx, "reset-password", EMAIL))
    _, second = await store.write(box.take)
    assert second is not None
    await store.write(lambda tx: box.put(tx, "reset-password", EMAIL))
    assert not await store.write(lambda tx: box.postpone(tx, second))
    assert len(await app.rows("mail_outbox")) == 1


async def test_who_registers_is_owed_a_mail_in_the_same_transaction(app: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """An account without its mail cannot be, nor a mail for an account that was refused."""
    monkeypatch.setattr(app.auth.post, "wake", lambda: None)
    assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
    assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 409
    assert [(row["kind"], row["email"]) for row in await app.rows("mail_outbox")] == [("verify-email", EMAIL)]
