"""Demo data: a small catalogue that is pleasant to browse, people, and what they bought."""

from charter import Seed, Transaction
from resources.demo.goods import make_categories, make_products
from resources.demo.people import make_accounts
from resources.demo.purchases import make_orders


def fill(tx: Transaction) -> list[str]:
    """Categories, products, accounts and orders; returns the passwords to tell once."""
    goods = make_products(tx, make_categories(tx))
    told = make_accounts(tx)
    make_orders(tx, goods)
    return told


demo = Seed(fill)
