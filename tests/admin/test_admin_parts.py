"""The parts by themselves: amounts, values, form fields, and what a caller sees of an entry."""

import re
from datetime import UTC, date, datetime
from typing import Any

import pytest
from starlette.datastructures import FormData
from wtforms import Form  # type: ignore[import-untyped] # it ships no types

from charter.admin.fields import LEFT_OUT, Choice, Codec, Switch, Written, codec_of, plain_codec, secret_codec
from charter.admin.gate import check_origin
from charter.admin.sight import Sight
from charter.admin.values import digits, money_amount, money_text, shown
from charter.admin.visit import begin, end, visit
from charter.declare import Caller
from charter.errors import AuthorizationException
from tests.admin.desk import Office

CURRENCIES = [
    ("EUR", 1999, "19.99"),
    ("EUR", 5, "0.05"),
    ("JPY", 1999, "1999"),
    ("KWD", 1999, "1.999"),
    ("EUR", 0, "0.00"),
]


@pytest.mark.parametrize(("currency", "amount", "text"), CURRENCIES)
def test_an_amount_is_shown_and_read_in_its_currency(currency: str, amount: int, text: str) -> None:
    """In as many decimal digits as the currency has."""
    assert money_text(amount, currency) == text
    assert money_amount(text, currency) == amount
    assert digits(currency) in {0, 2, 3}


@pytest.mark.parametrize(
    ("text", "amount"), [("19", 1900), ("19.9", 1990), (" 19,99 ", 1999), ("0,05", 5), ("007", 700)]
)
def test_an_amount_can_be_written_as_people_write_it(text: str, amount: int) -> None:
    """A comma is as good as a point, and digits may be left out."""
    assert money_amount(text, "EUR") == amount


@pytest.mark.parametrize("text", ["", "x", "-1", "1.", ".5", "1.999", "1,000.00", "1e3", "١٩", "1 9", "9" * 16])
def test_what_is_no_amount_is_told(text: str) -> None:
    """Never read as some other amount; and a yen has no digits after the point."""
    for currency in ("EUR", "JPY"):
        with pytest.raises(ValueError, match="must be an amount such as"):
            money_amount(text, currency)
    with pytest.raises(ValueError, match="such as 1999"):
        money_amount("19.99", "JPY")


def field(kind: str, **more: Any) -> Any:
    """Just enough of a compiled field."""
    return type("Field", (), {"kind": kind, "max_length": None, **more})()


def test_a_value_is_shown_as_people_read_it() -> None:
    """Each kind in its way; a long text is cut in a list, and whole on its own page."""
    moment = datetime(2026, 11, 22, 20, 52, 13, tzinfo=UTC)
    for kind, value, text in (
        ("text", "a", "a"),
        ("text", None, ""),
        ("money", 1999, "19.99"),
        ("time", moment, "2026-11-22 20:52:13 UTC"),
        ("time", "2026-11-22T20:52:13.000000Z", "2026-11-22 20:52:13 UTC"),
        ("date", date(2026, 11, 22), "2026-11-22"),
        ("json", {"a": "é"}, '{"a": "é"}'),
        ("integer", 7, "7"),
    ):
        found = str(shown(field(kind), value, "EUR", short=True))
        assert re.sub(r"</?time[^>]*>", "", found) == text
    assert '<time datetime="2026-11-22T20:52:13Z"' in shown(field("time"), moment, "EUR", short=True)
    assert "yes" in shown(field("boolean"), value=True, currency="EUR", short=True)
    assert "no" in shown(field("boolean"), value=False, currency="EUR", short=True)
    assert ">&lt;b&gt;<" in shown(field("enum"), "<b>", "EUR", short=True)
    assert [len(shown(field("text"), "x" * 99, "EUR", short=short)) for short in (True, False)] == [80, 99]


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        ("integer", 7, "7"),
        ("number", 0.1, "0.1"),
        ("money", 1999, "19.99"),
        ("time", datetime(2026, 11, 22, 20, 52, 13, 5, tzinfo=UTC), "2026-11-22T20:52:13"),
        ("date", date(2026, 11, 22), "2026-11-22"),
        ("enum", "pen", "pen"),
        ("text", "a\nb", "a\nb"),
    ],
)
def test_what_a_form_shows_is_what_it_reads(kind: str, value: Any, text: str) -> None:
    """Showing a value and reading it again gives the same JSON, twice over."""
    codec = codec_of(field(kind), "EUR")
    assert codec.show(value) == text
    assert codec.read(text) == codec.read(codec.show(value))


def test_a_document_is_read_strictly() -> None:
    """NaN is no JSON, and neither is an abyss of brackets."""
    codec = codec_of(field("json"), "EUR")
    assert codec.read(codec.show({"a": [1]})) == {"a": [1]}
    for text in ("NaN", "[Infinity]", "{'a': 1}", "[" * 100_000):
        with pytest.raises(ValueError, match="must be JSON"):
            codec.read(text)


def filled(made: Any, *pairs: tuple[str, str]) -> Any:
    """The one field of a form that was sent with `pairs`."""
    return type("F", (Form,), {"it": made})(FormData(list(pairs))).it


def test_a_form_knows_what_was_sent() -> None:
    """An unchecked box was sent, as no; a field that is not there at all was not."""
    switch = {"label": "it", "name": "it", "default": True}
    assert [filled(Switch(**switch)).sent, filled(Switch(**switch), ("it", "")).sent] == [False, True]
    assert filled(Switch(**switch), ("it", "")).value() is False
    assert filled(Switch(**switch), ("it", ""), ("it", "true")).value() is True
    assert filled(Written(plain_codec(int), name="it"), ("it", "12")).value() == 12
    assert filled(Written(plain_codec(float), name="it"), ("it", "1.5")).value() == 1.5
    assert filled(Written(plain_codec(str), name="it"), ("it", "")).value() is LEFT_OUT


def test_a_password_does_not_come_back() -> None:
    """The form that is shown again has an empty field."""
    made = filled(Written(secret_codec(), name="it", render_kw={"class": "x"}), ("it", "hunter2"))
    assert made.value() == "hunter2"
    assert "hunter2" not in made()


def test_a_choice_keeps_a_value_that_is_no_longer_one() -> None:
    """What a row has is offered, or saving its form would change it; nothing is offered where it may be empty."""
    codec = Codec(str, str, None)
    made = filled(Choice(codec, [("a", "A")], name="it", needed=True), ("it", "old"))
    assert [value for value, *_ in made.iter_choices()] == ["a", "old"]
    made = filled(Choice(codec, [("a", "A")], name="it"), ("it", "a"))
    assert [value for value, *_ in made.iter_choices()] == ["", "a"]


def test_a_line_break_in_a_short_text_survives_its_form() -> None:
    """A one-line input would lose it."""
    codec = codec_of(field("text", max_length=40), "EUR")
    assert "<input" in filled(Written(codec, name="it"), ("it", "one"))()
    assert "<textarea" in filled(Written(codec, name="it"), ("it", "one\r\ntwo"))()


def test_a_path_says_which_rule_holds() -> None:
    """The second segment is the action; an unknown one has no decision, and so no rows."""
    for path, expected in (
        ("/notes/list", ("notes", "list")),
        ("/notes/edit/1", ("notes", "update")),
        ("/notes/ajax/lookup", ("notes", "read")),
        ("/notes/anything", ("notes", "")),
        ("/", ("", "")),
    ):
        here = begin(path)
        assert (here.resource, here.action) == expected
        assert visit() is here
    end()
    assert visit().caller is None


def test_the_origin_guard_asks_for_the_scheme_of_nothing_but_the_port() -> None:
    """Behind a proxy that speaks https the application may hear http; a port of its own still tells."""
    from starlette.datastructures import Headers  # noqa: PLC0415 # beside its use

    scope = {"method": "POST", "scheme": "http"}
    check_origin("/notes/create", scope, Headers({"origin": "https://shop.example", "host": "shop.example"}))
    for origin in ("https://shop.example:8443", "", "https://"):
        with pytest.raises(AuthorizationException):
            check_origin("/notes/create", scope, Headers({"origin": origin, "host": "shop.example"}))


@pytest.mark.anyio
async def test_a_caller_sees_what_the_decisions_say(desk: Office) -> None:
    """Columns, orders, searches, forms and titles, each by its own decision; nobody sees nothing."""
    services = desk.toy.services
    entry = services.catalog.entries["notes"]

    def sight(role: str | None) -> Sight:
        return Sight(services, Caller(role) if role else None, entry)

    assert sight("reader").listed == ("title", "mood", "folder", "letters")
    assert sight(None).listed == ("id",)
    assert sight(None).detailed == ()
    assert "fee" not in sight("reader").detailed
    assert "fee" in sight("keeper").detailed
    assert "secret" not in sight("keeper").detailed
    assert sight("keeper").sortable() == ("title", "mood", "fee")
    assert sight("reader").searchable() == ("title", "text")
    assert set(sight("reader").writable("update")) == {"title", "text", "tag", "folder_id", "is_public", "fee", "shout"}
    assert "is_pinned" in sight("keeper").writable("update")
    assert sight("reader").title_field == "title"
    assert sight(None).title_field is None
    assert [sight("reader").may(action) for action in ("list", "create", "calm_down")] == [True, True, False]
    traces = Sight(services, Caller("keeper"), services.catalog.entries["traces"])
    assert [traces.may(action) for action in ("list", "create", "update", "delete")] == [True, False, False, False]
    assert [sight("reader").label(name) for name in ("folder_id", "is_public")] == ["Folder", "Is public"]
