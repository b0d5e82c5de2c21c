"""Mail over servers that want encryption and a sign-in, that cannot prove who they are, and that refuse an address."""

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from charter import mail
from charter.auth import outbox, post
from tests.certificates import make_certificate, serving
from tests.framework.auth_toy import PASSWORD, Toy, toy
from tests.framework.test_auth_post import EMAIL, Inbox, ask, eventually, free_port, no_mail_is_owed, purchase

pytestmark = pytest.mark.anyio

LOGIN, SECRET = "shop@example.org", "p:/w@d"
AS_SHOP = "shop%40example.org:p%3A%2Fw%40d@"


class Post(Inbox):
    """An inbox that refuses addresses, with the answers it is told, and keeps who was refused and who signed in."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: dict[str, str] = {}
        self.refused: list[str] = []
        self.sessions: list[tuple[bool, bool]] = []

    async def handle_RCPT(  # noqa: N802 # its name there
        self, server: Any, session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        is_encrypted = server.transport.get_extra_info("ssl_object") is not None
        self.sessions.append((is_encrypted, bool(session.authenticated)))
        if not session.authenticated:
            return "530 5.7.0 sign in first"
        if address in self.answers:
            self.refused.append(address)
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 fine"


def only_shop(_server: Any, _session: Any, _envelope: Any, _mechanism: str, given: Any) -> AuthResult:
    """Nobody else may send."""
    is_right = isinstance(given, LoginPassword) and (given.login, given.password) == (LOGIN.encode(), SECRET.encode())
    return AuthResult(success=is_right, handled=False)


@contextmanager
def server(scheme: str, port: int, certificate: Path | None) -> Iterator[Post]:
    """A mail server on loopback that takes mail from :data:`LOGIN` alone; encrypted where there is a certificate."""
    found = Post()
    more: dict[str, Any] = {}
    if certificate is not None:
        context = serving(certificate)
        more = {"ssl_context": context} if scheme == "smtps" else {"tls_context": context, "require_starttls": True}
    running = Controller(
        found,
        hostname="127.0.0.1",
        port=port,
        authenticator=only_shop,
        auth_require_tls=False,
        **more,
    )
    running.start()
    try:
        yield found
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries and looks come soon."""
    monkeypatch.setattr(outbox, "FIRST_RETRY", timedelta(seconds=0.1))
    monkeypatch.setattr(post, "LOOK_SECONDS", 0.1)
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 5)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Each database."""
    on_sqlite = request.param == "sqlite"
    return f"sqlite+aiosqlite:///{tmp_path}/toy.db" if on_sqlite else str(request.getfixturevalue("accounts_postgres"))


@pytest.mark.parametrize(("scheme", "encrypted"), [("smtp", True), ("smtps", True), ("smtp", False)])
async def test_a_purchase_over_a_server_that_wants_a_sign_in(
    scheme: str, encrypted: bool, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STARTTLS, TLS from the beginning, and in the clear on this machine: register, verify, reset, sign in."""
    certificate = make_certificate(tmp_path / "mail.pem") if encrypted else None
    if certificate is not None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    port = free_port()
    with server(scheme, port, certificate) as inbox:
        async with toy(tmp_path, url, mail_url=f"{scheme}://{AS_SHOP}127.0.0.1:{port}") as app:
            await purchase(app, inbox)
    assert inbox.sessions == [(encrypted, True)] * 2


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_server_that_cannot_prove_who_it_is_gets_nothing(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The mail is kept, and leaves once the certificate is good: nobody but the operator notices."""
    ours, theirs = (make_certificate(tmp_path / f"{name}.pem") for name in ("ours", "theirs"))
    monkeypatch.setenv("SSL_CERT_FILE", str(ours))
    port = free_port()
    url = f"sqlite+aiosqlite:///{tmp_path}/toy.db"
    async with toy(tmp_path, url, mail_url=f"{scheme}://{AS_SHOP}127.0.0.1:{port}") as app:
        app.auth.post.start()
        with server(scheme, port, theirs) as thief:
            assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
            await eventually(lambda: _told(caplog, "it is tried again") >= 2)
            assert len(await app.rows("mail_outbox")) == 1
        with server(scheme, port, ours) as inbox:
            await no_mail_is_owed(app)
        assert await ask(app, "verify-email", token=inbox.tokens("verify-email")[0]) == 200
    assert (thief.sessions, thief.texts) == ([], [])
    reasons = {record.__dict__["error"] for record in _records(caplog, "it is tried again")}
    assert "SSLCertVerificationError" in reasons
    assert SECRET not in caplog.text


@pytest.fixture
async def busy(tmp_path: Path) -> AsyncIterator[tuple[Toy, Post]]:
    """A toy with its mail server, both running."""
    port = free_port()
    with ExitStack() as stack:
        inbox = stack.enter_context(server("smtp", port, None))
        url = f"sqlite+aiosqlite:///{tmp_path}/toy.db"
        async with toy(tmp_path, url, mail_url=f"smtp://{AS_SHOP}127.0.0.1:{port}") as app:
            app.auth.post.start()
            yield app, inbox


async def test_an_address_that_takes_no_mail_is_asked_once(
    busy: tuple[Toy, Post], caplog: pytest.LogCaptureFixture
) -> None:
    """Its owner may ask again; the log names the mail, and neither the address nor the server's words."""
    app, inbox = busy
    inbox.answers = {EMAIL: f"550 5.1.1 <{EMAIL}> nobody of that name"}
    assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
    await no_mail_is_owed(app)
    await asyncio.sleep(0.5)
    assert inbox.refused == [EMAIL]
    [record] = _records(caplog, "refused for good")
    assert (record.levelno, record.__dict__["attempt"]) == (logging.WARNING, 1)
    assert EMAIL not in f"{record.getMessage()} {vars(record)}"
    assert not _told(caplog, "it is tried again")

    inbox.answers = {}
    assert await ask(app, "request-verify-email", email=EMAIL) == 202
    await eventually(lambda: inbox.tokens("verify-email"))


@pytest.mark.parametrize("answer", ["450 4.2.1 try later", "451 greylisted", "550 5.7.1 relaying denied"])
async def test_what_may_be_mended_is_tried_again(answer: str, busy: tuple[Toy, Post]) -> None:
    """A server that is busy, or does not like us at the moment; the others' mails leave meanwhile."""
    app, inbox = busy
    inbox.answers = {EMAIL: answer}
    assert await ask(app, "register", email=EMAIL, password=PASSWORD) == 201
    assert await ask(app, "register", email="bob@example.org", password=PASSWORD) == 201
    await eventually(lambda: len(inbox.refused) >= 2)
    await eventually(lambda: [to for to, _ in inbox.texts] == ["bob@example.org"])
    assert EMAIL in [row["email"] for row in await app.rows("mail_outbox")]
    inbox.answers = {}
    await no_mail_is_owed(app)
    assert [to for to, _ in inbox.texts] == ["bob@example.org", EMAIL]


def _records(caplog: pytest.LogCaptureFixture, words: str) -> list[logging.LogRecord]:
    return [record for record in caplog.records if words in record.getMessage()]


def _told(caplog: pytest.LogCaptureFixture, words: str) -> int:
    return len(_records(caplog, words))
