"""Slugs as pure functions: readable in any script, bounded, and free."""

import re

import pytest

from charter.catalog.slugs import LONGEST, first_free, slug_of, with_tail


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Desk Lamp", "desk-lamp"),
        ("  Desk   lamp  ", "desk-lamp"),
        ("Café crème", "café-crème"),
        ("東京 タワー", "東京-タワー"),
        ("Лампа №5", "лампа-no5"),
        ("50% off & more!", "50-off-more"),
        ("a--b__c", "a-b-c"),
        ("-lamp-", "lamp"),
        ("../../etc/passwd", "etc-passwd"),
        ("<script>alert(1)</script>", "script-alert-1-script"),
        ("lamp\x00\n\tdesk", "lamp-desk"),
    ],
)
def test_a_slug_is_letters_and_digits_joined_by_dashes(text: str, slug: str) -> None:
    """Lower case, single dashes, no others at the ends; letters of any script stay what they are."""
    assert slug_of(text) == slug


@pytest.mark.parametrize("text", ["", " ", "!!!", "---", "🙂", "\x00", "…"])
def test_a_slug_is_never_empty(text: str) -> None:
    """Where nothing readable is left, it is `item`."""
    assert slug_of(text) == "item"


@pytest.mark.parametrize("text", ["x" * 500, "ab " * 200, "é" * 500, "界" * 500, "a" * 79 + " b", "a" * 80 + " b"])
def test_a_slug_is_bounded(text: str) -> None:
    """At most `LONGEST` characters, without a dash at its end, however long the name."""
    slug = slug_of(text)
    assert 0 < len(slug) <= LONGEST
    assert not slug.endswith("-")
    assert re.fullmatch(r"[^\W_]+(-[^\W_]+)*", slug)


def test_making_a_slug_of_a_slug_changes_nothing() -> None:
    """It is in its final form."""
    for text in ("Desk Lamp", "Café crème", "x" * 500, "!!!", "東京 タワー"):
        assert slug_of(slug_of(text)) == slug_of(text)


@pytest.mark.parametrize(("slug", "number"), [("lamp", 2), ("x" * LONGEST, 2), ("x" * LONGEST, 12_345)])
def test_a_numbered_slug_stays_within_bounds(slug: str, number: int) -> None:
    """The tail is kept whole; the name gives way."""
    found = with_tail(slug, number)
    assert found.endswith(f"-{number}")
    assert len(found) == min(LONGEST, len(slug) + 1 + len(str(number)))


def test_a_shortened_slug_has_no_double_dash() -> None:
    """Where the cut falls on a dash, the dash goes."""
    slug = "a" * (LONGEST - 3) + "-bb"
    assert with_tail(slug, 2) == "a" * (LONGEST - 3) + "-2"


def test_the_first_free_slug_is_taken() -> None:
    """The plain one where it is free, then the lowest number; gaps are filled."""
    assert first_free("lamp", set()) == "lamp"
    assert first_free("lamp", {"lamp-2"}) == "lamp"
    assert first_free("lamp", {"lamp"}) == "lamp-2"
    assert first_free("lamp", {"lamp", "lamp-2", "lamp-4"}) == "lamp-3"


def test_a_hundred_long_names_get_a_hundred_slugs() -> None:
    """All of them different, none of them too long."""
    taken: set[str] = set()
    for _ in range(100):
        taken.add(first_free(slug_of("x" * 500), taken))
    assert len(taken) == 100
    assert {len(slug) for slug in taken} == {LONGEST}
