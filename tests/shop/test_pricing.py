"""What an order costs: integers in, integers out, nothing else. The module alone, without the shop around it."""

import importlib.util
import sys
from typing import Any

import pytest

from tests.running import ROOT


def load() -> Any:
    """The module, by its file: importing the package would bring the shop's tables into this process."""
    path = ROOT / "resources" / "checkout" / "pricing.py"
    spec = importlib.util.spec_from_file_location("pricing_alone", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


pricing = load()


def lines(*pairs: tuple[int, int]) -> list[Any]:
    """A line for each price and quantity."""
    return [pricing.Line(price, quantity) for price, quantity in pairs]


def test_pricing_knows_nothing_but_numbers() -> None:
    """It imports neither Charter nor a database: it can be read, tested and replaced alone."""
    source = (ROOT / "resources" / "checkout" / "pricing.py").read_text()
    assert "charter" not in source
    assert "sqlalchemy" not in source


def test_a_line_is_price_times_pieces() -> None:
    """Nothing is rounded, since nothing is divided."""
    assert [line.total for line in lines((1999, 1), (1999, 3), (0, 5), (10**12, 9999))] == [
        1999, 5997, 0, 9999 * 10**12
    ]  # fmt: skip


def test_totals_are_sums_of_the_shown_lines() -> None:
    """As shipped there is no discount, no shipping and no tax."""
    found = pricing.total(lines((1999, 2), (350, 3)))
    assert (found.items_total, found.discount_total, found.shipping_total, found.tax_total) == (5048, 0, 0, 0)
    assert found.grand_total == 5048
    assert pricing.total([]).grand_total == 0


def test_rules_change_the_sum() -> None:
    """Discount, shipping and tax are functions of the lines, and meet in the grand total."""
    rules = pricing.Rules(
        discount=lambda found: pricing.round_half_up(sum(line.total for line in found), 10, 100),
        shipping=lambda found: 490 if len(found) < 3 else 0,
        tax=lambda found: sum(pricing.round_half_up(line.total, 19, 100) for line in found),
    )
    found = pricing.total(lines((1005, 1), (333, 1)), rules)
    assert (found.items_total, found.discount_total, found.shipping_total, found.tax_total) == (1338, 134, 490, 254)
    assert found.grand_total == 1338 - 134 + 490 + 254


def test_the_rules_as_shipped_add_nothing() -> None:
    """A piece costs what its product says, however many are bought."""
    assert pricing.Rules() == pricing.RULES
    assert [pricing.RULES.price(1999, pieces) for pieces in (1, 9999)] == [1999, 1999]


def test_a_discount_never_exceeds_what_it_is_given_on() -> None:
    """Nobody is paid for buying."""
    found = pricing.total(lines((100, 1)), pricing.Rules(discount=lambda _: 500))
    assert (found.discount_total, found.grand_total) == (100, 0)


@pytest.mark.parametrize(
    ("amount", "parts", "of", "share"),
    [
        (100, 19, 100, 19), (50, 1, 100, 1), (49, 1, 100, 0), (150, 1, 100, 2), (149, 1, 100, 1), (0, 19, 100, 0),
        (1, 1, 2, 1), (3, 1, 2, 2), (5, 1, 2, 3), (10, 1, 3, 3), (20, 1, 3, 7), (10**15, 19, 100, 19 * 10**13),
    ],
)  # fmt: skip
def test_a_share_is_rounded_half_up(amount: int, parts: int, of: int, share: int) -> None:
    """Always up at the half, as people count, not to the even one; exact for the largest amounts."""
    assert pricing.round_half_up(amount, parts, of) == share


def test_rounding_by_line_and_the_sum_agree_with_what_is_shown() -> None:
    """The tax of an order is the sum of its lines' rounded taxes, so that a reader can add it up."""
    found = lines((5, 1), (5, 1), (5, 1))
    by_line = sum(pricing.round_half_up(line.total, 10, 100) for line in found)
    assert by_line == 3
    assert pricing.round_half_up(sum(line.total for line in found), 10, 100) == 2
