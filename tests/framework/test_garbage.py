"""What an application is made of is no business of the garbage collector while it serves."""

import gc

from charter.assemble.garbage import set_aside


class Knot:
    """An object that only the collector can free."""

    def __init__(self) -> None:
        self.itself = self


def test_what_was_there_before_is_left_alone_until_the_end() -> None:
    """Garbage is not kept, what comes later is collected as ever, and afterwards everything is."""
    Knot()
    kept = Knot()
    with set_aside():
        assert gc.get_freeze_count() > 10_000
        tracked = gc.get_objects()
        assert not any(item is kept for item in tracked)
        assert not any(isinstance(item, Knot) for item in tracked)
        later = Knot()
        assert any(item is later for item in gc.get_objects())
        del later, tracked
        gc.collect()
        assert not any(isinstance(item, Knot) for item in gc.get_objects())
    assert gc.get_freeze_count() == 0
    assert any(item is kept for item in gc.get_objects())
