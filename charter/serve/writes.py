"""The writes: create, replace, update, delete. Decision, body, one transaction; the commit comes before the answer."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from charter.bodies import read_body
from charter.catalog import Entry, body_model
from charter.declare import Caller, Change, WriteAction
from charter.errors import AuthorizationException, ConflictException, FieldError, NotFoundException
from charter.plan import Lens, WritePlan, caller_values, lens
from charter.query import ROW_ID, exists_statement, read_statement, row_statement
from charter.serve.doors import decide, read_lens
from charter.serve.reads import parse_id
from charter.services import Services
from charter.store import Row, Transaction

log = logging.getLogger("charter.serve")

SLUG_ATTEMPTS = 20
"""How often a create is tried when others take its slug in the same moment (PostgreSQL): each time one of them wins."""


@dataclass(frozen=True, slots=True)
class Written:
    """A write that is committed: the row's id, its JSON as the caller may read it, and whether it is new."""

    id: UUID
    body: str
    new: bool = False


async def create_row(services: Services, caller: Caller, entry: Entry, raw: bytes) -> Written:
    """Make a row from a JSON body."""
    decision = decide(services, caller, entry.name, "create")
    body = read_body(body_model(entry, "create", decision.fields), raw)
    for attempt in range(1, SLUG_ATTEMPTS + 1):
        change = _change(entry, "create", caller, body, fields=type(body).model_fields)
        if entry.owner is not None and entry.owner.name not in change.values:
            change.values[entry.owner.name] = caller.id
        plan = WritePlan(lens(entry, decision), change, read_lens(services, caller, entry))
        try:
            return await run(services, plan, lambda tx, plan=plan: _create(tx, services, plan))
        except ConflictException as error:
            if attempt == SLUG_ATTEMPTS or not _lost_a_slug(entry, error):
                raise
    raise AssertionError  # pragma: no cover # the loop returns or raises


async def change_row(
    services: Services, caller: Caller, entry: Entry, row_id: str, raw: bytes, kind: Literal["replace", "update"]
) -> Written:
    """PATCH (``update``) changes what is sent; PUT (``replace``) returns what is left out to its default."""
    decision = decide(services, caller, entry.name, "update")
    found = parse_id(row_id)
    body = read_body(body_model(entry, kind, decision.fields), raw)
    fields = type(body).model_fields.keys() if kind == "replace" else body.model_fields_set
    change = _change(entry, "update", caller, body, fields=fields)
    plan = WritePlan(lens(entry, decision), change, read_lens(services, caller, entry), found)
    return await run(services, plan, lambda tx: _update(tx, services, plan))


async def delete_row(services: Services, caller: Caller, entry: Entry, row_id: str) -> None:
    """Delete a row, softly where its resource declares it."""
    decision = decide(services, caller, entry.name, "delete")
    plan = WritePlan(
        lens(entry, decision), Change("delete", caller, {}), read_lens(services, caller, entry), parse_id(row_id)
    )
    await run(services, plan, lambda tx: _delete(tx, plan))


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


async def run(services: Services, plan: WritePlan, work: Any) -> Written:
    """Prepare outside the transaction, do the work inside it, then what follows the commit."""
    change = plan.change
    prepares = [hooks.prepare for hooks in plan.lens.entry.hooks if hooks.prepare]
    if prepares and plan.id is not None:
        change.old = await services.store.read(lambda tx: target_of(tx, plan))
    for prepare in prepares:
        await prepare(change)
    given = dict(change.values)

    def attempt(tx: Transaction) -> Written:
        """Start from what was given: a transaction that lost against another one is run again."""
        change.values, change.row = dict(given), {}
        done: Written = work(tx)
        return done

    written = await services.store.write(attempt)
    for hooks in plan.lens.entry.hooks:
        if hooks.after_commit is not None:
            try:
                await hooks.after_commit(change)
            except Exception:  # the row is safe and the answer is true, whatever follows it
                log.exception("after_commit failed", extra={"resource": plan.lens.entry.name})
    return written


def _create(tx: Transaction, services: Services, plan: WritePlan) -> Written:
    entry, change = plan.lens.entry, plan.change
    _check_references(tx, services, entry, change)
    created = tx.create(entry, change)
    _check_inside(tx, plan, created.id, "The new row would be outside the rows that you may create.")
    return Written(created.id, body_of(tx, plan, created.id), new=created.new)


def _update(tx: Transaction, services: Services, plan: WritePlan) -> Written:
    entry, change = plan.lens.entry, plan.change
    assert plan.id is not None  # noqa: S101 # an update has a target
    change.old = target_of(tx, plan)
    _check_references(tx, services, entry, change)
    tx.update(entry, plan.id, change)
    _check_inside(tx, plan, plan.id, "The row would leave the rows that you may update.")
    return Written(plan.id, body_of(tx, plan, plan.id))


def _delete(tx: Transaction, plan: WritePlan) -> Written:
    assert plan.id is not None  # noqa: S101 # a delete has a target
    plan.change.old = target_of(tx, plan)
    tx.delete(plan.lens.entry, plan.id, plan.change)
    return Written(plan.id, "")


def target_of(tx: Transaction, plan: WritePlan) -> Row:
    """The row to change: 404 where the caller may not even read it, 403 where it is outside the action's rows."""
    assert plan.id is not None  # noqa: S101 # only writes with a target ask
    values = caller_values(plan.change.caller) | {ROW_ID: plan.id}
    try:
        return tx.one(row_statement(plan.lens), values)
    except NotFoundException:
        if plan.read is not None and tx.execute(exists_statement(plan.read), values).first():
            raise AuthorizationException("The row is outside the rows that you may change.") from None
        raise


def _check_inside(tx: Transaction, plan: WritePlan, row_id: UUID, detail: str) -> None:
    """The row as it is now has to satisfy the rule that allowed the write."""
    if "any" in plan.lens.rows:
        return
    values = caller_values(plan.change.caller) | {ROW_ID: row_id}
    if tx.execute(exists_statement(plan.lens), values).first() is None:
        raise AuthorizationException(detail)


def body_of(tx: Transaction, plan: WritePlan, row_id: UUID) -> str:
    """The answer of a write is cut by the read rule; without one it is the id."""
    values = caller_values(plan.change.caller) | {ROW_ID: row_id}
    found = tx.execute(read_statement(plan.read), values).scalar() if plan.read else None
    return str(found) if found is not None else f'{{"id":"{row_id}"}}'


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
    return tx.execute(exists_statement(target), values).first() is not None


def _lost_a_slug(entry: Entry, error: ConflictException) -> bool:
    slugs = {f"/{field.name}" for field in entry.fields.values() if field.slug_of}
    return error.code == "unique" and any(item.pointer in slugs for item in error.errors)


__all__ = ["Written", "body_of", "change_row", "create_row", "delete_row", "run", "target_of"]
