"""Policies by chance: any of them is valid, and each leads to another matrix."""

import random
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from tests.matrix.shapes import Shape

FIRST_WRITER = 1
"""Strangers write nothing: what they made would belong to nobody."""


def some_policy(chance: random.Random, order: Sequence[str], shapes: Iterable[Shape]) -> str:
    """A policy for these resources. Lines for one action have the same fields, so that no mixture is refused."""
    lines = [f"g, {role}, {below}" for below, role in pairwise(order)]
    for shape in shapes:
        found = [line for action in shape.words[:-2] for line in _lines(chance, order, shape, action)]
        lines += found or [f"p, {order[-1]}, {shape.path}, list, any, *"]
    return "\n".join([*lines, "p, anonymous, docs, access, any, *", ""])


def _lines(chance: random.Random, order: Sequence[str], shape: Shape, action: str) -> Iterator[str]:
    """Rules for one action, wider from role to role; the last ones may be for any row and every field."""
    looks = action in {"list", "read"}
    required = {column.name for column in shape.noun.columns if column.required}
    whole = sorted(shape.whole(action) - required - shape.granted - {"id"})
    hidden = chance.sample(whole, chance.randint(0, len(whole) // 3)) if chance.random() < 0.7 else []
    fields = "|".join(f"-{name}" for name in hidden) or "*"
    words = [*(["own"] if shape.owner else []), *(["published", "draft"] if "is_public" in shape.shown else [])]
    for role in order[0 if looks else FIRST_WRITER :]:
        usable = [word for word in words if word != "own" or role != order[0]]
        if usable and chance.random() < 0.6:
            yield f"p, {role}, {shape.path}, {action}, {usable.pop(chance.randrange(len(usable)))}, {fields}"
        if chance.random() < (0.35 if role != order[-1] else 0.7):
            yield f"p, {role}, {shape.path}, {action}, any, {chance.choice([fields, '*'])}"
            return
