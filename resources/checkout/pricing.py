"""What an order costs: integers in, integers out, nothing else. The place for prices, discounts, shipping and taxes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Line:
    """A product's price, in minor units, and how many pieces."""

    unit_price: int
    quantity: int

    @property
    def total(self) -> int:
        """Price times pieces."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums of an order, in minor units."""

    items_total: int
    discount_total: int
    shipping_total: int
    tax_total: int

    @property
    def grand_total(self) -> int:
        """What is to be paid."""
        return self.items_total - self.discount_total + self.shipping_total + self.tax_total


Rule = Callable[[Sequence[Line]], int]
"""One part of the sum, from the lines."""


PriceRule = Callable[[int, int], int]
"""What one piece costs, from the product's price and how many are bought."""


def as_marked(price: int, _: int) -> int:
    """The price rule as shipped: what the product says."""
    return price


def nothing(_: Sequence[Line]) -> int:
    """The other rules as shipped: prices are all included."""
    return 0


@dataclass(frozen=True, slots=True)
class Rules:
    """How an order is priced: each piece, and what is beside the lines."""

    discount: Rule = field(default=nothing)
    shipping: Rule = field(default=nothing)
    tax: Rule = field(default=nothing)
    price: PriceRule = field(default=as_marked)


RULES = Rules()
"""Those of this shop."""


def total(lines: Sequence[Line], rules: Rules = RULES) -> Totals:
    """The sums of `lines`; a discount never exceeds what it is given on."""
    items = sum(line.total for line in lines)
    return Totals(items, min(rules.discount(lines), items), rules.shipping(lines), rules.tax(lines))


def round_half_up(amount: int, parts: int, of: int) -> int:
    """`amount` times `parts` / `of`, rounded half up: the one way that a share of money (a tax) is taken."""
    return (2 * amount * parts + of) // (2 * of)
