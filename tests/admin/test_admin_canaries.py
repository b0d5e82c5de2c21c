"""A canary in every hidden column, and a text of its own in every other field: no page shows one to the wrong eyes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.admin.crawl import crawl_here, leaks
from tests.admin.desk import POLICY, Office
from tests.admin.eyes import Eye
from tests.admin.test_admin_matrix import peopled
from tests.admin.toy_screens import SCREENS
from tests.matrix.shapes import Row
from tests.matrix.world import World

pytestmark = pytest.mark.anyio

HASHED = "canary-of-a-hash"
EPOCH = 917_355_102_846
MOST_PAGES = 180
VAGUE = frozenset(
    {"mood", "ink", "stars", "role", "id", "letters", "count", "what", "resource", "action", "rows", "fields"}
)
"""Fields whose values are no canaries: too short, on every page, or words of the policy."""


async def hide(office: Office, world: World) -> None:
    """Put canaries where nothing but the database ever looks: into accounts that nobody signs in with."""
    spare = [row for row in world.rows["users"] if str(row["email"]).startswith("spare-")]
    for number, row in enumerate(spare):
        values = f"hashed_password = '{HASHED}-{number}', epoch = {EPOCH + number}"
        await office.toy.execute(f"UPDATE users SET {values} WHERE id = '{row['id']}'")  # noqa: S608 # ours


def values_of(eye: Eye, row: Row) -> dict[str, str]:
    """Field -> the text by which it would be known on a page."""
    found = {name: eye.screen.text(name, row[name]) for name in row if row[name] is not None and name not in VAGUE}
    for name in eye.screen.documents & row.keys():
        document = json.loads(row[name]) if isinstance(row[name], str) else row[name]
        found[name] = str(next(iter(document.values() if isinstance(document, dict) else document or [""]), ""))
    return {name: text[:60] for name, text in found.items() if len(text) > 4 and not name.endswith(("_at", "_id"))}


def canaries(world: World, role: str) -> tuple[dict[str, str], set[str]]:
    """What this role may not see, as text -> where it is; and all that it may see."""
    forbidden: dict[str, str] = {HASHED: "users.hashed_password", str(EPOCH)[:9]: "users.epoch"}
    allowed: set[str] = set()
    for screen in SCREENS.values():
        eye = Eye(world, SCREENS, role, screen)
        for row in world.rows[screen.path]:
            actions = [action for action in ("list", "read") if eye.inside(action, row)]
            seen = {name for action in actions for name in eye.fields(action)}
            for name, text in values_of(eye, row).items():
                if name in seen:
                    allowed.add(text)
                else:
                    forbidden[text] = f"{screen.path}.{name} of {row['id']}"
    return {text: place for text, place in forbidden.items() if not any(text in known for known in allowed)}, allowed


def doors(world: World) -> list[str]:
    """Where no link leads: the pages of every row, and look-ups, searches and orders by what is hidden."""
    found = ["/admin/", "/admin/access"]
    for path, rows in world.rows.items():
        found += [f"/admin/{path}/list?pageSize=100", f"/admin/{path}/create"]
        found += [f"/admin/{path}/{page}/{row['id']}" for row in rows[::3] for page in ("details", "edit")]
        found += [f"/admin/{path}/list?sortBy={name}" for name in ("hashed_password", "epoch", "secret", "fee")]
        names = ("note_id", "folder_id", "author_id", "parent_id", "user_id")
        found += [f"/admin/{path}/ajax/lookup?name={name}&term=e" for name in names]
    return found


@pytest.mark.parametrize("role", ["reader", "editor", "keeper"])
async def test_no_canary_is_on_any_page_or_in_the_log(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of the rows and fields that a role may neither list nor read nothing is in a body, a header or a record."""
    async with peopled(POLICY, tmp_path, monkeypatch, log_level="debug") as (place, world):
        await hide(place, world)
        forbidden, allowed = canaries(world, role)
        answers = await crawl_here(await place.sign_in(role), doors(world), MOST_PAGES)
        assert leaks(answers, forbidden) == []
        shown = [answer.text for answer in answers]
        assert any(text in page for text in allowed for page in shown)
        assert len(answers) > 100
        assert len(forbidden) > {"reader": 100, "editor": 5, "keeper": 5}[role]
        log = capsys.readouterr().err
        assert log.count("request") > 100
        assert [text for text in forbidden if text in log] == []


async def test_a_canary_that_got_out_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same crawl by somebody who may see more finds what the other one must not."""
    async with peopled(POLICY, tmp_path, monkeypatch) as (place, world):
        forbidden, _ = canaries(world, "reader")
        client = await place.sign_in("keeper")
        answers: list[Any] = [await client.get(address) for address in doors(world)[:60]]
        found = {where.partition(" ")[0] for where, _ in leaks(answers, forbidden)}
        assert {"notes.fee", "notes.text"} <= found
