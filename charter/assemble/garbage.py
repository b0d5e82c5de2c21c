"""What an application is made of, kept out of the garbage collector's rounds.

Declarations, routes, schemas and libraries are some hundred thousand objects that live as long as the process. A full
round looks at each of them, finds nothing, and keeps the event loop for a fifth of a second meanwhile.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def set_aside() -> Iterator[None]:
    """Leave everything that exists now, apart from garbage, to itself as long as the block lasts."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()  # an application that ends can be garbage as a whole


__all__ = ["set_aside"]
