"""Lets go of the applications of earlier tests.

What is remembered by its arguments (``lru_cache``) keeps thousands of routes and entries alive, in FastAPI as well. A
process with one application never notices; one that starts a thousand starts each more slowly than the one before,
tenfold in the end.
"""

import sys
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

OWNERS = frozenset({"charter", "fastapi"})


def forget() -> None:
    """Empty what the modules of Charter and FastAPI remember."""
    for memory in memories():
        memory.cache_clear()


def memories() -> Iterator[Any]:
    """Every function of these modules that remembers."""
    kind = type(lru_cache(forget))
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in OWNERS:
            yield from (value for value in vars(module).values() if isinstance(value, kind))


__all__ = ["forget"]
