"""What mails say: bundled texts, texts of one's own, and what is wrong with those, told at the start."""

from pathlib import Path
from typing import Any

import pytest

from charter.auth.letters import KINDS, Letters
from charter.errors import DeclarationError
from tests.framework.auth_toy import toy_settings

TOKEN = "a-token"


def letters(folder: Path, **given: Any) -> Letters:
    return Letters(toy_settings(folder, "sqlite+aiosqlite:///nowhere.db", **given))


def wrong(folder: Path) -> list[str]:
    with pytest.raises(DeclarationError) as refused:
        letters(folder, mail_templates=str(folder))
    assert {problem.code for problem in refused.value.problems} == {"mail_template"}
    return [problem.message for problem in refused.value.problems]


@pytest.mark.parametrize("kind", KINDS)
def test_every_mail_has_one_link_in_both_forms(kind: str, tmp_path: Path) -> None:
    """The plain one stands in a line of its own; the brand is named, and safe in HTML."""
    mail = letters(tmp_path, brand_name="Toys & <Co>").write(kind, "ada@example.org", TOKEN)
    link = f"http://toy.example/{kind}?token={TOKEN}"

    assert mail.to == "ada@example.org"
    assert mail.subject
    assert "Subject" not in mail.subject + mail.text
    assert [line for line in mail.text.splitlines() if "http" in line] == [link]
    assert mail.html.count(link) == mail.html.count("http") == 1
    assert "Toys & <Co>" in mail.text
    assert "Toys &amp; &lt;Co&gt;" in mail.html
    assert "30 minutes" in mail.text


def test_an_application_has_texts_of_its_own(tmp_path: Path) -> None:
    """A file of the same name takes a bundled one's place; the others stay."""
    (tmp_path / "verify-email.txt").write_text("Subject: Grüezi bei $brand\n\nKlick:\n$url\nKostet $$0.\n", "utf-8")
    found = letters(tmp_path, mail_templates=str(tmp_path), brand_name="Laden")
    mail = found.write("verify-email", "ada@example.org", TOKEN)

    assert mail.subject == "Grüezi bei Laden"
    assert mail.text == f"Klick:\nhttp://toy.example/verify-email?token={TOKEN}\nKostet $0.\n"
    assert found.write("reset-password", "ada@example.org", TOKEN).subject == "Reset your password"


def test_everything_wrong_in_a_text_is_told_at_the_start(tmp_path: Path) -> None:
    """An unknown name, a stray dollar, no link, no subject, bytes that are no text."""
    (tmp_path / "verify-email.txt").write_text("Hello $name, $url")
    (tmp_path / "verify-email.html").write_text("it costs $ 5")
    (tmp_path / "reset-password.html").write_bytes(b"\xff$url")
    found = wrong(tmp_path)

    assert len(found) == 5
    assert any("$name" in message for message in found)
    assert any("first line" in message for message in found)
    assert any("stands for nothing" in message for message in found)
    assert any("no $url" in message for message in found)
    assert any("UnicodeDecodeError" in message for message in found)


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A misspelt setting does not mean the bundled texts."""
    assert wrong(tmp_path / "nowhere") == ["the folder is not there"]
