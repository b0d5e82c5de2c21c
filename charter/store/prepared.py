"""Statements as a driver takes them: text and an order of values, worked out once and then only filled in.

SQLAlchemy writes the SQL; what it does around every execution (more than the query itself costs by key) is left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import Any

from sqlalchemy import BindParameter, Executable, Table, insert
from sqlalchemy.engine import Dialect
from sqlalchemy.sql.compiler import SQLCompiler

KEPT = 4096
"""Statements that are remembered, as many as `query` remembers shapes; the one that was prepared first makes room."""

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Mark:
    """One place for a value: its name, the value where none is given, and how the driver wants it."""

    name: str
    fixed: Any
    convert: Convert | None

    def of(self, values: Mapping[str, Any]) -> Any:
        """The value for the driver."""
        value = values.get(self.name, self.fixed)
        return value if self.convert is None else self.convert(value)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One statement. ``spread`` ones hold lists of values, each written out as so many marks when they are known.

    ``columns`` are the names of what comes back, each with what makes a Python value of the driver's.
    """

    text: str
    marks: tuple[Mark, ...]
    spread: SQLCompiler | None
    columns: tuple[tuple[str, Convert | None], ...]

    def filled(self, values: Mapping[str, Any]) -> tuple[str, Sequence[Any]]:
        """Text and values for the driver."""
        if self.spread is None:
            return self.text, self.bound(values)
        known = {mark.name: values.get(mark.name, mark.fixed) for mark in self.marks}
        state = self.spread.construct_expanded_state(known)
        converts = {mark.name: mark.convert for mark in self.marks}
        owners = {name: owner for owner, names in state.parameter_expansion.items() for name in names}
        found = []
        for name in state.positiontup or ():
            convert = converts.get(owners.get(name, name))
            value = state.parameters[name]
            found.append(value if convert is None else convert(value))
        return state.statement, found

    def bound(self, values: Mapping[str, Any]) -> list[Any]:
        """The values in their order, for one that holds no list."""
        return [mark.of(values) for mark in self.marks]

    def row(self, found: Sequence[Any]) -> dict[str, Any]:
        """A row of the driver's as Python values by name."""
        return {
            name: value if convert is None else convert(value)
            for (name, convert), value in zip(self.columns, found, strict=True)
        }


class Preparer:
    """Prepares statements for one dialect, whose marks have to be positional. Several threads may ask."""

    def __init__(self, dialect: Dialect) -> None:
        self._dialect = dialect
        self._kept: dict[tuple[Executable, tuple[str, ...]], Prepared] = {}
        self._door = Lock()
        self._inserts: Callable[[Table, tuple[str, ...]], Prepared] = lru_cache(maxsize=KEPT)(self._prepare_insert)

    def known(self, statement: Executable, names: tuple[str, ...] = ()) -> Prepared | None:
        """The statement where it is prepared already, which takes milliseconds."""
        return self._kept.get((statement, names))

    def prepared(self, statement: Executable, names: tuple[str, ...] = ()) -> Prepared:
        """The statement, which has to be the same object each time; `names`: the columns that it inserts or sets."""
        found = self.known(statement, names)
        if found is None:
            found = self._prepare(statement, names)
            with self._door:
                if len(self._kept) >= KEPT:
                    del self._kept[next(iter(self._kept))]
                self._kept[statement, names] = found
        return found

    def insert(self, table: Table, names: tuple[str, ...]) -> Prepared:
        """The insert into these columns."""
        return self._inserts(table, names)

    def _prepare(self, statement: Any, names: tuple[str, ...]) -> Prepared:
        compiled = statement.compile(dialect=self._dialect, column_keys=list(names) or None)
        assert isinstance(compiled, SQLCompiler)  # noqa: S101 # what statements compile to
        if compiled.insert_prefetch or compiled.update_prefetch:
            missing = ", ".join(column.name for column in (*compiled.insert_prefetch, *compiled.update_prefetch))
            msg = f"{missing}: a default that SQLAlchemy would fill in has to be given"
            raise TypeError(msg)
        spread = compiled if compiled.post_compile_params or compiled.literal_execute_params else None
        marked = tuple(compiled.binds) if spread else compiled.positiontup or ()
        marks = tuple(self._mark(name, compiled.binds[name]) for name in marked)
        columns = tuple((column.key, self._reader(column)) for column in getattr(statement, "exported_columns", ()))
        return Prepared(str(compiled), marks, spread, columns)

    def _prepare_insert(self, table: Table, names: tuple[str, ...]) -> Prepared:
        return self._prepare(insert(table), names)

    def _mark(self, name: str, parameter: BindParameter[Any]) -> Mark:
        convert = parameter.type.dialect_impl(self._dialect).bind_processor(self._dialect)
        return Mark(name, parameter.effective_value, convert)

    def _reader(self, column: Any) -> Convert | None:
        read: Convert | None = column.type.dialect_impl(self._dialect).result_processor(self._dialect, None)
        return read


__all__ = ["Prepared", "Preparer"]
