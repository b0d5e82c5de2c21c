"""Rows from a CSV: looked at first, with every mistake by its line; then all of them come in, or none.

A file that was looked at stands in the page, where its mistakes can be mended, until somebody imports it.
"""

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from pydantic.fields import FieldInfo
from sqladmin.authentication import login_required
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import Response

from charter.admin.doors import opened, writing
from charter.admin.fields import plain_codec
from charter.admin.sheets import cell_value, plain
from charter.admin.tables import Mistake, Read, Sheet, UnreadableError, mistakes_of, read_sheet, text_of
from charter.admin.tokens import FIELD
from charter.declare import Input
from charter.errors import BadRequestException
from charter.serve import MOST_TOLD, import_rows

if TYPE_CHECKING:
    from charter.admin.site import Site
    from charter.admin.views import EntryView

FILE, TEXT, BUTTON = "file", "text", "do"
CHECK, IMPORT = "check", "import"
"""What the buttons mean: to look only, or to do it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column that a file may have, as the page tells of it."""

    name: str
    needed: bool
    about: str


@dataclass(slots=True)
class Result:
    """What the page shows after a file was sent: how many rows it has, what is wrong, whether they are in."""

    text: str = ""
    problem: str = ""
    rows: int = 0
    mistakes: list[Mistake] = field(default_factory=list)
    done: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it could be imported as it is."""
        return not self.problem and not self.mistakes and self.rows > 0

    @property
    def bad_rows(self) -> int:
        """How many rows something is wrong with."""
        return len({mistake.line for mistake in self.mistakes})


@login_required
async def import_page(site: "Site", request: Request) -> Response:
    """``/{identity}/import``: GET asks for a file, POST looks at it or takes it."""
    view = opened(site, request, "create", "import")
    result = Result()
    if request.method == "POST":
        async with request.form() as form:
            text, wanted = await _sent(form)
        result = await _take(site, view, text, keep=wanted == IMPORT)
    context = {
        "model_view": view,
        "columns": columns_of(view),
        "result": result,
        "most_told": MOST_TOLD,
        "import_url": request.url_for("admin:import", identity=view.entry.name),
        "list_url": request.url_for("admin:list", identity=view.entry.name),
    }
    status = 200 if result.is_good or request.method != "POST" else 400
    answer: Response = await site.templates.TemplateResponse(request, "sqladmin/import.html", context, status)
    return answer


async def _sent(form: FormData) -> tuple[bytes, str]:
    """What the form has: the file, or else the text of one; and which button was pressed."""
    beyond = form.keys() - {FILE, TEXT, BUTTON, FIELD}
    if beyond:
        raise BadRequestException("This form has other fields.")
    file, text, button = form.get(FILE), form.get(TEXT, ""), form.get(BUTTON, CHECK)
    if not isinstance(text, str) or not isinstance(button, str):
        raise BadRequestException("This form has its file somewhere else.")
    raw = await file.read() if isinstance(file, UploadFile) else b""
    return raw or text.encode("utf-8", "replace"), button


async def _take(site: "Site", view: "EntryView", raw: bytes, *, keep: bool) -> Result:
    """Look at a file, and import it if that is wanted and nothing is wrong with it."""
    if not raw:
        return Result(problem="Choose a file, or paste its text.")
    result = Result()
    try:
        result.text = text_of(raw)
        needed = [column.name for column in columns_of(view) if column.needed]
        sheet = read_sheet(result.text, readers_of(view), needed)
    except UnreadableError as error:
        result.problem = str(error)
        return result
    result.rows, result.mistakes = len(sheet.lines), await _refused(site, view, sheet, keep=keep)
    result.done = keep and result.is_good
    return result


async def _refused(site: "Site", view: "EntryView", sheet: Sheet, *, keep: bool) -> list[Mistake]:
    """Everything wrong with the rows, by line; a row with a cell that cannot be read is not tried."""
    unread = {mistake.line for mistake in sheet.mistakes}
    tried = [(line, body) for line, body in zip(sheet.lines, sheet.bodies, strict=True) if line not in unread]
    bodies = [body for _, body in tried]
    refusals = await import_rows(site.services, writing(), view.entry, bodies, keep=keep and not unread)
    found = [*sheet.mistakes]
    for item in refusals:
        found += mistakes_of(tried[item.place][0], item.error.detail, item.error.errors)
    return sorted(found, key=lambda mistake: mistake.line)[:MOST_TOLD]


def columns_of(view: "EntryView") -> list[Column]:
    """The columns that a file may have: what both decisions let this caller set."""
    return [_column(view, name, info) for name, info in view.sight.importable().items()]


def _column(view: "EntryView", name: str, info: FieldInfo) -> Column:
    found = view.entry.fields.get(name)
    if found is None:
        return Column(name, view.entry.inputs[name].required, info.description or "")
    kinds = {"money": "an amount such as 19.99", "boolean": "true or false", "time": "a date and time", "json": "JSON"}
    hint = ", ".join(found.choices) or kinds.get(found.kind, "") or ("the id of a row" if found.kind == "uuid" else "")
    return Column(name, found.required, "; ".join(filter(None, (hint, info.description or ""))))


def readers_of(view: "EntryView") -> dict[str, Read]:
    """How the cells of each column are read."""
    currency = view.services.settings.currency
    fields, inputs = view.entry.fields, view.entry.inputs
    return {
        name: partial(cell_value, fields[name], currency=currency) if name in fields else partial(_input, inputs[name])
        for name in view.sight.importable()
    }


def _input(item: Input, text: str) -> Any:
    if item.type is bool:
        return text.strip().casefold() in {"true", "yes", "1"}
    return plain_codec(item.type).read(plain(text))


__all__ = ["Column", "Result", "columns_of", "import_page", "readers_of"]
