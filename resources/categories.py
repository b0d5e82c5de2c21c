"""Categories: a tree that products hang on."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Optional
from uuid import UUID

from sqlalchemy import select

from charter import (
    Change,
    Field,
    FieldError,
    Hooks,
    Relationship,
    Resource,
    Screen,
    Slug,
    Table,
    Transaction,
    ValidationException,
    from_field,
)

if TYPE_CHECKING:
    from resources.products import Product

DEEPEST = 10
"""Levels that the tree may have; a category without a parent is on the first."""

Parents = Mapping[UUID, UUID | None]
"""Every category's parent."""


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
    products: list["Product"] = Relationship(back_populates="category")


def path_to(parents: Parents, category: UUID) -> list[UUID]:
    """`category` and everything above it, upwards; a loop is walked once."""
    path: list[UUID] = []
    above: UUID | None = category
    while above is not None and above not in path:
        path.append(above)
        above = parents.get(above)
    return path


def would_cycle(parents: Parents, moved: UUID, parent: UUID) -> bool:
    """Whether `moved` would come to hang below itself."""
    return moved in path_to(parents, parent)


def depth_of(parents: Parents, category: UUID) -> int:
    """The deepest level in the subtree of `category`, itself included."""
    paths = (path_to(parents, other) for other in {*parents, category})
    return max(len(path) for path in paths if category in path)


def keep_tree(tx: Transaction, change: Change) -> None:
    """Refuse a parent below which the tree would be none, or too deep."""
    parent = change.values.get("parent_id")
    if parent is None or parent == change.old.get("parent_id"):
        return
    moved = change.old.get("id") or change.values["id"]
    columns = tx.repository(categories).columns
    # One category is held still, so that of two moves at once the second one sees what the first one did.
    tx.execute(select(columns.id).order_by(columns.id).limit(1).with_for_update(key_share=True))
    parents = {row.id: row.parent_id for row in tx.execute(select(columns.id, columns.parent_id))}
    if would_cycle(parents, moved, parent):
        raise _refused("category_cycle", "is the category itself or lies below it")
    if depth_of({**parents, moved: parent}, moved) > DEEPEST:
        raise _refused("category_depth", f"is too deep down: categories nest at most {DEEPEST} deep")


def _refused(code: str, detail: str) -> ValidationException:
    return ValidationException("The category cannot hang there.", errors=[FieldError("/parent_id", code, detail)])


categories = Resource(
    Category,
    filter=("name", "slug", "parent_id", "position"),
    sort=("name", "slug", "parent_id", "position"),
    search=("name",),
    include=("parent", "children"),
    hooks=Hooks(before=keep_tree),
    admin=Screen(icon="folder-tree", columns=("name", "slug", "parent", "position")),
)
