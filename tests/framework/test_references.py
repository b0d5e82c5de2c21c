"""A reference leads to its row the short way, by the id alone, whenever the mappers are configured."""

from typing import Any, Optional
from uuid import UUID

import pytest
from sqlalchemy import MetaData, inspect
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from charter import Field, Relationship, Table

APART = registry(metadata=MetaData(naming_convention=SQLModel.metadata.naming_convention))


class _Apart(Table, registry=APART):
    """Keeps the classes below out of the toy's tables."""


class Shelf(_Apart, table=True):
    """What is referred to."""

    name: str = Field(max_length=100)


class Book(_Apart, table=True):
    """What refers, by a reference that has to be there and by one that need not."""

    shelf_id: UUID = Field(foreign_key="shelf.id")
    next_id: UUID | None = Field(None, foreign_key="shelf.id")

    shelf: Shelf = Relationship(sa_relationship_kwargs={"foreign_keys": "Book.shelf_id"})
    next: Optional["Shelf"] = Relationship(sa_relationship_kwargs={"foreign_keys": "Book.next_id"})


@pytest.mark.parametrize("name", ["shelf", "next"])
def test_a_related_row_is_looked_up_by_its_id_alone(name: str) -> None:
    """No application was built: an application's own code may use its classes first.

    The long way reads the row that refers once more, under the rule for reading it, where it may only be listed.
    """
    APART.configure()
    strategy: Any = inspect(Book).relationships[name]._get_strategy((("lazy", "selectin"),))
    assert strategy.omit_join is True
