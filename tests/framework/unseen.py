"""The toy as it would be if what a role may not read were not there at all, to hold the real answers against.

Nothing in here asks how Charter hides a field: fields, filters, sort terms and relations are taken out of the compiled
declarations beforehand, and a second application over the same rows answers with what is left.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import httpx2
from fastapi import APIRouter, FastAPI

from charter.assemble.failures import add_handlers
from charter.catalog import Catalog, Entry, Relation
from charter.catalog import Path as Way
from charter.rest import Rest
from charter.serve import Parameters, compile_parameters
from charter.services import Services
from tests.toy.resources.comments import comments
from tests.toy.resources.folders import folders
from tests.toy.resources.members import members
from tests.toy.resources.notes import notes
from tests.toy.running import Toy

Door = Literal["list", "read", "aggregate"]
DOORS: tuple[Door, ...] = ("list", "read", "aggregate")
ASKS = {"list": "list", "read": "read", "aggregate": "list"}
"""Door -> the action whose rules it follows."""

NOWHERE = "01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10"
ROLES = ("anonymous", "reader", "editor", "keeper")

RULES = """
p, anonymous, folders, list, any, id|name
p, anonymous, folders, read, any, name
p, anonymous, notes, list, published, title|folder_id|stars
p, anonymous, notes, read, published, -folder_id|-fee
p, anonymous, comments, list, any, *
p, anonymous, comments, read, any, text

p, reader, folders, list, any, -remark
p, reader, folders, read, any, -parent_id
p, reader, notes, list, any, -fee|-folder_id
p, reader, notes, read, own, -fee|-code
p, reader, comments, list, any, text|note_id
p, reader, comments, read, any, -note_id
p, reader, traces, list, any, what
p, reader, traces, read, any, title
p, reader, users, list, any, email
p, reader, users, read, own, -role|-email
p, reader, bookmarks, *, own, *

p, editor, folders, list, any, -parent_id|-slug
p, editor, folders, read, any, -remark
p, editor, notes, list, any, *
p, editor, notes, read, published, -title|-due
p, editor, comments, list, any, *
p, editor, comments, read, own, id|note_id
p, editor, users, read, any, nickname
p, editor, bookmarks, list, any, id|count

p, keeper, notes, list, any, *
p, keeper, notes, read, any, *
p, keeper, comments, list, any, *
p, keeper, comments, read, any, *
p, keeper, users, list, any, *
p, keeper, users, read, any, *
p, keeper, traces, list, any, *
"""
"""Field rules of every sort: other fields in a list than in a read, joins with an unreadable end, no target at all."""


@dataclass(slots=True)
class World:
    """The toy with some rows, a client for each role, and the ids of rows by resource."""

    toy: Toy
    folder: Path
    clients: dict[str, httpx2.AsyncClient] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    tables: dict[str, Parameters] = field(default_factory=dict)

    @property
    def services(self) -> Services:
        return self.toy.services

    def entry(self, name: str) -> Entry:
        return self.services.catalog.entries[name]

    def obey(self, rules: str) -> None:
        """Put other rules in force, at once; the watch finds them in force already."""
        (self.folder / "policy.csv").write_text(rules.strip() + "\n")
        self.services.policy.take(self.services.policy.load())

    def fields(self, role: str, entry: Entry, door: str) -> frozenset[str] | None:
        """What `role` may read of an entry, or None."""
        decision = self.services.access.decide(role, entry.name, ASKS[door])
        return None if decision is None else frozenset(decision.fields & entry.readable)

    def target(self, entry: Entry, door: Door, chance: random.Random) -> str:
        """Where a door of the entry is."""
        fixed = {"list": f"/{entry.name}", "aggregate": f"/{entry.name}/aggregate"}
        return fixed.get(door) or self.path_of(entry, chance)

    def path_of(self, entry: Entry, chance: random.Random | None = None) -> str:
        """Where a row of the entry is, or would be."""
        ids = self.ids[entry.name] or [NOWHERE]
        return f"/{entry.name}/{chance.choice(ids) if chance else ids[0]}"

    def names(self, entry: Entry) -> list[str]:
        """Every name that a request could try: fields, hidden ones, bare columns, inputs, relations, paths."""
        found = {*entry.fields, *entry.table.c.keys(), *entry.inputs, *entry.relations, *entry.filters, *entry.sorts}
        return sorted(found | set(entry.resource.include) | {f"{path}.id" for path in entry.relations})

    def known(self, entry: Entry) -> set[str]:
        """Those of them that are there in an entry which was cut."""
        return {*entry.fields, *entry.filters, *entry.sorts, *entry.resource.include}


async def furnished(toy: Toy, folder: Path) -> World:
    """A world with folders in folders, notes in some of them, public and not, of everybody, and comments on them."""
    world = World(toy, folder)
    owners = []
    for role in ROLES[1:]:
        row_id, token = await toy.member(role)
        owners.append(row_id)
        world.clients[role] = toy.client(token)
    world.clients["anonymous"] = toy.client()

    def make(tx: Any) -> None:
        places: list[Any] = [None]
        for number in range(4):
            remark = None if number % 2 else f"remark {number}"
            row = tx.repository(folders).create(name=f"folder {number}", remark=remark, parent_id=places[-1])
            places.append(row["id"])
        for number in range(9):
            text = {"title": f"note {number % 4}", "tag": f"tag {number % 3}" if number % 4 else None}
            rest = {"fee": number * 700, "stars": number % 6, "is_public": bool(number % 2), "code": f"code-{number}"}
            ends = {"folder_id": places[number % 5], "author_id": owners[number % 3]}
            row = tx.repository(notes).create(**text, **rest, **ends)
            tx.repository(comments).create(text=f"text {number % 5}", note_id=row["id"])

    await toy.in_transaction(make)
    for name, entry in toy.services.catalog.entries.items():
        world.ids[name] = [str(row[0]) for row in await toy.rows(f'SELECT id FROM "{entry.table.name}"')]  # noqa: S608 # names of ours
        world.tables[name] = compile_parameters(entry)
    assert world.entry("users").resource is members
    return world


def cut(world: World, role: str, entry: Entry, door: Door) -> Entry:
    """`entry` without anything that `role` may not read by this door."""
    seen = world.fields(role, entry, door) or frozenset()
    relations = {name: way for name, way in entry.relations.items() if _beyond(world, role, way, seen) is not None}
    include = tuple(path for path in entry.resource.include if _leads(world, role, entry, seen, path))
    return replace(
        entry,
        fields={name: item for name, item in entry.fields.items() if name in seen},
        relations=relations,
        filters=_left(world, role, entry.filters, seen),
        sorts=_left(world, role, entry.sorts, seen),
        resource=replace(entry.resource, include=include),
    )


def _beyond(world: World, role: str, relation: Relation, seen: frozenset[str]) -> frozenset[str] | None:
    """What can be read at the other end of a relation; None where one of the columns that it joins cannot be read."""
    target = world.services.catalog.of_table(relation.target)
    there = world.fields(role, target, "read") if target else None
    joins = there is not None and relation.local.name in seen and relation.remote.name in there
    return there if joins else None


def _leads(world: World, role: str, entry: Entry, seen: frozenset[str], path: str) -> bool:
    head, _, tail = path.partition(".")
    there = _beyond(world, role, entry.relations[head], seen)
    target = world.services.catalog.of_table(entry.relations[head].target)
    return there is not None and (not tail or (target is not None and _leads(world, role, target, there, tail)))


def _left(world: World, role: str, ways: Mapping[str, Way], seen: frozenset[str]) -> dict[str, Way]:
    found = {}
    for name, way in ways.items():
        there = seen if way.relation is None else _beyond(world, role, way.relation, seen)
        if there is not None and way.field.name in there:
            found[name] = way
    return found


def without_the_unreadable(world: World, role: str, name: str, door: Door) -> tuple[Entry, httpx2.AsyncClient]:
    """An application that never had what `role` may not read by this door, and its entry of that name."""
    entries = {key: cut(world, role, entry, "read") for key, entry in world.services.catalog.entries.items()}
    entry, table = cut(world, role, world.entry(name), door), world.tables[name]
    services = replace(world.services, catalog=Catalog(entries))
    left = Parameters(
        {key: item for key, item in table.filters.items() if item.path.name in entry.filters},
        {key: item for key, item in table.sorts.items() if item[0].name in entry.sorts},
    )
    rest = Rest(services, entry, left, APIRouter(prefix=f"/{name}"))
    {"list": rest.add_list, "read": rest.add_read, "aggregate": rest.add_aggregate}[door]()
    app = FastAPI()
    app.state.charter = services
    add_handlers(app)
    app.include_router(rest.router)
    token = world.clients[role].headers.get("authorization", "").removeprefix("Bearer ")
    return entry, world.toy.client(token, app)
