"""What is wrong with declarations is told at the start, all at once, with code, place and hint."""

import asyncio
import decimal
import types
from pathlib import Path
from typing import Any, Literal, Optional
from uuid import UUID

import pytest
from fastapi import APIRouter, Depends
from sqlalchemy import MetaData, func
from sqlalchemy.orm import registry
from sqlmodel import SQLModel

from charter import (
    Computed,
    Field,
    Input,
    Relationship,
    Resource,
    Roles,
    Scope,
    Screen,
    Slug,
    Table,
    Unindexed,
    build,
    from_field,
)
from charter.catalog import compile_catalog
from charter.checks import check
from charter.depends import get_db, require_permission, require_role
from charter.errors import DeclarationError, Problem
from tests.toy import policies, resources
from tests.toy.running import HERE, toy_settings

APART = registry(metadata=MetaData(naming_convention=SQLModel.metadata.naming_convention))
ROLES = Roles(order=("anonymous", "reader"), default="reader")
SCOPES = (
    Scope("own", lambda row, caller: row.owner == caller.id),
    Scope("published", lambda row, _: row.is_public),
)
GOOD = "p, anonymous, plants, list, any, *\n"


class _Apart(Table, registry=APART):
    """Keeps the classes below out of the toy's tables."""


class Bed(_Apart, table=True):
    """A good table."""

    name: str = Field(max_length=100)
    hush: str = Field("", max_length=10, hidden=True)


class Plant(_Apart, table=True):
    """A good table, to be declared wrongly."""

    name: str = Field(max_length=100)
    story: str = Field("")
    hush: str = Field("", max_length=10, hidden=True)
    bed_id: UUID | None = Field(None, foreign_key="bed.id")

    bed: Optional["Bed"] = Relationship()


class Leaf(_Apart, table=True):
    """Of a type that nothing keeps."""

    area: decimal.Decimal = Field(0)


class Twig(_Apart, table=True):
    """Words that are no words."""

    size: Literal[1, 2] = 1


class Root(_Apart, table=True):
    """A slug of nothing."""

    slug: Slug = from_field("nmae")
    name: str = Field(max_length=100)


class Tin(_Apart, table=True):
    """A column whose name the API has for something else."""

    can: str = Field(max_length=10)


def found(tmp_path: Path, *declared: Resource, policy: str = GOOD) -> list[Problem]:
    """Everything that is wrong with these declarations and this policy."""
    (tmp_path / "policy.csv").write_text(policy)
    catalog = compile_catalog(declared, SCOPES)
    try:
        return list(check(catalog, ROLES, SCOPES, tmp_path / "policy.csv", HERE / "model.conf").problems)
    except DeclarationError as error:
        return list(error.problems)


def told(problems: list[Problem]) -> set[tuple[str, str]]:
    """Code and place of each."""
    return {(problem.code, problem.where) for problem in problems}


def test_a_good_declaration_has_no_problem(tmp_path: Path) -> None:
    """The other tests' base: nothing is told where nothing is wrong."""
    plant = Resource(
        Plant,
        filter=("name", "bed.name"),
        sort=("name", "bed.name"),
        search=("name", "story"),
        include=("bed",),
        admin=Screen(columns=("name", "bed", "bed.name")),
    )
    assert [problem for problem in found(tmp_path, plant) if problem.fatal] == []


@pytest.mark.parametrize(
    ("word", "given"),
    [
        ("filter", {"filter": ("nmae",)}),
        ("sort", {"sort": ("nmae",)}),
        ("search", {"search": ("nmae",)}),
        ("include", {"include": ("bde",)}),
        ("admin columns", {"admin": Screen(columns=("nmae",))}),
        ("owner", {"owner": "nmae"}),
        ("owner", {"owner": "bed.nmae"}),
        ("filter", {"filter": ("bed.nmae",)}),
        ("filter", {"filter": ("bde.name",)}),
        ("sort", {"sort": ("bed.name.x",)}),
        ("include", {"include": ("bed.nothing",)}),
        ("search", {"search": ("bed_id",)}),
        ("admin columns", {"admin": Screen(columns=("bed.nothing",))}),
        ("filter", {"filter": ("hush",)}),
        ("sort", {"sort": ("hush",)}),
        ("search", {"search": ("hush",)}),
        ("filter", {"filter": ("bed.hush",)}),
        ("admin columns", {"admin": Screen(columns=("hush",))}),
        ("filter", {"filter": ("bed.deleted_at",)}),
        ("computed 'x'", {"extra": (Computed("x", int, lambda row: row.nmae),)}),
    ],
)
def test_a_name_that_is_not_there_is_told_with_its_place(tmp_path: Path, word: str, given: dict[str, Any]) -> None:
    """Wherever a declaration names a field: one that is unknown, hidden, or of the wrong kind there."""
    problems = found(tmp_path, Resource(Plant, **given))
    assert told(problems) == {("unknown_field", "resource plants")}
    assert problems[0].message.startswith(f"{word} names '")


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ({"sort": ("name", "bed.name")}, ["sort names 'bed.name'"]),
        ({"filter": ("name", "bed.name")}, ["filter names 'bed.name'"]),
        ({"filter": ("bed.name",), "sort": ("bed.name",)}, ["filter names 'bed.name'", "sort names 'bed.name'"]),
        ({"sort": ("name", Unindexed("bed.name", "There are ten beds."))}, []),
        ({"filter": (Unindexed("bed.name", "There are ten beds."),), "sort": ("name",)}, []),
    ],
)
def test_what_no_index_serves_is_told_unless_it_says_why(given: dict[str, Any], names: list[str]) -> None:
    """A warning with what to write; the start goes on."""
    catalog = compile_catalog([Resource(Plant, **given)], SCOPES)
    problems = [problem for problem in catalog.problems if problem.code == "no_index"]
    assert [problem.message for problem in problems] == [f"{name}, which no index serves;" for name in names]
    assert all("Unindexed(" in problem.hint and not problem.fatal for problem in problems)


def test_a_mistyped_name_comes_with_the_nearest_one(tmp_path: Path) -> None:
    """The hint."""
    assert found(tmp_path, Resource(Plant, filter=("nmae",)))[0].hint == "Perhaps you meant 'name'."
    assert found(tmp_path, Resource(Plant, include=("bad",)))[0].hint == "Perhaps you meant 'bed'."
    problems = found(tmp_path, Resource(Root), policy="p, anonymous, roots, list, any, *\n")
    assert str(problems[0]) == (
        "resource roots: unknown_field a slug names 'nmae', which is not there Perhaps you meant 'name'."
    )


def test_types_without_a_storage_form_are_told(tmp_path: Path) -> None:
    """Decimal, numbers in a Literal, and whatever a computed field could not become."""
    policy = "p, anonymous, leafs, list, any, *\np, anonymous, twigs, list, any, *\n"
    problems = found(tmp_path, Resource(Leaf), Resource(Twig), policy=policy)
    assert {("unsupported_type", "resource leafs"), ("unsupported_type", "resource twigs")} <= told(problems)
    assert "area" in problems[0].message
    computed = Resource(Plant, extra=(Computed("x", complex, lambda row: row.name),))
    assert told(found(tmp_path, computed)) == {("unsupported_type", "resource plants")}


def test_indexed_text_has_to_be_bounded(tmp_path: Path) -> None:
    """Filtering and sorting by text without a bound would need an index that PostgreSQL refuses."""
    for resource in (Resource(Plant, filter=("story",)), Resource(Plant, sort=("story",))):
        problems = found(tmp_path, resource)
        assert told(problems) == {("unbounded_index", "resource plants")}
        assert problems[0].hint == "Give the field a max_length."


def test_two_resources_cannot_have_one_path(tmp_path: Path) -> None:
    """The second one is told."""
    problems = found(tmp_path, Resource(Plant), Resource(Bed, path="plants"))
    assert told(problems) == {("duplicate_path", "plants")}


def test_a_resource_without_a_rule_is_told(tmp_path: Path) -> None:
    """Nobody could do anything with it: most likely forgotten lines."""
    problems = found(tmp_path, Resource(Plant), Resource(Bed))
    assert told(problems) == {("no_rule", "resource beds")}
    assert "p, <role>, beds, list, any, *" in problems[0].hint


@pytest.mark.parametrize(("scope", "given"), [("own", {}), ("published", {"owner": "bed_id"})])
def test_a_scope_without_its_column_is_told_where_a_rule_asks_for_it(
    tmp_path: Path, scope: str, given: dict[str, Any]
) -> None:
    """``own`` without an owner, ``published`` without ``is_public``: at the line and column of the rule."""
    problems = found(tmp_path, Resource(Plant, **given), policy=f"{GOOD}p, reader, plants, read, {scope}, *\n")
    assert told(problems) == {("policy_scope_unsatisfied", "policy.csv:2:26")}
    assert f"which of its rows are '{scope}'" in problems[0].message


def test_slips_of_declarations_and_policy_are_told_together(tmp_path: Path) -> None:
    """One start tells everything: fields, indexes, rules, roles, resources, actions, scopes and fields of rules."""
    policy = (
        "p, anonimous, plants, list, any, *\n"
        "p, reader, plant, list, any, *\n"
        "p, reader, plants, lst, any, *\n"
        "p, reader, plants, read, mine, *\n"
        "p, reader, plants, read, own, *\n"
        "p, reader, plants, read, any, nmae\n"
        "p, reader, plants, read\n"
        "g, reader, reader\n"
    )
    problems = found(tmp_path, Resource(Plant, filter=("nmae",), sort=("story",)), Resource(Bed), policy=policy)
    assert told(problems) == {
        ("unknown_field", "resource plants"),
        ("unbounded_index", "resource plants"),
        ("no_rule", "resource beds"),
        ("policy_unknown_role", "policy.csv:1:4"),
        ("policy_unknown_resource", "policy.csv:2:12"),
        ("policy_unknown_action", "policy.csv:3:20"),
        ("policy_unknown_scope", "policy.csv:4:26"),
        ("policy_scope_unsatisfied", "policy.csv:5:26"),
        ("policy_unknown_field", "policy.csv:6:31"),
        ("policy_field_count", "policy.csv:7:24"),
        ("policy_self", "policy.csv:8:12"),
    }
    assert all(problem.hint for problem in problems if problem.code not in {"policy_self", "policy_field_count"})


def test_a_missing_policy_is_one_problem(tmp_path: Path) -> None:
    """Where the file is not there, it alone is told, not every resource without a rule."""
    catalog = compile_catalog([Resource(Plant)], SCOPES)
    with pytest.raises(DeclarationError) as error:
        check(catalog, ROLES, SCOPES, tmp_path / "nowhere.csv", HERE / "model.conf")
    assert [problem.code for problem in error.value.problems] == ["policy_missing"]


def problems_of(router: APIRouter, folder: Path, patch: pytest.MonkeyPatch) -> list[Problem]:
    """Why the toy with these routes does not start; nothing was made by then."""
    for name in ("policy.csv", "model.conf"):
        (folder / name).write_text((HERE / name).read_text())
    patch.chdir(folder)
    settings = toy_settings(f"sqlite+aiosqlite:///{folder}/toy.db", folder)

    async def start() -> None:
        app = build(resources, policies, settings, routers=[router], public=["open"])
        async with app.router.lifespan_context(app):
            pytest.fail("it started")

    with pytest.raises(DeclarationError) as error:
        asyncio.run(start())
    assert not (folder / "toy.db").exists()
    return list(error.value.problems)


def test_a_hand_written_route_needs_a_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A route with neither a rule nor a public name stops the start, and so does one whose commit would come late."""
    router = APIRouter()

    @router.get("/loose")
    async def loose() -> None:
        """Nobody is asked."""

    @router.post("/late", dependencies=[Depends(get_db), Depends(require_role("keeper"))])
    async def late() -> None:
        """FastAPI would commit after the answer."""

    @router.post("/early", dependencies=[Depends(get_db, scope="function"), Depends(require_role("keeper"))])
    async def early() -> None:
        """As it should be."""

    @router.get("/open", name="open")
    async def public() -> None:
        """Declared public by name."""

    problems = problems_of(router, tmp_path, monkeypatch)
    assert told(problems) == {("no_route_rule", "route /loose"), ("late_commit", "route /late")}
    assert "public" in problems[0].hint


def test_the_rule_of_a_hand_written_route_names_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A misspelt resource, action or role would let nobody through; it is told at the start."""
    router = APIRouter()

    async def nothing() -> None:
        """Nobody gets here."""

    for guard in (require_permission("noets", "list"), require_permission("notes", "lsit"), require_role("kepper")):
        router.add_api_route("/misspelt", nothing, dependencies=[Depends(guard)])
    problems = problems_of(router, tmp_path, monkeypatch)
    assert told(problems) == {("unknown_route_rule", "route /misspelt")}
    assert [problem.hint for problem in problems] == [
        f"Perhaps you meant '{word}'." for word in ("notes", "list", "keeper")
    ]


def test_what_an_application_must_declare_is_told_by_the_place_where_it_belongs(tmp_path: Path) -> None:
    """Roles and limits, each once; an account class."""
    empty = types.ModuleType("empty")
    settings = toy_settings(f"sqlite+aiosqlite:///{tmp_path}/toy.db", tmp_path)
    with pytest.raises(DeclarationError) as error:
        build(resources, empty, settings)
    assert [problem.code for problem in error.value.problems] == ["missing_declaration"]
    assert error.value.code == str(error.value.problems[0])


@pytest.mark.parametrize(
    "declared",
    [
        Resource(Tin, path="plants"),
        Resource(Plant, extra=(Computed("can", int, lambda row: func.length(row.name)),)),
        Resource(Plant, extra=(Input("can", int),)),
        Resource(Plant, filter=("with",)),
        Resource(Plant, filter=("size",)),
        Resource(Plant, filter=("not",)),
    ],
)
def test_names_that_a_read_needs_are_taken(tmp_path: Path, declared: Resource) -> None:
    """`with=can` adds `can` to a row, so nothing of a resource may be called so, and no filter like a parameter."""
    told_here = [problem for problem in found(tmp_path, declared) if problem.code == "reserved_name"]
    assert [(problem.where, problem.fatal) for problem in told_here] == [("resource plants", True)]
