"""Rows from a file: each is a create, under the ``import`` decision as well, and all come in together or none does."""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from charter.access import Decision
from charter.bodies import read_body
from charter.catalog import Entry, body_model
from charter.declare import Caller
from charter.errors import ApiException, ConflictException
from charter.plan import lens
from charter.serve.doors import decide
from charter.serve.together import MOST_TOLD, Refusal, write_together
from charter.serve.writes import SLUG_ATTEMPTS, Step, Written, check_inside, creation, lost_a_slug
from charter.services import Services
from charter.store import Transaction


@dataclass(frozen=True, slots=True)
class _Importer:
    """What lets the rows in: a create as any other, and the rule of the file."""

    services: Services
    caller: Caller
    entry: Entry
    create: Decision
    decision: Decision

    @property
    def model(self) -> type[BaseModel]:
        """What a row may have: the fields that both decisions let through."""
        return body_model(self.entry, "create", self.create.fields & self.decision.fields)

    def step(self, body: BaseModel) -> Step:
        """The making of one row."""
        made = creation(self.services, self.caller, self.entry, self.create, body)
        change = made.plan.change
        seen = lens(self.entry, self.decision)

        def work(tx: Transaction) -> Written:
            given = dict(change.values)
            for attempt in range(1, SLUG_ATTEMPTS + 1):
                change.values, change.row = dict(given), {}
                try:
                    with tx.part():
                        written = made.work(tx)
                    break
                except ConflictException as error:
                    if attempt == SLUG_ATTEMPTS or not lost_a_slug(self.entry, error):
                        raise
            check_inside(tx, self.caller, seen, written.id, "The new row would be outside what you may import.")
            return written

        return Step(made.plan, work)


async def import_rows(
    services: Services, caller: Caller, entry: Entry, bodies: Sequence[bytes], *, keep: bool
) -> list[Refusal]:
    """Make a row of each JSON body, or none where any is refused; without `keep` it is only tried.

    Bodies that break the schema are told before anything is asked of the database.
    """
    both = decide(services, caller, entry.name, "create"), decide(services, caller, entry.name, "import")
    importer = _Importer(services, caller, entry, *both)
    model = importer.model
    steps: list[Step] = []
    places: list[int] = []
    refusals: list[Refusal] = []
    for place, raw in enumerate(bodies):
        try:
            steps.append(importer.step(read_body(model, raw)))
            places.append(place)
        except ApiException as error:
            refusals.append(Refusal(place, error))
    found = await write_together(services, steps, keep=keep and not refusals)
    refusals += [Refusal(places[item.place], item.error) for item in found]
    return sorted(refusals, key=lambda item: item.place)[:MOST_TOLD]


__all__ = ["import_rows"]
