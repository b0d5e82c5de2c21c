"""Full text: the words of a search, and the SQL that finds rows by them in the index that ``store.search`` keeps.

Only the fields that are named are looked into, on both databases by the same words: see `words_of`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Self
from unicodedata import normalize

from sqlalchemy import ColumnElement, Integer, Table, bindparam, case, literal_column
from sqlalchemy.engine import Dialect
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import Boolean, String, TypeDecorator

from charter.catalog import searched_fields

LONGEST_WORD = 80
"""Letters of a word that are looked at; what is longer counts as its beginning."""

SEARCH_COLUMN = "charter_search"
"""PostgreSQL's column of words, on every table that is searched."""

_MARKS = "[\u0300-\u036f]+"
_LATIN_MARKS = re.compile(f"([a-z]){_MARKS}")
_SIGMAS = "\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK SMALL LETTER SIGMA}"


def words_of(text: str) -> list[str]:
    """The words in `text`: runs of letters and digits, in small letters, Latin ones without accents.

    So does the tokenizer of SQLite; `store.search` says the same for PostgreSQL.
    """
    small = normalize("NFD", text.lower().replace(*_SIGMAS))
    plain = re.sub(_MARKS, "", normalize("NFC", _LATIN_MARKS.sub(r"\1", small)))
    return "".join(char if char.isalpha() or char.isdecimal() else " " for char in plain).split()


def search_table(table: Table) -> str:
    """SQLite's full-text table for `table`, quoted; no declared table has a colon in its name."""
    return f'"search:{table.name}"'


def rows_table(table: Table) -> str:
    """SQLite's table from the numbers in the full-text table to ids, quoted."""
    return f'"search:{table.name}:rows"'


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is bound: words that all have to be in these fields, the last one as a beginning unless they are `whole`.

    A field is its place among the searched ones of the table, and its name.
    """

    words: tuple[str, ...]
    fields: tuple[tuple[int, str], ...]
    whole: bool = False

    @property
    def terms(self) -> tuple[tuple[str, bool], ...]:
        """Each word, cut, and whether it is a beginning only."""
        last = len(self.words) - 1
        return tuple(
            (word[:LONGEST_WORD], (place == last and not self.whole) or len(word) > LONGEST_WORD)
            for place, word in enumerate(self.words)
        )


class Asked(TypeDecorator[Wanted]):
    """A `Wanted` in the database's own language of full text. Words are letters and digits: nothing to escape."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Wanted | None, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return _tsquery(value) if dialect.name == "postgresql" else _fts5(value)


def _fts5(wanted: Wanted) -> str:
    columns = " ".join(f'"{name}"' for _, name in wanted.fields)
    terms = " AND ".join(f'"{word}"{" *" if beginning else ""}' for word, beginning in wanted.terms)
    return f"{{{columns}}} : ({terms})"


def _tsquery(wanted: Wanted) -> str:
    """A word in a field is the lexeme ``place.word``."""
    return " & ".join(
        "(" + " | ".join(f"'{place}.{word}'{':*' if beginning else ''}" for place, _ in wanted.fields) + ")"
        for word, beginning in wanted.terms
    )


class Holds(FunctionElement[bool]):
    """Whether a row of the table holds what is wanted; the clauses are its id and the bound `Wanted`.

    A third one is how many of the rows that hold it are to be found at most: on SQLite the last ones that were made.
    """

    type = Boolean()
    name = "holds"
    inherit_cache = True

    def self_group(self, against: Any = None) -> Self:  # noqa: ARG002 # SQLAlchemy's face
        """As it is: SQLAlchemy would say ``(…) = 1`` where there are no booleans, and no index serves that."""
        return self


@compiles(Holds, "sqlite")
def _holds_sqlite(element: Holds, compiler: SQLCompiler, **keywords: Any) -> str:
    row_id, wanted, *most = element.clauses
    table = row_id.table
    search, rows = search_table(table), rows_table(table)
    found = f"SELECT r.id FROM {search} AS s CROSS JOIN {rows} AS r ON r.number = s.rowid WHERE s.{search} MATCH "  # noqa: S608 # names of ours
    found += compiler.process(wanted, **keywords)
    for number in most:
        found += f" ORDER BY s.rowid DESC LIMIT {compiler.process(number, **keywords)}"
    return f"{compiler.process(row_id, **keywords)} IN ({found})"


@compiles(Holds, "postgresql")
def _holds_postgresql(element: Holds, compiler: SQLCompiler, **keywords: Any) -> str:
    row_id, wanted, *most = element.clauses
    if most:
        return (
            f"{compiler.process(row_id, **keywords)} = ANY (ARRAY({_some_postgresql(element, compiler, **keywords)}))"
        )
    table = compiler.preparer.format_table(row_id.table)
    return f"{table}.{SEARCH_COLUMN} @@ CAST({compiler.process(wanted, **keywords)} AS tsquery)"


class Matches(FunctionElement[int]):
    """How many rows of the table hold what is wanted, whoever may see them; the clauses are those of `Holds`."""

    type = Integer()
    name = "matches"
    inherit_cache = True


@compiles(Matches, "sqlite")
def _matches_sqlite(element: Matches, compiler: SQLCompiler, **keywords: Any) -> str:
    row_id, wanted, most = element.clauses
    search = search_table(row_id.table)
    found = f"SELECT 1 FROM {search} AS s WHERE s.{search} MATCH {compiler.process(wanted, **keywords)}"  # noqa: S608 # same
    return f"(SELECT count(*) FROM ({found} LIMIT {compiler.process(most, **keywords)}))"  # noqa: S608 # same


@compiles(Matches, "postgresql")
def _matches_postgresql(element: Matches, compiler: SQLCompiler, **keywords: Any) -> str:
    return f"(SELECT count(*) FROM ({_some_postgresql(element, compiler, **keywords)}) AS counted)"  # noqa: S608 # same


def _some_postgresql(element: Holds | Matches, compiler: SQLCompiler, **keywords: Any) -> str:
    """The ids of so many rows, from the index. Apart, as else the limit would lead the planner to read the table."""
    row_id, wanted, most = element.clauses
    table = compiler.preparer.format_table(row_id.table)
    found = f"{SEARCH_COLUMN} @@ CAST({compiler.process(wanted, **keywords)} AS tsquery)"
    every = f"WITH found AS MATERIALIZED (SELECT id FROM {table} WHERE {found})"  # noqa: S608 # names of ours
    return f"{every} SELECT id FROM found LIMIT {compiler.process(most, **keywords)}"  # noqa: S608 # same


def fields_to_search(table: Table, names: tuple[str, ...]) -> tuple[tuple[int, str], ...]:
    """Those of `names` that are searched, with their places, in the order of their declaration."""
    return tuple((place, name) for place, name in enumerate(searched_fields(table)) if name in names)


@lru_cache(maxsize=1024)
def holds(table: Table, bound: str, most: int = 0) -> ColumnElement[bool]:
    """Whether a row of `table` holds the `Wanted` that is bound by this name; with `most`, of so many that do."""
    return Holds(table.c.id, bindparam(bound, type_=Asked()), *([literal_column(str(most))] if most else []))


@lru_cache(maxsize=1024)
def matches(table: Table, bound: str, most: int) -> ColumnElement[int]:
    """How many rows of `table` hold the `Wanted` that is bound by this name, counted up to `most`.

    Rows that nobody may see are among them: it is for choosing a way, and not for telling.
    """
    return Matches(table.c.id, bindparam(bound, type_=Asked()), literal_column(str(most)))


@lru_cache(maxsize=1024)
def rank(table: Table, count: int) -> ColumnElement[int]:
    """How well a row fits, the smaller the better: by the first of `count` fields that holds all words by itself.

    Nothing else is asked: what the database counts for its own ranks would tell of rows and fields that the caller may
    not see. ``rank0``, ``rank1``, … are bound, two for each field: the words whole, and with a beginning.
    """
    grades = [(holds(table, f"rank{grade}"), literal_column(str(grade), Integer)) for grade in range(2 * count)]
    return case(*grades, else_=literal_column(str(2 * count), Integer))


def rank_values(words: tuple[str, ...], fields: tuple[tuple[int, str], ...]) -> dict[str, Wanted]:
    """What `rank` binds."""
    grades = [Wanted(words, (field,), whole=whole) for field in fields for whole in (True, False)]
    return {f"rank{grade}": wanted for grade, wanted in enumerate(grades)}
