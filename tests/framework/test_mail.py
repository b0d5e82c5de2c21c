"""Mail: what a message holds, and each transport against the real thing."""

import email
import smtplib
import socket
from collections.abc import Iterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from charter import mail
from charter.mail import Mail, MailError, MailRefusedError, send
from charter.settings import Settings, load_settings
from tests.certificates import make_certificate, serving

LINK = "https://example.com/verify?token=" + "x" * 120
MAIL = Mail("ann@example.com", "Grüße aus Köln", f"Hello Ann,\n\n{LINK}\n", "<p>Hello <b>Ann</b></p>")


class Inbox:
    """Keeps what a mail server was given."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - its name there
        if "refused@example.com" in envelope.rcpt_tos:
            return "550 no such mailbox"
        self.envelopes.append(envelope)
        return "250 taken"


def only_ann(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, given: Any) -> AuthResult:
    is_ann = isinstance(given, LoginPassword) and (given.login, given.password) == (b"ann@x", b"p:/w@d")
    return AuthResult(success=is_ann, handled=False)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def server() -> Iterator[Controller]:
    """A mail server on loopback that wants a sign-in when one is offered."""
    running = Controller(
        Inbox(), hostname="127.0.0.1", port=free_port(), authenticator=only_ann, auth_require_tls=False
    )
    running.start()
    yield running
    running.stop()


def settings(mail_url: str, **more: Any) -> Settings:
    return load_settings(environment="test", mail_url=mail_url, brand_name="Toys", mail_from="hi@toys.example", **more)


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=default)
    assert isinstance(message, EmailMessage)
    return message


def only_file(folder: Path) -> bytes:
    (file,) = folder.iterdir()
    return file.read_bytes()


def part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    assert found is not None
    return str(found.get_content())


@pytest.mark.anyio
async def test_file_transport_writes_one_complete_mail_each(tmp_path: Path) -> None:
    """One .eml for each mail, in a folder that is made, and no half file beside it."""
    folder = tmp_path / "a folder" / "mails"
    for _ in range(2):
        await send(settings(f"file://{str(folder).replace(' ', '%20')}"), MAIL)
    files = list(folder.iterdir())
    assert [file.suffix for file in files] == [".eml", ".eml"]
    message = parsed(files[0].read_bytes())
    assert (message["To"], message["From"]) == ("ann@example.com", "Toys <hi@toys.example>")
    assert message["Subject"] == MAIL.subject
    assert message["Date"]
    assert message["Message-ID"].endswith("@toys.example>")
    assert LINK in part(message, "plain")
    assert "<b>Ann</b>" in part(message, "html")
    assert files[0].name != files[1].name


@pytest.mark.anyio
async def test_mail_without_html_has_one_text_part(tmp_path: Path) -> None:
    """The alternative is there only when it is given."""
    await send(settings(f"file://{tmp_path}"), Mail("ann@example.com", "Hi", "Text"))
    message = parsed(only_file(tmp_path))
    assert not message.is_multipart()
    assert message.get_content_type() == "text/plain"


@pytest.mark.anyio
async def test_console_transport_shows_the_text_readably(capsys: pytest.CaptureFixture[str]) -> None:
    """In development the link can be copied from the terminal."""
    await send(settings("console:"), MAIL)
    shown = capsys.readouterr().out
    assert LINK in shown
    assert MAIL.subject in shown
    assert "ann@example.com" in shown


@pytest.mark.anyio
async def test_smtp_transport_delivers_to_the_one_recipient(server: Controller) -> None:
    """A real server gets sender, recipient and content, after a sign-in with escaped characters."""
    await send(settings(f"smtp://ann%40x:p%3A%2Fw%40d@127.0.0.1:{server.port}"), MAIL)
    (envelope,) = server.handler.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("hi@toys.example", ["ann@example.com"])
    assert LINK in part(parsed(envelope.content), "plain")


@pytest.mark.anyio
async def test_wrong_password_is_a_mail_error_without_the_password(server: Controller) -> None:
    """What the server answered stays out of the message."""
    with pytest.raises(MailError) as raised:
        await send(settings(f"smtp://ann:sekret@127.0.0.1:{server.port}"), MAIL)
    assert "sekret" not in str(raised.value)
    assert isinstance(raised.value.__cause__, smtplib.SMTPException)


@pytest.mark.anyio
async def test_refused_recipient_is_a_mail_error(server: Controller) -> None:
    """A server's no is an error, and a later mail still goes out."""
    with pytest.raises(MailError):
        await send(settings(f"smtp://127.0.0.1:{server.port}"), Mail("refused@example.com", "Hi", "Text"))
    await send(settings(f"smtp://127.0.0.1:{server.port}"), MAIL)
    assert len(server.handler.envelopes) == 1


class Doorman(Inbox):
    """Says what it is told to say to every recipient, or to every message."""

    def __init__(self, to_address: str = "", to_message: str = "") -> None:
        super().__init__()
        self.to_address, self.to_message = to_address, to_message

    async def handle_RCPT(  # noqa: N802 - its name there
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        envelope.rcpt_tos.append(address)
        return self.to_address or "250 fine"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        return self.to_message or await super().handle_DATA(server, session, envelope)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("to_address", "to_message", "is_final"),
    [
        ("550 no such user", "", True),
        ("550 5.1.1 no such user", "", True),
        ("552 5.2.2 mailbox full", "", True),
        ("553 no such mailbox name", "", True),
        ("", "550 5.1.1 no such user", True),
        ("450 try later", "", False),
        ("451 4.1.1 try later", "", False),
        ("530 5.7.0 sign in first", "", False),
        ("550 5.7.1 relaying denied", "", False),
        ("554 you are on a list", "", False),
        ("", "550 this looks like spam", False),
        ("", "554 5.7.1 this looks like spam", False),
        ("", "452 no space", False),
    ],
)
async def test_only_an_address_that_takes_no_mail_is_refused_for_good(
    to_address: str, to_message: str, is_final: bool
) -> None:
    """Everything else may be mended here, or by waiting."""
    running = Controller(Doorman(to_address, to_message), hostname="127.0.0.1", port=free_port())
    running.start()
    try:
        with pytest.raises(MailError) as raised:
            await send(settings(f"smtp://127.0.0.1:{running.port}"), MAIL)
    finally:
        running.stop()
    assert isinstance(raised.value, MailRefusedError) is is_final
    assert "ann@" not in str(raised.value)


@pytest.mark.anyio
async def test_a_password_is_told_to_nobody_in_the_clear(server: Controller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a server on another machine offers no encryption, as when somebody in between takes the offer out."""
    told: list[bytes] = []
    monkeypatch.setattr(mail, "_is_private", lambda _: False)
    monkeypatch.setattr(SMTP, "smtp_AUTH", lambda _, words: told.append(words))
    with pytest.raises(MailError) as raised:
        await send(settings(f"smtp://ann%40x:p%3A%2Fw%40d@127.0.0.1:{server.port}"), MAIL)
    assert isinstance(raised.value.__cause__, smtplib.SMTPNotSupportedError)
    assert (told, server.handler.envelopes) == ([], [])


@pytest.mark.anyio
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_server_that_is_down_is_a_mail_error(scheme: str) -> None:
    """Nobody listens there."""
    with pytest.raises(MailError):
        await send(settings(f"{scheme}://127.0.0.1:{free_port()}"), MAIL)


@pytest.mark.anyio
async def test_smtps_insists_on_encryption(server: Controller) -> None:
    """A server in the clear is no smtps server."""
    with pytest.raises(MailError):
        await send(settings(f"smtps://127.0.0.1:{server.port}"), MAIL)
    assert not server.handler.envelopes


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A fresh certificate for 127.0.0.1 with its key, in one file."""
    return make_certificate(tmp_path / "certificate.pem")


@pytest.mark.anyio
@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
@pytest.mark.parametrize("is_trusted", [True, False])
async def test_encrypted_server_must_prove_who_it_is(
    scheme: str, is_trusted: bool, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STARTTLS is used when offered, and a certificate that nobody vouches for ends the conversation."""
    context = serving(certificate)
    secure = {"tls_context": context, "require_starttls": True} if scheme == "smtp" else {"ssl_context": context}
    running = Controller(Inbox(), hostname="127.0.0.1", port=free_port(), **secure)
    running.start()
    if is_trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    try:
        await send(settings(f"{scheme}://127.0.0.1:{running.port}"), MAIL)
        was_sent = True
    except MailError:
        was_sent = False
    finally:
        running.stop()
    assert was_sent is is_trusted
    assert len(running.handler.envelopes) == is_trusted


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("to", "subject"),
    [
        ("ann@example.com\r\nBcc: eve@example.com", "Hi"),
        ("ann@example.com", "Hi\nBcc: eve@example.com"),
        ("ann@example.com, eve@example.com", "Hi"),
        ("ann@example.com>, <eve@example.com", "Hi"),
        ("nobody", "Hi"),
        ("@example.com", "Hi"),
        ("ann@" + "x" * 70 + "ü.example", "Hi"),
    ],
)
async def test_mail_that_could_reach_others_is_not_sent(to: str, subject: str, server: Controller) -> None:
    """Neither line breaks nor commas make a header or a recipient."""
    with pytest.raises(MailError):
        await send(settings(f"smtp://127.0.0.1:{server.port}"), Mail(to, subject, "Text"))
    assert not server.handler.envelopes


@pytest.mark.anyio
async def test_link_in_plain_text_stays_whole_in_the_source(tmp_path: Path) -> None:
    """Whoever opens the file finds the link in one piece."""
    await send(settings(f"file://{tmp_path}"), Mail("ann@example.com", "Hi", f"Here:\n{LINK}\n"))
    assert LINK.encode() in only_file(tmp_path)


@pytest.mark.anyio
async def test_international_domain_is_written_in_its_ascii_form(server: Controller) -> None:
    """Mail servers without extensions can deliver to it."""
    await send(settings(f"smtp://127.0.0.1:{server.port}"), Mail("ann@köln.example", "Hi", "Text"))
    assert server.handler.envelopes[0].rcpt_tos == ["ann@xn--kln-sna.example"]
