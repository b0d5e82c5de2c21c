"""Mail: one message at a time, over the transport that ``MAIL_URL`` names. Whoever calls decides about trying again."""

import re
import smtplib
import ssl
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import uuid4

from anyio import to_thread

if TYPE_CHECKING:
    from charter.settings import Settings

TIMEOUT_SECONDS = 10
LINE_LENGTH = 998
"""The longest line that mail may have (RFC 5322)."""


class MailError(Exception):
    """The mail did not leave: a wrong address, or the transport refused or is away. Trying again may help."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one address. ``text`` is always there; ``html`` is an alternative for those who show it."""

    to: str
    subject: str
    text: str
    html: str = ""


async def send(settings: "Settings", mail: Mail) -> None:
    """Send `mail`; returns once the transport has taken it (at most about 10 s a step). Raises MailError."""
    target = urlsplit(settings.mail_url)
    message = _message(mail, settings.mail_sender)
    try:
        await to_thread.run_sync(TRANSPORTS[target.scheme], target, message)
    except (OSError, smtplib.SMTPException, UnicodeError) as error:
        # only the kind of error: a server's words may repeat the address or the credentials
        raise MailError(f"The mail could not be sent ({type(error).__name__}).") from error


def _message(mail: Mail, sender: Address) -> EmailMessage:
    message = EmailMessage()
    try:
        message["From"] = sender
        message["To"] = _recipient(mail.to)
        message["Subject"] = mail.subject
    except ValueError as error:  # a line break would start a header of its own
        raise MailError("The mail has an address or a subject that cannot be written.") from error
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
    if target.username:
        server.login(unquote(target.username), unquote(target.password or ""))
    server.send_message(message)


TRANSPORTS: Mapping[str, Callable[[SplitResult, EmailMessage], None]] = {
    "console": _console,
    "file": _file,
    "smtp": _smtp,
    "smtps": _smtps,
}
