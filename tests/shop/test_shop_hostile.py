"""Whatever is sent to the running shop: a refusal in the one form or a legal answer, never a failure."""

import httpx2
import pytest

from tests.hostile import Attack, attacks, walk
from tests.running import Running
from tests.shop.people import People, Person, category, created, okay, product

pytestmark = pytest.mark.anyio

SHARES = {"anonymous": 31, "customer": 23, "support": 41, "manager": 17, "admin": 23}
"""Every how-manieth attack each role makes, each of them others; all of them meet the toy."""

ROLES = [pytest.param(role, marks=() if role in {"anonymous", "manager"} else pytest.mark.thorough) for role in SHARES]


def can_be_sent(attack: Attack) -> bool:
    """Whether a client would put it on the wire: a header's value neither ends in a space nor leaves ASCII."""
    return all(value.isascii() and value == value.strip() for value in attack.headers.values())


def locks_out(attack: Attack, role: str) -> bool:
    """Whether it could end the attacker's own sign-in, after which nothing would be tested any more."""
    return role != "anonymous" and (
        attack.path.startswith(("/auth/logout", "/auth/sessions"))
        or (role == "admin" and attack.path.startswith("/users/me"))
    )


@pytest.mark.parametrize("role", ROLES)
async def test_no_request_breaks_the_shop(shop: Running, people: People, role: str) -> None:
    """Attacks on every route of the OpenAPI document by each role; afterwards the shop is as well as before."""
    shelf, victim = category(people), Person(*shop.account("customer"))
    goods, more = (product(people, category_id=shelf["id"]) for _ in range(2))
    person = Person("", "", shop.client()) if role == "anonymous" else Person(*shop.account(role))
    ids = {"products": goods["id"], "categories": shelf["id"], "users": okay(victim.http.get("/users/me"))["id"]}
    if role != "anonymous":
        ids["cart"] = created(person.http.post("/cart", json={"product_id": goods["id"], "quantity": 1}))["id"]
    values = {"product_id": more["id"], "category_id": shelf["id"], "parent_id": shelf["id"]}
    document = okay(people.anonymous.http.get("/openapi.json"))
    known = {f"/{name}/{{id}}": row for name, row in ids.items()}
    found = attacks(document, known, values, every=SHARES[role], shift=list(SHARES).index(role))
    headers = {key: value for key, value in person.http.headers.items() if key == "authorization"}
    async with httpx2.AsyncClient(base_url=shop.url, headers=headers, timeout=30) as http:
        sent = [attack for attack in found if can_be_sent(attack) and not locks_out(attack, role)]
        assert len(sent) > 100
        assert await walk(http, sent, signed_in=role != "anonymous") == []
    if role != "anonymous":
        assert okay(person.http.get("/users/me"))["role"] == role
    for name in ("products", "categories", "users"):
        for page in (1, 2):
            okay(people.admin.http.get(f"/{name}?size=100&page={page}"))
    okay(people.anonymous.http.get("/health"))
    assert "unhandled exception" not in shop.log()
