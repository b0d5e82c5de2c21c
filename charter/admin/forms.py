"""Forms from entries: the fields that the API would take from this caller, and the JSON body that a sent form means."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args, get_origin

from markupsafe import Markup
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from wtforms import Form  # type: ignore[import-untyped] # it ships no types

from charter.admin.fields import (
    LEFT_OUT,
    Choice,
    Codec,
    Reference,
    Switch,
    Written,
    codec_of,
    json_codec,
    plain_codec,
    secret_codec,
)
from charter.admin.lookups import Lookup
from charter.admin.sight import Sight, sight_of
from charter.admin.tokens import FIELD, token_input
from charter.admin.visit import visit
from charter.catalog import Entry, Field, UnsupportedTypeError, body_field
from charter.declare import Input
from charter.errors import ApiException, FieldError, ValidationException

if TYPE_CHECKING:
    from charter.admin.views import EntryView

Kind = Literal["create", "update", "many"]

_SUFFIX = "__"
"""Ends every attribute of a form, so that a column may be called like one of the form's own (``data``)."""


BUTTON = "save"
"""What the buttons below a form are called."""


class EntryForm(Form):  # type: ignore[misc] # wtforms has no types
    """A form of one entry. One that was filled from a request becomes the visit's."""

    def __init__(self, formdata: Any = None, **keywords: Any) -> None:
        super().__init__(formdata, **keywords)
        self.beyond = frozenset(formdata or ()) - {field.short_name for field in self} - {BUTTON, FIELD}
        if formdata is not None:
            visit().form = self

    def hidden_tag(self) -> Markup:
        """What SQLAdmin's templates put into each form, unseen."""
        return token_input()

    def place(self, error: ApiException) -> str:
        """Put the errors of a refused write beside their fields; returns what is left to say above the form."""
        fields = {field.short_name: field for field in self}
        rest = []
        for item in error.errors:
            name = item.pointer.lstrip("/").partition("/")[0]
            if name in fields:
                fields[name].errors = [*fields[name].errors, item.detail]
            else:
                rest.append(f"{name} {item.detail}.".strip())
        said = "Some values have to be changed." if error.code == "validation" and error.errors else error.detail
        return " ".join([said, *rest])

    def body(self, shown: "EntryForm | None" = None) -> bytes:
        """The JSON that this form means; beside the form as it was `shown`, only what was changed in it.

        What was sent beyond the form is named in it, for the API's own schema to refuse as a field that is none.
        """
        before = {field.short_name: field for field in shown} if shown is not None else {}
        values: dict[str, Any] = dict.fromkeys(sorted(self.beyond))
        for field in self:
            value = field.value() if field.sent else LEFT_OUT
            is_blank_secret = shown is not None and field.blind and not field.text
            if value is LEFT_OUT or is_blank_secret:
                continue
            if field.short_name in before and not field.blind and before[field.short_name].value() == value:
                continue
            values[field.short_name] = value
        return json.dumps(values, allow_nan=False).encode()


class ManyForm(EntryForm):
    """A form for many rows: what is blank in it stays as it is in each of them. ``nullable`` fields can be emptied."""

    nullable: ClassVar[tuple[str, ...]] = ()

    def body_with(self, emptied: Sequence[str]) -> bytes:
        """The JSON that this form means: what stands in it, and nothing for what is to be `emptied`."""
        given = json.loads(self.body(type(self)()))
        if not set(emptied) <= set(self.nullable):
            raise ValidationException("One of these cannot be emptied.")
        both = sorted(given.keys() & set(emptied))
        if both:
            errors = [FieldError(f"/{name}", "conflict", "is to be emptied, and has a value") for name in both]
            raise ValidationException(errors=errors)
        if not given and not emptied:
            raise ValidationException("Nothing is to be changed.")
        return json.dumps({**given, **dict.fromkeys(emptied)}, allow_nan=False).encode()


def bulk_form(view: "EntryView") -> type[ManyForm]:
    """The form for many rows: their columns, but for those that no two rows share."""
    sight = view.sight
    infos = {name: info for name, info in sight.writable("update").items() if name in sight.entry.fields}
    shared = {name: info for name, info in infos.items() if not sight.entry.fields[name].unique}
    members = {f"{name}{_SUFFIX}": _unbound(view, sight, "many", name, info) for name, info in shared.items()}
    nullable = tuple(name for name in shared if sight.entry.fields[name].nullable)
    return type(f"{sight.entry.title}ManyForm", (ManyForm,), {**members, "nullable": nullable})


def form_of(view: "EntryView", sight: Sight, kind: Literal["create", "update"]) -> type[EntryForm]:
    """The form class for this caller."""
    members = {
        f"{name}{_SUFFIX}": _unbound(view, sight, kind, name, info) for name, info in sight.writable(kind).items()
    }
    return type(f"{sight.entry.title}Form", (EntryForm,), members)


def one_form(view: "EntryView", sight: Sight, name: str) -> type[EntryForm]:
    """The form class for one field of a row that is there."""
    members = {f"{name}{_SUFFIX}": _unbound(view, sight, "update", name, sight.writable("update")[name])}
    return type(f"{sight.entry.title}OneForm", (EntryForm,), members)


def body_form(sight: Sight, model: type[BaseModel]) -> type[EntryForm]:
    """The form class for the body of an action."""
    members = {f"{name}{_SUFFIX}": _of_body(sight, name, info) for name, info in model.model_fields.items()}
    return type(f"{model.__name__}Form", (EntryForm,), members)


def form_values(sight: Sight, row: Any) -> dict[str, Any]:
    """What an edit form shows of a row: only what the caller may read."""
    readable = _readable(sight)
    return {f"{name}{_SUFFIX}": getattr(row, name) for name in sight.writable("update") if name in readable}


def _readable(sight: Sight) -> frozenset[str]:
    """The fields that the caller may read of the visit's row; none of a row that they may change and not read."""
    here = visit()
    is_outside = here.row is not None and here.row.id not in here.within.get("read", {here.row.id})
    return frozenset() if is_outside else sight.fields("read")


def reference_target(sight: Sight, name: str) -> Entry | None:
    """The entry that a form field refers to, where the caller may look its rows up."""
    relation = sight.reference(name)
    return sight.target(relation) if relation is not None else None


def _unbound(view: "EntryView", sight: Sight, kind: Kind, name: str, info: FieldInfo) -> Any:
    about: dict[str, Any] = {
        "label": sight.label(name),
        "name": name,
        "description": info.description or "",
        "render_kw": {"class": "form-control"},
        "blind": kind == "many" or (kind == "update" and name not in _readable(sight)),
    }
    if name in sight.entry.inputs:
        return _input(sight.entry.inputs[name], kind, about)
    field = sight.entry.fields[name]
    if kind == "create" and field.default_factory is None:
        about["default"] = field.default
    about["empty"] = None if field.nullable else "" if field.kind == "text" else LEFT_OUT
    about["description"] = " ".join(filter(None, (about["description"], _unit(sight, field))))
    return _typed(view, sight, field, about, needed=_needed(kind, field) and not about["blind"])


def _of_body(sight: Sight, name: str, info: FieldInfo) -> Written:
    about: dict[str, Any] = {"label": sight.label(name), "name": name, "description": info.description or ""}
    about["render_kw"] = {"class": "form-control"}
    try:
        field = body_field(name, info)
    except UnsupportedTypeError:
        return Written(json_codec(), needed=info.is_required(), **about)
    about["empty"] = None if field.nullable else LEFT_OUT
    about["description"] = " ".join(filter(None, (about["description"], _unit(sight, field))))
    if field.default_factory is None:
        about["default"] = field.default
    return _plain(sight, field, about, needed=field.required and not field.nullable)


def _input(item: Input, kind: Kind, about: dict[str, Any]) -> Written:
    bare = get_args(item.type)[0] if get_origin(item.type) is not None else item.type
    needed = kind == "create" and item.required
    if bare is bool:
        return Switch(**_as_switch(about))
    if "password" not in item.name:
        return Written(plain_codec(bare), needed=needed, **about)
    known = "current-password" if item.name.startswith("current") else "new-password"
    about["render_kw"] = {**about["render_kw"], "autocomplete": known}
    return Written(secret_codec(), needed=needed, **about)


def _needed(kind: Kind, field: Field) -> bool:
    if kind == "create":
        return field.required
    return not field.nullable and (field.kind != "text" or bool(field.min_length))


def _unit(sight: Sight, field: Field) -> str:
    if field.kind == "money":
        return f"In {sight.services.settings.currency}."
    return "In UTC." if field.kind == "time" else ""


def _typed(view: "EntryView", sight: Sight, field: Field, about: dict[str, Any], *, needed: bool) -> Written:
    """The form field for a column, by its kind."""
    target = reference_target(sight, field.name)
    if target is not None:
        return Reference(Lookup(field.name, view, sight_of(sight.services, target)), needed=needed, **about)
    return _plain(sight, field, about, needed=needed)


def _plain(sight: Sight, field: Field, about: dict[str, Any], *, needed: bool) -> Written:
    """A form field for a value of that kind."""
    currency = sight.services.settings.currency
    if field.kind == "boolean" and not field.nullable and not about.get("blind"):
        return Switch(**_as_switch(about))
    if field.kind == "boolean":
        yes_no = Codec(lambda v: "true" if v else "false", lambda text: text == "true", None)
        return Choice(yes_no, [("true", "yes"), ("false", "no")], **_select(about))
    choices = _choices(sight, field)
    if choices:
        return Choice(codec_of(field, currency), [(word, word) for word in choices], needed=needed, **_select(about))
    about["render_kw"] = {**about["render_kw"], **_bounds(field), **_slugged(sight, field)}
    return Written(codec_of(field, currency), needed=needed, **about)


def _as_switch(about: dict[str, Any]) -> dict[str, Any]:
    return {**about, "render_kw": {"class": "form-check-input"}}


def _select(about: dict[str, Any]) -> dict[str, Any]:
    return {**about, "render_kw": {"class": "form-select"}}


def _choices(sight: Sight, field: Field) -> tuple[str, ...]:
    """The declared ones; for an account's role the roles up to the caller's own."""
    choices = sight.choices(field)
    if sight.is_role(field) and sight.caller is not None:
        return choices[: choices.index(sight.caller.role) + 1]
    return choices


def _slugged(sight: Sight, field: Field) -> dict[str, Any]:
    """A mark where a slug will be made of the field of a new row: the page shows it while somebody types."""
    is_source = any(other.slug_of == field.name for other in sight.entry.fields.values())
    return {"data-slug": True} if is_source and visit().action == "create" else {}


def _bounds(field: Field) -> dict[str, Any]:
    """What a browser can check by itself."""
    low, high = field.bounds if field.kind == "integer" else (None, None)
    length = field.max_length if field.kind == "text" else None
    mark = True if field.kind == "json" else None
    found = {"min": low, "max": high, "maxlength": length, "data-json-text": mark}
    return {key: value for key, value in found.items() if value is not None}


__all__ = [
    "EntryForm",
    "Kind",
    "ManyForm",
    "body_form",
    "bulk_form",
    "form_of",
    "form_values",
    "one_form",
    "reference_target",
]
