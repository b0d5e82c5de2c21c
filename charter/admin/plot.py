"""Charts as numbers for the page: how high each bar is, and what stands beside them. The page draws them itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 1000, 100
"""Units of the drawing; the page stretches it."""

GAP = 0.14
"""Of the room of a bar, what is left free on each side."""

LABELS = 6
"""Days that are named below the bars."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar in units of the drawing, and what it says when somebody points at it."""

    x: float
    y: float
    width: float
    height: float
    label: str
    text: str


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars from left to right; ``scale`` are the amounts beside them from above.

    ``named`` are the labels below some of them, each with how many per cent from the left its bar stands.
    """

    bars: tuple[Bar, ...]
    scale: tuple[float, ...]
    named: tuple[tuple[str, float], ...]
    slot: float


def plot(labels: Sequence[str], values: Sequence[float], texts: Sequence[str]) -> Plot:
    """A bar for each value; negative ones count as nothing."""
    top = ceiling(max([*values, 0]))
    slot = WIDTH / len(values)
    bars = []
    for place, (value, label, text) in enumerate(zip(values, labels, texts, strict=True)):
        height = round(HEIGHT * max(value, 0) / top, 2)
        x, width = round((place + GAP) * slot, 2), round(slot * (1 - 2 * GAP), 2)
        bars.append(Bar(x, round(HEIGHT - height, 2), width, height, label, text))
    step = math.ceil(len(labels) / LABELS)
    named = [(labels[place], 100 * (place + 0.5) / len(labels)) for place in range(0, len(labels), step)]
    return Plot(tuple(bars), (top, top / 2, 0), tuple(named), slot)


def ceiling(value: float) -> float:
    """The next number that people like to read at the top of a chart: 1, 2 or 5 with noughts, never less than two."""
    if value <= 2:
        return 2
    unit: float = 10 ** math.floor(math.log10(value))
    return next(step * unit for step in (1, 2, 5, 10) if step * unit >= value)


__all__ = ["HEIGHT", "WIDTH", "Bar", "Plot", "ceiling", "plot"]
