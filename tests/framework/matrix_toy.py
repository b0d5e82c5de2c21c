"""The toy as the matrix sees it: with relations both ways, two hops and actions; its shapes, rows and policies."""

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx2
import pytest

from charter import Action, Change, Transaction, Transition
from tests.matrix.shapes import Relation, Row, Shape
from tests.matrix.snapshot import rows_of
from tests.matrix.world import Word, World, flag, is_own
from tests.policy_oracle import read_oracle
from tests.shop.shop_table import Noun
from tests.toy.resources.bookmarks import bookmarks
from tests.toy.resources.comments import comments
from tests.toy.resources.folders import folders
from tests.toy.resources.members import members
from tests.toy.resources.notes import notes
from tests.toy.resources.traces import traces
from tests.toy.running import HERE, Toy, running

ORDER = ("anonymous", "reader", "editor", "keeper")
AUTHORS = ("stranger", *ORDER[1:])
SHIPPED = (HERE / "policy.csv").read_text()
SIDE_EFFECTS = {"traces"}

STRICT = """\
g, reader, anonymous
g, editor, reader
g, keeper, editor
p, anonymous, folders, list, any, -remark
p, reader, folders, read, any, -remark
p, editor, folders, read, any, *
p, editor, folders, create, any, *
p, editor, folders, update, any, -parent_id
p, keeper, folders, update, any, *
p, keeper, folders, delete, any, *
p, anonymous, notes, list, published, -fee|-is_costly|-double_fee
p, anonymous, notes, read, published, -fee|-text|-letters
p, reader, notes, list, own, -fee|-is_costly|-double_fee
p, reader, notes, read, own, -fee|-text|-letters
p, reader, notes, create, draft, -fee
p, reader, notes, update, draft, -fee
p, reader, notes, delete, own, *
p, reader, notes, star, published, *
p, reader, notes, rush, own, *
p, editor, notes, star, own, *
p, keeper, notes, list, any, *
p, keeper, notes, read, any, *
p, keeper, notes, update, any, *
p, keeper, notes, update, any, is_pinned
p, keeper, notes, delete, any, *
p, reader, comments, create, own, *
p, reader, comments, read, own, *
p, editor, comments, list, any, -text
p, editor, comments, update, any, *
p, keeper, comments, read, any, *
p, keeper, comments, delete, any, *
p, reader, bookmarks, *, own, *
p, keeper, traces, list, any, -title
p, reader, users, read, own, -email|-role
p, reader, users, update, own, nickname
p, editor, users, read, any, *
p, editor, users, list, any, -is_verified
p, editor, users, update, any, nickname|role
p, editor, users, create, any, email|password|role
p, keeper, users, update, any, nickname|role|is_active
p, keeper, users, delete, any, *
p, reader, docs, access, any, *
"""
"""Field rules on every resource, words that a write can leave, reads without lists and writes without reads."""


def _star(_: Transaction, change: Change) -> None:
    change.values["stars"] = 5


def _nouns() -> ModuleType:
    """The toy's resources with more doors; what is filtered by is sorted by."""
    found = ModuleType("nouns")
    wider = {
        "notes": replace(
            notes,
            sort=(*NOUNS["notes"].filters, *NOUNS["notes"].more_sorts),
            filter=NOUNS["notes"].filters,
            include=NOUNS["notes"].include,
            actions=(Action("star", _star), Transition("rush", ("calm",), "busy", field="mood")),
        ),
        "traces": replace(traces, sort=NOUNS["traces"].filters),
    }
    for name, item in {"folders": folders, "comments": comments, "bookmarks": bookmarks, "users": members}.items():
        noun = NOUNS[name]
        sorts = (*noun.filters, *noun.more_sorts)
        wider[name] = replace(item, filter=noun.filters, sort=sorts, include=noun.include, search=noun.search)
    for name, item in wider.items():
        setattr(found, name, item)
    return found


NOUNS = {
    noun.path: noun
    for noun in (
        Noun(
            "users",
            "Member",
            "email* nickname role is_active is_verified§ hashed_password~ epoch~ password*+ current_password+=",
            ("email", "nickname", "role"),
        ),
        Noun(
            "folders",
            "Folder",
            "name* slug§ remark parent_id",
            ("name", "slug", "remark", "parent_id", "parent.remark"),
            ("parent", "children", "notes", "notes.comments"),
            ("parent.name",),
        ),
        Noun(
            "notes",
            "Note",
            "title* slug§ text tag mood ink fee stars weight is_public due day details words code^ is_pinned views§ "
            "secret~ folder_id author_id§ letters§ folder_name§ is_costly§ double_fee§ shout+",
            ("title", "tag", "fee", "stars", "is_public", "folder_id", "slug", "folder.slug", "folder.remark"),
            ("folder", "comments"),
            ("folder.name",),
            search=("title", "text"),
        ),
        Noun(
            "comments",
            "Comment",
            "text* note_id*^",
            ("note_id", "note.tag"),
            ("note", "note.folder"),
            ("note.fee",),
            ("text",),
        ),
        Noun("bookmarks", "Bookmark", "note_id*^ count user_id§", ("note_id",), (), ("count",)),
        Noun("traces", "Trace", "what§ title§", ("what", "title")),
    )
}

SHAPES = {
    shape.path: shape
    for shape in (
        Shape(NOUNS["users"], "users", owner="id", granted=frozenset({"role", "is_active"})),
        Shape(
            NOUNS["folders"],
            "folder",
            {
                "parent": Relation("folders", "parent_id"),
                "children": Relation("folders", "id", "parent_id", many=True),
                "notes": Relation("notes", "id", "folder_id", many=True),
            },
        ),
        Shape(
            NOUNS["notes"],
            "note",
            {
                "folder": Relation("folders", "folder_id"),
                "comments": Relation("comments", "id", "note_id", many=True),
            },
            owner="author_id",
            actions=("star", "rush"),
            moves={"rush": ("mood", ("calm",))},
            granted=frozenset({"is_pinned"}),
            odd=("details", "words"),
        ),
        Shape(NOUNS["comments"], "comment", {"note": Relation("notes", "note_id")}, owner="note.author_id"),
        Shape(NOUNS["bookmarks"], "bookmark", {"note": Relation("notes", "note_id")}, owner="user_id"),
        Shape(NOUNS["traces"], "trace"),
    )
}

WORDS = {"own": Word(is_own), "published": flag("is_public"), "draft": flag("is_public", wanted=False)}


@dataclass(frozen=True, slots=True)
class Stage:
    """The running toy, what it holds, and a client for each role."""

    toy: Toy
    world: World
    clients: dict[str, httpx2.AsyncClient]

    def client(self, role: str) -> httpx2.AsyncClient:
        return self.clients[role]

    async def now(self) -> dict[str, list[Row]]:
        """All rows as they are kept at this moment."""
        return await rows_of(self.toy.services.settings.database_url, SHAPES)


@asynccontextmanager
async def stage(url: str, folder: Path, patch: pytest.MonkeyPatch, policy: str, **given: Any) -> AsyncIterator[Stage]:
    """The toy under `policy`, filled."""
    file = folder / "matrix.csv"
    file.write_text(policy)
    async with running(url, folder, patch, nouns=_nouns(), policy_file=str(file), **given) as toy:
        people = {author: await toy.member("reader" if author == "stranger" else author, author) for author in AUTHORS}
        await toy.in_transaction(lambda tx: _fill(tx, {author: row_id for author, (row_id, _) in people.items()}))
        clients = {role: toy.client(people[role][1]) for role in ORDER[1:]} | {"anonymous": toy.client()}
        callers = {role: str(people[role][0]) for role in ORDER[1:]}
        yield Stage(toy, await _world(toy, policy, callers), clients)


async def _world(toy: Toy, policy: str, callers: dict[str, str]) -> World:
    actions = {path: shape.words for path, shape in SHAPES.items()} | {"admin": ("access",), "docs": ("access",)}
    oracle = read_oracle(policy, actions, {path: shape.granted for path, shape in SHAPES.items()})
    rows = await rows_of(toy.services.settings.database_url, SHAPES)
    return World(oracle, ORDER, SHAPES, WORDS, callers, rows, BODIES, _fits, _above)


def _fill(tx: Transaction, people: dict[str, Any]) -> None:
    """Folders, notes of everybody in and out of them, some deleted; comments and bookmarks on all sorts of notes."""
    nouns = {name: tx.repository(item) for name, item in _RESOURCES.items()}
    root = nouns["folders"].create(name="root", remark="dark")
    places = [nouns["folders"].create(name=f"in {n}", parent_id=root["id"], remark=f"r{n}")["id"] for n in range(3)]
    for number in range(6):
        nouns["folders"].create(name=f"empty {number}")
        nouns["users"].create(email=f"spare{number}@example.org", role=ORDER[1 + number // 2])
    for author, row_id in people.items():
        for number in range(20 if author == "stranger" else 12):
            made = nouns["notes"].create(
                title=f"{author} {number}", tag=f"t{number}", fee=number * 7, is_public=number % 2 == 0,
                folder_id=[*places, None][number % 4], author_id=row_id,
            )  # fmt: skip
            if number < 6:
                nouns["comments"].create(text="so", note_id=made["id"])
            if number < 5:
                for other in people.values():
                    nouns["bookmarks"].create(note_id=made["id"], user_id=other)
            if number in {4, 5}:
                nouns["notes"].delete(made["id"])


_RESOURCES = {"users": members, "folders": folders, "notes": notes, "comments": comments, "bookmarks": bookmarks}


def _fits(world: World, path: str, action: str, row: Row) -> bool:
    if row.get("used") or (action == "rush" and row["mood"] != "calm"):
        return False
    users = [*(note["author_id"] for note in world.rows["notes"]), *(b["user_id"] for b in world.rows["bookmarks"])]
    inner = [*(note["folder_id"] for note in world.rows["notes"]), *(f["parent_id"] for f in world.rows["folders"])]
    held = {"users": users, "folders": inner}.get(path, [])
    return row["id"] not in held


def _above(world: World, role: str, path: str, row: Row) -> bool:
    return path == "users" and world.order.index(row["role"]) > world.order.index(role)


def _note_for(world: World, role: str, taken: set[Any]) -> str:
    """A note that the caller may read where there is one."""
    seen = world.seen(role, "notes") or world.rows["notes"]
    return str(next((row["id"] for row in seen if row["id"] not in taken), seen[0]["id"]))


def _bookmark(world: World, role: str) -> Row:
    mine = {row["note_id"] for row in world.rows["bookmarks"] if row["user_id"] == world.callers.get(role)}
    return {"note_id": _note_for(world, role, mine), "count": 1}


BODIES: dict[str, Callable[[World, str], Row]] = {
    "users": lambda _world, _role: {"email": f"{secrets.token_hex(5)}@example.org", "password": "long enough"},
    "folders": lambda _world, _role: {"name": secrets.token_hex(5), "remark": "r"},
    "notes": lambda _world, _role: {"title": secrets.token_hex(5), "fee": 3},
    "comments": lambda world, role: {"text": "so", "note_id": _note_for(world, role, set())},
    "bookmarks": _bookmark,
}
