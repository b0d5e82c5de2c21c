"""One saboteur for each door: each takes one row rule or field rule away, and names where the matrix must notice."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from charter import query
from charter.access import AccessTable, Decision
from charter.assemble import routes
from charter.auth.hooks import AccountHooks
from charter.catalog import Entry, schemas
from charter.errors import AuthorizationException, NotFoundException
from charter.openapi import Documents
from charter.plan import Lens
from charter.plugins import filtering, grouping, search, sorting, where
from charter.query import aggregates as groups
from charter.serve import actions, aggregates, doors, plans, reads, totals, writes

Patch = pytest.MonkeyPatch
Work = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Saboteur:
    """What it does, to which doors of the matrix it shows, and how."""

    deed: str
    shows: frozenset[str]
    strike: Callable[[Patch], None]


def sabotage(deed: str, shows: str, strike: Callable[[Patch], None]) -> Saboteur:
    """A saboteur; the doors are separated by commas. No honest plan is remembered where one is at work, nor theirs."""

    def forgetful(patch: Patch) -> None:
        patch.setattr(plans.Plans, "of", lambda _self, _access, _role, _query, made: made())
        strike(patch)

    return Saboteur(deed, frozenset(shows.split(", ")), forgetful)


def any_row(lens: Lens) -> Lens:
    """The lens without its row rule."""
    return replace(lens, rows=("any",))


def any_field(lens: Lens) -> Lens:
    """The lens without its field rule."""
    return replace(lens, fields=tuple(name for name in lens.entry.fields if name in lens.entry.readable))


def around(module: Any, name: str, change: Callable[[Work], Work]) -> Callable[[Patch], None]:
    """Put `change` around what `module` calls `name`."""
    return lambda patch: patch.setattr(module, name, change(getattr(module, name)))


def open_legs(real: Work) -> Work:
    """What a cursor leads to, for any row."""

    def legs(plan: Any) -> Any:
        return real(replace(plan, lens=any_row(plan.lens)) if plan.seek else plan)

    return legs


def open_plan(real: Work) -> Work:
    """A statement of a list plan, for any row."""
    return lambda plan: real(replace(plan, lens=any_row(plan.lens)))


def open_groups(real: Work) -> Work:
    """A statement of an aggregate plan, for any row."""
    return lambda plan: real(replace(plan, found=replace(plan.found, lens=any_row(plan.found.lens))))


def open_fields(real: Work) -> Work:
    """A narrower that takes every field for a readable one."""

    def narrow(plan: Any, *given: Any, **more: Any) -> Any:
        return replace(real(replace(plan, lens=any_field(plan.lens)), *given, **more), lens=plan.lens)

    return narrow


def open_decision(action: str) -> Callable[[Work], Work]:
    """``decide`` says yes to everything where it is asked for `action` (``*``: for anything)."""

    def change(real: Work) -> Work:
        def decide(services: Any, caller: Any, resource: str, asked: str) -> Any:
            if action not in {asked, "*"}:
                return real(services, caller, resource, asked)
            entry = services.catalog.entries[resource]
            fields = frozenset({*entry.readable, *entry.inputs, *entry.schemas.create.model_fields})
            return Decision(caller.role, resource, asked, ("any",), fields, "sabotage")

        return decide

    return change


def open_target(action: str) -> Callable[[Work], Work]:
    """The row to change is found wherever it is (``*``: for any action)."""

    def change(real: Work) -> Work:
        def target(tx: Any, plan: Any) -> Any:
            return real(tx, replace(plan, lens=any_row(plan.lens)) if action in {plan.change.action, "*"} else plan)

        return target

    return change


def open_lens(action: str) -> Callable[[Work], Work]:
    """The decision on `action` shows every field."""
    return lambda real: (
        lambda entry, decision: any_field(real(entry, decision)) if decision.action == action else real(entry, decision)
    )


def telling_target(real: Work) -> Work:
    """A row outside the caller's read is refused instead of absent."""

    def target(tx: Any, plan: Any) -> Any:
        try:
            return real(tx, plan)
        except NotFoundException:
            raise AuthorizationException from None

    return target


def open_body(real: Work) -> Work:
    """The answer of a write shows every field of any row."""
    return lambda tx, plan, row_id: real(tx, replace(plan, read=any_field(any_row(plan.lens))), row_id)


def open_reading(real: Work) -> Work:
    """Who may not read a resource sees it through a relation."""

    def read_lens(services: Any, caller: Any, entry: Entry) -> Lens:
        return real(services, caller, entry) or any_field(Lens(entry, ("any",), ()))

    return read_lens


def open_related(real: Work) -> Work:
    """A related row is found without the row rule of its resource."""
    return lambda table, relation, target: real(table, relation, any_row(target))


def seen_through(real: Work) -> Work:
    """A row at the other end of a relation has every field."""

    def lens_there(*given: Any) -> Lens | None:
        found = real(*given)
        return any_field(found) if found else None

    return lens_there


def in_both(change: Callable[[Work], Work]) -> Callable[[Patch], None]:
    """Put `change` around both questions for an action's row: outside the transaction (for hooks) and inside."""

    def strike(patch: Patch) -> None:
        changed = change(writes.target_of)
        patch.setattr(writes, "target_of", changed)
        patch.setattr(actions, "target_of", changed)

    return strike


def always(value: Any) -> Callable[[Work], Work]:
    """Whatever is asked, this is the answer."""
    return lambda _: lambda *_given, **_more: value


def whole_body(_: Work) -> Work:
    """A body may have every field."""
    return lambda entry, kind, _allowed: getattr(entry.schemas, kind)


LOOKING = (
    sabotage("list has no row rule", "list, filter by id", around(plans, "list_statement", open_plan)),
    sabotage("a page by cursor has no row rule", "cursor", around(plans, "legs", open_legs)),
    sabotage("a tree has no field rule", "where", around(where, "narrow", open_fields)),
    sabotage("a search has no field rule", "search", around(search, "narrow", open_fields)),
    sabotage("count has no row rule", "count, page beyond", around(totals, "count_statement", open_plan)),
    sabotage(
        "read has no row rule",
        "read",
        around(plans, "row_statement", lambda real: lambda lens, able: real(any_row(lens), able)),
    ),
    sabotage(
        "list has no field rule", "list fields, filter, sort, list sparse", around(reads, "lens", open_lens("list"))
    ),
    sabotage("read has no field rule", "read, read sparse, me", around(reads, "lens", open_lens("read"))),
    sabotage("list asks nobody", "list, count, list fields", around(reads, "decide", open_decision("list"))),
    sabotage("read asks nobody", "read", around(reads, "decide", open_decision("read"))),
    sabotage("include has no row rule", "include", around(query, "related_rows", open_related)),
    sabotage("include has no field rule", "include", around(plans, "followed", seen_through)),
    sabotage("include asks nobody", "include", around(doors, "read_lens", open_reading)),
    sabotage("filter has no field rule", "filter", around(filtering, "is_visible", always(True))),
    sabotage("filter's path has no row rule", "filter over relation", around(filtering, "related_rows", open_related)),
    sabotage("filter's path asks nobody", "filter over relation", around(filtering, "joined", seen_through)),
    sabotage("sort has no field rule", "sort", around(sorting, "is_visible", always(True))),
    sabotage(
        "a path in sort or group has no row rule",
        "sort over relation, group over relation",
        around(sorting, "related_rows", open_related),
    ),
    sabotage(
        "an aggregate has no row rule",
        "aggregate, group, measure",
        around(aggregates, "aggregate_statement", open_groups),
    ),
    sabotage("an aggregate asks nobody", "aggregate", around(aggregates, "decide", open_decision("list"))),
    sabotage("an aggregate has no field rule", "group, measure", around(aggregates, "lens", open_lens("list"))),
    sabotage(
        "words of an aggregate have no field rule", "group, measure", around(grouping, "is_visible", always(True))
    ),
    sabotage(
        "fields= has no field rule",
        "list sparse, read sparse",
        around(plans, "sparse", lambda real: lambda seen, reading: real(any_field(seen), reading)),
    ),
    sabotage(
        "deleted rows are alive",
        "list, read, count",
        lambda patch: patch.setattr(Entry, "live", property(lambda _: None)),
    ),
    sabotage(
        "permissions are somebody else's",
        "permissions",
        around(AccessTable, "allowed", lambda real: lambda table, _role: real(table, "keeper")),
    ),
    sabotage(
        "can tells what somebody else can",
        "can",
        around(
            plans,
            "abilities",
            lambda real: (
                lambda services, caller, entry, reading: real(services, replace(caller, role="keeper"), entry, reading)
            ),
        ),
    ),
    sabotage(
        "the document is somebody else's",
        "document",
        around(Documents, "text", lambda real: lambda documents, role, root: real(documents, role and "keeper", root)),
    ),
    sabotage("documentation asks nobody", "page", around(routes, "decide", always(None))),
)

CHANGING = (
    sabotage("create asks nobody", "create, create keys", around(writes, "decide", open_decision("create"))),
    sabotage(
        "update asks nobody",
        "update, replace, update keys, replace keys",
        around(writes, "decide", open_decision("update")),
    ),
    sabotage("delete asks nobody", "delete", around(writes, "decide", open_decision("delete"))),
    sabotage("act asks nobody", "act", around(actions, "decide", open_decision("*"))),
    sabotage("update has no row rule", "update, replace", around(writes, "target_of", open_target("update"))),
    sabotage("delete has no row rule", "delete", around(writes, "target_of", open_target("delete"))),
    sabotage("act has no row rule", "act", in_both(open_target("*"))),
    sabotage("what is hidden is refused", "update, delete", around(writes, "target_of", telling_target)),
    sabotage("act tells what is hidden", "act", in_both(telling_target)),
    sabotage(
        "new rows are not looked at", "create new row, update new row", around(writes, "_check_inside", always(None))
    ),
    sabotage(
        "bodies have no field rule", "create keys, update keys, replace keys", around(writes, "body_model", whole_body)
    ),
    sabotage("references are not looked at", "reference", around(writes, "_check_references", always(None))),
    sabotage(
        "writes answer with everything", "create, update, replace, me update", around(writes, "body_of", open_body)
    ),
    sabotage("act answers with everything", "act", around(actions, "body_of", open_body)),
    sabotage("ranks are not looked at", "update, replace", around(AccountHooks, "_check_rank", always(None))),
)


def forget() -> None:
    """Statements and models that were made by honest people, or by saboteurs, are made anew."""
    for module in (query, groups, filtering, sorting, schemas):
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


__all__ = ["CHANGING", "LOOKING", "Saboteur", "forget"]
