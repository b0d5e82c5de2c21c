"""Cards of the dashboard: what is told of a wrong one at the start, and what a good one is made of."""

from typing import Any

import pytest

from charter.cards import Card, First, Number, Split, Trend
from charter.catalog import Field, Relation, compile_catalog
from charter.catalog.cards import compile_cards
from charter.catalog.rows import SymbolicRow
from tests.toy.policies.scopes import scopes
from tests.toy.resources.folders import folders
from tests.toy.resources.members import members
from tests.toy.resources.notes import Note, notes


def compiled(card: Card) -> tuple[list[str], list[frozenset[str]]]:
    """What is told of a card of notes, and the fields that it is made of where it can be."""
    entry = compile_catalog([notes, folders, members], scopes).entries["notes"]
    told: list[str] = []
    names: dict[str, Field | Relation] = {**entry.fields, **entry.relations}
    found = compile_cards((card,), SymbolicRow(Note, entry.table), names, lambda _, words: told.append(words))
    return told, [shown.fields for shown in found]


WRONG: list[tuple[Card, str]] = [
    (Number("A", "titel", "sum"), "names 'titel', which is no column"),
    (Number("A", "secret", "sum"), "names 'secret', which is no column that could be seen"),
    (Number("A", "double_fee", "sum"), "names 'double_fee', which is no column"),
    (Number("A", "title", "sum"), "names 'title', which is of the kind text"),
    (Number("A", days=7, on="title"), "names 'title', which is of the kind text and not time"),
    (Number("A", how="sum"), "has to name a field"),
    (Number("A", "fee"), "has to name a field to sum up"),
    (Trend("A", days=1), "2 to 92 days"),
    (Trend("A", days=400), "2 to 92 days"),
    (Split("A", "title"), "of the kind text and not enum"),
    (First("A", ("title",), "-stern"), "names 'stern'"),
    (First("A", ("titel",)), "has a column 'titel'"),
    (Number("A", where=lambda row: row.nothing > 1), "asks for 'nothing'"),
    (Number("A", where=lambda row: row.folder.name == "x"), "looks at another table"),
]


@pytest.mark.parametrize(("card", "words"), WRONG, ids=[words for _, words in WRONG])
def test_a_card_that_cannot_be_made_is_told_at_the_start(card: Card, words: str) -> None:
    """In words with its title, and it is left out."""
    told, found = compiled(card)
    assert len(told) == 1
    assert "the card 'A'" in told[0]
    assert words in told[0]
    assert found == []


MADE: list[tuple[Card, set[str]]] = [
    (Number("A"), set()),
    (Number("A", days=7), {"created_at"}),
    (Number("A", "fee", "average", days=7, on="due", where=lambda row: row.is_public & (row.stars > 2)),
     {"fee", "due", "is_public", "stars"}),
    (Trend("A", "fee"), {"fee", "created_at"}),
    (Split("A", "mood"), {"mood"}),
    (First("A", ("title",), "-stars", where=lambda row: row.tag.is_(None)), {"stars", "tag"}),
]  # fmt: skip


@pytest.mark.parametrize(("card", "fields"), MADE)
def test_a_card_tells_of_every_field_that_it_is_made_of(card: Card, fields: set[str]) -> None:
    """Those that it names, and those that its condition looks at; a table's columns are looked at one by one."""
    told, (found,) = compiled(card)
    assert told == []
    assert found == fields


def test_a_wrong_card_is_a_problem_of_its_resource() -> None:
    """Found when the application starts, with all others."""
    from dataclasses import replace  # noqa: PLC0415 # only here

    def told(*cards: Any) -> list[tuple[str, str]]:
        wrong = replace(notes, admin=replace(notes.admin, cards=cards))
        catalog = compile_catalog([wrong, folders, members], scopes)
        return [(problem.code, problem.where) for problem in catalog.problems]

    assert told(Split("A", "title"), Trend("B", days=1)) == [("bad_card", "resource notes")] * 2
    assert told(Number("A")) == []
