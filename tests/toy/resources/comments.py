"""Comments on notes: they belong to the note's author, by way of the note."""

from typing import TYPE_CHECKING
from uuid import UUID

from charter import Field, Relationship, Resource, Table, Unindexed

if TYPE_CHECKING:
    from tests.toy.resources.notes import Note


class Comment(Table, table=True):
    """What somebody said about a note."""

    text: str = Field(min_length=1, max_length=500)
    note_id: UUID = Field(foreign_key="note.id", on_delete="CASCADE", write="create")

    note: "Note" = Relationship(back_populates="comments")


comments = Resource(
    Comment,
    filter=("note_id", "note.tag"),
    sort=(Unindexed("note.title", "ordered by another table"),),
    include=("note", "note.folder"),
    owner="note.author_id",
)
