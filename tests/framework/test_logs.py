"""Logging: what a line holds, and what it never holds."""

import json
import logging
import logging.handlers
import time
from collections.abc import Iterator

import pytest

from charter.logs import ConsoleFormatter, JsonFormatter, Output, configure_logging, hide_secrets, redact, tell
from charter.settings import load_settings


@pytest.mark.parametrize(
    "text",
    [
        "GET /verify?token=sekret&x=1",
        "Authorization: Bearer sekret-sekret",
        '{"password": "sekret"}',
        "'refresh_token': 'sekret'",
        "Cookie: a=sekret; b=sekret",
        "smtp://ann:sekret@mail.example",
        "bearer sekretsekret",
        "key eyJhbGciOi.sekret.sekret",
    ],
)
def test_logs_hide_secrets(text: str) -> None:
    """Tokens, passwords and cookies are hidden wherever they stand; other words stay."""
    assert "sekret" not in redact(text)
    assert redact("GET /things?page=2 took 3 ms") == "GET /things?page=2 took 3 ms"


def failed(text: str) -> logging.LogRecord:
    """A record with an exception whose text is `text`."""
    error = ValueError(text)
    args = ("token=sekret",)
    return logging.getLogger("charter").makeRecord(
        "charter", logging.ERROR, "", 0, "two\nlines %s", args, (ValueError, error, None)
    )


def test_json_log_is_one_line_with_extras_and_without_secrets() -> None:
    """Extra facts are keys, tracebacks stay within the line, secrets are hidden in all of it."""
    record = failed("password=sekret")
    vars(record).update(status=500, refresh_token="sekret", note="secret=sekret")
    hide_secrets(record)
    line = JsonFormatter().format(record)
    assert "\n" not in line
    assert "sekret" not in line
    body = json.loads(line)
    assert (body["status"], body["level"], body["refresh_token"]) == (500, "error", "[hidden]")
    assert body["message"].startswith("two\nlines token=")
    assert "ValueError: password=" in body["error"]


def test_console_log_cannot_be_forged_by_a_line_break() -> None:
    """A record is one line whatever its text holds; only a traceback follows below."""
    record = failed("why")
    vars(record).update(method="GET", empty=None)
    head, *below = ConsoleFormatter().format(record).splitlines()
    assert "two\\nlines token=sekret  method=GET" in head
    assert "empty" not in head
    assert below == ["ValueError: why"]


@pytest.fixture
def own_logging() -> Iterator[None]:
    """Puts the loggers back as they were."""
    names = ("", "charter", "uvicorn", "uvicorn.error", "uvicorn.access")
    kept = {name: (item.level, item.propagate, item.handlers[:]) for name in names if (item := logging.getLogger(name))}
    yield
    for name, (level, propagate, handlers) in kept.items():
        item = logging.getLogger(name)
        item.setLevel(level)
        item.propagate, item.handlers = propagate, handlers


@pytest.mark.usefixtures("own_logging")
def test_configuring_twice_prints_once_and_silences_the_servers_access_log(capsys: pytest.CaptureFixture[str]) -> None:
    """There is one handler of ours, the handlers of others stay, and only warnings of other libraries are shown."""
    others = len(logging.getLogger().handlers)
    logging.getLogger("uvicorn.access").addHandler(logging.StreamHandler())
    for _ in range(2):
        configure_logging(load_settings(environment="test", log_format="json", log_level="INFO"))
    assert len(logging.getLogger().handlers) == others + 1
    assert not logging.getLogger("uvicorn.access").hasHandlers()
    logging.getLogger("charter.some").info("token=sekret", extra={"fact": 1})
    logging.getLogger("charter.some").debug("too quiet")
    logging.getLogger("another").info("not ours")
    logging.getLogger("another").warning("worth knowing")
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [(line["logger"], line["message"]) for line in lines] == [
        ("charter.some", "token=[hidden]"),
        ("another", "worth knowing"),
    ]
    assert lines[0]["fact"] == 1


FACTS = {"method": "GET", "path": "/things/{id}", "status": 200, "duration_ms": 0.4, "user_id": None, "note": "Ä\n"}


def configured(log_format: str) -> logging.Logger:
    """A logger of ours, to whom nobody listens but our own output; pytest does otherwise."""
    logging.getLogger().handlers.clear()
    configure_logging(load_settings(environment="test", log_format=log_format, log_level="INFO"))
    return logging.getLogger("charter.some")


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize("level", [logging.INFO, logging.ERROR])
def test_a_line_without_a_record_is_the_one_of_a_record(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, log_format: str, level: int
) -> None:
    """Letter by letter, at the same moment; and no record was made of it."""
    log, moment = configured(log_format), 1_764_440_130.0625
    monkeypatch.setattr(time, "time", lambda: moment)
    log.log(level, "request", extra=FACTS)
    monkeypatch.setattr(log, "makeRecord", None)
    tell(log, level, "request", FACTS)
    tell(log, logging.DEBUG, "too quiet", FACTS)
    one, other, *more = capsys.readouterr().err.splitlines()
    assert one == other
    assert more == []


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize("place", ["", "charter", "charter.some"])
def test_whoever_else_listens_is_handed_a_record(capsys: pytest.CaptureFixture[str], place: str) -> None:
    """A handler of somebody else's, or a filter, sees what it would see of any other line; ours is written as well."""
    log, seen = configured("json"), list[logging.LogRecord]()
    handler = logging.handlers.BufferingHandler(1000)
    handler.buffer = seen
    logging.getLogger(place).addHandler(handler)
    tell(log, logging.INFO, "request", FACTS)
    assert [(vars(record)["status"], record.getMessage()) for record in seen] == [(200, "request")]
    logging.getLogger(place).removeHandler(handler)
    log.addFilter(refuse := logging.Filter("another"))
    tell(log, logging.INFO, "request", FACTS)
    log.removeFilter(refuse)
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.usefixtures("own_logging")
@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_is_written_holds_no_secret_wherever_it_was_given(
    capsys: pytest.CaptureFixture[str], log_format: str
) -> None:
    """In the text, its arguments, a fact, a fact's name, or a traceback; the rest of the record stays."""
    log = configured(log_format)
    log.info("token=sekret")
    log.info("with %s", "Bearer sekret-sekret")
    log.info("one fact", extra={"address": "smtp://ann:sekret@mail.example"})
    log.info("two facts", extra={"REFRESH_TOKEN": "sekret", "page": 7})
    tell(log, logging.INFO, "told", {"note": "secret=sekret"})
    log.error("failed", exc_info=ValueError("password=sekret"))
    written = capsys.readouterr().err
    assert "sekret" not in written
    assert written.count("[hidden]") == 6
    assert "page" in written
    assert "7" in written


@pytest.mark.usefixtures("own_logging")
def test_logging_what_cannot_be_written_does_not_break_the_program(capsys: pytest.CaptureFixture[str]) -> None:
    """A fault in a record is told on standard error and goes no further."""

    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError("no words")

    configure_logging(load_settings(environment="test"))
    logging.getLogger("charter").warning("fine", extra={"fact": Unprintable()})
    assert "Logging error" in capsys.readouterr().err


def test_arguments_that_do_not_fit_are_told_in_the_line() -> None:
    """A record whose text and arguments disagree is still written."""
    record = logging.getLogger("charter").makeRecord("charter", logging.INFO, "", 0, "%d things", ("none",), None)
    output = Output()
    output.setFormatter(JsonFormatter())
    assert json.loads(output.format(record))["message"] == "%d things (with arguments that do not fit)"
