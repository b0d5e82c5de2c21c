"""One cell of the matrix: a request, and what the oracle says of its answer; and the table of those that differ."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

import httpx2

from tests.matrix.views import View

WIDEST = 110


@dataclass(frozen=True, slots=True)
class Cell:
    """Who asks for what, at which door; ``then`` is told of an answer that was as expected."""

    role: str
    resource: str
    action: str
    row: str
    door: str
    method: str
    url: str
    expected: Any
    view: View
    body: Any = None
    then: Callable[[httpx2.Response], None] | None = None


@dataclass(slots=True)
class Outcome:
    """What was asked, and every difference."""

    asked: list[Cell] = field(default_factory=list)
    differences: list[tuple[Cell, Any]] = field(default_factory=list)

    def judge(self, cell: Cell, answer: httpx2.Response) -> None:
        """Note a cell and its answer."""
        self.asked.append(cell)
        got = cell.view(answer)
        if got != cell.expected:
            self.differences.append((cell, got))
        elif cell.then is not None:
            cell.then(answer)

    @property
    def doors(self) -> set[str]:
        """The doors where something differs."""
        return {cell.door for cell, _ in self.differences}

    def table(self) -> str:
        """The differences, one a line."""
        lines = [f"{len(self.differences)} of {len(self.asked)} cells differ"]
        for cell, got in self.differences[:40]:
            place = f"{cell.role:9} {cell.resource:16} {cell.action:10} {cell.row:24} {cell.door:18}"
            lines.append(f"{place} {cell.method} {cell.url}\n" + compared(cell.expected, got))
        return "\n".join(lines)


def compared(expected: Any, got: Any) -> str:
    """Two values below each other, long ones from shortly before they part."""
    one, other = repr(expected), repr(got)
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
    start = max(common - WIDEST // 2, 0)
    cut = [text[start:] for text in (one, other)]
    texts = [f"{'…' * bool(start)}{text[:WIDEST]}{'…' * (len(text) > WIDEST)}" for text in cut]
    return f"    expected {texts[0]}\n    got      {texts[1]}"


def ask_all(cells: Iterable[Cell], clients: Callable[[str], httpx2.Client]) -> Outcome:
    """Send every request; cells are made one after the other, since some change what the next ones see."""
    outcome = Outcome()
    for cell in cells:
        outcome.judge(cell, clients(cell.role).request(cell.method, cell.url, json=cell.body))
    return outcome


async def ask_all_here(
    cells: Iterable[Cell], clients: Callable[[str], httpx2.AsyncClient], enough: Collection[str] = ()
) -> Outcome:
    """The same without a network; no more is asked once each door of `enough` differs."""
    outcome = Outcome()
    for cell in cells:
        outcome.judge(cell, await clients(cell.role).request(cell.method, cell.url, json=cell.body))
        if enough and outcome.doors >= set(enough):
            break
    return outcome
