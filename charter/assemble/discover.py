"""Finds what an application declares: its two packages are imported whole, and values are taken by their type."""

import importlib
import pkgutil
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any, TypeVar

from charter.declare import Invariant, Job, Limits, Resource, Roles, Scope, Seed
from charter.errors import DeclarationError, Problem

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Declared:
    """All declarations of one application."""

    resources: tuple[Resource, ...]
    scopes: tuple[Scope, ...]
    roles: Roles
    limits: Limits
    seeds: tuple[Seed, ...]
    jobs: tuple[Job, ...] = ()
    invariants: tuple[Invariant, ...] = ()


def discover(resources: ModuleType, policies: ModuleType) -> Declared:
    """The declarations in the packages `resources` and `policies`; a value imported elsewhere too counts once."""
    nouns = list(_modules(resources))
    rules = list(_modules(policies))
    return Declared(
        resources=_values(nouns, Resource),
        scopes=_values(rules, Scope),
        roles=_only(rules, Roles, "policies/subjects.py"),
        limits=_only(rules, Limits, "policies/limits.py"),
        seeds=_values(nouns, Seed),
        jobs=_values(nouns, Job),
        invariants=_values(nouns, Invariant),
    )


def _modules(package: ModuleType) -> Iterator[ModuleType]:
    yield package
    for info in pkgutil.walk_packages(getattr(package, "__path__", ()), f"{package.__name__}."):
        yield importlib.import_module(info.name)


def _values(modules: list[ModuleType], cls: type[T]) -> tuple[T, ...]:
    found: dict[int, T] = {}
    for module in modules:
        for value in vars(module).values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, cls):
                    found[id(item)] = item
    return tuple(found.values())


def _only(modules: list[ModuleType], cls: type[T], place: str) -> T:
    found: Any = _values(modules, cls)
    if len(found) != 1:
        message = f"one {cls.__name__} has to be declared, {len(found)} were found"
        raise DeclarationError([Problem("missing_declaration", place, message)])
    return found[0]  # type: ignore[no-any-return] # a tuple of cls
