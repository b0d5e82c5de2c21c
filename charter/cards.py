"""What the admin's dashboard is made of: the frozen values that a user writes into a :class:`Screen`. No behaviour."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import ColumnElement

Where = Callable[[Any], ColumnElement[bool]]
"""Gets a row, symbolic, and returns a condition on its own columns."""


@dataclass(frozen=True, slots=True)
class Number:
    """A figure on the dashboard: how many rows there are, or the sum or the average of a ``field`` of theirs.

    With ``days``, of those whose moment ``on`` lies in so many days of the reader, today's included; beside it stands
    how the same stretch before it was.
    """

    title: str
    field: str = ""
    how: Literal["count", "sum", "average"] = "count"
    days: int = 0
    on: str = "created_at"
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Trend:
    """A chart on the dashboard: a bar for each of the last ``days``: how many rows, or the sum of a ``field``."""

    title: str
    field: str = ""
    days: int = 30
    on: str = "created_at"
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class Split:
    """A chart on the dashboard: how many rows have each of the words of ``by``, of the last ``days`` or of all."""

    title: str
    by: str
    days: int = 0
    on: str = "created_at"
    where: Where | None = None


@dataclass(frozen=True, slots=True)
class First:
    """A short table on the dashboard: the first ``size`` rows in the order of a field, from its end with ``-``."""

    title: str
    columns: tuple[str, ...]
    order: str = "-created_at"
    size: int = 5
    where: Where | None = None


Card = Number | Trend | Split | First
"""Something that the dashboard shows to whoever may list the rows, with every field that it is made of."""

__all__ = ["Card", "First", "Number", "Split", "Trend", "Where"]
