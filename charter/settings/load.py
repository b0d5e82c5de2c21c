"""How settings are read: every problem at once, and one secret for all processes of a development folder."""

import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from filelock import FileLock, Timeout
from pydantic import ValidationError

from charter.errors import DeclarationError, Problem
from charter.settings.model import Settings

ENV_FILE = Path(".env")
LOCK_SECONDS = 30
SENTENCES: Mapping[str, str] = {
    "bool_parsing": "should be on or off",
    "int_parsing": "should be a whole number",
    "int_from_float": "should be a whole number",
    "float_parsing": "should be a number",
    "finite_number": "should be a finite number",
}
"""Plainer words for some of pydantic's error types."""


def load_settings(**overrides: Any) -> Settings:
    """Settings from `overrides` (lower case names), then the environment, then ``.env`` in the current folder.

    Raises DeclarationError with one Problem for each wrong setting. In development a missing ``SECRET_KEY`` is made
    and kept in ``.env``; in the test environment it is made for this process alone.
    """
    unknown = [_problem(name, "is not a setting") for name in overrides if name not in Settings.model_fields]
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        # `from None`: the cause would print what was given
        raise DeclarationError([*unknown, *_problems(error)]) from None
    except (OSError, UnicodeDecodeError) as error:
        raise DeclarationError([*unknown, _unreadable(error)]) from None
    if unknown:
        raise DeclarationError(unknown)
    if settings.secret_key:
        return settings
    secret = _kept_secret(ENV_FILE) if settings.environment == "development" else secrets.token_urlsafe(48)
    return settings.model_copy(update={"secret_key": secret})


def _problems(error: ValidationError) -> Iterator[Problem]:
    for item in error.errors(include_input=False, include_url=False, include_context=False):
        text = SENTENCES.get(item["type"]) or item["msg"].removeprefix("Value error, ").removeprefix("Input ")
        yield _problem(str(item["loc"][0]), text)


def _problem(name: str, message: str) -> Problem:
    field = Settings.model_fields.get(name)
    return Problem("setting", name.upper(), f"{message}.", f"({field.description})" if field else "")


def _unreadable(error: OSError | UnicodeDecodeError) -> Problem:
    reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
    return Problem("setting", str(ENV_FILE), f"cannot be read: {reason}.")


def _kept_secret(file: Path) -> str:
    """The secret in `file`, made there if it is missing; the same for every process that asks at once."""
    try:
        with FileLock(f"{file}.lock", timeout=LOCK_SECONDS):
            known = dotenv_values(file, encoding="utf-8").get("SECRET_KEY")  # another process may just have made it
            return known or _append_secret(file)
    except (OSError, Timeout) as error:
        hint = "Set SECRET_KEY, or let this process write here."
        problem = Problem("setting", "SECRET_KEY", f"cannot be kept in {file}: {type(error).__name__}.", hint)
        raise DeclarationError([problem]) from error


def _append_secret(file: Path) -> str:
    secret = secrets.token_urlsafe(48)
    with os.fdopen(os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600), "r+", encoding="utf-8") as stream:
        text = stream.read()
        stream.write("\n" if text and not text.endswith("\n") else "")
        stream.write(f"SECRET_KEY={secret}\n")
    return secret
