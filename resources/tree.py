"""The shape of a tree of rows, as pure rules: no loops, not too deep."""

from collections.abc import Mapping
from uuid import UUID

DEEPEST = 10
"""Levels that the tree may have; a category without a parent is on the first."""

Parents = Mapping[UUID, UUID | None]
"""Every category's parent."""


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
