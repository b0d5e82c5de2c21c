"""What is sent to the databases of this process: over SQLAlchemy, and straight over the driver."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from sqlalchemy import event
from sqlalchemy.engine import Engine

from charter.store.prepared import Prepared


@contextmanager
def statements(about: str = "") -> Iterator[list[str]]:
    """The statements with `about` in them that are sent inside the block."""
    seen: list[str] = []
    with hearing(lambda statement: seen.append(statement) if about in statement else None):
        yield seen


@contextmanager
def hearing(note: Callable[[str], None]) -> Iterator[None]:
    """`note` is told every statement that is sent inside the block."""
    real = Prepared.filled

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        note(statement)

    def filled(prepared: Prepared, values: Mapping[str, Any]) -> Any:
        text, bound = real(prepared, values)
        note(text)
        return text, bound

    with ExitStack() as stack:
        event.listen(Engine, "before_cursor_execute", hear)
        stack.callback(event.remove, Engine, "before_cursor_execute", hear)
        stack.enter_context(patch.object(Prepared, "filled", filled))
        yield


__all__ = ["hearing", "statements"]
