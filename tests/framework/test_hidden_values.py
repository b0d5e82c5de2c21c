"""A value in a hidden or unreadable column comes out nowhere: in no body, no header, no line of the log."""

import logging
import re
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import pytest
from sqlalchemy.exc import IntegrityError

from charter import Transition
from charter.errors import ApiException, ConflictException
from charter.plan import Lens
from charter.serve import read_lens, writes
from charter.store import faults
from tests.framework.unseen import NOWHERE, ROLES, World, furnished
from tests.problems import problem
from tests.toy.resources import notes as module
from tests.toy.resources.notes import BROKEN
from tests.toy.running import running

pytestmark = pytest.mark.anyio

RULES = """
p, anonymous, folders, list, any, remark
p, anonymous, folders, read, any, remark
p, anonymous, notes, list, published, title
p, anonymous, notes, read, published, title|stars

p, reader, folders, list, any, id
p, reader, folders, read, any, remark
p, reader, folders, create, any, *
p, reader, folders, update, any, name
p, reader, folders, delete, any, *
p, reader, notes, list, any, title|stars
p, reader, notes, read, any, title|tag|folder_id
p, reader, notes, create, any, *
p, reader, notes, update, any, *
p, reader, notes, delete, any, *
p, reader, comments, list, any, note_id
p, reader, comments, read, any, note_id
p, reader, comments, create, any, *
p, reader, comments, update, any, *
p, reader, users, read, own, -email|-role
p, reader, users, update, own, nickname|email|password|current_password
p, reader, bookmarks, *, own, *

p, editor, folders, create, any, *
p, editor, folders, update, any, remark
p, editor, notes, create, any, *
p, editor, notes, update, any, title|stars
p, editor, notes, list, any, -text|-fee|-double_fee|-folder_name|-details|-words|-code
p, editor, comments, update, any, text
p, editor, users, list, any, nickname
p, editor, users, create, any, email|password|nickname

p, keeper, folders, *, any, *
p, keeper, notes, *, any, *
p, keeper, comments, *, any, *
p, keeper, users, list, any, *
p, keeper, users, read, any, *
p, keeper, users, update, any, *
p, keeper, users, create, any, email|password|nickname|role
p, keeper, traces, list, any, what
p, anonymous, docs, access, any, *
"""

TOO_LONG = "\N{LATIN SMALL LETTER SHARP S}" * 120
"""A title that is twice as long in capitals: what was valid breaks a CHECK of the table, whose error has the row."""


TELLING = re.compile(r"canary[\w@.-]*|[\da-f]{8}-[\da-f-]{27}|[\w.-]+@[\w.-]+|\b\d{8,}\b")
"""What cannot stand in an answer by chance: canaries, ids, addresses, long numbers."""

CANARIES = (
    "UPDATE note SET secret = 'canary-secret-' || code, text = 'canary-text-' || code, tag = 'canary-tag-' || code",
    "UPDATE note SET fee = 790790000 + fee, views = 791791000 + stars",
    """UPDATE note SET details = '{"a": "canary-details"}', words = '["canary-words"]'""",
    "UPDATE note SET slug = 'canary-slug-' || code, code = 'canary-code-' || code",
    "UPDATE folder SET name = 'canary-name-' || name, slug = 'canary-slug-' || slug",
    "UPDATE comment SET text = 'canary-text-' || text",
    "INSERT INTO trace SELECT id, created_at, updated_at, 'canary-what', 'canary-title' FROM folder",
    "UPDATE users SET hashed_password = 'canary-hash', epoch = 792792792 WHERE email LIKE 'canary%'",
)


@pytest.fixture
async def world(
    toy_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> AsyncIterator[World]:
    """The toy with canaries in every column that may hold one, telling its log everything."""
    async with running(toy_url, tmp_path, monkeypatch, log_level="debug") as toy:
        found = await furnished(toy, tmp_path)
        await toy.member("keeper", "canary-person")
        for statement in CANARIES:
            await toy.execute(statement)
        found.obey(RULES)
        capsys.readouterr()
        yield found


async def canaries(world: World, role: str) -> set[str]:
    """Every telling value that stands in the database and in no field that `role` may read."""
    shown, hidden = set[str](), set[str]()
    for entry in world.services.catalog.entries.values():
        names = entry.table.c.keys()
        doors = [world.fields(role, entry, door) or frozenset() for door in ("list", "read")]
        for row in await world.toy.rows(f'SELECT {", ".join(names)} FROM "{entry.table.name}"'):  # noqa: S608 # our names
            for name, value in zip(names, row, strict=True):
                (shown if name in doors[0] | doors[1] else hidden).update(TELLING.findall(str(value)))
    for row in await world.toy.rows("SELECT id, family_id, token_hash FROM refresh_token"):
        hidden.update(map(str, row))
    return hidden - shown


def reading(world: World) -> Iterator[str]:
    """Everything that can be looked at, in many ways; some of it is refused."""
    yield from ("/openapi.json", "/health", "/users/me", "/users/me/permissions", "/docs", "/nowhere", "/auth/login")
    for entry in world.services.catalog.entries.values():
        includes = ["", *(f"include={path}" for path in entry.resource.include)]
        known = [f"{name}={value}" for name in entry.filters for value in ("canary-tag-code-1", "790790700", "x")]
        sorts = [f"sort={name}" for name in entry.sorts]
        for query in (*includes, *known, *sorts, "fields=secret", "hashed_password__starts_with=canary", "page=x"):
            yield f"/{entry.name}?{query}"
        for row_id in (*world.ids[entry.name][:4], NOWHERE):
            yield from (f"/{entry.name}/{row_id}?{query}" for query in (*includes, "fields=nothing"))


def writing(world: World) -> Iterator[tuple[str, str, Any]]:
    """Writes that are good, that do not fit, and that the database refuses: unique, foreign key, CHECK; and a 500."""
    text = "canary-of-the-caller"
    for entry in world.services.catalog.entries.values():
        row, other = [*world.ids[entry.name][:2], NOWHERE, NOWHERE][:2]
        everything = dict.fromkeys([*entry.fields, *entry.inputs], text)
        for method in ("POST", "PUT", "PATCH"):
            path = f"/{entry.name}" + (f"/{row}" if method != "POST" else "")
            yield from ((method, path, body) for body in ({}, everything, {"nothing": text}, [text], {"id": 1}))
        yield "PATCH", f"/{entry.name}/{other}", {"text": "a", "title": "b", "remark": "c"}
    note, mine = (f"/notes/{row_id}" for row_id in world.ids["notes"][2:4])
    folder = f"/folders/{world.ids['folders'][1]}"
    for body in (
        *({"title": "canary-fresh"}, {"title": TOO_LONG, "shout": True}, {"title": "x", "code": "canary-code-code-1"}),
        *({"title": "x", "folder_id": NOWHERE}, {"title": "x", "fee": -1}, {"title": BROKEN}, {"title": "canary" * 40}),
    ):
        yield "POST", "/notes", body
        yield "PUT", note, body
        yield "PATCH", mine, body
    yield from (("PATCH", mine, body) for body in ({"stars": 3}, {"stars": 9}, {"title": "\x00"}, {"author_id": text}))
    for body in ({"name": "canary-name-folder 0"}, {"name": "fine", "parent_id": NOWHERE}, {"remark": text * 20}):
        yield from (("POST", "/folders", body), ("PATCH", folder, body), ("PUT", folder, body))
    yield "POST", "/comments", {"text": "x", "note_id": world.ids["notes"][0]}
    yield "POST", "/comments", {"text": "x", "note_id": NOWHERE}
    yield "POST", "/bookmarks", {"note_id": world.ids["notes"][0]}
    yield "PATCH", "/users/me", {"nickname": "fine"}
    for email in ("canary-person@example.org", text, 5):
        person = {"email": email, "password": "a fine long password"}
        yield from (("POST", "/users", person), ("PATCH", "/users/me", {"email": email, "current_password": text}))
        yield from (("POST", "/auth/register", person), ("POST", "/auth/forgot-password", {"email": email}))
    yield "POST", "/auth/refresh", {"refresh_token": text}
    yield "DELETE", f"/folders/{world.ids['folders'][0]}", None
    yield "DELETE", f"/notes/{world.ids['notes'][5]}", None


def whole(answer: httpx2.Response) -> str:
    """All of an answer, as it came."""
    return "\n".join([answer.text, *(f"{name}: {value}" for name, value in answer.headers.items())])


async def found_in_answers(world: World, role: str) -> list[str]:
    """Requests of `role` whose answer has what they must not see, or repeats in a refusal what was sent."""
    hidden, http, wrong = await canaries(world, role), world.clients[role], []
    assert {"canary-hash", "792792792", "canary-secret-code-1"} <= hidden
    asked: list[tuple[str, str, Any]] = [("GET", target, None) for target in reading(world)]
    for method, target, body in (*asked, *writing(world)):
        answer = await http.request(method, target, json=body) if method != "GET" else await http.get(target)
        seen = [text for text in hidden if text not in target and text in whole(answer)]
        if answer.status_code >= 400 and "canary" in answer.text:
            seen.append("what was sent")
        wrong += [f"{role} {method} {target} {body}: {text} in {answer.text[:300]}" for text in seen]
    return wrong


async def test_no_answer_has_what_its_caller_may_not_read(world: World) -> None:
    """Each role sends every read, list, include and write, good and bad: no canary comes back, nor what was sent."""
    for role in ROLES:
        wrong = await found_in_answers(world, role)
        assert not wrong, "\n".join(wrong[:10])


async def test_no_line_of_the_log_has_a_value_of_a_row(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """At the level `debug`, failures included: neither what is hidden from anybody nor what was sent."""
    await found_in_answers(world, "keeper")
    log = capsys.readouterr().err
    assert "/notes/{id}" in log
    assert "unhandled exception" in log
    assert "canary" not in log
    hidden = {text for text in await canaries(world, "anonymous") if not re.fullmatch(r"[\da-f-]{36}", text)}
    assert not [text for text in hidden if text in log]


async def test_a_refused_move_does_not_tell_a_state_that_cannot_be_read(
    toy_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """409 without the state for whoever may not read the field that holds it; with it for all others."""
    calm = Transition("rush", ("calm",), "busy", field="mood")
    monkeypatch.setattr(module, "notes", replace(module.notes, actions=(calm,)))
    rules = "p, keeper, notes, rush, any, *\np, editor, notes, rush, any, *\np, editor, notes, read, any, -mood\n"
    async with running(toy_url, tmp_path, monkeypatch) as toy:
        world = await furnished(toy, tmp_path)
        await toy.execute("UPDATE note SET mood = 'wild'")
        world.obey(RULES + rules)
        path = f"{world.path_of(world.entry('notes'))}/rush"
        for role, knows in (("keeper", True), ("editor", False)):
            answer = await world.clients[role].post(path)
            problem(answer, 409, "invalid_transition")
            assert ("wild" in answer.text) is knows


def answer_with_the_whole_row(patch: pytest.MonkeyPatch) -> None:
    def whole_lens(*given: Any) -> Lens | None:
        found = read_lens(*given)
        return Lens(found.entry, found.rows, tuple(found.entry.fields)) if found else None

    patch.setattr(writes, "read_lens", whole_lens)


def quote_the_database(patch: pytest.MonkeyPatch) -> None:
    def quoted(error: IntegrityError, _: Any) -> ApiException:
        return ConflictException(str(error.orig))

    patch.setattr(faults, "integrity", quoted)


def log_the_row(patch: pytest.MonkeyPatch) -> None:
    real = writes.target_of

    def loud(*given: Any) -> Any:
        row = real(*given)
        logging.getLogger("charter.serve").debug("changing %s", dict(row))
        return row

    patch.setattr(writes, "target_of", loud)


@pytest.mark.parametrize(
    ("toy_url", "slip"),
    [
        ("sqlite", answer_with_the_whole_row),
        ("postgresql", quote_the_database),  # SQLite tells no values
        ("sqlite", log_the_row),
    ],
    indirect=["toy_url"],
)
async def test_a_door_that_lets_a_value_out_is_noticed(
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    slip: Callable[[pytest.MonkeyPatch], None],
) -> None:
    """The search is able to find: in the answer of a write, in an error, in the log."""
    slip(monkeypatch)
    wrong = await found_in_answers(world, "reader")
    assert wrong or "canary" in capsys.readouterr().err
