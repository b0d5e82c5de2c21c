"""What a test's shop may do before it is assembled; each is the text of lines for the top of its `app.py`."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

from sqlalchemy.sql.compiler import SQLCompiler

from charter import ConflictException
from tests.statements import hearing


def application(name: str) -> Any:
    """A module of the application's own, which is found only where it runs."""
    return import_module(f"resources.{name}")


STATEMENTS = Path("statements.txt")
COMPILED = Path("compiled.txt")

FOR_GOOD = ExitStack()
"""What lasts as long as the process."""

WRITE_DOWN = "from tests.storms.prelude import write_down\n\nwrite_down()\n"


def write_down() -> None:
    """Write each statement that goes to a database into a file in the application's folder, a line each.

    And into another one those that SQLAlchemy writes out first, because it does not know them yet.
    """

    def note(statement: str, file: Path = STATEMENTS) -> None:
        with file.open("a") as lines:
            lines.write(" ".join(statement.split()) + "\n")

    real = SQLCompiler.__init__

    def compiled(compiler: Any, *given: Any, **options: Any) -> None:
        real(compiler, *given, **options)
        note(str(compiler), COMPILED)

    FOR_GOOD.enter_context(hearing(note))
    FOR_GOOD.enter_context(patch.object(SQLCompiler, "__init__", compiled))


def sweeping(seconds: float) -> str:
    """Look for overdue orders every so often."""
    return f"from tests.storms.prelude import sweep_every\n\nsweep_every({seconds})\n"


def sweep_every(seconds: float) -> None:
    """Declare the sweeper with another rhythm."""
    overdue = application("overdue")
    overdue.sweeper = replace(overdue.sweeper, seconds=seconds)


PRICED = "from tests.storms.prelude import price_by_rules\n\nprice_by_rules()\n"

UNLUCKY, UNWANTED = 1313, 1414
"""Prices that the tax rule below breaks at, and refuses."""


def price_by_rules() -> None:
    """A tenth off from ten pieces on, from twenty on each a cent less, shipping, and a tax that not everything has."""
    place, pricing = application("checkout.place"), application("checkout.pricing")

    def discount(lines: Sequence[Any]) -> int:
        return sum(pricing.round_half_up(line.total, 1, 10) for line in lines if line.quantity >= 10)

    def tax(lines: Sequence[Any]) -> int:
        prices = {line.unit_price for line in lines}
        if UNLUCKY in prices:
            raise RuntimeError("the tax office is closed")
        if UNWANTED in prices:
            raise ConflictException("This cannot be taxed.", code="limit_exceeded")
        return sum(pricing.round_half_up(line.total, 19, 100) for line in lines)

    place.RULES = pricing.Rules(discount, lambda _: 490, tax, price=lambda price, pieces: price - (pieces >= 20))
