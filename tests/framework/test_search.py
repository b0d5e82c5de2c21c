"""Full text: the rows that plain Python finds, best first, on both databases, by nothing that one may not read."""

import random
import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from charter.plugins.search import LONGEST_SEARCH, MOST_WORDS
from charter.store.engines import sqlite_file
from tests.framework.oracle import SIGMAS, Row
from tests.framework.unseen import furnished
from tests.problems import places, problem
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio

SEED = 20261124
SEARCHES = 80

PIECES = {
    **{letter: letter for letter in "abclmpß日本0789йά"},
    **dict(zip("ABCéÉüİẞЙΆ", "abceeuißйά", strict=True)),
    **dict.fromkeys(SIGMAS, SIGMAS[0]),
    "e\N{COMBINING ACUTE ACCENT}": "e",
    **dict.fromkeys((" ", "-", "_", "'", '"', "*", "(", ":", "\\", "%", "\n", "🗼", "²", "&", "|", "!", "^"), " "),
}
"""What texts are made of, and what each piece is to a search: a small letter without accent, a digit, or a gap."""


async def found(http: httpx2.AsyncClient, text: str, rest: str = "") -> list[str]:
    """The titles (without what makes them unique) or ids that a search finds, in order, on all its pages."""
    names, page = [], 1
    while True:
        answer = await http.get(f"/notes?search={quote(text, safe='')}&size=100&page={page}{rest}")
        assert answer.status_code == 200, (text, answer.text)
        body = answer.json()
        names += [item["id"] for item in body["items"]]
        if page >= body["pages"]:
            assert len(names) == body["total"]
            return names
        page += 1


async def note(http: httpx2.AsyncClient, title: str, text: str = "") -> str:
    """A fresh note's id."""
    answer = await http.post("/notes", json={"title": title, "text": text})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def some_text(chance: random.Random, count: int) -> tuple[str, list[str]]:
    """A text, and the words in it."""
    pieces = chance.choices(list(PIECES), k=count)
    return "".join(pieces), "".join(PIECES[piece] for piece in pieces).split()


def has(words: list[str], wanted: list[str], *, whole: bool = False) -> bool:
    """Whether all of the wanted words are among these, the last one as a beginning."""
    *first, last = wanted
    ends = last in words if whole else any(word.startswith(last) for word in words)
    return ends and all(word in words for word in first)


def grade(row: Row, wanted: list[str]) -> int:
    """The first field that holds all words by itself, and whether as they are: the smaller the better."""
    tries = [has(row[name], wanted, whole=whole) for name in ("title", "text") for whole in (True, False)]
    return tries.index(True) if any(tries) else len(tries)


async def test_random_searches_find_and_rank_as_python_does(toy: Toy) -> None:
    """Any text in two fields: all words in either, the last as a beginning, case and Latin accents aside."""
    chance = random.Random(SEED)  # noqa: S311 # not for secrets
    http = await toy.as_role("keeper")
    rows: list[Row] = []
    for _ in range(60):
        title, first = some_text(chance, chance.randint(1, 9))
        text, second = some_text(chance, chance.randint(0, 30))
        row_id = await note(http, f"{title}.", text)
        rows.append({"id": row_id, "title": first, "text": second})
    rows.sort(key=lambda row: row["id"])
    hits = 0
    for _ in range(SEARCHES):
        text, wanted = some_text(chance, chance.choice((1, 1, 2, 3, 4)))
        if not wanted:
            continue
        matching = [row for row in rows if has(row["title"] + row["text"], wanted)]
        hits += len(matching)
        ranked = [row["id"] for row in sorted(matching, key=lambda row: grade(row, wanted))]
        assert await found(http, text) == ranked, text
        assert await found(http, text, "&sort=-id") == sorted(ranked, reverse=True), text
    assert hits > SEARCHES


async def test_the_best_come_first_and_by_page_only(toy: Toy) -> None:
    """The first declared field before the second, whole words before beginnings; a sort makes it a filter again."""
    http = await toy.as_role("keeper")
    made = [await note(http, *texts) for texts in (("x", "lampshade"), ("x", "a lamp"), ("Lampshade",), ("Lamp", "b"))]
    assert await found(http, "lamp") == made[::-1]
    assert await found(http, "a lamp") == [made[1]]
    assert await found(http, "b lam") == [made[3]]
    first = (await http.get("/notes?search=lamp&size=1")).json()
    assert (first["next"], first["prev"], first["total"]) == (None, None, 4)
    problem(await http.get("/notes?search=lamp&cursor=x"), 400, "malformed_parameter")
    sorted_page = (await http.get("/notes?search=lamp&size=3&sort=-id")).json()
    last = (await http.get(f"/notes?search=lamp&size=3&sort=-id&cursor={sorted_page['next']}")).json()
    assert [item["id"] for item in sorted_page["items"] + last["items"]] == made[::-1]


async def test_the_index_follows_every_write(toy: Toy) -> None:
    """Changed and deleted rows over HTTP, and what plain SQL does to the table behind everybody's back."""
    http = await toy.as_role("keeper")
    one, two = await note(http, "first", "apple"), await note(http, "second", "pear")
    assert (await http.patch(f"/notes/{one}", json={"text": "banana"})).status_code == 200
    assert (await found(http, "apple"), await found(http, "banan")) == ([], [one])
    assert (await http.patch(f"/notes/{one}", json={"stars": 3})).status_code == 200
    assert await found(http, "banana") == [one]
    await toy.execute("UPDATE note SET text = 'cherry', title = 'third' WHERE text = 'pear'")
    assert (await found(http, "pear"), await found(http, "second"), await found(http, "third cher")) == ([], [], [two])
    await toy.execute(f"DELETE FROM note WHERE id = '{one}'")  # noqa: S608 # an id of ours
    assert await found(http, "banana") == []
    assert (await http.delete(f"/notes/{two}")).status_code == 204
    assert await found(http, "cherry") == []
    await toy.execute("UPDATE note SET deleted_at = NULL")
    assert await found(http, "cherry") == [two]


@pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
async def test_the_index_survives_a_vacuum(toy: Toy) -> None:
    """SQLite may number rows anew then; the index does not go by those numbers."""
    http = await toy.as_role("keeper")
    made = [await note(http, "same", f"w{number}") for number in range(9)]
    await toy.execute(f"DELETE FROM note WHERE id < '{made[4]}'")  # noqa: S608 # an id of ours
    with sqlite3.connect(sqlite_file(toy.services.settings.database_url), isolation_level=None) as other:
        other.execute("VACUUM")
    assert await found(http, "w6") == [made[6]]
    await toy.execute("UPDATE note SET text = 'z' WHERE text = 'w6'")
    assert (await found(http, "w6"), await found(http, "z")) == ([], [made[6]])


WRONG = ("", " ", "%", '"', "*", "()", "🗼", "a" * (LONGEST_SEARCH + 1), " ".join("a" * (MOST_WORDS + 1)), "\u0301")
HARMLESS = (
    *("AND", "a AND b", "a OR b", "NOT a", "NEAR(a b)", "a*", '"a', "a'", "title:a", "{title}:a", "-a", "^a", "a+b"),
    *("a & b", "a | !b", "a <-> b", "'a':*", "a:*A", "); DROP TABLE note; --", "a" * LONGEST_SEARCH, "a\tb\nc", "a\\"),
    *("a🗼b", "ﬁ", "\u0301a", "a\u0301", "ß", "日本語", "ﷺ", "\u202ea", "٣", "²3", "\U0001d7d8", "à" * 90, "क्षि"),
)


async def test_any_text_is_safe_to_search_for(toy: Toy) -> None:
    """There are no operators: what looks like one is words and gaps. What has no word, or is too much, is 400."""
    http = await toy.as_role("keeper")
    row = await note(http, "a and b", "or not near title drop table note")
    for text in HARMLESS:
        assert await found(http, text) in ([], [row]), text
    assert await found(http, "a AND b") == await found(http, "NEAR(a b)") == [row]
    assert await found(http, "a OR c") == []
    for text in WRONG:
        answer = await http.get(f"/notes?search={quote(text)}")
        problem(answer, 400, "malformed_parameter")
        assert places(answer) == {"search": "malformed_parameter"}, text
    for given in ("search=%00", "search=%ff", "search=%ed%a0%80"):
        problem(await http.get(f"/notes?{given}"), 400, "malformed_parameter")


async def test_words_longer_than_any_are_kept_and_found(toy: Toy) -> None:
    """A text without a gap can be written, and found by its beginning."""
    http = await toy.as_role("keeper")
    row = await note(http, "x", "日" * 2000)
    assert await found(http, "日" * 100) == [row]
    assert await found(http, "日" * 100 + " x") == [row]


RULES = """
p, keeper, notes, *, any, *
p, keeper, users, list, any, *
p, keeper, bookmarks, list, any, *
p, keeper, comments, list, any, *
p, keeper, folders, list, any, *
p, keeper, traces, list, any, *
p, editor, notes, list, any, -text
p, reader, notes, list, any, -text|-title
p, anonymous, notes, list, published, title|text
"""


async def test_what_a_role_may_not_read_is_not_searched(toy: Toy, tmp_path: Path) -> None:
    """A word in an unreadable field, or in a row out of sight, finds nothing and ranks nothing."""
    world = await furnished(toy, tmp_path)
    world.obey(RULES)
    keeper, editor = world.clients["keeper"], world.clients["editor"]
    hidden, shown = await note(keeper, "plain canary", "x"), await note(keeper, "canary plain", "canary secretword")
    for text in ("secretword", "canary secretw", "secretword canary"):
        assert (await found(keeper, text), await found(editor, text)) == ([shown], [])
    assert await found(editor, "plain canary") == [hidden, shown]
    assert await found(world.clients["anonymous"], "canary") == []


async def test_without_a_readable_field_there_is_no_such_parameter(toy: Toy, tmp_path: Path) -> None:
    """Word by word as for a name that nobody declared; also where a resource declares no search."""
    world = await furnished(toy, tmp_path)
    world.obey(RULES)
    for role, path in (("reader", "/notes"), ("keeper", "/users")):
        for value in ("note", "", "%25", "%00"):
            told: list[Any] = []
            for name in ("search", "qzxwvu"):
                answer = await world.clients[role].get(f"{path}?{name}={value}")
                told.append(answer.json()["errors"][0] | {"pointer": "", "status": answer.status_code})
            assert told[0] == told[1], (role, path, value)
        document = (await world.clients[role].get("/openapi.json?for=me")).json()
        names = [given["name"] for given in document["paths"][path]["get"]["parameters"]]
        assert "search" not in names
    document = (await world.clients["editor"].get("/openapi.json?for=me")).json()
    (told_here,) = [one for one in document["paths"]["/notes"]["get"]["parameters"] if one["name"] == "search"]
    assert "`title`" in told_here["description"]
    assert "`text`" not in told_here["description"]
