"""What was seen, held against what was in force: pure, so that it can be shown to complain."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf

from tests.storms.versions import Shown, Version

GRACE = 2.0
"""Seconds in which a saved version has to be in force everywhere."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer: when it was asked for and there, and what it shows of the policy behind it."""

    question: str
    started: float
    ended: float
    status: int
    shown: Mapping[str, Shown]


@dataclass(slots=True)
class Reign:
    """A good version: when its saving began, when it was done, and when the next good one was.

    ``gone``: from when on every process is known to have left it, however long it took.
    """

    version: Version
    begun: float
    done: float
    superseded: float = inf
    grace: float = GRACE
    gone: float = inf

    def covers(self, seen: Seen) -> bool:
        """Whether it may have been in force when the answer was made."""
        return self.begun <= seen.ended and seen.started <= min(self.superseded + self.grace, self.gone)

    def explains(self, seen: Seen) -> bool:
        """Whether it would have given just this answer."""
        return all(self.version.parts[part] == value for part, value in seen.shown.items())


@dataclass(slots=True)
class History:
    """The good versions, in the order in which they were saved; ``grace``: how long one may outlive its end."""

    reigns: list[Reign] = field(default_factory=list)
    grace: float = GRACE

    def save(self, version: Version, begun: float, done: float) -> Reign:
        """Another version was saved."""
        if self.reigns:
            self.reigns[-1].superseded = done
        self.reigns.append(Reign(version, begun, done, grace=self.grace))
        return self.reigns[-1]

    def settle(self, moment: float) -> None:
        """Every process has taken the newest version by then: no later answer may be given by another one."""
        for reign in self.reigns[:-1]:
            reign.gone = min(reign.gone, moment)


def unexplained(history: History, answers: Iterable[Seen]) -> list[str]:
    """The answers that no version gives that was in force while they were made."""
    return [_told(history.reigns, seen) for seen in answers if not _is_explained(history.reigns, seen)]


def _is_explained(reigns: Sequence[Reign], seen: Seen) -> bool:
    return bool(seen.shown) and any(reign.covers(seen) and reign.explains(seen) for reign in reversed(reigns))


def _told(reigns: Sequence[Reign], seen: Seen) -> str:
    """The answer, and what could have been."""
    numbers = [reign.version.number for reign in reigns if reign.covers(seen)]
    parts = {
        part: [reign.version.number for reign in reigns if reign.version.parts[part] == value]
        for part, value in seen.shown.items()
    }
    return f"{seen.question} {seen.status} at {seen.started:.3f}: shows {parts}, in force were {numbers}"


def faults(answers: Iterable[Seen]) -> list[str]:
    """The answers that say that something broke."""
    return [f"{seen.question} at {seen.started:.3f}: {seen.status}" for seen in answers if seen.status >= 500]


__all__ = ["GRACE", "History", "Reign", "Seen", "faults", "unexplained"]
