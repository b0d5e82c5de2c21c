"""Form fields: each value as the text that a browser sends, and what that text means as JSON for the API's own schema.

They check only what a text can be wrong about; bounds, lengths and rules are told by the write itself.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from markupsafe import Markup
from wtforms import Field as FormField  # type: ignore[import-untyped] # it ships no types
from wtforms import ValidationError, widgets

from charter.admin.lookups import Lookup
from charter.admin.values import money_amount, money_text
from charter.catalog import Field

LONG_TEXT = 255
"""Characters from which on a text gets more than one line."""

LEFT_OUT: Final = object()
"""What a form field means that does not mean any value."""

_WHOLE = re.compile(r"[+-]?[0-9]{1,40}")
_WHEN = "%Y-%m-%dT%H:%M:%S"


@dataclass(frozen=True, slots=True)
class Codec:
    """How a kind of value is written into a form (`show`) and read from it (`read`, ValueError with words)."""

    show: Callable[[Any], str]
    read: Callable[[str], Any]
    widget: Any


def codec_of(field: Field, currency: str) -> Codec:
    """The codec of a field by its kind."""
    if field.kind == "money":
        return Codec(lambda v: money_text(int(v), currency), lambda t: money_amount(t, currency), widgets.TextInput())
    if field.kind == "text" and (field.max_length or LONG_TEXT + 1) > LONG_TEXT:
        return Codec(str, _lines, widgets.TextArea())
    return _CODECS.get(field.kind) or Codec(str, _lines, widgets.TextInput())


def json_codec() -> Codec:
    """The codec of a value that has a form of its own."""
    return _CODECS["json"]


def secret_codec() -> Codec:
    """A value that is typed, and never shown again."""
    return Codec(lambda _: "", str, widgets.PasswordInput())


def plain_codec(kind: type) -> Codec:
    """The codec of a value that no column keeps."""
    return Codec(str, _whole if kind is int else _number_value if kind is float else _lines, widgets.TextInput())


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError("must be a whole number")
    return int(text)


def _number_value(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or not text.isascii():
        raise ValueError("must be a number")
    return value


def _lines(text: str) -> str:
    """Browsers send every line break as two characters."""
    return text.replace("\r\n", "\n")


def _document(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise ValueError("must be JSON") from None


def _no_constant(word: str) -> Any:
    raise ValueError(word)


def _moment_text(value: datetime) -> str:
    return value.astimezone(UTC).strftime(_WHEN)


def _moment(text: str) -> str:
    try:
        return f"{datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).astimezone(UTC).strftime(_WHEN)}Z"
    except ValueError:
        raise ValueError("must be a date and time") from None


_CODECS: Mapping[str, Codec] = {
    "integer": Codec(str, _whole, widgets.NumberInput(step="1")),
    "number": Codec(repr, _number_value, widgets.NumberInput(step="any")),
    "time": Codec(_moment_text, _moment, widgets.DateTimeLocalInput()),
    "date": Codec(lambda v: v.isoformat(), str, widgets.DateInput()),
    "json": Codec(lambda v: json.dumps(v, indent=2, ensure_ascii=False), _document, widgets.TextArea()),
    "enum": Codec(lambda v: str(getattr(v, "value", v)), str, widgets.TextInput()),
}


class Written(FormField):  # type: ignore[misc] # wtforms has no types
    """A field that somebody writes into: ``text`` is what stands in it, and the codec says what that means.

    ``empty`` is the value of no text. A ``blind`` field belongs to a row whose present value the caller may not read.
    """

    data = None

    def __init__(
        self, codec: Codec, *, needed: bool = False, empty: Any = LEFT_OUT, blind: bool = False, **keywords: Any
    ) -> None:
        self.codec = codec
        self.needed = needed
        self.empty = empty
        self.blind = blind
        self.text = ""
        keywords.setdefault("widget", codec.widget)
        super().__init__(**keywords)
        if needed:
            self.flags.required = True

    @property
    def sent(self) -> bool:
        """Whether the form that came had this field at all."""
        return bool(self.raw_data)

    def value(self) -> Any:
        """What the field means as JSON, or `LEFT_OUT`."""
        return self.codec.read(self.text) if self.text else self.empty

    def process_data(self, value: Any) -> None:
        self.text = "" if value is None else self.codec.show(value)

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        if valuelist:
            self.text = str(valuelist[-1])
            self.value()

    def pre_validate(self, form: Any) -> None:  # noqa: ARG002 # wtforms' face
        if self.needed and self.sent and not self.text:
            raise ValidationError("is required")

    def _value(self) -> str:
        return self.text

    def __call__(self, **keywords: Any) -> Any:
        if "\n" in self.text and isinstance(self.widget, widgets.TextInput):
            return widgets.TextArea()(self, **self._rendered(keywords))
        return self.widget(self, **self._rendered(keywords))

    def _rendered(self, keywords: dict[str, Any]) -> dict[str, Any]:
        known = {"id": self.id, **(self.render_kw or {}), **keywords}
        invalid = " is-invalid" if known.pop("class_", "") else ""  # SQLAdmin passes it where there are errors
        return {**known, "class": f"{known.get('class', '')}{invalid}"}


class Choice(Written):
    """One of a few values."""

    def __init__(self, codec: Codec, choices: Sequence[tuple[str, str]], **keywords: Any) -> None:
        self.choices = choices
        super().__init__(codec, widget=widgets.Select(), **keywords)

    def has_groups(self) -> bool:
        return False

    def iter_choices(self) -> Any:
        known = any(value == self.text for value, _ in self.choices)
        options = self.choices if known or not self.text else [*self.choices, (self.text, self.text)]
        if not self.needed or not self.text:
            options = [("", ""), *options]
        return [(value, label, value == self.text, {}) for value, label in options]


def _switch(field: "Switch", **keywords: Any) -> Markup:
    """A check box, and an empty value before it: a form without either did not mean the field at all."""
    box = widgets.html_params(type="checkbox", name=field.name, value="true", checked=field.text == "true", **keywords)
    around = "form-switch is-invalid" if field.errors else "form-switch"
    return Markup('<input type="hidden" name="{}" value=""><div class="{}"><input {}></div>').format(
        field.name,
        around,
        Markup(box),  # noqa: S704 # html_params escapes
    )


class Switch(Written):
    """Yes or no."""

    def __init__(self, **keywords: Any) -> None:
        codec = Codec(lambda value: "true" if value else "", lambda text: text == "true", _switch)
        super().__init__(codec, **{**keywords, "empty": False})


def look_up_box(
    name: str, box_id: str, chosen: tuple[str, str], url: str, *, needed: bool = False, **about: Any
) -> Markup:
    """A box to type into that finds rows by what they are called, and sends the id of the one that was taken."""
    row_id, text = chosen
    attributes = {
        **about,
        "type": "text",
        "id": box_id,
        "value": text,
        "role": "combobox",
        "class": about.get("class", "form-control"),
        "autocomplete": "off",
        "aria-autocomplete": "list",
        "aria-expanded": "false",
        "aria-controls": f"{box_id}-rows",
        "placeholder": "Type to find",
    }
    clear = "" if needed else Markup('<button type="button" class="ch-clear" aria-label="Clear">&times;</button>')
    return Markup(
        '<div class="ch-look" data-look-up="{}" data-url="{}"><input type="hidden" name="{}" value="{}"><input {}>{}'
        '<ul role="listbox" id="{}-rows" aria-label="Rows" hidden></ul></div>'
    ).format(name, url, name, row_id, Markup(widgets.html_params(**attributes)), clear, box_id)  # noqa: S704 # html_params escapes


async def _reference(field: "Reference", **keywords: Any) -> Markup:
    """The box, with the row that is there already; by its id where the caller cannot read it."""
    found = await field.loader.format_by_pk(field.text) if field.text else {}
    box_id, url = keywords.pop("id"), keywords.pop("data_url", "")
    return look_up_box(
        field.name, box_id, (field.text, found.get("text", field.text)), url, needed=field.needed, **keywords
    )


class Reference(Written):
    """The id of another row."""

    def __init__(self, loader: Lookup, **keywords: Any) -> None:
        self.loader = loader
        super().__init__(Codec(str, str.strip, _reference), **keywords)


__all__ = [
    "LEFT_OUT",
    "Choice",
    "Codec",
    "Reference",
    "Switch",
    "Written",
    "codec_of",
    "json_codec",
    "look_up_box",
    "plain_codec",
    "secret_codec",
]
