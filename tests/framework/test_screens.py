"""Printouts and cells that are changed in a list: what is told of a wrong one at the start."""

from dataclasses import replace
from typing import Any

import pytest

from charter.catalog import compile_catalog
from charter.printouts import Printout
from tests.toy.policies.scopes import scopes
from tests.toy.resources.comments import comments
from tests.toy.resources.folders import folders
from tests.toy.resources.members import members
from tests.toy.resources.notes import notes


def told(**screen: Any) -> list[tuple[str, str]]:
    """The problems of notes with such a screen: code and words."""
    wrong = replace(notes, admin=replace(notes.admin, **screen))
    problems = compile_catalog([wrong, folders, comments, members], scopes).problems
    return [(problem.code, problem.message) for problem in problems if problem.where == "resource notes"]


PAPERS: list[tuple[Printout, str]] = [
    (Printout("a", ("titel",)), "names 'titel'"),
    (Printout("a", block=("secret",)), "names 'secret'"),
    (Printout("a", ("comments",)), "names 'comments'"),
    (Printout("a", ("folder.nothing",)), "names 'folder.nothing'"),
    (Printout("a", ("title.name",)), "names 'title.name'"),
    (Printout("a", rows="folder", columns=("name",)), "has rows 'folder', which is no relation to many rows"),
    (Printout("a", rows="nothing", columns=("name",)), "has rows 'nothing'"),
    (Printout("a", rows="comments"), "has rows without columns"),
    (Printout("a", columns=("text",)), "columns without rows"),
    (Printout("a", rows="comments", columns=("words",)), "has a column 'words', which comments do not have"),
    (Printout("a b", ("title",)), "needs a name of its own"),
    (Printout("", ("title",)), "needs a name of its own"),
]


@pytest.mark.parametrize(("paper", "words"), PAPERS, ids=[words for _, words in PAPERS])
def test_a_printout_that_cannot_be_made_is_told_at_the_start(paper: Printout, words: str) -> None:
    """In words with its name."""
    ((code, message),) = told(printouts=(paper,))
    assert code == "bad_printout"
    assert f"the printout '{paper.name}' " in message
    assert words in message


def test_two_printouts_of_one_name_are_told() -> None:
    """Each of them."""
    assert [code for code, _ in told(printouts=(Printout("a", ("title",)), Printout("a")))] == ["bad_printout"] * 2


def test_a_printout_may_name_fields_relations_and_fields_at_their_end() -> None:
    """Computed ones too, here and in the other resource."""
    paper = Printout("a", ("title", "letters", "folder"), ("folder.slug",), "comments", ("text", "note", "note.title"))
    assert told(printouts=(paper,)) == []


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "no such column"),
        ("secret", "no such column"),
        ("text", "no such column"),
        ("folder", "no such column"),
        ("letters", "no update may set it"),
    ],
)
def test_a_cell_that_cannot_be_changed_is_told_at_the_start(name: str, words: str) -> None:
    """A field that is no column of the list, or that no update may set."""
    ((code, message),) = told(inline=(name,))
    assert code == "bad_inline"
    assert f"'{name}' cannot be changed in the list: " in message
    assert words in message


def test_a_column_that_an_update_may_set_is_fine() -> None:
    """Also one that is set only where a rule names it; and any field of a list that declares no columns."""
    assert told(inline=("title", "mood", "fee")) == []
    assert told(columns=(), inline=("text", "is_pinned")) == []
