"""Mail: one message at a time, over the transport that ``MAIL_URL`` names. Whoever calls decides about trying again."""

import re
import smtplib
import ssl
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from pathlib import Path
from socket import SHUT_RDWR
from threading import Timer
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import uuid4

from anyio import to_thread

if TYPE_CHECKING:
    from charter.settings import Settings

TIMEOUT_SECONDS = 10
"""How long each step may take."""

MOST_SECONDS = 45
"""How long the delivery of one mail may take once the server has been reached."""

PERMANENT = 500
"""Where the codes of failures begin that the server will repeat (RFC 5321, section 4.2.1)."""

NOBODY_THERE = frozenset({550, 551, 553, 556})
"""What a server answers to an address that has no mailbox, or cannot have one."""

_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.\d{1,3}\b")

LINE_LENGTH = 998
"""The longest line that mail may have (RFC 5322)."""


class MailError(Exception):
    """The mail did not leave: the transport is away, or refused. Trying again may help."""


class MailRefusedError(MailError):
    """No mail to this address will ever leave: it cannot be written, or its server says that nobody is there."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address. ``text`` is always there; ``html`` is an alternative for those who show it."""

    to: str
    subject: str
    text: str
    html: str = ""


async def send(settings: "Settings", mail: Mail) -> None:
    """Send `mail`; returns once the transport has taken it (at most about 10 s a step).

    Raises MailError, :class:`MailRefusedError` where the address is to blame.
    """
    target = urlsplit(settings.mail_url)
    message = _message(mail, settings.mail_sender)
    try:
        await to_thread.run_sync(TRANSPORTS[target.scheme], target, message)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        kind = MailRefusedError if _is_final(error) else MailError
        # only the kind of error: a server's words may repeat the address or the credentials
        raise kind(f"The mail could not be sent ({type(error).__name__}).") from error


def _is_final(error: Exception) -> bool:
    """Whether a server refused the address itself, for good.

    An enhanced status (RFC 3463) tells: 5.1.x is about the address, 5.2.x about its mailbox. Without one, only the
    codes for a mailbox that is not there count, and only as the answer to the address. Whatever else is refused, such
    as our sign-in, our sender or what the mail says, may be mended here, and the mail is still wanted.
    """
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(_is_about_mailbox(code, text, NOBODY_THERE) for code, text in error.recipients.values())
    if isinstance(error, smtplib.SMTPDataError):
        return _is_about_mailbox(error.smtp_code, error.smtp_error, frozenset())
    return False


def _is_about_mailbox(code: int, text: bytes | str, known: frozenset[int]) -> bool:
    said = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    enhanced = _ENHANCED.match(said)
    if enhanced is None:
        return code in known
    return code >= PERMANENT and enhanced.group(1) == "5" and enhanced.group(2) in {"1", "2"}


def _message(mail: Mail, sender: Address) -> EmailMessage:
    message = EmailMessage()
    try:
        message["From"] = sender
        message["To"] = _recipient(mail.to)
        message["Subject"] = mail.subject
    except ValueError as error:  # a line break would start a header of its own
        raise MailRefusedError("The mail has an address or a subject that cannot be written.") from error
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=sender.domain)
    is_plain = mail.text.isascii() and max(map(len, mail.text.splitlines()), default=0) < LINE_LENGTH
    # the library would encode lines over 78 characters and break links for whoever reads the source
    message.set_content(mail.text, cte="7bit" if is_plain else None)
    if mail.html:
        message.add_alternative(mail.html, subtype="html")
    return message


def _recipient(text: str) -> Address:
    """Exactly one address, taken literally: a comma in it never makes a second recipient."""
    user, at, domain = text.strip().partition("@")
    if not (user and at and domain) or re.search(r"[\s\x00-\x1f\x7f@,;:<>()\[\]\\\"]", f"{user}{domain}"):
        raise ValueError("not an address")
    return Address(username=user, domain=domain.encode("idna").decode())


def _console(_: SplitResult, message: EmailMessage) -> None:
    text = message.get_body(("plain",))
    body = text.get_content() if text else ""
    sys.stdout.write(f"--- mail to {message['To']}: {message['Subject']}\n{body.rstrip()}\n---\n")
    sys.stdout.flush()


def _file(target: SplitResult, message: EmailMessage) -> None:
    folder = Path(unquote(target.path))
    folder.mkdir(parents=True, exist_ok=True)
    name = uuid4().hex
    half = folder / f".{name}.part"  # a reader that looks for *.eml never sees half a mail
    half.write_bytes(message.as_bytes())
    half.rename(folder / f"{name}.eml")


def _smtp(target: SplitResult, message: EmailMessage) -> None:
    with smtplib.SMTP(target.hostname or "", target.port or 587, timeout=TIMEOUT_SECONDS) as server:
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        _deliver(server, target, message)


def _smtps(target: SplitResult, message: EmailMessage) -> None:
    context = ssl.create_default_context()
    with smtplib.SMTP_SSL(
        target.hostname or "", target.port or 465, timeout=TIMEOUT_SECONDS, context=context
    ) as server:
        _deliver(server, target, message)


def _deliver(server: smtplib.SMTP, target: SplitResult, message: EmailMessage) -> None:
    watch = Timer(MOST_SECONDS, _hang_up, [server])
    watch.daemon = True
    watch.start()
    try:
        _talk(server, target, message)
    finally:
        watch.cancel()


def _hang_up(server: smtplib.SMTP) -> None:
    """End a conversation in which every single step is just in time."""
    with suppress(OSError, AttributeError):
        server.sock.shutdown(SHUT_RDWR)  # type: ignore[union-attr] # None where it has just ended


def _talk(server: smtplib.SMTP, target: SplitResult, message: EmailMessage) -> None:
    if target.username:
        if not _is_private(server):  # who stands in between may have taken STARTTLS out of the server's offer
            raise smtplib.SMTPNotSupportedError("a password is told to nobody in the clear")
        server.login(unquote(target.username), unquote(target.password or ""))
    server.send_message(message)


def _is_private(server: smtplib.SMTP) -> bool:
    """Whether the conversation is encrypted, or does not leave this machine."""
    connection = server.sock
    if connection is None or isinstance(connection, ssl.SSLSocket):
        return connection is not None
    peer = connection.getpeername()
    return isinstance(peer, str) or ip_address(peer[0].partition("%")[0]).is_loopback


TRANSPORTS: Mapping[str, Callable[[SplitResult, EmailMessage], None]] = {
    "console": _console,
    "file": _file,
    "smtp": _smtp,
    "smtps": _smtps,
}
