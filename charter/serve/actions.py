"""Declared actions and transitions: ``POST /{resource}/{id}/{action}``, in one transaction like any other write."""

from charter.bodies import read_body
from charter.catalog import Entry
from charter.declare import Body, Caller, Change
from charter.plan import WritePlan, lens
from charter.serve.doors import decide, read_lens
from charter.serve.reads import parse_id
from charter.serve.writes import Written, body_of, run, target_of
from charter.services import Services
from charter.store import Transaction, perform


async def act(services: Services, caller: Caller, entry: Entry, row_id: str, name: str, raw: bytes) -> Written:
    """Run the declared action `name` on a row; the body may be left out where nothing in it is required."""
    decision = decide(services, caller, entry.name, name)
    item = entry.actions[name]
    found = parse_id(row_id)
    body = read_body(item.body or Body, raw or b"{}")
    change = Change(name, caller, {}, body.model_dump(), entry=entry)
    plan = WritePlan(lens(entry, decision), change, read_lens(services, caller, entry), found)

    def work(tx: Transaction) -> Written:
        change.old = target_of(tx, plan)
        perform(tx, entry, found, change)
        return Written(found, body_of(tx, plan, found))

    return await run(services, plan, work)
