"""Which indexes a declaration gives, and which of its filters and sorts have none.

A column that is filtered or sorted by stands in an index before the id, which ends every order: so its rows come in
order, ties included, and those of one value in the order of their ids. Behind them stand the *flags*, booleans that row
rules ask for: so rows are counted, and passed over on the way to a later page, in the index alone. Softly deleted rows
are in no index but those of foreign keys, which the database itself looks into.
"""

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, ColumnElement, Index, Table, UniqueConstraint, text
from sqlalchemy.sql import visitors

from charter.catalog.entry import Entry, Field, Path, Relation
from charter.errors import Problem

LONGEST_INDEXED_TEXT = 600
"""Characters: four bytes each still fit PostgreSQL's limit for an index entry (2,704 bytes)."""

_LIVE = "deleted_at IS NULL"
_LONG = frozenset({"text", "json"})
"""Kinds of values that may be too long for an index beside others."""
_LONGEST_NAME = 63
"""Bytes of a name that PostgreSQL keeps."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a declaration asks indexes for: columns, pairs of a filter and a sort, and the row rules' `flags`.

    ``soft`` says whether its rows are deleted softly; ``cards`` are the columns that a card is worked out from.
    """

    columns: frozenset[str]
    pairs: tuple[tuple[str, str], ...] = ()
    flags: tuple[str, ...] = ()
    soft: bool = False
    cards: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class _Planned:
    """An index to be: what it is named after, its columns, and whether softly deleted rows are in it, too."""

    names: tuple[str, ...]
    columns: tuple[str, ...]
    whole: bool = False
    unique: bool = False


def flags_of(table: Table, fields: Mapping[str, Field], rules: Iterable[ColumnElement[bool]]) -> tuple[str, ...]:
    """The booleans of `table` that row rules ask for."""
    asked = {part for rule in rules for part in visitors.iterate(rule) if isinstance(part, Column)}
    return tuple(name for name, field in fields.items() if field.kind == "boolean" and table.c[name] in asked)


def add_indexes(table: Table, fields: Mapping[str, Field], wanted: Wanted) -> None:
    """Give `table` the indexes that it lacks."""
    there = {index.name for index in table.indexes}
    alive = text(_LIVE)
    partial: dict[str, Any] = {"sqlite_where": alive, "postgresql_where": alive} if wanted.soft else {}
    for plan in _planned(table, fields, wanted):
        name = _name("uq" if plan.unique else "ix", table, *plan.names)
        if name not in there:
            columns = (table.c[column] for column in plan.columns)
            Index(name, *columns, unique=plan.unique, **({} if plan.whole else partial))


def add_card_indexes(
    table: Table, fields: Mapping[str, Field], cards: Iterable[tuple[str, frozenset[str]]], wanted: Wanted
) -> None:
    """Give `table` what the cards of the dashboard are read from; a card is the column it goes along, and all it needs.

    The others stand behind it, and behind them the flags: so a card of many rows is worked out in the index alone,
    without looking each row up. Where one of them is too long for an index, there is one on the first column only.
    """
    add_indexes(table, fields, replace(wanted, columns=frozenset(), pairs=(), cards=tuple(_told(table, fields, cards))))


def _told(
    table: Table, fields: Mapping[str, Field], cards: Iterable[tuple[str, frozenset[str]]]
) -> Iterator[tuple[str, ...]]:
    """The columns of each card's index, without those that there is one for already, or that another card's holds."""
    gathered: dict[str, set[str]] = {}
    for first, others in cards:
        gathered.setdefault(first, set()).update(others - {first})
    for first, more in gathered.items():
        is_short = all(fields[name].kind not in _LONG for name in more)
        if (more and is_short) or not _leads(table, first):
            yield (first, *(sorted(more) if is_short else ()))


def _planned(table: Table, fields: Mapping[str, Field], wanted: Wanted) -> Iterator[_Planned]:
    for field in fields.values():
        if field.column is not None and field.unique:
            yield _Planned((field.name,), (field.name,), unique=True)
    for name in sorted(wanted.columns | {column.name for column in table.c if column.foreign_keys}):
        # An index on a boolean finds half of the table; without statistics SQLite prefers it to a selective one.
        if name in fields and (fields[name].unique or fields[name].kind == "boolean"):
            continue
        if name == "id":
            if wanted.soft or wanted.flags:
                yield _Planned((name,), (name, *wanted.flags))
        elif table.c[name].foreign_keys:
            shown = ("id", *(("deleted_at",) if wanted.soft else ()), *wanted.flags) if name in wanted.columns else ()
            yield _Planned((name,), (name, *shown), whole=True)
        else:
            yield _Planned((name,), (name, "id", *wanted.flags))
    for first, then in wanted.pairs:
        yield _Planned((first, then), (first, then, "id", *wanted.flags))
    for names in wanted.cards:
        flags = (name for name in wanted.flags if name not in names)
        # SQLite looks a row up for every column that a statement names, also for one that the index itself is about.
        yield _Planned(names, (*names, *(("deleted_at",) if wanted.soft else ()), *flags))


def _name(kind: str, table: Table, *columns: str) -> str:
    name = "_".join((kind, table.name, *columns))
    cut = _LONGEST_NAME - 9
    return name if len(name.encode()) <= _LONGEST_NAME else f"{name[:cut]}_{zlib.crc32(name.encode()):08x}"


def without_index(entries: Iterable[Entry]) -> list[Problem]:
    """A warning for each declared filter and sort that no index serves, and that does not say why."""
    found = []
    for entry in entries:
        for word, paths in (("filter", entry.filters), ("sort", entry.sorts)):
            for path in paths.values():
                if not path.unindexed and not is_served(entry.table, path, word):
                    hint = f'Say why: {word}=(…, Unindexed("{path.name}", "…")).'
                    told = f"{word} names '{path.name}', which no index serves;"
                    found.append(Problem("no_index", f"resource {entry.name}", told, hint, fatal=False))
    return found


def is_served(table: Table, path: Path, word: str) -> bool:
    """Whether an index finds the rows (``filter``) or gives them in order (``sort``)."""
    if path.relation is None:
        return _leads(table, path.field.name)
    return word == "filter" and _reaches(table, path.relation, path.field.name)


def _reaches(table: Table, relation: Relation, name: str) -> bool:
    """A filter over a relation finds the related rows first, and then the rows that refer to them."""
    return _leads(relation.target, name) and _leads(table, relation.local.name)


def _leads(table: Table, name: str) -> bool:
    """Whether some index of `table` that holds every living row begins with the column."""
    unique = [list(item.columns) for item in table.constraints if isinstance(item, UniqueConstraint)]
    whole = [list(index.columns) for index in table.indexes if condition_of(index) in {"", _LIVE}]
    found = [list(table.primary_key.columns), *unique, *whole]
    return any(columns[0].name == name for columns in found if columns)


def condition_of(index: Index) -> str:
    """The SQL condition of the rows that are in a partial index, empty for one of all rows."""
    found = index.dialect_options["sqlite"]["where"]
    return "" if found is None else str(found)
