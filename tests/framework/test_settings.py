"""Settings: their defaults, their sources, and what stops the start."""

import re
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from charter.errors import DeclarationError, Problem
from charter.settings import Settings, load_settings

ROOT = Path(__file__).parents[2]
RANDOM = "kR8vZ1qLw3xT6yB9nM2cJ5hF7dG4sApQ"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Each test starts in a folder without ``.env`` and with no setting in the environment."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def problems(**overrides: Any) -> dict[str, Problem]:
    with pytest.raises(DeclarationError) as raised:
        load_settings(**overrides)
    return {problem.where: problem for problem in raised.value.problems}


def test_defaults_are_the_documented_ones() -> None:
    """An empty folder is enough to start in development."""
    settings = load_settings()
    assert settings.environment == "development"
    assert settings.database_url == "sqlite+aiosqlite:///./shop.db"
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert settings.max_body_bytes == 1024 * 1024
    assert (settings.access_token_minutes, settings.refresh_idle_days, settings.refresh_days) == (15, 14, 90)
    assert (settings.rate_limits, settings.refresh_cookie, settings.rate_limit_scale) == (True, False, 1)
    assert (settings.mail_url, settings.policy_file, settings.currency) == ("console:", "policy.csv", "EUR")


def test_example_file_names_every_setting_and_explains_it() -> None:
    """``.env.example`` and the class hold the same settings, in the same sequence, each below its comment."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    listed = re.findall(r"^# (.+)\n([A-Z_]+)=", text, re.MULTILINE)
    assert listed == [(field.description, name.upper()) for name, field in Settings.model_fields.items()]


def test_example_file_is_a_valid_env_file_that_changes_nothing(empty_folder: Path) -> None:
    """Copying ``.env.example`` gives the defaults."""
    plain = load_settings(secret_key=RANDOM)
    (empty_folder / ".env").write_bytes((ROOT / ".env.example").read_bytes())
    assert load_settings(secret_key=RANDOM) == plain


def test_environment_wins_over_env_file(empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment comes before ``.env``, and an override before both."""
    (empty_folder / ".env").write_text("PORT=1001\nHOST=192.0.2.1\nWORKERS=3\n", encoding="utf-8")
    monkeypatch.setenv("PORT", "1002")
    monkeypatch.setenv("WORKERS", "4")
    settings = load_settings(workers=5)
    assert (settings.host, settings.port, settings.workers) == ("192.0.2.1", 1002, 5)


def test_unknown_names_are_ignored_outside_and_refused_in_code(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Environments hold many things; a keyword that is no setting is a mistake."""
    (empty_folder / ".env").write_text("UNKNOWN_THING=1\n", encoding="utf-8")
    monkeypatch.setenv("ANOTHER_THING", "2")
    assert load_settings().port == 8000
    assert set(problems(prot=1)) == {"PROT"}


def test_every_wrong_setting_is_told_at_once_without_its_value() -> None:
    """One readable line for each problem, and nothing of what was given."""
    wrong: dict[str, Any] = {
        "environment": "sekret1",
        "database_url": "postgresql://u:sekret2@host/db",
        "redis_url": "http://sekret3",
        "port": "sekret4",
        "workers": 65,
        "cors_origins": "https://sekret5.example/",
        "trusted_proxies": "sekret6",
        "mail_url": "smtp://u:sekret/7@host",
        "mail_from": "sekret8",
        "admin_email": "a@example.com, sekret9@example.com",
        "public_url": "sekret10",
        "rate_limit_scale": "inf",
        "rate_limits": "sekret11",
        "log_level": "sekret12",
        "currency": "sekret13",
        "access_token_minutes": 0,
        "refresh_days": 1,
        "brand_logo": "//sekret.example/logo.svg",
        "sqlite_synchronous": "OFF",
    }
    found = problems(**wrong)
    assert set(found) == {name.upper() for name in wrong}
    assert {problem.code for problem in found.values()} == {"setting"}
    assert all(problem.hint and "\n" not in str(problem) for problem in found.values())
    assert not [problem for problem in found.values() if "sekret" in str(problem)]


def test_no_exception_in_the_chain_repeats_a_secret() -> None:
    """A traceback at the start shows no value either."""
    with pytest.raises(DeclarationError) as raised:
        load_settings(environment="production", secret_key="sekret")
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize(
    "secret",
    ["", "short", "a" * 64, "please-change-me-" + RANDOM, "my-secret-key-" + RANDOM, "django-insecure-" + RANDOM],
)
def test_production_refuses_weak_secrets(secret: str) -> None:
    """Production starts only with a random secret of 32 characters or more."""
    assert set(problems(environment="production", secret_key=secret)) == {"SECRET_KEY"}


def test_production_takes_a_random_secret_and_writes_nothing(empty_folder: Path) -> None:
    """The negative control of the refusals; only development keeps a file."""
    assert load_settings(environment="Production", secret_key=RANDOM).is_production
    assert not list(empty_folder.iterdir())


def test_development_secret_is_kept_beside_the_lines_of_others(empty_folder: Path) -> None:
    """The secret is appended, a second start reads it, and a new file is for its owner's eyes only."""
    env = empty_folder / ".env"
    first = load_settings()
    assert len(first.secret_key) >= 32
    assert env.stat().st_mode & 0o777 == 0o600
    assert load_settings().secret_key == first.secret_key
    env.write_text("# mine\nPORT=1001", encoding="utf-8")
    second = load_settings()
    assert env.read_text(encoding="utf-8") == f"# mine\nPORT=1001\nSECRET_KEY={second.secret_key}\n"
    assert second.secret_key != first.secret_key


def test_processes_that_start_together_share_one_secret(empty_folder: Path) -> None:
    """N processes on an empty folder give one secret."""
    code = "from charter.settings import load_settings; print(load_settings().secret_key)"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {code}"]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]  # noqa: S603 - our own code
    answers = {process.communicate(timeout=60)[0].strip() for process in running}
    assert len(answers) == 1
    assert answers != {""}
    assert (empty_folder / ".env").read_text(encoding="utf-8").count("SECRET_KEY=") == 1


def test_test_environment_makes_a_secret_for_itself(empty_folder: Path) -> None:
    """Tests need no file."""
    assert load_settings(environment="test").secret_key != load_settings(environment="test").secret_key
    assert not list(empty_folder.iterdir())


def test_secret_that_cannot_be_kept_is_a_problem(empty_folder: Path) -> None:
    """A folder in the place of ``.env`` stops the start with a line, not a traceback of the system."""
    (empty_folder / ".env").mkdir()
    assert set(problems()) == {"SECRET_KEY"}


def test_env_file_that_is_not_text_is_a_problem(empty_folder: Path) -> None:
    """Broken encoding is told with the file's name."""
    (empty_folder / ".env").write_bytes(b"BRAND_NAME=\xff\xfe\n")
    assert set(problems()) == {".env"}


def test_demo_data_follows_the_environment_unless_told() -> None:
    """On in development, off elsewhere; a given value wins."""
    assert load_settings().demo_data
    assert not load_settings(environment="test").demo_data
    assert load_settings(environment="test", demo_data="true").demo_data
    assert not load_settings(demo_data="off").demo_data


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Origins and proxies are read as tuples, an address as the network of itself."""
    monkeypatch.setenv("CORS_ORIGINS", "https://A.example, http://localhost:3000,")
    monkeypatch.setenv("TRUSTED_PROXIES", "10.1.2.3/8, ::1")
    settings = load_settings()
    assert settings.cors_origins == ("https://a.example", "http://localhost:3000")
    assert settings.trusted_proxies == (ip_network("10.0.0.0/8"), ip_network("::1/128"))


def test_star_origin_is_for_development_without_cookies() -> None:
    """``*`` is refused in production, and wherever browsers send credentials."""
    assert load_settings(cors_origins="*").cors_origins == ("*",)
    assert set(problems(cors_origins="*", environment="production", secret_key=RANDOM)) == {"CORS_ORIGINS"}
    assert set(problems(cors_origins="*", refresh_cookie="on")) == {"CORS_ORIGINS"}


def test_public_url_defaults_to_this_server() -> None:
    """Links in mails lead to the server itself unless another address is given."""
    assert load_settings(port=1234).public_url == "http://127.0.0.1:1234"
    assert load_settings(host="::").public_url == "http://[::1]:8000"
    assert load_settings(host="2001:db8::1").public_url == "http://[2001:db8::1]:8000"
    assert load_settings(public_url="https://example.com/app/").public_url == "https://example.com/app"


def test_printing_settings_shows_no_secret() -> None:
    """``repr`` leaves out everything that may hold a password."""
    shown = repr(
        load_settings(
            secret_key="sekret",
            admin_password="sekret",
            database_url="postgresql+asyncpg://u:sekret@h/d",
            redis_url="redis://:sekret@h",
            mail_url="smtp://u:sekret@h",
        )
    )
    assert "sekret" not in shown


def test_mail_sender_is_named_after_the_brand_unless_it_has_a_name() -> None:
    """``MAIL_FROM`` may hold a name of its own."""
    assert str(load_settings(brand_name="Toys", mail_from="a@b.example").mail_sender) == "Toys <a@b.example>"
    assert str(load_settings(mail_from="Help <a@b.example>").mail_sender) == "Help <a@b.example>"
