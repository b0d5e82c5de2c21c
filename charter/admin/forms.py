"""Forms from entries: the fields that the API would take from this caller, and the JSON body that a sent form means."""

from typing import TYPE_CHECKING, Any, Literal

from pydantic.fields import FieldInfo
from wtforms import Form  # type: ignore[import-untyped] # it ships no types

from charter.admin.fields import Written
from charter.admin.sight import Sight
from charter.admin.visit import visit
from charter.errors import ApiException

if TYPE_CHECKING:
    from charter.admin.views import EntryView

Kind = Literal["create", "update"]


class EntryForm(Form):  # type: ignore[misc] # wtforms has no types
    """A form of one entry. The last one that was filled from a request is the visit's."""

    def __init__(self, formdata: Any = None, **keywords: Any) -> None:
        super().__init__(formdata, **keywords)
        if formdata is not None:
            visit().form = self

    def place(self, error: ApiException) -> str:
        """Put the errors of a refused write beside their fields; returns what is left to say above the form."""
        fields = {field.short_name.removesuffix(SUFFIX): field for field in self}
        rest = []
        for item in error.errors:
            field = fields.get(item.pointer.removeprefix("/"))
            if field is None:
                rest.append(f"{item.pointer.removeprefix('/')} {item.detail}".strip())
            else:
                field.errors = [*field.errors, item.detail]
        return " ".join([error.detail, *(f"{line}." for line in rest)])


SUFFIX = "__"
"""Ends every name in a form, so that a column may be called like an attribute of the form itself (``data``)."""


def form_of(view: "EntryView", sight: Sight, kind: Kind) -> type[EntryForm]:
    """The form class for this caller."""
    members = {f"{name}{SUFFIX}": _unbound(view, sight, kind, name, info) for name, info in sight.writable(kind).items()}
    return type(f"{sight.entry.title}Form", (EntryForm,), members)


def _unbound(view: "EntryView", sight: Sight, kind: Kind, name: str, info: FieldInfo) -> Any:
    about: dict[str, Any] = {
        "label": sight.label(name),
        "name": name,
        "description": info.description or "",
        "render_kw": {"class": "form-control"},
    }
    field = sight.entry.fields.get(name)
    if field is None:
        item = sight.entry.inputs[name]
        return Written(_input_codec(item), needed=kind == "create" and item.required, **_secret(item, about))
    if kind == "create" and field.default_factory is None:
        about["default"] = field.default
    about["needed"] = _needed(sight, kind, field)
    if field.kind == "money":
        about["description"] = f"{about['description']} In {sight.services.settings.currency}.".strip()
    if field.kind == "time":
        about["description"] = f"{about['description']} In UTC.".strip()
    return _typed(view, sight, field, about)
