"""The writes: create, replace, update, delete. Decision, body, one transaction; the commit comes before the answer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from charter.access import Decision
from charter.bodies import read_body
from charter.catalog import Entry, body_model
from charter.declare import Caller, Change, WriteAction
from charter.errors import AuthorizationException, ConflictException, FieldError, NotFoundException
from charter.plan import Lens, WritePlan, caller_values, lens
from charter.query import ROW_ID, exists_statement, read_statement, row_statement
from charter.replay import Kept, Key, Repeat
from charter.serve.doors import decide, read_lens
from charter.serve.reads import parse_id
from charter.services import Services
from charter.store import Row, Transaction, Work

log = logging.getLogger("charter.serve")

OKAY, CREATED = 200, 201

SLUG_ATTEMPTS = 20
"""How often a create is tried when others take its slug in the same moment (PostgreSQL): each time one of them wins."""


@dataclass(frozen=True, slots=True)
class Written:
    """A write that is committed: the row's id, its JSON as the caller may read it, and whether it is new.

    ``replayed``: nothing was written now, this is the answer that an earlier request with the same key got.
    """

    id: UUID
    body: str
    new: bool = False
    replayed: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One write that was let through and not made yet: its plan, and what it does inside a transaction."""

    plan: WritePlan
    work: Work[Written]


async def create_row(
    services: Services, caller: Caller, entry: Entry, raw: bytes, repeat: Repeat | None = None
) -> Written:
    """Make a row from a JSON body; `repeat` lets a second sending of it get the first one's answer."""
    decision = decide(services, caller, entry.name, "create")
    key = repeat.key(caller, f"/{entry.name}", raw) if repeat else None
    body = read_body(body_model(entry, "create", decision.fields), raw)
    for attempt in range(1, SLUG_ATTEMPTS + 1):
        step = creation(services, caller, entry, decision, body)
        try:
            return await run(services, step, key)
        except ConflictException as error:
            if attempt == SLUG_ATTEMPTS or not lost_a_slug(entry, error):
                raise
    raise AssertionError  # pragma: no cover # the loop returns or raises


def creation(services: Services, caller: Caller, entry: Entry, decision: Decision, body: BaseModel) -> Step:
    """The making of one row by `decision`."""
    change = _change(entry, "create", caller, body, fields=type(body).model_fields)
    if entry.owner is not None and entry.owner.name not in change.values:
        change.values[entry.owner.name] = caller.id
    plan = WritePlan(lens(entry, decision), change, read_lens(services, caller, entry))
    return Step(plan, lambda tx: _create(tx, services, plan))


async def change_row(
    services: Services, caller: Caller, entry: Entry, row_id: str, raw: bytes, kind: Literal["replace", "update"]
) -> Written:
    """PATCH (``update``) changes what is sent; PUT (``replace``) returns what is left out to its default."""
    return await run(services, alteration(services, caller, entry, row_id, raw, kind))


def alteration(
    services: Services, caller: Caller, entry: Entry, row_id: str, raw: bytes, kind: Literal["replace", "update"]
) -> Step:
    """The change of one row."""
    decision = decide(services, caller, entry.name, "update")
    found = parse_id(row_id)
    body = read_body(body_model(entry, kind, decision.fields), raw)
    fields = type(body).model_fields.keys() if kind == "replace" else body.model_fields_set
    change = _change(entry, "update", caller, body, fields=fields)
    plan = WritePlan(lens(entry, decision), change, read_lens(services, caller, entry), found)
    return Step(plan, lambda tx: _update(tx, services, plan))


async def delete_row(services: Services, caller: Caller, entry: Entry, row_id: str) -> None:
    """Delete a row, softly where its resource declares it."""
    await run(services, deletion(services, caller, entry, row_id))


def deletion(services: Services, caller: Caller, entry: Entry, row_id: str) -> Step:
    """The deletion of one row."""
    decision = decide(services, caller, entry.name, "delete")
    plan = WritePlan(
        lens(entry, decision), Change("delete", caller, {}), read_lens(services, caller, entry), parse_id(row_id)
    )
    return Step(plan, lambda tx: _delete(tx, plan))


def _change(entry: Entry, action: WriteAction, caller: Caller, body: BaseModel, fields: Any) -> Change:
    given = {name: _plain(getattr(body, name)) for name in fields}
    return Change(
        action,
        caller,
        {name: value for name, value in given.items() if name not in entry.inputs},
        {name: getattr(body, name) for name in body.model_fields_set if name in entry.inputs},
    )


def _plain(value: Any) -> Any:
    """A value as rows have it: of a member of an Enum, what it stands for."""
    return value.value if isinstance(value, Enum) else value


async def run(services: Services, step: Step, key: Key | None = None) -> Written:
    """Prepare outside the transaction, do the work inside it, then what follows the commit; once for each `key`."""
    plan = step.plan
    change = plan.change
    await prepare(services, plan)
    given = dict(change.values)
    access = f"{change.caller.role if change.caller else ''} {services.access.version}"

    def attempt(tx: Transaction) -> Written:
        """Start from what was given: a transaction that lost against another one is run again."""
        kept = services.replays.claim(tx, key) if key else None
        if kept is not None:
            # Another role or another policy since then: the same row, as it may be read now.
            body = kept.body if kept.access == access else told(kept.row_id, body_of(tx, plan, kept.row_id))
            return Written(kept.row_id, body, new=kept.status == CREATED, replayed=True)
        change.values, change.row = dict(given), {}
        done = step.work(tx)
        if key is not None:
            services.replays.keep(tx, key, Kept(done.id, CREATED if done.new else OKAY, done.body, access))
        return done

    written = await services.store.write(attempt)
    if not written.replayed:
        await follow(plan)
    return written


async def prepare(services: Services, plan: WritePlan) -> None:
    """What hooks do before the transaction; they see the row that will be changed."""
    prepares = [hooks.prepare for hooks in plan.lens.entry.hooks if hooks.prepare]
    if prepares and plan.id is not None:
        plan.change.old = await services.store.read(lambda tx: target_of(tx, plan))
    for hook in prepares:
        await hook(plan.change)


async def follow(plan: WritePlan) -> None:
    """What hooks do after the commit; what fails in there is logged, and changes nothing any more."""
    for hooks in plan.lens.entry.hooks:
        if hooks.after_commit is not None:
            try:
                await hooks.after_commit(plan.change)
            except Exception:  # the row is safe and the answer is true, whatever follows it
                log.exception("after_commit failed", extra={"resource": plan.lens.entry.name})


def _create(tx: Transaction, services: Services, plan: WritePlan) -> Written:
    entry, change = plan.lens.entry, plan.change
    _check_references(tx, services, entry, change)
    created = tx.create(entry, change)
    body = body_of(tx, plan, created.id)
    _check_inside(tx, plan, created.id, body, "The new row would be outside the rows that you may create.")
    return Written(created.id, told(created.id, body), new=created.new)


def _update(tx: Transaction, services: Services, plan: WritePlan) -> Written:
    entry, change = plan.lens.entry, plan.change
    assert plan.id is not None  # noqa: S101 # an update has a target
    change.old = target_of(tx, plan)
    _check_references(tx, services, entry, change)
    tx.update(entry, plan.id, change)
    body = body_of(tx, plan, plan.id)
    _check_inside(tx, plan, plan.id, body, "The row would leave the rows that you may update.")
    return Written(plan.id, told(plan.id, body))


def _delete(tx: Transaction, plan: WritePlan) -> Written:
    assert plan.id is not None  # noqa: S101 # a delete has a target
    plan.change.old = target_of(tx, plan)
    tx.delete(plan.lens.entry, plan.id, plan.change)
    return Written(plan.id, "")


def target_of(tx: Transaction, plan: WritePlan) -> Row:
    """The row to change: 404 where the caller may not even read it, 403 where it is outside the action's rows."""
    assert plan.id is not None  # noqa: S101 # only writes with a target ask
    values = caller_values(plan.change.caller) | {ROW_ID: plan.id}
    found = tx.run(row_statement(plan.lens), values)
    if found:
        return found[0]
    if plan.read is not None and tx.fetch(exists_statement(plan.read), values):
        raise AuthorizationException("The row is outside the rows that you may change.")
    raise NotFoundException


def _check_inside(tx: Transaction, plan: WritePlan, row_id: UUID, body: str | None, detail: str) -> None:
    """The row as it is now has to satisfy the rule that allowed the write; often its reading has shown that already."""
    is_shown = body is not None and plan.read is not None and plan.read.within(plan.lens)
    if not is_shown:
        check_inside(tx, plan.change.caller, plan.lens, row_id, detail)


def check_inside(tx: Transaction, caller: Caller | None, seen: Lens, row_id: UUID, detail: str) -> None:
    """Refuse a row that is not in the lens as it is now."""
    if "any" in seen.rows:
        return
    values = caller_values(caller) | {ROW_ID: row_id}
    if not tx.fetch(exists_statement(seen), values):
        raise AuthorizationException(detail)


def body_of(tx: Transaction, plan: WritePlan, row_id: UUID) -> str | None:
    """The row as its writer may read it; None where the read rule does not let them."""
    if plan.read is None:
        return None
    values = caller_values(plan.change.caller) | {ROW_ID: row_id}
    found = tx.fetch(read_statement(plan.read), values)
    return str(found[0][0]) if found else None


def told(row_id: UUID, body: str | None) -> str:
    """The answer of a write: the row, or its id alone."""
    return f'{{"id":"{row_id}"}}' if body is None else body


def _check_references(tx: Transaction, services: Services, entry: Entry, change: Change) -> None:
    """A reference may only name a row that the caller may read; any other is as good as missing."""
    assert change.caller is not None  # noqa: S101 # requests always have a caller
    errors = []
    for name, table in entry.references.items():
        value = change.values.get(name)
        target = services.catalog.of_table(table)
        set_by_us = entry.fields[name].write == "never" if name in entry.fields else True
        if value is None or target is None or set_by_us or change.old.get(name) == value:
            continue
        if not _is_readable(tx, read_lens(services, change.caller, target), value, change.caller):
            errors.append(FieldError(f"/{name}", "foreign_key", "refers to something that is not there"))
    if errors:
        raise ConflictException("A reference points at nothing.", code="foreign_key", errors=errors)


def _is_readable(tx: Transaction, target: Lens | None, row_id: Any, caller: Caller | None) -> bool:
    if target is None:
        return False
    values: Mapping[str, Any] = caller_values(caller) | {ROW_ID: row_id}
    return bool(tx.fetch(exists_statement(target), values))


def lost_a_slug(entry: Entry, error: ConflictException) -> bool:
    """Whether a new row was refused only because another one took its slug in the same moment."""
    slugs = {f"/{field.name}" for field in entry.fields.values() if field.slug_of}
    return error.code == "unique" and any(item.pointer in slugs for item in error.errors)


__all__ = [
    "SLUG_ATTEMPTS",
    "Step",
    "Written",
    "alteration",
    "body_of",
    "change_row",
    "check_inside",
    "create_row",
    "creation",
    "delete_row",
    "deletion",
    "follow",
    "lost_a_slug",
    "prepare",
    "run",
    "target_of",
    "told",
]
