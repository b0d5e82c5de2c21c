"""What the shop hides, asked for over HTTP: a hidden or unreadable column is answered like a name that nobody knows."""

import json
import random
from collections.abc import Iterator
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.running import copy_application, running
from tests.shop.people import ROLES, UNKNOWN_ID, People, Person, okay, product
from tests.shop.shop_table import KNOWS_COST, NOUNS, allowed

MADE_UP = "nonsense"
HIDDEN = ("hashed_password", "epoch", "password", "current_password", "deleted_at", "refresh_tokens", "cart_items")
"""What no role reads anywhere: hidden columns, inputs, relations that are not declared."""

OPERATORS = (
    *("", "__ne", "__gt", "__gte", "__lt", "__lte", "__in", "__not_in", "__is_null", "__contains", "__starts_with"),
    *("__ends_with", "__like"),
)
VALUES: tuple[Any, ...] = (None, 1, "x", {"a": []})
COST = 791_790_173
"""What a product costs the shop: a number that is nowhere else."""


def words(document: Any, path: str, unreadable: tuple[str, ...]) -> dict[str, list[str]]:
    """What a role may name in a list: its parameters, and the words of `sort`, `fields` and `include`."""
    parameters = document["paths"][f"/{path}"]["get"]["parameters"]
    found = {"": [item["name"] for item in parameters]}
    for item in parameters:
        if item["name"] in {"sort", "fields", "include"}:
            found[item["name"]] = item["schema"]["items"]["enum"]
    return {
        what: [name for name in names if name.lstrip("-").partition("__")[0] not in unreadable]
        for what, names in found.items()
    }


def answer_to(http: httpx2.Client, target: str) -> tuple[int, dict[str, Any]]:
    """Status and body, but the number of the request."""
    answer = http.get(target)
    body: dict[str, Any] = json.loads(answer.content)
    body.pop("request_id", None)
    return answer.status_code, body


def without_suggestion(body: dict[str, Any], name: str) -> str:
    """The body as text, with the name replaced and what was suggested left out."""
    for item in body["errors"]:
        item["detail"] = item["detail"].partition("; did you mean")[0]
    return json.dumps(body).replace(name, MADE_UP)


def suggestion(body: dict[str, Any]) -> str:
    """What the only error of a body suggests."""
    (item,) = body["errors"]
    return str(item["detail"]).partition("did you mean '")[2].removesuffix("'?")


def hidden_from(role: str, chance: random.Random) -> Iterator[tuple[str, str]]:
    """Every list that `role` may ask for, with names that it may not read there: all of users, a few of others."""
    for noun in NOUNS:
        if "list" not in allowed(role).get(noun.path, {}):
            continue
        yield from ((noun.path, name) for name in (HIDDEN if noun.path == "users" else chance.sample(HIDDEN, 2)))
        if noun.path == "products" and role not in KNOWS_COST:
            yield noun.path, "cost_price"


@pytest.mark.parametrize("role", ROLES)
def test_a_hidden_name_is_answered_like_a_made_up_one(people: People, role: str) -> None:
    """Every list, parameter and operator: the same body but for the name; suggestions follow from readable names."""
    http, chance = people.by_role(role), random.Random(7)  # noqa: S311 # not for secrets
    document, unreadable = okay(http.get("/openapi.json")), () if role in KNOWS_COST else ("cost_price",)
    known = {noun.path: words(document, noun.path, unreadable) for noun in NOUNS}
    for path, name in hidden_from(role, chance):
        together = [f"{{0}}{operator}=1" for operator in OPERATORS]
        together += ["sort={0},-{0},+{0},{0}.id", "fields={0},id,{0}%20", "search={0}", 'where={{"{0}":null}}']
        together += ["include={0},{0}.id"]
        alone = ["sort=-{0}", "fields=id,{0}", "{0}=1&{0}=2", "include={0}", "{0}=x&page=0", "{0}__in=%ff"]
        for part in ("&".join(together), *chance.sample(alone, 2)):
            real, other = (answer_to(http, f"/{path}?{part.format(word)}") for word in (name, MADE_UP))
            assert real[0] == other[0] == 400, (path, part, name)
            assert without_suggestion(real[1], name) == without_suggestion(other[1], MADE_UP), (path, part, name)
        slip = chance.choice((name, name[:-1], name[1:], name.upper(), name.replace("_", "")))
        for what, query in (("", f"{slip}__gt=1"), ("sort", f"sort=-{slip}"), ("fields", f"fields={slip}")):
            asked = f"{slip}__gt" if not what else f"-{slip}" if what == "sort" else slip
            near = get_close_matches(asked, known[path][what], n=1, cutoff=0.6)
            assert suggestion(answer_to(http, f"/{path}?{query}")[1]) == "".join(near), (path, query)


def test_what_everybody_tries_first_is_the_same_400_as_nonsense(people: People) -> None:
    """Password hashes by filter, sort, include and where, and the cost by those who may not know it."""
    admin, customer = people.admin.http, people.customer.http
    for http, template in (
        (admin, "/users?{0}__starts_with=$argon2"),
        (admin, "/users?sort={0}"),
        (admin, "/users/aggregate?group={0}"),
        (admin, "/users/aggregate?agg=count,max:{0}"),
        (admin, "/users?fields={0}"),
        (admin, "/orders?include=user.{0}"),
        (admin, "/users?include=user.{0}"),
        (admin, "/users?" + quote('where={{"{0}__is_null":false}}', safe="={}")),
        (customer, "/orders?include=user.{0}"),
        (customer, "/users/me?fields={0}"),
        (customer, "/orders?user.{0}__starts_with=$argon2"),
    ):
        real, other = (answer_to(http, template.format(word)) for word in ("hashed_password", MADE_UP))
        assert real[0] == 400
        assert without_suggestion(real[1], "hashed_password") == without_suggestion(other[1], MADE_UP), template
    for person in (people.anonymous, people.customer, people.support):
        for template in (
            "/products?{0}__lt=800",
            "/products?{0}__is_null=false",
            "/products?sort=-{0}",
            "/products/aggregate?agg=sum:{0}",
            "/products/aggregate?group={0}",
            "/products/aggregate?agg=max:price&sort=max:{0}",
            "/products/aggregate?{0}__lt=800",
            "/cart?product.{0}=1",
        ):
            real, other = (answer_to(person.http, template.format(word)) for word in ("cost_price", MADE_UP))
            assert real[0] == other[0]
            assert without_suggestion(real[1], "cost_price") == without_suggestion(other[1], MADE_UP), template
    assert people.manager.http.get("/products?cost_price__lt=800&sort=-cost_price").status_code == 200


def test_a_body_cannot_tell_a_hidden_field_from_a_made_up_one(people: People) -> None:
    """What is hidden, and what the server alone sets, is in a body as unknown as any word."""
    for http, method, target, name in (
        (people.admin.http, "POST", "/users", "hashed_password"),
        (people.admin.http, "POST", "/users", "epoch"),
        (people.customer.http, "PATCH", "/users/me", "hashed_password"),
        (people.customer.http, "PATCH", "/users/me", "role"),
        (people.manager.http, "POST", "/products", "deleted_at"),
        (people.manager.http, "POST", "/products", "slug"),
        (people.customer.http, "POST", "/orders", "grand_total"),
        (people.customer.http, "POST", "/cart", "price_seen"),
    ):
        for value in VALUES:
            bodies = []
            for word in (name, MADE_UP):
                answer = http.request(method, target, json={word: value, "email": 5})
                assert answer.status_code == 422, (target, name)
                bodies.append(without_suggestion({**answer.json(), "request_id": ""}, word))
            assert bodies[0] == bodies[1], (target, name)


def everything(world: dict[str, str]) -> Iterator[str]:
    """Each list and row with all that it may include, and what else there is to read."""
    yield from ("/openapi.json", "/users/me", "/users/me?include=orders", "/users/me/permissions", "/health")
    for noun in NOUNS:
        for query in ("", *(f"include={path}" for path in noun.include), "page=x", "fields=cost_price", "sort=email"):
            yield f"/{noun.path}/aggregate?agg=max:cost_price&{query}"
            yield f"/{noun.path}?size=5&sort=-id&{query}"
            yield f"/{noun.path}/{world.get(noun.path, UNKNOWN_ID)}?{query}"


def attempts(world: dict[str, str]) -> Iterator[tuple[str, str, Any]]:
    """Writes that are refused in every way, and some that are not."""
    goods = f"/products/{world['products']}"
    yield from (("PATCH", goods, body) for body in ({}, {"cost_price": -1}, {"price": "x"}, {"sku": world["sku"]}))
    taken = {"sku": world["sku"], "name": "x", "price": 1, "stock": 1, "category_id": world["categories"]}
    yield from (("POST", "/products", body) for body in (taken, {**taken, "category_id": UNKNOWN_ID}))
    yield from (("POST", f"{goods}/stock", body) for body in ({"delta": -99, "reason": "adjust"}, {"delta": 0}))
    yield from (("POST", "/cart", {"product_id": world["products"], "quantity": number}) for number in (1, 99_999, 900))
    yield from (("POST", f"/orders/{world['orders']}/{move}", {}) for move in ("deliver", "cancel", "return"))
    yield from (("POST", "/orders", body) for body in ({}, {"ship_name": "a", "ship_address": "b", "phone": "c"}))
    yield from (("PATCH", "/users/me", body) for body in ({"full_name": "Ada"}, {"email": "x", "epoch": 1}))
    yield "PATCH", "/users/me", {"email": world["email"], "current_password": "not-the-password"}
    yield "POST", "/auth/register", {"email": world["email"], "password": "a-password-of-a-test"}
    yield "DELETE", f"/categories/{world['categories']}", None


def test_no_answer_and_no_line_of_the_log_has_what_the_shop_hides(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Password hashes for nobody, costs for managers alone, and the log (at `debug`) knows neither."""
    with running(copy_application(tmp_path_factory.mktemp("hidden")), LOG_LEVEL="debug") as shop:
        found = {role: Person(*shop.account(role)) for role in ("customer", "support", "manager")}
        people = People(Person("", "", shop.client()), admin=Person("", "", shop.as_admin()), **found)
        shelf = okay(people.anonymous.http.get("/categories?size=1"))["items"][0]["id"]
        goods = product(people, cost_price=COST, category_id=shelf)
        world = {"products": goods["id"], "categories": shelf, "sku": goods["sku"], "email": people.support.email}
        with_order = okay(people.admin.http.get("/orders?size=1"))["items"]
        world["orders"] = with_order[0]["id"]
        assert str(COST) in people.manager.http.get(f"/products/{goods['id']}").text
        for role in ROLES:
            http, secrets = people.by_role(role), ["$argon2", *([] if role in KNOWS_COST else [str(COST)])]
            asked: list[tuple[str, str, Any]] = [("GET", target, None) for target in everything(world)]
            for method, target, body in (*asked, *attempts(world)):
                answer = http.request(method, target, json=body) if method != "GET" else http.get(target)
                whole = answer.text + str(answer.headers)
                assert answer.status_code < 500, (role, method, target, answer.text)
                assert not [text for text in secrets if text in whole], (role, method, target)
        log = shop.log()
    assert "/users/me" in log
    assert "$argon2" not in log
    assert str(COST) not in log
