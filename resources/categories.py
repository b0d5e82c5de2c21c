"""Categories: a tree that products hang on."""

from typing import Optional
from uuid import UUID

from charter import Field, Relationship, Resource, Screen, Slug, Table, from_field


class Category(Table, table=True):
    """A branch of the catalogue; branches nest up to ten deep."""

    name: str = Field(min_length=1, max_length=100)
    slug: Slug = from_field("name")
    description: str = Field("", max_length=2000)
    position: int = Field(0, ge=0, le=1_000_000, description="Order among its siblings, lowest first.")
    parent_id: UUID | None = Field(None, foreign_key="category.id", on_delete="RESTRICT")

    parent: Optional["Category"] = Relationship(
        back_populates="children", sa_relationship_kwargs={"remote_side": "Category.id"}
    )
    children: list["Category"] = Relationship(back_populates="parent")


categories = Resource(
    Category,
    filter=("name", "slug", "parent_id", "position"),
    sort=("name", "slug", "parent_id", "position"),
    search=("name",),
    include=("parent", "children"),
    admin=Screen(icon="folder-tree", columns=("name", "slug", "parent", "position")),
)
