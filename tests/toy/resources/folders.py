"""Folders: a tree that notes lie in."""

from typing import TYPE_CHECKING, Optional
from uuid import UUID

from charter import Field, Relationship, Resource, Slug, Table, Unindexed, from_field

if TYPE_CHECKING:
    from tests.toy.resources.notes import Note


class Folder(Table, table=True):
    """A place for notes; folders lie in folders."""

    name: str = Field(min_length=1, max_length=200, unique=True)
    slug: Slug = from_field("name")
    remark: str | None = Field(None, max_length=100)
    parent_id: UUID | None = Field(None, foreign_key="folder.id", on_delete="RESTRICT")

    parent: Optional["Folder"] = Relationship(
        back_populates="children", sa_relationship_kwargs={"remote_side": "Folder.id"}
    )
    children: list["Folder"] = Relationship(back_populates="parent")
    notes: list["Note"] = Relationship(back_populates="folder")


folders = Resource(
    Folder,
    filter=("name", "slug", "remark", "parent_id", "parent.remark"),
    sort=("name", "remark", Unindexed("parent.name", "ordered by another row")),
    include=("parent",),
)
