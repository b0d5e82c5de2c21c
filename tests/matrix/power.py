"""Columns that give power, and who may set them: by what a body takes in fact, and by what the document says."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from tests.matrix import views
from tests.matrix.cells import Cell
from tests.matrix.shapes import ABSENT, Row, Shape
from tests.policy_oracle import Oracle

STANDING = frozenset({"role", "is_active", "is_verified", "is_superuser", "hashed_password", "epoch", "is_pinned"})
"""Columns of anybody's standing, and the toy's own granted one."""

BOOKKEEPING = frozenset({"id", "created_at", "updated_at", "deleted_at", "status", "views"})
BODIES = (("POST", "create"), ("PUT", "update"), ("PATCH", "update"))


def powerful(shape: Shape) -> frozenset[str]:
    """The columns of a resource that say what somebody is, whose a row is, or what state it is in."""
    owner = {shape.owner} - {""} if "." not in shape.owner else set()
    account = STANDING if shape.path == "users" else STANDING - {"is_active", "role"}
    return account | BOOKKEEPING | owner


def named(oracle: Oracle, role: str, path: str, action: str) -> frozenset[str]:
    """The fields that rules for `role` name one by one; neither ``*`` nor exceptions name any."""
    lists = [fields for _, fields in oracle.rules(role, path, action) if fields != "*" and not fields.startswith("-")]
    return frozenset(name for fields in lists for name in fields.split("|"))


def cells(oracle: Oracle, roles: Collection[str], shapes: Mapping[str, Shape]) -> Iterator[Cell]:
    """One body per role, resource and method with every such column: all that no rule names are refused by name."""
    for role in roles:
        for shape in shapes.values():
            for method, action in BODIES if shape.noun.is_written else ():
                if not oracle.rows(role, shape.path, action):
                    continue
                columns = powerful(shape) - named(oracle, role, shape.path, action)
                body: Row = dict.fromkeys(sorted({*columns, "nonsense"}))
                url = f"/{shape.path}" if method == "POST" else f"/{shape.path}/{ABSENT}"
                expected = ("422 validation", 1, tuple(sorted(body)))
                yield Cell(role, shape.path, action, "-", "power", method, url, expected, views.refused_keys, body)


def documented(document: Any, oracle: Oracle, shapes: Mapping[str, Shape]) -> list[str]:
    """Such columns in a write schema of everybody's document although no rule for any role names them."""
    roles, found = {line[1] for line in oracle.lines if line[0] == "p"}, []
    for shape in shapes.values():
        for kind, action in (("Create", "create"), ("Replace", "update"), ("Update", "update")):
            schema = document["components"]["schemas"].get(f"{shape.noun.schema}{kind}", {"properties": {}})
            given = {name for role in roles for name in named(oracle, role, shape.path, action)}
            wrong = powerful(shape) & set(schema["properties"]) - given
            found += [f"{shape.noun.schema}{kind} has {name}" for name in sorted(wrong)]
            assert shape.noun.is_written == bool(schema["properties"]), f"{shape.noun.schema}{kind}"
    return found
