"""Declared actions and transitions: ``POST /{resource}/{id}/{action}``, in one transaction like any other write."""

from charter.bodies import read_body
from charter.catalog import Entry
from charter.declare import Action, Body, Caller, Change, Transition
from charter.errors import ConflictException
from charter.plan import Lens, WritePlan, lens
from charter.replay import Repeat
from charter.serve.doors import decide, read_lens
from charter.serve.reads import parse_id
from charter.serve.writes import Step, Written, body_of, run, target_of, told
from charter.services import Services
from charter.store import Transaction, perform


async def act(
    services: Services, caller: Caller, entry: Entry, row_id: str, name: str, raw: bytes, repeat: Repeat | None = None
) -> Written:
    """Run the declared action `name` on a row; the body may be left out where nothing in it is required."""
    decide(services, caller, entry.name, name)
    key = repeat.key(caller, f"/{entry.name}/{parse_id(row_id)}/{name}", raw) if repeat else None
    return await run(services, deed(services, caller, entry, row_id, name, raw), key)


def deed(services: Services, caller: Caller, entry: Entry, row_id: str, name: str, raw: bytes) -> Step:
    """One declared action on one row."""
    decision = decide(services, caller, entry.name, name)
    item = entry.actions[name]
    found = parse_id(row_id)
    body = read_body(item.body or Body, raw or b"{}")
    change = Change(name, caller, {}, body.model_dump(), entry=entry)
    plan = WritePlan(lens(entry, decision), change, read_lens(services, caller, entry), found)

    def work(tx: Transaction) -> Written:
        change.old = target_of(tx, plan)
        try:
            perform(tx, entry, found, change)
        except ConflictException as error:
            raise _for_reader_of(plan.read, item, error) from None
        return Written(found, told(found, body_of(tx, plan, found)))

    return Step(plan, work)


def _for_reader_of(read: Lens | None, item: Action | Transition, error: ConflictException) -> ConflictException:
    """The refusal of a move, without the state that the row is in where the caller may not read it."""
    if not isinstance(item, Transition) or error.code != "invalid_transition":
        return error
    if read is not None and item.field in read.fields:
        return error
    return ConflictException(f"'{item.name}' is not possible in this row's state.", code="invalid_transition")
