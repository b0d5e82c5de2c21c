"""Demo accounts: ten customers, and one for each role of the staff."""

import secrets

from charter import Transaction
from resources.users import users

PEOPLE = (
    "Ada Lovelace", "Grace Hopper", "Alan Turing", "Katherine Johnson", "Edsger Dijkstra",
    "Barbara Liskov", "Donald Knuth", "Radia Perlman", "Tony Hoare", "Frances Allen",
)  # fmt: skip


def make_accounts(tx: Transaction) -> list[str]:
    """The accounts; returns their passwords, to be told once."""
    rows = tx.repository(users)
    told = []
    shared = secrets.token_urlsafe(9)
    for name in PEOPLE:
        email = f"{name.split()[0].lower()}@example.org"
        rows.create(email=email, full_name=name, password=shared, role="customer", is_verified=True)
    told.append(f"customers: ada@example.org and nine others, password: {shared}")
    for role in ("support", "manager"):
        password = secrets.token_urlsafe(9)
        rows.create(email=f"{role}@example.org", full_name=role.title(), password=password, role=role, is_verified=True)
        told.append(f"{role}: {role}@example.org, password: {password}")
    return told
