"""Slugs: a bounded, readable name for URLs, unique among the living, made once when the row is created."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from slugify import slugify
from sqlalchemy import Column, Select, bindparam, select

from charter.catalog.entry import Entry, Field
from charter.declare import Change, Hooks, InTransaction

if TYPE_CHECKING:
    from charter.store import Transaction

LONGEST = 80
"""Characters, tail of uniqueness included."""


def slug_of(text: str, longest: int = LONGEST) -> str:
    """`text` as a slug of letters and digits of any script, joined by single dashes; ``item`` where nothing is left."""
    return slugify(text, allow_unicode=True, max_length=longest, word_boundary=False).strip("-") or "item"


def with_tail(slug: str, number: int) -> str:
    """The `number`-th form of a taken slug: ``lamp`` -> ``lamp-2``, never longer than allowed."""
    tail = f"-{number}"
    return f"{slug[: LONGEST - len(tail)].rstrip('-')}{tail}"


def first_free(slug: str, taken: set[str]) -> str:
    """`slug`, or the first numbered form of it that is not `taken`."""
    if slug not in taken:
        return slug
    number = 2
    while with_tail(slug, number) in taken:
        number += 1
    return with_tail(slug, number)


def slug_hooks(field: Field) -> Hooks:
    """The hook that fills `field` on create, inside the transaction (writers come one at a time on SQLite)."""
    return Hooks(before=_filler(field))


def _filler(field: Field) -> InTransaction:
    def fill_slug(tx: "Transaction", change: Change) -> None:
        if change.action != "create" or change.values.get(field.name):
            return
        assert field.column is not None  # noqa: S101 # a slug is always a column
        slug = slug_of(str(change.values.get(field.slug_of, "")))
        taken: set[str] = set()
        if tx.fetch(_named(field.column, change.entry), {"slug": slug}):
            stem = f"{slug}-" if len(slug) <= LONGEST - 8 else slug[: LONGEST - 8]  # a tail may cut a long one
            numbered = _living(field.column, change.entry).where(field.column.startswith(stem, autoescape=True))
            taken = {slug, *tx.execute(numbered).scalars()}
        change.values[field.name] = first_free(slug, taken)

    return fill_slug


@lru_cache(maxsize=256)
def _living(column: Column[Any], entry: Entry | None) -> Select[Any]:
    """The slugs of the living, as the unique index has them: without saying so, every row would be looked at."""
    alive = () if entry is None or entry.live is None else (entry.live,)
    return select(column).where(*alive)


@lru_cache(maxsize=256)
def _named(column: Column[Any], entry: Entry | None) -> Select[Any]:
    """The living row whose slug is ``slug``."""
    return _living(column, entry).where(column == bindparam("slug", type_=column.type))


def built_in_hooks(entry_fields: dict[str, Field]) -> tuple[Hooks, ...]:
    """The framework's own hooks for a resource with these fields."""
    return tuple(slug_hooks(field) for field in entry_fields.values() if field.slug_of)


__all__ = ["built_in_hooks", "first_free", "slug_of", "with_tail"]
