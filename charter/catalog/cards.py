"""Cards of the dashboard, compiled: their conditions, and every field that they tell something of."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Table
from sqlalchemy.sql import visitors

from charter.cards import Card, First, Number, Split, Trend
from charter.catalog.entry import Field, Relation, UnknownNameError
from charter.catalog.indexes import Wanted, add_card_indexes
from charter.catalog.rows import SymbolicRow

MEASURED = frozenset({"integer", "money", "number"})
"""Kinds of fields that can be summed up."""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One card: ``condition`` are the rows that it is about, ``fields`` what somebody has to see to see it."""

    card: Card
    condition: ColumnElement[bool] | None
    fields: frozenset[str]


Report = Callable[[str, str], None]
"""Takes the code of a problem, and a sentence about it."""


def compile_cards(
    cards: tuple[Card, ...], row: SymbolicRow, names: Mapping[str, Field | Relation], problem: Report
) -> tuple[Shown, ...]:
    """The cards that can be shown. What is wrong with one is told, and it is left out."""
    fields = {name: item for name, item in names.items() if isinstance(item, Field)}
    found = []
    for card in cards:
        wrong = list(_wrong(card, fields, names))
        condition, used = None, frozenset[str]()
        if card.where is not None and not wrong:
            try:
                condition = card.where(row)
                used, is_foreign = _columns(condition, {item.column for item in fields.values()})
                wrong += ["looks at another table"] if is_foreign else []
            except UnknownNameError as error:
                wrong.append(f"asks for '{error}', which is not there")
        for sentence in wrong:
            problem("bad_card", f"the card '{card.title}' {sentence}")
        if not wrong:
            found.append(Shown(card, condition, used | {name for name, _ in _names(card) if name}))
    return tuple(found)


def index_cards(table: Table, fields: Mapping[str, Field], cards: Iterable[Shown], wanted: Wanted) -> None:
    """Give `table` the indexes that its cards are read from."""
    add_card_indexes(table, fields, _reading(cards), wanted)


def _reading(cards: Iterable[Shown]) -> Iterator[tuple[str, frozenset[str]]]:
    """The column that each card goes along, with all that it looks at; a card of all rows goes along none."""
    for shown in cards:
        card = shown.card
        if isinstance(card, First):
            yield card.order.removeprefix("-"), frozenset()
        elif card.days:
            yield card.on, shown.fields


def _names(card: Card) -> Iterator[tuple[str, frozenset[str]]]:
    """The fields that a card names, with the kinds that they may be of; none: of any."""
    if isinstance(card, First):
        yield card.order.removeprefix("-"), frozenset()
        return
    if isinstance(card, Split):
        yield card.by, frozenset({"enum"})
    else:
        yield card.field, MEASURED
    if card.days:
        yield card.on, frozenset({"time"})


def _wrong(card: Card, fields: Mapping[str, Field], names: Collection[str]) -> Iterator[str]:
    for name in card.columns if isinstance(card, First) else ():
        if name not in names:
            yield f"has a column '{name}', which is not there"
    for name, kinds in _names(card):
        field = fields.get(name)
        if name and (field is None or field.column is None or field.hidden):
            yield f"names '{name}', which is no column that could be seen"
        elif field is not None and kinds and field.kind not in kinds:
            yield f"names '{name}', which is of the kind {field.kind} and not {' or '.join(sorted(kinds))}"
    if isinstance(card, Number) and (card.how != "count") is not bool(card.field):
        yield "has to name a field to sum up or to take the average of, and none to count"
    if isinstance(card, Trend) and not 2 <= card.days <= 92:
        yield "has to be about 2 to 92 days"


def _columns(condition: ColumnElement[Any], known: Collection[Any]) -> tuple[frozenset[str], bool]:
    """The columns of the rows themselves that a condition looks at, and whether there are others."""
    columns = [item for item in visitors.iterate(condition) if isinstance(item, Column)]
    return frozenset(column.name for column in columns if column in known), any(item not in known for item in columns)


__all__ = ["Shown", "compile_cards", "index_cards"]
