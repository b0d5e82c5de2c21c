"""Nobody becomes more than they are by what they type into a form, or send beside it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.admin import desk as office_file
from tests.admin.desk import PASSWORD, POLICY, Office, form_of, office

pytestmark = pytest.mark.anyio

CLERKS = """\
p, editor, users, list, any, *
p, editor, users, read, any, *
p, editor, users, create, any, email|nickname|password|role|is_active
p, editor, users, update, any, email|nickname|password|current_password|role|is_active
p, editor, users, delete, any, *
p, editor, notes, update, own, *
"""
"""Editors look after accounts, keepers' ones included as far as the policy goes; ranks are no matter of the policy."""

UNKNOWN_FIELD = "is not a field that this request can set"

NEVER: tuple[tuple[str, str], ...] = (
    ("hashed_password", "$argon2id$v=19$m=65536,t=3,p=4$YQ$YQ"),
    ("epoch", "99"),
    ("is_verified", "true"),
    ("is_superuser", "true"),
    ("id", "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"),
    ("created_at", "2020-01-01T00:00:00"),
    ("role__", "keeper"),
    ("Role", "keeper"),
    ("role[]", "keeper"),
    (" role", "keeper"),
    ("users.role", "keeper"),
    ("__dict__", "x"),
)
"""What no form of an account has, in spellings that somebody could hope for."""

NEVER_OF_A_NOTE = ("author_id", "views", "secret", "is_pinned", "slug", "deleted_at", "updated_at", "code", "folder")


@pytest.fixture
async def clerks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """The toy, where editors write accounts."""
    monkeypatch.setattr(office_file, "POLICY", POLICY + CLERKS)
    async with office(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path, monkeypatch) as found:
        yield found


async def accounts(place: Office) -> list[tuple[Any, ...]]:
    """All that is kept of every account."""
    return await place.toy.rows("SELECT * FROM users ORDER BY id")


async def test_nobody_gives_a_role_above_their_own(clerks: Office) -> None:
    """To a new account, to another one, to oneself; once, twice, and not in the form's offer either."""
    client = await clerks.sign_in("editor")
    before = await accounts(clerks)
    page = (await client.get("/admin/users/create")).text
    assert 'value="editor"' in page
    assert 'value="keeper"' not in page
    new = {"email": "new@example.org", "password": PASSWORD}
    for role in ("keeper", "anonymous", "Keeper", "nobody", ["reader", "keeper"]):
        answer = await client.post("/admin/users/create", data={**new, "role": role})
        assert answer.status_code == 400, role
        for name in ("reader", "editor"):
            answer = await client.post(f"/admin/users/edit/{clerks.people[name]}", data={"role": role})
            assert answer.status_code == 400, (role, name)
    assert await accounts(clerks) == before
    assert (await client.post("/admin/users/create", data={**new, "role": "editor"})).status_code == 302


async def test_an_account_above_ones_own_is_out_of_reach(clerks: Office) -> None:
    """Whatever the policy says of its row: neither changed nor deleted, alone or among others."""
    client = await clerks.sign_in("editor")
    before = await accounts(clerks)
    keeper, reader = clerks.people["keeper"], clerks.people["reader"]
    form = form_of((await client.get(f"/admin/users/edit/{keeper}")).text)
    for change in ({"nickname": "mine"}, {"password": "another password"}, {"role": "reader"}, {"is_active": ""}):
        answer = await client.post(f"/admin/users/edit/{keeper}", data={**form, **change})
        assert answer.status_code == 400, change
        assert "above your own" in answer.text
    for ids in (str(keeper), f"{keeper},{reader}"):
        assert (await client.delete(f"/admin/users/delete?pks={ids}")).status_code == 403
    assert await accounts(clerks) == before


async def test_what_no_form_of_an_account_has_is_refused(clerks: Office) -> None:
    """Hidden columns and those of the server, whoever has the form: they are told, and nothing is written."""
    for role in ("editor", "keeper"):
        client = await clerks.sign_in(role)
        before = await accounts(clerks)
        for name, value in NEVER:
            new = {"email": "new@example.org", "password": PASSWORD, name: value}
            edit = {"nickname": "changed", name: value}
            for path, data in (("create", new), (f"edit/{clerks.people['reader']}", edit)):
                answer = await client.post(f"/admin/users/{path}", data=data)
                assert answer.status_code == 400, (path, name)
                assert UNKNOWN_FIELD in answer.text, (path, name)
                assert "argon2id" not in answer.text
        assert await accounts(clerks) == before


async def test_the_owner_and_the_state_of_a_row_are_not_in_its_form(clerks: Office) -> None:
    """A note is given to nobody else, and what only a rule gives is not taken without it."""
    note = await clerks.note("editor", "Mine")
    client = await clerks.sign_in("editor")
    before = await clerks.row(note)
    for name in NEVER_OF_A_NOTE:
        for value in (str(clerks.people["keeper"]), "true", "", "2026-01-01"):
            data = {"title": "Changed", name: value}
            for path in ("create", f"edit/{note}"):
                answer = await client.post(f"/admin/notes/{path}", data=data)
                assert answer.status_code == 400 or (name == "code" and path == "create"), (path, name, value)
    assert await clerks.row(note) == before
    rows = await clerks.toy.rows("SELECT author_id, is_pinned, views FROM note")
    assert {str(row[0]) for row in rows} == {str(clerks.people["editor"])}
    assert {(bool(row[1]), row[2]) for row in rows} == {(False, 0)}
