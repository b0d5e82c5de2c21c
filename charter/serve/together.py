"""Several writes in one transaction: all of them or none, and every refusal told, not only the first."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from charter.errors import ApiException
from charter.serve.writes import Step, Written, follow, prepare
from charter.services import Services
from charter.store import Transaction

MOST_TOLD = 100
"""Refusals after which nothing more is tried."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one of several writes cannot be: which one, counted from 0, and the reason."""

    place: int
    error: ApiException


class _UndoneError(Exception):
    """Ends a transaction that is not to be kept."""


@dataclass(slots=True)
class _Attempt:
    """What is left to do in a transaction, and what was refused on the way."""

    steps: Sequence[Step]
    waiting: list[int]
    written: dict[int, Written] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)

    def run(self, tx: Transaction) -> None:
        """Take each step; a row that others still refer to is tried again once those are gone."""
        while self.waiting:
            tried, self.waiting, self.refusals = self.waiting, [], []
            for place in tried:
                self._take(tx, place)
                if len(self.refusals) >= MOST_TOLD:
                    return
            again = [item.place for item in self.refusals if self._could_follow(item)]
            if len(again) == len(self.refusals) < len(tried):
                self.waiting = again

    def _take(self, tx: Transaction, place: int) -> None:
        step = self.steps[place]
        try:
            with tx.part():
                self.written[place] = step.work(tx)
        except ApiException as error:
            if error.status == 503:
                raise
            self.refusals.append(Refusal(place, error))

    def _could_follow(self, refusal: Refusal) -> bool:
        return refusal.error.code == "foreign_key" and self.steps[refusal.place].plan.change.action == "delete"


async def write_together(services: Services, steps: Sequence[Step], *, keep: bool = True) -> list[Refusal]:
    """Take all `steps`, or none where any is refused; returns the refusals. Without `keep` it is only tried."""
    refusals = []
    for place, step in enumerate(steps):
        try:
            await prepare(services, step.plan)
        except ApiException as error:
            refusals.append(Refusal(place, error))
            if len(refusals) >= MOST_TOLD:
                return refusals
    given = [dict(step.plan.change.values) for step in steps]
    sooner = {item.place for item in refusals}
    attempt = _Attempt(steps, [])

    def work(tx: Transaction) -> None:
        nonlocal attempt
        for step, values in zip(steps, given, strict=True):
            step.plan.change.values, step.plan.change.row = dict(values), {}
        attempt = _Attempt(steps, [place for place in range(len(steps)) if place not in sooner])
        attempt.run(tx)
        if attempt.refusals or refusals or not keep:
            raise _UndoneError

    try:
        await services.store.write(work)
    except _UndoneError:
        return sorted([*refusals, *attempt.refusals], key=lambda item: item.place)
    for step in steps:
        await follow(step.plan)
    return []


__all__ = ["MOST_TOLD", "Refusal", "write_together"]
