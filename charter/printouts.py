"""What the admin prints of a row: a frozen value that a user writes into a :class:`Screen`. No behaviour."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Printout:
    """A page of one row to be printed, such as a packing slip.

    ``fields`` stand on it with their names, ``block`` without, one below the other, as an address does. ``rows`` is a
    to-many relation, whose rows are a table of their ``columns``. All of them may be fields, to-one relations, and
    fields at the end of one (``category.name``). What the reader may not read is left out.
    """

    name: str
    fields: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    rows: str = ""
    columns: tuple[str, ...] = ()


__all__ = ["Printout"]
