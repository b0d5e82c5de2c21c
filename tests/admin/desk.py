"""What the tests of the admin share: the toy with a policy of its own, and a browser's manners over plain HTTP."""

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any, Literal
from uuid import UUID

import httpx2
import pytest
from annotated_types import Ge, Le
from pydantic import StringConstraints

from charter import Action, Body, Change, ConflictException, FieldError, Printout, Transaction, Transition
from tests.admin.law import grants, permits, ranks
from tests.toy.resources.bookmarks import bookmarks
from tests.toy.resources.comments import comments
from tests.toy.resources.folders import folders
from tests.toy.resources.members import members
from tests.toy.resources.notes import notes
from tests.toy.resources.traces import traces
from tests.toy.running import Toy, running

PASSWORD = "a password for tests"
PAGES = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}
ROLES = ("reader", "editor", "keeper")
TOKEN = "X-Form-Token"
UNKNOWN = "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"

POLICY = """\
g, reader, anonymous
g, editor, reader
g, keeper, editor

p, reader, admin, access, any, *
p, anonymous, docs, access, any, *

p, anonymous, folders, list, any, *
p, anonymous, folders, read, any, *
p, keeper, folders, *, any, *

p, anonymous, notes, list, published, -fee
p, anonymous, notes, read, published, -fee
p, reader, notes, list, own, -fee
p, reader, notes, read, own, -fee
p, reader, notes, create, draft, -fee
p, reader, notes, update, own, title|text|tag|folder_id|is_public|fee|shout
p, reader, notes, delete, own, *
p, editor, notes, list, any, *
p, editor, notes, read, any, *
p, keeper, notes, create, any, *
p, keeper, notes, create, any, is_pinned
p, keeper, notes, update, any, *
p, keeper, notes, update, any, is_pinned
p, keeper, notes, delete, any, *

p, reader, notes, stamp, any, *
p, editor, notes, calm_down, published, *
p, keeper, notes, calm_down, own, *
p, reader, notes, export, own, -tag
p, reader, notes, import, draft, -tag
p, reader, comments, export, any, *
p, keeper, notes, export, any, *

p, reader, comments, list, own, *
p, reader, comments, read, own, *
p, reader, comments, create, any, *
p, keeper, comments, *, any, *

p, editor, bookmarks, *, own, *
p, keeper, traces, list, any, *
p, keeper, traces, read, any, *

p, reader, users, read, own, *
p, keeper, users, list, any, *
p, keeper, users, read, any, *
p, keeper, users, create, any, email|nickname|password|role|is_active
p, keeper, users, update, any, email|nickname|password|current_password|role|is_active
p, keeper, users, delete, any, *

p, editor, users, list, own, *
p, editor, roles, list, any, *
p, keeper, roles, read, any, *
p, keeper, permissions, list, any, *
p, keeper, permissions, read, any, *
p, editor, role-permissions, list, any, *
p, keeper, role-permissions, read, any, *
"""
"""Readers get in, and see their own notes and the published ones; a price (``fee``) they may set and not see."""


@asynccontextmanager
async def office(url: str, folder: Path, patch: pytest.MonkeyPatch, **given: Any) -> AsyncIterator["Office"]:
    """The toy under `POLICY`, with one account of each role."""
    (folder / "office.csv").write_text(POLICY)
    async with running(url, folder, patch, policy_file="office.csv", nouns=nouns(), **given) as toy:
        yield Office(toy, {role: await account(toy, role) for role in ROLES})


async def account(toy: Toy, role: str) -> UUID:
    """A fresh account of `role` with the one password."""
    given = {"email": f"{role}@example.org", "role": role, "password": PASSWORD, "is_verified": True}
    row = await toy.services.store.write(lambda tx: tx.repository(members).create(**given))
    found: UUID = row["id"]
    return found


class Stamp(Body):
    """What is stamped onto a note."""

    word: Annotated[str, StringConstraints(min_length=1, max_length=20)]
    times: Annotated[int, Ge(1), Le(3)] = 1
    ink: Literal["red", "blue"] = "red"
    loud: bool = False
    when: date | None = None
    extras: list[str] | None = None


def stamp(_: Transaction, change: Change) -> None:
    """Write the word into the tag, unless it is a bad one."""
    if change.inputs["word"] == "never":
        raise ConflictException("Never.", errors=[FieldError("/word", "conflict", "is not stamped")])
    words = " ".join([change.inputs["word"]] * change.inputs["times"])
    change.values["tag"] = words.upper() if change.inputs["loud"] else words


INLINE = ("title", "mood", "fee")

PAPERS = (
    Printout("letter", ("title", "fee", "folder", "letters"), ("text", "folder.slug"), "comments", ("text", "note")),
    Printout("label", block=("tag",)),
)


def nouns() -> ModuleType:
    """The toy's resources; notes can be stamped, and calmed down."""
    found = ModuleType("nouns")
    calm = Transition("calm_down", ("busy", "wild"), "calm", field="mood", description="Make it calm")
    for name, item in {
        "folders": folders,
        "notes": replace(
            notes,
            actions=(Action("stamp", stamp, Stamp), calm),
            admin=replace(notes.admin, inline=INLINE, printouts=PAPERS),
        ),
        "comments": comments,
        "bookmarks": bookmarks,
        "members": members,
        "traces": traces,
        "ranks": ranks,
        "permits": permits,
        "grants": grants,
    }.items():
        setattr(found, name, item)
    return found


class Office:
    """The running toy, and who works there."""

    def __init__(self, toy: Toy, people: dict[str, UUID]) -> None:
        self.toy = toy
        self.people = people

    def visitor(self) -> httpx2.AsyncClient:
        """Somebody with a browser who has not signed in."""
        client = self.toy.client()
        client.headers.update(PAGES)
        return client

    async def sign_in(self, role: str) -> httpx2.AsyncClient:
        """A client with the cookie of `role`."""
        client = self.visitor()
        answer = await enter(client, f"{role}@example.org")
        assert answer.status_code == 302, answer.text
        client.headers[TOKEN] = token_on((await client.get("/admin/")).text)
        return client

    async def note(self, role: str, title: str, **values: Any) -> UUID:
        """A note that belongs to the account of `role`."""
        given = {"title": title, "author_id": self.people[role], **values}
        row = await self.toy.services.store.write(lambda tx: tx.repository(notes).create(**given))
        found: UUID = row["id"]
        return found

    async def row(self, note: UUID) -> dict[str, Any]:
        """A note as it is kept."""
        found = await self.toy.services.store.read(lambda tx: dict(tx.repository(notes).get_by_id(note)))
        kept: dict[str, Any] = found
        return kept

    async def titles(self) -> list[str]:
        """The titles of all notes that are not deleted."""
        rows = await self.toy.services.store.read(lambda tx: tx.repository(notes).get_all())
        return [row["title"] for row in rows]


async def enter(client: httpx2.AsyncClient, email: str, password: str = PASSWORD) -> httpx2.Response:
    """Fill the login page."""
    form = form_of((await client.get("/admin/login")).text)
    return await client.post("/admin/login", data={**form, "username": email, "password": password})


def token_on(page: str) -> str:
    """The token that a page has for its scripts; empty on one that nobody signed in for."""
    found = re.search(r'<meta name="form-token" content="([0-9a-f]{64})">', page)
    return found[1] if found else ""


def form_of(page: str) -> dict[str, Any]:
    """What a browser would send if somebody only pressed Save: the fields of the page's form with their values."""
    found: dict[str, Any] = {"save": "Save"}
    for tag in re.findall(r"<input [^>]*>", page):
        about = {key: html.unescape(value) for key, value in re.findall(r'([\w-]+)="([^"]*)"', tag)}
        is_off = about.get("type") == "checkbox" and "checked" not in re.sub(r'"[^"]*"', "", tag)
        if "name" in about and about.get("type") not in {"submit", "text-search"} and not is_off:
            found[about["name"]] = about.get("value", "")
    for about, text in re.findall(r"<textarea ([^>]*)>\r?\n?([^<]*)</textarea>", page):
        found[_name(about)] = html.unescape(text).replace("\n", "\r\n")
    for about, options in re.findall(r"<select ([^>]*)>(.*?)</select>", page, re.DOTALL):
        chosen = re.search(r'<option selected value="([^"]*)"', options)
        if chosen:
            found[_name(about)] = html.unescape(chosen[1])
    return found


def _name(about: str) -> str:
    found = re.search(r'name="([^"]*)"', about)
    assert found is not None
    return found[1]
