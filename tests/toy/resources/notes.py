"""Notes: every kind of column that a resource can have, and a hook for every moment."""

import enum
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Literal, Optional
from uuid import UUID

from sqlalchemy import func

from charter import (
    Change,
    Computed,
    ConflictException,
    Field,
    First,
    Hooks,
    Indexed,
    Input,
    Money,
    Number,
    Relationship,
    Resource,
    Screen,
    Slug,
    Split,
    Table,
    Transaction,
    Trend,
    Unindexed,
    from_field,
)
from tests.toy.resources.traces import traces

if TYPE_CHECKING:
    from tests.toy.resources.comments import Comment
    from tests.toy.resources.folders import Folder

REFUSED = "refuse me before"
BROKEN = "break me after"
BROKEN_LATER = "break me after the commit"
"""Titles that make a hook raise, each at another moment."""

MOMENTS: list[str] = []
"""What the hooks of notes did, for tests to look at."""


class Ink(enum.Enum):
    """What a note is written with."""

    PENCIL = "pencil"
    PEN = "pen"


class Note(Table, table=True):
    """Something written down."""

    title: str = Field(min_length=1, max_length=120)
    slug: Slug = from_field("title")
    text: str = Field("", max_length=2000)
    tag: str | None = Field(None, max_length=40)
    mood: Literal["calm", "busy", "wild"] = "calm"
    ink: Ink | None = None
    fee: Money = 0
    stars: int = Field(0, ge=0, le=5)
    weight: float | None = None
    is_public: bool = Field(False, description="Whether strangers see it.")
    due: datetime | None = None
    day: date | None = None
    details: dict[str, Any] = Field(default_factory=dict)
    words: list[str] | None = Field(None)
    code: str | None = Field(None, max_length=20, unique=True, write="create")
    is_pinned: bool = Field(False, write="granted")
    views: int = Field(0, ge=0, write="never")
    secret: str = Field("hush", max_length=40, hidden=True)
    folder_id: UUID | None = Field(None, foreign_key="folder.id", on_delete="RESTRICT")
    author_id: UUID = Field(foreign_key="users.id", on_delete="CASCADE", write="never")

    folder: Optional["Folder"] = Relationship(back_populates="notes")
    comments: list["Comment"] = Relationship(back_populates="note")


async def prepare(change: Change) -> None:
    """Before the transaction."""
    MOMENTS.append(f"prepare {change.action}")


def before(tx: Transaction, change: Change) -> None:
    """Inside the transaction: an input becomes part of a column, and a title may be refused."""
    MOMENTS.append(f"before {change.action}")
    if change.inputs.get("shout"):
        title = change.values.get("title") or change.old["title"]
        change.values["title"] = title.upper()
    if change.values.get("title") == REFUSED:
        raise ConflictException("Not this one.", code="conflict")


def after(tx: Transaction, change: Change) -> None:
    """Still inside: another resource is written, and a title may break everything."""
    MOMENTS.append(f"after {change.action}")
    tx.repository(traces).create(what=change.action, title=(change.row or change.old)["title"])
    if change.row.get("title") == BROKEN:
        raise LookupError(BROKEN)


async def after_commit(change: Change) -> None:
    """When the row is safe."""
    MOMENTS.append(f"after_commit {change.action}")
    if change.row.get("title") == BROKEN_LATER:
        raise LookupError(BROKEN_LATER)


FIELDS = ("title", "tag", "ink", "fee", "stars", "weight", "due", "day", "code", "folder_id")
PUBLIC = Unindexed("is_public", "half of them are")
FOLDERS = tuple(Unindexed(path, "ordered by another table") for path in ("folder.name", "folder.remark"))

notes = Resource(
    Note,
    filter=(*FIELDS, Indexed("mood", by=("fee", "due")), PUBLIC, "slug", "folder.slug", "folder.remark"),
    sort=(*FIELDS, "mood", PUBLIC, *FOLDERS),
    search=("title", "text"),
    include=("folder", "folder.parent", "comments"),
    owner="author_id",
    soft_delete=True,
    extra=(
        Computed("letters", int, lambda row: func.length(row.text), "How long the text is."),
        Computed("folder_name", str | None, lambda row: row.folder.name),
        Computed("is_costly", bool, lambda row: row.fee > 1000),
        Computed("double_fee", Money, lambda row: row.fee * 2),
        Input("shout", bool, description="Write the title in capitals."),
    ),
    hooks=Hooks(prepare=prepare, before=before, after=after, after_commit=after_commit),
    admin=Screen(
        columns=("title", "mood", "folder", "fee", "letters"),
        tones={"calm": "good", "wild": "bad"},
        cards=(
            Number("Notes"),
            Number("Notes of a week", days=7),
            Number("Fees", "fee", "sum", where=lambda row: row.is_public),
            Number("Middle fee", "fee", "average"),
            Trend("Notes by day", days=7),
            Trend("Fees by day", "fee", days=7),
            Split("Notes by mood", "mood"),
            First("Most liked", ("title", "folder", "fee"), "-stars", size=3),
        ),
    ),
)
