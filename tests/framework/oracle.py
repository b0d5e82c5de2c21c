"""What a list should answer, worked out in plain Python over the rows themselves."""

import json
import random
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from operator import eq, ge, gt, le, lt
from typing import Any
from urllib.parse import quote

import httpx2

Row = dict[str, Any]

SIGMAS = ("\N{GREEK SMALL LETTER SIGMA}", "\N{GREEK SMALL LETTER FINAL SIGMA}", "\N{GREEK CAPITAL LETTER SIGMA}")
ALPHABET = (*"aAbBéÉßẞİ%_zZ🗼 \\", "SS", "\uffee", *SIGMAS)
"""What texts are made of: letters with unusual case, characters that patterns use, one beyond UTF-16's first plane."""

NUMERIC: dict[str, Callable[[Any, Any], bool]] = {"": eq, "__gt": gt, "__gte": ge, "__lt": lt, "__lte": le}
TEXTUAL: dict[str, Callable[[str, str], bool]] = {
    "__contains": lambda text, part: folded(part) in folded(text),
    "__starts_with": lambda text, part: folded(text).startswith(folded(part)),
    "__ends_with": lambda text, part: folded(text).endswith(folded(part)),
}


def folded(text: str) -> str:
    """Without regard to case, as Unicode says it."""
    return text.casefold()


def some_text(chance: random.Random, longest: int = 3) -> str:
    return "".join(chance.choices(ALPHABET, k=chance.randint(0, longest)))


def some_rows(chance: random.Random, count: int, folders: Sequence[str]) -> list[Row]:
    """Bodies of notes, with few different values each, so that filters hit and sorts tie."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    return [
        {
            "title": some_text(chance) + "t",
            "tag": chance.choice([None, some_text(chance)]),
            "mood": chance.choice(["calm", "busy", "wild"]),
            "ink": chance.choice([None, "pen", "pencil"]),
            "fee": chance.choice([0, 1, 999, 10**12]),
            "stars": chance.randint(0, 5),
            "weight": chance.choice([None, -1.5, 0.1, 0.1 + 0.2, 1e300]),
            "is_public": chance.random() < 0.5,
            "due": chance.choice([None, iso(start + timedelta(microseconds=chance.randint(0, 3)))]),
            "day": chance.choice([None, str(date(2026, 1, 1) + timedelta(days=chance.randint(0, 3)))]),
            "folder_id": chance.choice([None, *folders]),
        }
        for _ in range(count)
    ]


def iso(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def matches(row: Row, name: str, operator: str, value: Any) -> bool:
    """Whether a row satisfies one filter. NULL satisfies none but ``is_null``."""
    kept = row[name]
    if operator == "__is_null":
        return (kept is None) is value
    if kept is None:
        return False
    if operator == "__ne":
        return bool(kept != value)
    if operator == "__in":
        return kept in value
    if operator == "__not_in":
        return kept not in value
    return bool({**NUMERIC, **TEXTUAL}[operator](kept, value))


def ordered(rows: Iterable[Row], terms: Sequence[str]) -> list[Row]:
    """The rows as ``sort`` would have them: NULLs last both ways, ties by id."""
    found = sorted(rows, key=lambda row: str(row["id"]))
    for term in reversed(terms):
        name = term.removeprefix("-")
        there = [row for row in found if row[name] is not None]
        there.sort(key=lambda row: row[name], reverse=term.startswith("-"))
        found = there + [row for row in found if row[name] is None]
    return found


def query(**parameters: Any) -> str:
    """A query string; lists with commas, words as JSON would have them."""
    texts = {
        key: ",".join(map(_text, value)) if isinstance(value, list) else _text(value)
        for key, value in parameters.items()
    }
    return "&".join(f"{key}={quote(text, safe='')}" for key, text in texts.items())


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


async def ids(http: httpx2.AsyncClient, path: str, parameters: str) -> list[str]:
    """The ids that a list finds, on all pages of it."""
    found: list[str] = []
    page = 1
    while True:
        answer = await http.get(f"{path}?size=100&page={page}&{parameters}")
        assert answer.status_code == 200, (parameters, answer.text)
        body = answer.json()
        found += [item["id"] for item in body["items"]]
        if page >= body["pages"]:
            assert body["total"] == len(found)
            return found
        page += 1
