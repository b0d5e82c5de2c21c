"""Moments and dates as text of ISO 8601, cut to a year, month, week, day or hour: what groups are made by. In UTC."""

from typing import Any

from sqlalchemy import Date, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class DatePart(FunctionElement[str]):
    """The beginning of a moment or date, so many letters of it; and what PostgreSQL calls them."""

    type = String()
    name = "date_part_text"
    inherit_cache = True
    letters = 10
    pattern = ""


class Year(DatePart):
    """``2026``."""

    inherit_cache = True
    letters, pattern = 4, "YYYY"


class Month(DatePart):
    """``2026-11``."""

    inherit_cache = True
    letters, pattern = 7, "YYYY-MM"


class Day(DatePart):
    """``2026-11-22``."""

    inherit_cache = True
    letters, pattern = 10, "YYYY-MM-DD"


class Hour(DatePart):
    """``2026-11-22T20``."""

    inherit_cache = True
    letters, pattern = 13, 'YYYY-MM-DD"T"HH24'


class Minute(DatePart):
    """``2026-11-22T20:52``."""

    inherit_cache = True
    letters, pattern = 16, 'YYYY-MM-DD"T"HH24:MI'


class Week(DatePart):
    """``2026-W47``: weeks begin on Monday, and belong to the year that their Thursday is in."""

    inherit_cache = True
    pattern = 'IYYY-"W"IW'


PARTS: dict[str, type[DatePart]] = {"year": Year, "month": Month, "week": Week, "day": Day, "hour": Hour}
"""By name, the longest first: the words of aggregates."""


def _inner(element: DatePart, compiler: SQLCompiler, **keywords: Any) -> str:
    return compiler.process(element.clauses, **keywords)


@compiles(DatePart, "sqlite")
def _part_sqlite(element: DatePart, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"substr({_inner(element, compiler, **keywords)}, 1, {element.letters})"


@compiles(Week, "sqlite")
def _week_sqlite(element: Week, compiler: SQLCompiler, **keywords: Any) -> str:
    thursday = f"date(substr({_inner(element, compiler, **keywords)}, 1, {element.letters}), '-3 days', 'weekday 4')"
    return f"substr({thursday}, 1, 4) || '-W' || printf('%02d', (strftime('%j', {thursday}) - 1) / 7 + 1)"


@compiles(DatePart, "postgresql")
@compiles(Week, "postgresql")
def _part_postgresql(element: DatePart, compiler: SQLCompiler, **keywords: Any) -> str:
    value, (kept,) = _inner(element, compiler, **keywords), element.clauses
    moment = f"CAST({value} AS timestamp)" if isinstance(kept.type, Date) else f"{value} AT TIME ZONE 'UTC'"
    return f"to_char({moment}, '{element.pattern}')"


__all__ = ["PARTS", "DatePart", "Hour", "Minute"]
