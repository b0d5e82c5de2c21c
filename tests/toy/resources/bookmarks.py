"""Bookmarks: one for each note and reader, counted; making it again adds to the count."""

from uuid import UUID

from sqlalchemy import UniqueConstraint

from charter import Change, Created, Field, Hooks, Resource, Table, Transaction


class Bookmark(Table, table=True):
    """Somebody's mark on a note."""

    __table_args__ = (UniqueConstraint("user_id", "note_id"),)

    note_id: UUID = Field(foreign_key="note.id", on_delete="CASCADE", write="create")
    count: int = Field(1, ge=1, le=99)
    user_id: UUID = Field(foreign_key="users.id", on_delete="CASCADE", write="never")


def add_or_count(tx: Transaction, change: Change) -> Created:
    """Count the caller's mark up, or make it."""
    rows = tx.repository(bookmarks)
    columns = rows.columns
    mine = (columns.user_id == change.values["user_id"], columns.note_id == change.values["note_id"])
    hit = rows.update_where(*mine, values={"count": columns.count + change.values["count"]})
    return Created(hit[0]["id"], new=False) if hit else tx.insert(change)


bookmarks = Resource(
    Bookmark, filter=("note_id",), sort=("count",), owner="user_id", hooks=Hooks(instead_of_create=add_or_count)
)
