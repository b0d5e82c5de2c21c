"""The toy as the admin's matrix knows it: its screens by hand, and rows with a text of their own in every field."""

from itertools import count
from typing import Any
from uuid import UUID

from charter import Resource
from tests.admin.desk import PASSWORD, ROLES, Office
from tests.admin.eyes import Card, Eye, Paper, Screen
from tests.admin.writing import Bodies
from tests.matrix.shapes import ABSENT, Relation, Row, Shape
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

ORDER = ("anonymous", *ROLES)
WORDS = {"own": Word(is_own), "published": flag("is_public"), "draft": flag("is_public", wanted=False)}

NOTE = (
    "title* slug§ text tag mood ink fee stars weight is_public due day details words code^ is_pinned views§ secret~ "
    "folder_id author_id§ letters§ folder_name§ is_costly§ double_fee§ shout+"
)
NOTE_SORTS = ("title", "tag", "mood", "ink", "fee", "stars", "weight", "is_public", "due", "day", "code", "folder_id")


def folder_name(world: World, row: Row) -> Any:
    """The name of the folder, whoever looks."""
    return next((far["name"] for far in world.rows["folders"] if far["id"] == row["folder_id"]), None)


def _seen(eye: Eye) -> list[Row]:
    return eye.world.seen(eye.role, "notes", "list")


def _fees(eye: Eye) -> list[int]:
    return [row["fee"] for row in _seen(eye)]


def _euros(cents: float) -> str:
    return f"{round(cents) / 100:,.2f}"


CARDS = (
    Card("Notes", frozenset(), lambda eye: f"{len(_seen(eye))}"),
    Card("Notes of a week", frozenset({"created_at"}), lambda eye: f"{len(_seen(eye))}"),
    Card(
        "Fees",
        frozenset({"fee", "is_public"}),
        lambda eye: _euros(sum(row["fee"] for row in _seen(eye) if row["is_public"])),
    ),
    Card("Middle fee", frozenset({"fee"}), lambda eye: _euros(sum(_fees(eye)) / max(len(_fees(eye)), 1))),
    Card("Notes by day", frozenset({"created_at"}), lambda eye: f"{len(_seen(eye)):,.2f}"),
    Card("Fees by day", frozenset({"created_at", "fee"}), lambda eye: _euros(sum(_fees(eye)))),
    Card(
        "Notes by mood",
        frozenset({"mood"}),
        lambda eye: {word: sum(row["mood"] == word for row in _seen(eye)) for word in ("calm", "busy", "wild")},
    ),
    Card(
        "Most liked",
        frozenset({"stars"}),
        lambda eye: [
            eye.cell(row, next(name for name in ("title", "folder", "fee") if eye.shows(name, "list")), short=True)
            for row in sorted(_seen(eye), key=lambda row: (row["stars"], row["id"]), reverse=True)[:3]
        ],
    ),
)
"""The cards of the dashboard; the notes of the matrix are all of this week."""

SCREENS = {
    screen.path: screen
    for screen in (
        Screen(
            Shape(
                Noun("notes", "Note", NOTE, (*NOTE_SORTS, "slug")),
                "note",
                {
                    "folder": Relation("folders", "folder_id"),
                    "comments": Relation("comments", "id", "note_id", many=True),
                },
                owner="author_id",
                granted=frozenset({"is_pinned"}),
                actions=("stamp", "calm_down"),
                moves={"calm_down": ("mood", ("busy", "wild"))},
            ),
            columns=("title", "mood", "folder", "fee", "letters"),
            titles=("title", "slug", "text", "tag", "code", "folder_name"),
            search=("title", "text"),
            few=("mood", "ink", "is_public"),
            far=("folder.slug", "folder.remark"),
            sorts=NOTE_SORTS,
            money=frozenset({"fee", "double_fee"}),
            moments=frozenset({"created_at", "updated_at", "due"}),
            documents=frozenset({"details", "words"}),
            computed={
                "letters": lambda _, row: len(row["text"]),
                "folder_name": folder_name,
                "is_costly": lambda _, row: row["fee"] > 1000,
                "double_fee": lambda _, row: row["fee"] * 2,
            },
            cards=CARDS,
            inline=("title", "mood", "fee"),
            papers={
                "letter": Paper(
                    ("title", "fee", "folder", "letters"), ("text", "folder.slug"), "comments", ("text", "note")
                ),
                "label": Paper(block=("tag",)),
            },
            bodies={"stamp": frozenset({"word", "times", "ink", "loud", "when", "extras"})},
            changes={"title": ("Renamed", "Renamed"), "tag": ("tagged", "tagged"), "fee": ("77.01", 7701),
                     "stars": ("4", 4), "text": ("rewritten", "rewritten"), "is_public": ("true", True)},
        ),
        Screen(
            Shape(
                Noun("folders", "Folder", "name* slug§ remark parent_id", ("name", "slug", "remark", "parent_id")),
                "folder",
                {
                    "parent": Relation("folders", "parent_id"),
                    "children": Relation("folders", "id", "parent_id", many=True),
                    "notes": Relation("notes", "id", "folder_id", many=True),
                },
            ),
            titles=("name", "slug", "remark"),
            far=("parent.remark",),
            unique=frozenset({"name"}),
            sorts=("name", "remark"),
            changes={"remark": ("remarked", "remarked")},
        ),
        Screen(
            Shape(
                Noun("comments", "Comment", "text* note_id*^", ("note_id",)),
                "comment",
                {"note": Relation("notes", "note_id")},
                owner="note.author_id",
            ),
            titles=("text",),
            far=("note.tag",),
            changes={"text": ("rewritten", "rewritten")},
        ),
        Screen(
            Shape(
                Noun("bookmarks", "Bookmark", "note_id*^ count user_id§", ("note_id",)),
                "bookmark",
                owner="user_id",
            ),
            sorts=("count",),
            changes={"count": ("7", 7)},
        ),
        Screen(
            Shape(
                Noun(
                    "users", "Member",
                    "email* role is_active is_verified§ hashed_password~ epoch~ nickname password*+ current_password=+",
                    ("email", "nickname", "role"),
                ),
                "users", {}, owner="id", granted=frozenset({"role", "is_active"}),
            ),
            titles=("email", "role", "nickname"),
            unique=frozenset({"email"}),
            few=("role",),
            sorts=("email", "nickname"),
            changes={"nickname": ("Nick", "Nick")},
        ),
        Screen(
            Shape(
                Noun("roles", "Rank", "name§ rank§ inherits§", ("name",)),
                "role",
            ),
            titles=("name", "inherits"),
        ),
        Screen(
            Shape(Noun("permissions", "Permit", "resource§ action§ rows§ fields§", ()), "permission"),
            titles=("resource", "action", "rows", "fields"),
        ),
        Screen(
            Shape(Noun("role-permissions", "Grant", "role_id§ permission_id§", ("role_id",)), "role_permission"),
        ),
        Screen(
            Shape(Noun("traces", "Trace", "what§ title§", ("what", "title")), "trace"),
            titles=("title", "what"),
            sorts=("what",),
        ),
    )
}  # fmt: skip

ACTIONS = {path: screen.shape.words for path, screen in SCREENS.items()}


class Filler:
    """Makes rows; every text and number in them occurs nowhere else."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.made = 0

    async def row(self, resource: Resource, **values: Any) -> UUID:
        """A row with these values; its id."""
        made = await self.office.toy.in_transaction(lambda tx: tx.repository(resource).create(**values))
        found: UUID = made["id"]
        return found

    async def note(self, role: str, folder: UUID | None, **values: Any) -> UUID:
        """A note of `role` with something of its own in every field."""
        self.made += 1
        n = self.made
        given = {
            "title": f"title-{n}-of-{role}", "text": " ".join([f"text-{n}"] * (20 + n)), "tag": f"tag-{n}",
            "fee": 70_000 + n, "mood": ("calm", "busy", "wild")[n % 3], "ink": ("pencil", "pen", None)[n % 3],
            "stars": n % 6, "weight": 1000.5 + n, "details": {"key": f"detail-{n}"}, "words": [f"word-{n}"],
            "code": f"code-{n}", "views": 880_000 + n, "secret": f"secret-{n}", "folder_id": folder,
            "author_id": self.office.people[role], "is_pinned": n % 2 == 0,
        }  # fmt: skip
        return await self.row(notes, **{**given, **values})


async def fill(office: Office) -> None:
    """Rows of every kind for every role: private, published, deleted; in folders, with comments and bookmarks."""
    filler = Filler(office)
    shelf = await filler.row(folders, name="folder-shelf", remark="remark-shelf")
    box = await filler.row(folders, name="folder-box", remark="remark-box", parent_id=shelf)
    for number in range(4):
        await filler.row(folders, name=f"folder-spare-{number}")
    for role in ROLES:
        for place, is_public in ((shelf, False), (box, True), (None, False), (None, True), (box, False)):
            note = await filler.note(role, place, is_public=is_public)
            await filler.row(comments, text=f"comment-{filler.made}", note_id=note)
            await filler.row(bookmarks, note_id=note, user_id=office.people[role], count=10 + filler.made)
        gone = await filler.note(role, shelf)
        await filler.row(comments, text=f"comment-on-deleted-{role}", note_id=gone)
        client = await office.sign_in("keeper")
        await office.toy.execute(f"UPDATE note SET deleted_at = created_at WHERE id = '{gone}'")  # noqa: S608 # ours
        await client.aclose()
        await filler.row(traces, what="made", title=f"trace-of-{role}")
    for number in range(4):
        more = {"email": f"spare-{number}@example.org", "nickname": f"nick-{number}", "password": PASSWORD}
        await filler.row(members, role=ORDER[1 + number % 3], **more)


async def toy_world(office: Office, policy: str) -> World:
    """The world of the toy under `policy`, as its database has it now."""
    granted = {path: screen.shape.granted for path, screen in SCREENS.items()}
    oracle = read_oracle(policy, {**ACTIONS, "admin": ("access",), "docs": ("access",)}, granted)
    shapes = {path: screen.shape for path, screen in SCREENS.items()}
    rows = await rows_of(office.toy.services.settings.database_url, shapes)
    callers = {role: str(found) for role, found in office.people.items()}
    return World(oracle, ORDER, shapes, WORDS, callers, rows, {}, _fits, _above)


def _fits(world: World, path: str, action: str, row: Row) -> bool:
    """Whether a row is as it was made; for a deletion nothing hangs on it, for a move it is in a state to move."""
    if row.get("used"):
        return False
    if action == "calm_down":
        return bool(row["mood"] != "calm")
    if path == "users":
        return str(row["email"]).startswith("spare-")
    hangs = [
        *(note["folder_id"] for note in world.rows["notes"]),
        *(item["parent_id"] for item in world.rows["folders"]),
    ]
    return path != "folders" or row["id"] not in hangs


def _above(world: World, role: str, path: str, row: Row) -> bool:
    """Nobody touches an account whose role is above their own."""
    return path == "users" and world.order.index(row["role"]) > world.order.index(role)


def _readable(eye: Eye, path: str) -> str:
    """The id of a row that the role may read, or of none."""
    rows = eye.world.seen(eye.role, path)
    return str(rows[0]["id"]) if rows else ABSENT


number = count(1)

BODIES: Bodies = {
    "notes": lambda _: {"title": f"new-note-{next(number)}", "tag": "new"},
    "folders": lambda _: {"name": f"new-folder-{next(number)}"},
    "comments": lambda eye: {"text": "new comment", "note_id": _readable(eye, "notes")},
    "users": lambda _: {"email": f"new-{next(number)}@example.org", "password": PASSWORD},
    "notes/stamp": lambda _: {"word": "seen", "times": "2", "ink": "blue"},
}
"""What makes a row of each kind. A bookmark of a note that has one is not new, and has tests of its own."""
