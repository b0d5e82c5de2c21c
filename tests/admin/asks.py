"""One request to the admin and what the oracle says of its answer, door by door; and the table of what differs."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.matrix.cells import compared

MISSING = "nothing"


@dataclass(frozen=True, slots=True)
class Ask:
    """Who asks for what about which row. ``expected`` is the answer's view, door by door."""

    role: str
    resource: str
    row: str
    method: str
    url: str
    expected: Mapping[str, Any]
    view: Callable[[httpx2.Response], Mapping[str, Any]]
    data: Mapping[str, Any] | None = None
    then: Callable[[httpx2.Response], None] | None = None


@dataclass(slots=True)
class Outcome:
    """What was asked: (role, door) and how often; and every difference."""

    cells: int = 0
    knocked: dict[tuple[str, str], int] = field(default_factory=dict)
    differences: list[tuple[Ask, str, Any]] = field(default_factory=list)

    def judge(self, ask: Ask, answer: httpx2.Response) -> None:
        """Hold an answer against the oracle."""
        got = ask.view(answer)
        for door in {**ask.expected, **got}:
            self.cells += 1
            self.knocked[ask.role, door] = self.knocked.get((ask.role, door), 0) + 1
            if got.get(door, MISSING) != ask.expected.get(door, MISSING):
                self.differences.append((ask, door, got.get(door, MISSING)))
        if ask.then is not None:
            ask.then(answer)

    @property
    def doors(self) -> set[str]:
        """The doors where something differs."""
        return {door for _, door, _ in self.differences}

    def table(self) -> str:
        """The differences, one below the other."""
        lines = [f"{len(self.differences)} of {self.cells} cells differ"]
        for ask, door, got in self.differences[:30]:
            place = f"{ask.role:9} {ask.resource:16} {ask.row:24} {door:18} {ask.method} {ask.url} {ask.data or ''}"
            expected = ask.expected.get(door, MISSING)
            lines.append(f"{place}\n{compared(expected, got)}")
        return "\n".join(lines)


async def ask_here(asks: Iterable[Ask], clients: Mapping[str, httpx2.AsyncClient]) -> Outcome:
    """Send every request to an application in this process; asks are made one after the other, as rows change."""
    outcome = Outcome()
    for ask in asks:
        outcome.judge(ask, await clients[ask.role].request(ask.method, ask.url, data=ask.data))
    return outcome


def ask_there(asks: Iterable[Ask], clients: Mapping[str, httpx2.Client]) -> Outcome:
    """The same to one that runs elsewhere."""
    outcome = Outcome()
    for ask in asks:
        outcome.judge(ask, clients[ask.role].request(ask.method, ask.url, data=ask.data))
    return outcome
