"""Logging with the standard library: one line per record, for people or for machines, and never a secret in it.

Extra facts go into ``extra={...}`` and come out as keys. Configuring twice replaces what was configured before and
leaves the handlers of others (a test's, an operator's) alone.
"""

import json
import logging
import re
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from charter.settings import Settings

logger = logging.getLogger("charter")

HIDDEN = "[hidden]"
_SENSITIVE = r"[\w-]{0,40}(?:token|password|passwd|secret|cookie|authorization|api[_-]?key)\w*"
_HINTS = ("token", "passw", "secret", "cookie", "authorization", "api_key", "api-key", "apikey", "bearer", "eyj", "://")
_SECRETS = (
    (re.compile(r"\b((?:set-)?cookie[\"']?\s*[=:]\s*)[^\r\n]+", re.IGNORECASE), r"\1"),  # its parts are secrets as well
    (
        re.compile(rf"\b({_SENSITIVE}[\"']?\s*[=:]\s*[\"']?)(?:(?:bearer|basic)\s+)?[^\s\"'&,;)}}\]]+", re.IGNORECASE),
        r"\1",
    ),
    (re.compile(r"\b(bearer\s+)[\w.~+/=-]{8,}", re.IGNORECASE), r"\1"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*()"), r"\1"),  # a JSON web token, wherever it stands
    (re.compile(r"(://[^\s:/@]*:)[^\s@]+(?=@)"), r"\1"),  # the password in an address
)
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_encoded = json.JSONEncoder(default=str).encode
_BREAKS = {code: f"\\x{code:02x}" for code in (*range(32), 0x7F, 0x85)} | {10: "\\n", 13: "\\r", 9: "\t"}


def redact(text: str) -> str:
    """`text` without the values of tokens, passwords, cookies and the like; their names stay."""
    if not _is_suspect(text):
        return text
    for pattern, kept in _SECRETS:
        text = pattern.sub(kept + HIDDEN, text)
    return text


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """What the caller gave in ``extra={...}``."""
    return {name: value for name, value in vars(record).items() if name not in _STANDARD and not name.startswith("_")}


def hide_secrets(record: logging.LogRecord) -> None:
    """Rewrite a record so that nobody who is handed it from now on can print a secret."""
    record.msg, record.args = redact(_message(record)), None
    for name, value in extras(record).items():
        if _is_suspect(name):
            setattr(record, name, HIDDEN)
        elif isinstance(value, str):
            setattr(record, name, redact(value))
    if record.exc_info and not record.exc_text:
        record.exc_text = logging.Formatter().formatException(record.exc_info)
    if record.exc_text:
        record.exc_text = redact(record.exc_text)


class LineFormatter(logging.Formatter, ABC):
    """What makes one line of the parts of a record, whether there is one or not."""

    @abstractmethod
    def line(self, created: float, level: str, name: str, message: str, facts: Mapping[str, Any]) -> str:
        """The line; `created` are seconds since the epoch, `facts` the extras."""


class JsonFormatter(LineFormatter):
    """One JSON object per record: time (UTC), level, logger, message, the extras, and the traceback as ``error``."""

    def format(self, record: logging.LogRecord) -> str:
        facts = extras(record)
        if error := _error(self, record):
            facts["error"] = error
        return self.line(record.created, record.levelname, record.name, record.getMessage(), facts)

    def line(self, created: float, level: str, name: str, message: str, facts: Mapping[str, Any]) -> str:
        second = int(created)
        moment = f"{_utc(second)}.{int((created - second) * 1000):03d}Z"
        return _encoded({"time": moment, "level": level.lower(), "logger": name, "message": message, **facts})


class ConsoleFormatter(LineFormatter):
    """``12:34:56 info    message  key=value``; a traceback follows on lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line = self.line(record.created, record.levelname, record.name, record.getMessage(), extras(record))
        return "\n".join(filter(None, (line, _error(self, record))))

    def line(self, created: float, level: str, name: str, message: str, facts: Mapping[str, Any]) -> str:  # noqa: ARG002
        told = "".join(f"  {fact}={value}" for fact, value in facts.items() if value not in (None, ""))
        # a line break in a message could forge a record
        text = f"{message}{told}".translate(_BREAKS)
        return f"{_time_of_day(int(created))} {level.lower():8}{text}"


class Output(logging.Handler):
    """Writes to whatever standard error is at that moment, and never a secret."""

    def format(self, record: logging.LogRecord) -> str:
        """The line. One that looks as if it held a secret, or whose arguments do not fit, is made again without."""
        with suppress(Exception):
            line = super().format(record)
            if not _is_suspect(line):
                return line
        hide_secrets(record)
        return super().format(record)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            _write(self.format(record))
        except Exception:  # noqa: BLE001 - the standard library's law: logging never breaks the program
            self.handleError(record)

    def tell(self, level: int, name: str, message: str, facts: Mapping[str, Any]) -> bool:
        """Write the line of a record that nobody else would see, without making one; False where it needs one."""
        if not isinstance(self.formatter, LineFormatter):
            return False
        with suppress(Exception):
            line = self.formatter.line(time.time(), logging.getLevelName(level), name, message, facts)
            if not _is_suspect(line):
                self.acquire()
                try:
                    _write(line)
                finally:
                    self.release()
                return True
        return False


def tell(source: logging.Logger, level: int, message: str, facts: Mapping[str, Any]) -> None:
    """Log `message` with `facts` as its extras, by the shortest way: for lines that are as many as requests.

    A record on its way through the standard library costs as much as a row that is read. Where nobody listens but our
    own output, the same line is written without one.
    """
    if not source.isEnabledFor(level):
        return
    output = _only_listener(source, level)
    if output is None or not output.tell(level, source.name, message, facts):
        # the place in the code would be this line for each of them, and finding it costs more than the rest
        source.handle(source.makeRecord(source.name, level, __file__, 0, message, (), None, extra=facts))


def _only_listener(source: logging.Logger, level: int) -> Output | None:
    """Our own output, if it alone would be handed the records of `source`, unfiltered."""
    found: logging.Handler | None = None
    item: logging.Logger | None = source
    while item is not None:
        if item.handlers:
            if found is not None or len(item.handlers) > 1:
                return None
            found = item.handlers[0]
        item = item.parent if item.propagate else None
    if not isinstance(found, Output) or found.filters or source.filters or level < found.level:
        return None
    return found


def _write(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


FORMATTERS: Mapping[str, type[LineFormatter]] = {"console": ConsoleFormatter, "json": JsonFormatter}


def configure_logging(settings: "Settings") -> None:
    """Send records of all loggers to standard error, as ``LOG_FORMAT`` and ``LOG_LEVEL`` say.

    Other libraries speak from warnings on. The server's access log is silenced, since there is one of our own.
    """
    handler = Output()
    handler.setFormatter(FORMATTERS[settings.log_format]())
    root = logging.getLogger()
    for old in [item for item in root.handlers if isinstance(item, Output)]:
        root.removeHandler(old)
    root.addHandler(handler)
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root.setLevel(max(level, logging.WARNING))
    logger.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        server = logging.getLogger(name)
        server.handlers.clear()
        server.propagate = name != "uvicorn.access"
        server.setLevel(level)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - arguments that do not fit the text never break the program
        return f"{record.msg} (with arguments that do not fit)"


def _is_suspect(text: str) -> bool:
    """A cheap look before the costly one: most lines hold nothing of the kind."""
    folded = text.lower()
    return any(hint in folded for hint in _HINTS)


@lru_cache(maxsize=2)
def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=2)
def _time_of_day(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).astimezone().strftime("%H:%M:%S")


def _error(formatter: logging.Formatter, record: logging.LogRecord) -> str:
    if record.exc_info and not record.exc_text:
        record.exc_text = formatter.formatException(record.exc_info)
    return "\n".join(filter(None, (record.exc_text, record.stack_info)))
