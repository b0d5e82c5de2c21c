"""What mails say: templates, plain and HTML. A file of the same name in ``MAIL_TEMPLATES`` takes a template's place.

``$brand``, ``$url`` and ``$minutes`` are filled in (``$$`` is a dollar sign). The first line of a plain template is the
subject.
"""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from string import Template

from charter.errors import DeclarationError, Problem
from charter.mail import Mail
from charter.settings import Settings

VERIFY, RESET = "verify-email", "reset-password"
KINDS = (VERIFY, RESET)
"""What is mailed; also the last part of the link's path."""

MINUTES = 30
"""How long the token of a mailed link is good."""

KNOWN = frozenset({"brand", "url", "minutes"})
SUBJECT = "Subject: "
OURS = Path(__file__).parent


class Letters:
    """The templates of one application, read once. :class:`DeclarationError` with everything that is wrong in them."""

    def __init__(self, settings: Settings) -> None:
        self._brand = settings.brand_name
        self._address = settings.public_url.rstrip("/")
        folder = Path(settings.mail_templates) if settings.mail_templates else None
        names = [f"{kind}.{form}" for kind in KINDS for form in ("txt", "html")]
        files = {name: _file(name, folder) for name in names}
        problems = [problem for file in files.values() for problem in _problems(file)]
        if folder is not None and not folder.is_dir():
            problems.append(Problem("mail_template", "MAIL_TEMPLATES", "the folder is not there"))
        if problems:
            raise DeclarationError(problems)
        self._texts: Mapping[str, str] = {name: file.read_text(encoding="utf-8") for name, file in files.items()}

    def write(self, kind: str, to: str, token: str) -> Mail:
        """The mail of `kind` with `token` in its one link."""
        facts = {"brand": self._brand, "url": f"{self._address}/{kind}?token={token}", "minutes": str(MINUTES)}
        first, _, rest = Template(self._texts[f"{kind}.txt"]).substitute(facts).partition("\n")
        safe = {name: escape(value) for name, value in facts.items()}
        html = Template(self._texts[f"{kind}.html"]).substitute(safe)
        return Mail(to, first.removeprefix(SUBJECT).strip(), rest.lstrip("\n"), html)


def _file(name: str, folder: Path | None) -> Path:
    own = folder / name if folder is not None else None
    return own if own is not None and own.exists() else OURS / name


def _problems(file: Path) -> list[Problem]:
    """What is wrong with one template."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return [Problem("mail_template", str(file), f"it cannot be read: {type(error).__name__}")]
    template, found = Template(text), []
    if not template.is_valid():
        found.append("a $ stands for nothing; write $$ for a dollar sign")
    elif unknown := sorted(set(template.get_identifiers()) - KNOWN):
        found.append(f"it has ${unknown[0]}, which is not one of {', '.join(f'${name}' for name in sorted(KNOWN))}")
    if "url" not in template.get_identifiers():
        found.append("it has no $url, so that nobody could follow the link")
    if file.suffix == ".txt" and not text.startswith(SUBJECT):
        found.append(f"its first line is not '{SUBJECT}…'")
    return [Problem("mail_template", str(file), message) for message in found]


__all__ = ["KINDS", "MINUTES", "RESET", "VERIFY", "Letters"]
