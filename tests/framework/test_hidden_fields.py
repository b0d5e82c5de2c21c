"""An unreadable field does not exist: no request tells it from a name that nobody declared.

Each request goes to the toy and to an application that never had what the caller may not read (`unseen.py`); both have
to answer with the same status, rows, order and text. ``HIDDEN_FIELDS_ROUNDS`` sets how many random policies are tried,
``HIDDEN_FIELDS_SEED`` which.
"""

import json
import os
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from charter.catalog import Entry
from charter.declare import Caller
from charter.plan import AggregatePlan, Lens, ListPlan
from charter.plugins import filtering, grouping, sorting, where
from charter.plugins.parameters import unknown
from charter.serve import plans
from charter.services import Services
from tests.framework.unseen import DOORS, ROLES, RULES, Door, World, furnished, without_the_unreadable
from tests.toy.running import HERE, Toy

pytestmark = pytest.mark.anyio

ROUNDS = int(os.environ.get("HIDDEN_FIELDS_ROUNDS", "3"))
SEED = int(os.environ.get("HIDDEN_FIELDS_SEED", "4"))

OPERATORS = (
    *("", "__ne", "__gt", "__gte", "__lt", "__lte", "__in", "__not_in", "__is_null", "__contains", "__starts_with"),
    *("__ends_with", "__eq", "__like", "__exact", "__", "__gt__lt", "_gt", ".id", ".id__in", "[]"),
)
"""Every operator that some field has, and some that none has."""

TOGETHER = (
    *("sort={0},-{0},+{0},{0}.id,{0}__desc", "fields={0},id,%09{0},{0}.id,{0}%20", "include={0},{0}.id,id,%20{0}"),
    *(
        'where={{"or":[{{"{0}":1}},{{"not":{{"{0}__is_null":false}}}},{{"{0}__in":["x",1]}},{{"nothing":{{"{0}":1}}}}]}}',
        "group={0},-{0},{0}.id,month({0}),nothing({0}),({0})",
        "agg=sum:{0},count:{0},min:{0},count_distinct:{0}.id,{0}:sum,median:{0},:{0},sum:",
        "cursor={0}",
        "count={0}",
        "with={0}",
    ),
)
"""The other parameters of all reads together; `{0}` is the name."""

SEARCHES = ("search={0}", "search=note {0}", "search={0}&sort=id", "search=tag&{0}=1")
"""What takes words instead of names: good requests, which have to find the same."""

ALONE = (
    *("{0}=1", "{0}__in=1,2", "{0}__starts_with=n", "{0}__is_null=false", "sort={0}", "sort=-{0}", "sort=id,{0}"),
    *("fields={0}", "fields=id,{0}", "include={0}", "include={0}.id", 'where={{"{0}":1}}', 'where={{"{0}__in":"x"}}'),
    *("group={0}", "group=id,{0}&size=3", "agg=count:{0}", "agg=max:{0}&group=id&sort=-max:{0}", "group=day({0})"),
)
MIXED = (
    *("{0}=1&{0}=2", "{0}=1&page=0&size=x", "{0}=1&nothing=2", "sort={0}&fields={0}", "{0}=%ff", "{0}=%00"),
    *("page=x&{0}__gt=1&sort=nothing", "sort=title,{0},{0},title", "fields=nothing,{0}&{0}__lt=", "{0}", "{0}__in="),
)

SPELLINGS: tuple[Callable[[str], str], ...] = (
    str,
    str,
    lambda name: "".join(f"%{byte:02x}" for byte in name.encode()),
    lambda name: name[:1] + "".join(f"%{byte:02X}" for byte in name[1:2].encode()) + name[2:],
    str.upper,
    str.title,
    lambda name: name + "%20",
    lambda name: name + "%09",
    lambda name: "+" + name,
    lambda name: name + ",",
    lambda name: "," + name,
    lambda name: name + "%00",
    lambda name: name[:-1],
    lambda name: name[:1] + name,
    lambda name: name[1:2] + name[:1] + name[2:],
    lambda name: name.replace("_", "-"),
    lambda name: name.replace(".", "__"),
    lambda name: quote("".join(chr(ord(char) + 0xFEE0) if char.isalpha() else char for char in name)),
)
"""Other ways to write a name, and slips of the pen."""


@pytest.fixture
async def world(toy: Toy, tmp_path: Path) -> World:
    """The toy with rows, under rules with many different field lists."""
    found = await furnished(toy, tmp_path)
    found.obey(RULES)
    return found


def told(answer: httpx2.Response) -> tuple[int, Any]:
    """All that an answer tells, but the number of the request."""
    body = json.loads(answer.content)
    return answer.status_code, {key: body[key] for key in body if key != "request_id"}


def doors_of(world: World, role: str, names: Sequence[str] = ()) -> Iterator[tuple[Entry, Door]]:
    """Every list and read that `role` is allowed."""
    for entry in world.services.catalog.entries.values():
        for door in DOORS:
            if world.fields(role, entry, door) is not None and (not names or entry.name in names):
                yield entry, door


def tries(name: str, chance: random.Random, alone: int) -> Iterator[str]:
    """Queries about one name: every parameter and operator together, some of them alone, and other spellings."""
    yield "&".join(
        [f"{name}{operator}=1" for operator in OPERATORS] + [part.format(name) for part in TOGETHER + SEARCHES[:1]]
    )
    for part in chance.sample(ALONE, alone):
        yield part.format(name)
    yield chance.choice(MIXED).format(name)
    spelt = chance.choice(SPELLINGS)(name)
    yield chance.choice(ALONE + MIXED + TOGETHER).format(spelt)


def anything(world: World, entry: Entry, unreadable: Sequence[str], chance: random.Random) -> str:
    """A query of a few parameters about names of all sorts."""
    parts = []
    for _ in range(chance.randint(1, 3)):
        name = chance.choice(unreadable if unreadable and chance.random() < 0.6 else world.names(entry))
        spelt = chance.choice(SPELLINGS)(name)
        if chance.random() < 0.5:
            value = chance.choice(("1", "700", "note 1", "true", "tag 1", "remark 0", "x", ""))
            parts.append(f"{spelt}{chance.choice(OPERATORS)}={quote(value)}")
        else:
            parts.append(chance.choice(TOGETHER + ALONE + SEARCHES).format(spelt))
    return "&".join(parts)


async def compare(world: World, role: str, entry: Entry, door: Door, chance: random.Random, count: int) -> list[str]:
    """Queries whose answers differ between the toy and the application without what `role` may not read.

    With a `count`, so many random ones; else every try of every unreadable name, which also have to be refused.
    """
    left, control = without_the_unreadable(world, role, entry.name, door)
    path = world.target(entry, door, chance)
    unreadable = [name for name in world.names(entry) if name not in world.known(left)]
    queries = [anything(world, entry, unreadable, chance) for _ in range(count)]
    alone = len(ALONE) if world.toy.database == "sqlite" else 2  # parameters are read alike, whatever the database
    queries += [query for name in unreadable for query in tries(name, chance, alone)] if not count else []
    wrong = []
    for query in dict.fromkeys(queries):
        real = told(await world.clients[role].get(f"{path}?{query}"))
        other = told(await control.get(f"{path}?{query}"))
        if real != other:
            wrong.append(f"{role} {path}?{query}:\n  {real}\n  {other}")
        elif not count and real[0] != 400:
            wrong.append(f"{role} {path}?{query}: {real}")
    return wrong


async def test_an_unreadable_name_is_answered_like_one_that_is_not_there(world: World) -> None:
    """Every role, resource, unreadable name, parameter and operator: 400, word by word as without the field."""
    chance = random.Random(SEED)  # noqa: S311 # not for secrets
    wrong = [
        line
        for role in ROLES
        for entry, door in doors_of(world, role)
        for line in await compare(world, role, entry, door, chance, 0)
    ]
    assert not wrong, "\n".join(wrong[:10])


def some_rules(world: World, chance: random.Random) -> str:
    """A policy that gives every role some resources, and of those some fields, other ones in a list than in a read."""
    lines = []
    for name, entry in world.services.catalog.entries.items():
        lines.append(f"p, keeper, {name}, list, any, *")
        for role in ROLES[:3]:
            for door in ("list", "read"):
                picked = chance.sample(sorted(entry.readable), chance.randint(1, len(entry.readable) - 1))
                fields = chance.choice(("*", "|".join(picked), "|".join(f"-{field}" for field in picked)))
                rows = chance.choice(("any", "any", *sorted(entry.scopes)))
                if chance.random() < 0.85:
                    lines.append(f"p, {role}, {name}, {door}, {rows}, {fields}")
    return "\n".join(lines)


async def test_under_any_field_rules_nothing_tells_of_an_unreadable_field(world: World) -> None:
    """Random policies and random queries about all names at once, in all spellings: the same rows, counts and texts."""
    chance = random.Random(SEED)  # noqa: S311 # not for secrets
    for number in range(ROUNDS):
        rules = some_rules(world, chance)
        world.obey(rules)
        for role in ROLES[:3]:
            for entry, door in doors_of(world, role):
                wrong = await compare(world, role, entry, door, chance, 12)
                assert not wrong, f"seed {SEED}, round {number}:\n{rules}\n" + "\n".join(wrong[:5])


def everything(seen: Lens) -> Lens:
    """A lens on the same rows that hides nothing but what is declared hidden."""
    return replace(seen, fields=tuple(name for name in seen.entry.fields if name in seen.entry.readable))


def leave_out_filters(patch: pytest.MonkeyPatch) -> None:
    real = filtering.is_visible
    patch.setattr(filtering, "is_visible", lambda path, *seen: path.relation is None or real(path, *seen))


def leave_out_sorts(patch: pytest.MonkeyPatch) -> None:
    real = filtering.is_visible
    patch.setattr(sorting, "is_visible", lambda path, *seen: path.relation is None or real(path, *seen))


def leave_out_fields(patch: pytest.MonkeyPatch) -> None:
    real = plans.sparse
    patch.setattr(plans, "sparse", lambda seen, reading: real(everything(seen), reading))


def leave_out_includes(patch: pytest.MonkeyPatch) -> None:
    real = plans._target

    def found(services: Services, caller: Caller, seen: Lens, path: str) -> Lens | None:
        target = services.catalog.of_table(seen.entry.relations[path.partition(".")[0]].target)
        return real(services, caller, seen, path) or (everything(Lens(target, ("any",), ())) if target else None)

    patch.setattr(plans, "_target", found)


def leave_out_joins(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(filtering, "joined", lambda relation, _, reach: reach(relation.name))


def leave_out_joins_of_includes(patch: pytest.MonkeyPatch) -> None:
    def found(path: str, lens: Lens, reaching: Callable[[Entry], filtering.Reach]) -> Lens | None:
        target: Lens | None = lens
        for name in path.split("."):
            target = reaching(target.entry)(name) if target else None
        return target

    patch.setattr(plans, "followed", found)


def suggest_parameters(patch: pytest.MonkeyPatch) -> None:
    real = filtering.narrow

    def narrow(plan: ListPlan, filters: Any, reading: Any, reach: Any) -> ListPlan:
        reading.known += list(filters)
        return real(plan, filters, reading, reach)

    patch.setattr(filtering, "narrow", narrow)


def suggest_in_trees(patch: pytest.MonkeyPatch) -> None:
    real, words = where.narrow, list[str]()

    def narrow(plan: ListPlan, filters: Any, reading: Any, reach: Any) -> ListPlan:
        words[:] = list(filters)
        return real(plan, filters, reading, reach)

    patch.setattr(where, "narrow", narrow)
    patch.setattr(where, "unknown", lambda what, name, _: unknown(what, name, words))


def suggest_sorts(patch: pytest.MonkeyPatch) -> None:
    real, words = sorting.narrow, list[str]()

    def narrow(plan: ListPlan, sorts: Any, reading: Any, reach: Any) -> ListPlan:
        words[:] = list(sorts)
        return real(plan, sorts, reading, reach)

    patch.setattr(sorting, "narrow", narrow)
    patch.setattr(sorting, "unknown", lambda what, name, _: unknown(what, name, words))


def leave_out_groups(patch: pytest.MonkeyPatch) -> None:
    real = filtering.is_visible
    patch.setattr(grouping, "is_visible", lambda path, *seen: path.relation is None or real(path, *seen))


def suggest_groups(patch: pytest.MonkeyPatch) -> None:
    real, words = grouping.narrow, list[str]()

    def narrow(plan: AggregatePlan, known: grouping.Words, *given: Any) -> AggregatePlan:
        words[:] = [*known.groups, *known.measures]
        return real(plan, known, *given)

    patch.setattr(grouping, "narrow", narrow)
    patch.setattr(grouping, "unknown", lambda what, name, _: unknown(what, name, words))


def suggest_fields(patch: pytest.MonkeyPatch) -> None:
    real, words = plans.sparse, list[str]()

    def sparse(seen: Lens, reading: Any) -> Lens:
        words[:] = list(seen.entry.fields)
        return real(seen, reading)

    patch.setattr(plans, "sparse", sparse)
    patch.setattr(plans, "unknown", lambda what, name, _: unknown(what, name, words))


SLIPS = (
    *(leave_out_filters, leave_out_sorts, leave_out_fields, leave_out_includes, leave_out_joins),
    *(leave_out_joins_of_includes, suggest_parameters, suggest_in_trees, suggest_sorts, suggest_fields),
    *(leave_out_groups, suggest_groups),
)


@pytest.mark.parametrize("toy_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("slip", SLIPS)
async def test_one_parameter_that_forgets_the_rule_is_noticed(
    world: World, monkeypatch: pytest.MonkeyPatch, slip: Callable[[pytest.MonkeyPatch], None]
) -> None:
    """The comparison is able to fail: without the rule in one place, or with its names in a suggestion, it does."""
    slip(monkeypatch)
    for role in ("reader", "editor", "anonymous"):
        for entry, door in doors_of(world, role, ("notes", "comments", "folders")):
            if await compare(world, role, entry, door, random.Random(SEED), 0):  # noqa: S311 # not for secrets
                return
    pytest.fail("nothing was noticed")


async def test_a_slip_of_the_pen_is_not_mended_with_a_hidden_name(world: World) -> None:
    """Nearly a hidden or unreadable name: what is suggested, if anything, is a name that the caller may read."""
    for role, path, slip, hidden in (
        ("keeper", "/users", "hashed_passwrd", "hashed_password"),
        ("keeper", "/users", "epoc", "epoch"),
        ("keeper", "/notes", "secrt", "secret"),
        ("keeper", "/notes", "deleted_a", "deleted_at"),
        ("reader", "/notes", "fe", "fee"),
        ("reader", "/notes", "folder_i", "folder_id"),
    ):
        for query in (f"{slip}=1", f"sort={slip}", f"sort=-{slip}", f"fields={slip}", f"include={slip}"):
            status, body = told(await world.clients[role].get(f"{path}?{query}"))
            assert status == 400
            assert not re.search(rf"\b{hidden}\b", str(body).replace(slip, "")), query


VALUES: tuple[Any, ...] = ("x", 1, None, True, {"x": 1}, [])


async def refusal(http: httpx2.AsyncClient, method: str, path: str, names: Sequence[str], value: Any) -> Any:
    """How a body with these names is refused, with the names' numbers in their places."""
    answer = await http.request(method, path, json={**dict.fromkeys(names, value), "title": 5})
    status, body = told(answer)
    for error in body["errors"]:
        name = error["pointer"].removeprefix("/")
        error["pointer"] = str(names.index(name)) if name in names else name
    return status, body


async def test_what_cannot_be_set_is_in_a_body_what_a_made_up_name_is(world: World) -> None:
    """Unwritable, hidden and computed fields, columns and relations: 422 with the same words, whatever the value."""
    world.obey((HERE / "policy.csv").read_text())
    for role, entry in product(ROLES, world.services.catalog.entries.values()):
        for method, action in (("POST", "create"), ("PUT", "update"), ("PATCH", "update")):
            decision = world.services.access.decide(role, entry.name, action)
            if decision is None or not entry.takes_writes:
                continue
            path = f"/{entry.name}" if method == "POST" else world.path_of(entry)
            names = [name for name in world.names(entry) if name not in decision.fields]
            made_up = [f"zq{number}" for number in range(len(names))]
            for value in VALUES:
                real = await refusal(world.clients[role], method, path, names, value)
                assert real == await refusal(world.clients[role], method, path, made_up, value), (role, method, path)
                assert real[0] == 422, (role, method, path)
                assert len(real[1]["errors"]) >= len(names)
