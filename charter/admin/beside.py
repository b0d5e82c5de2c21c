"""What a list leads to beside its rows: a file of them, an import, and what can be done to all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.datastructures import URL
from starlette.requests import Request

from charter.admin.bulk import Door, bulk_doors, with_query

if TYPE_CHECKING:
    from charter.admin.views import EntryView


@dataclass(frozen=True, slots=True)
class ListDoors:
    """What a list leads to beside its rows: its file in each form, the import, and what can be done to all rows."""

    exports: Sequence[Door]
    imports: URL | None
    bulk: Sequence[Door]


def list_doors(view: "EntryView", request: Request) -> ListDoors:
    """The doors that are there for the caller."""
    labels = {"csv": "CSV, for spreadsheets", "jsonl": "JSON Lines, for programs"}
    may_export = view.sight.may("export")
    exports = [
        Door(label, with_query(request, request.url_for("admin:export", identity=view.entry.name, kind=kind)))
        for kind, label in labels.items()
        if may_export
    ]
    may_import = view.sight.may("create") and view.sight.may("import")
    imports = request.url_for("admin:import", identity=view.entry.name) if may_import else None
    return ListDoors(exports, imports, bulk_doors(view, request))


__all__ = ["ListDoors", "list_doors"]
