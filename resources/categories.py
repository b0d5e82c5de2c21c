"""Categories: a tree that products hang on."""

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
from resources.tree import DEEPEST, depth_of, would_cycle

if TYPE_CHECKING:
    from resources.products import Product


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
    admin=Screen(
        icon="folder-tree",
        group="Catalogue",
        columns=("name", "slug", "parent", "position"),
        inline=("name", "position"),
    ),
)
