"""Who may do what: every role, resource and action of SHOP.md over HTTP, with rows of one's own and of others."""

from collections.abc import Callable
from dataclasses import dataclass

import httpx2
import pytest

from tests.running import Running
from tests.shop.buying import ADDRESS, able, add, cart_of, in_state
from tests.shop.people import People, Person, Row, category, created, okay, product, refused, unique
from tests.shop.shop_table import ADMIN_FIELDS, BY_PATH, KNOWS_COST, LADDER, OWN_FIELDS, POLICY, allowed

PATHS = list(BY_PATH)
NO_DOOR = {"export", "import", "access"}
"""Actions without a route of their own so far; `/users/me/permissions` tells of them."""

BEFORE = {"pay": "pending", "ship": "paid", "deliver": "shipped", "cancel": "pending", "return": "delivered"}
"""Move -> a state that it starts from."""


@dataclass(frozen=True, slots=True)
class World:
    """Everybody, able to order, and something that is always for sale."""

    people: People
    stranger: Person
    goods: Row

    def person(self, role: str) -> Person:
        """Who has `role`."""
        found: Person = getattr(self.people, role)
        return found


@pytest.fixture(scope="module")
def world(shop: Running, people: People) -> World:
    """One person of each role, and another customer whose rows are nobody else's."""
    for role in LADDER[1:]:
        able(shop, getattr(people, role))
    stranger = able(shop, Person(*shop.account("customer")))
    return World(people, stranger, product(people, stock=10_000))


def cart_line(world: World, person: Person) -> Row:
    """The line in a cart that has no other."""
    for row in cart_of(person):
        assert person.http.delete(f"/cart/{row['id']}").status_code == 204
    return add(person, world.goods)


def an_order(world: World, person: Person, state: str = "pending") -> Row:
    """A fresh order in `state`; the cart is empty before."""
    for row in cart_of(person):
        assert person.http.delete(f"/cart/{row['id']}").status_code == 204
    return in_state(world.people, person, world.goods, state)


def part_of_order(world: World, person: Person, path: str) -> Row:
    """A line or an event of a fresh order."""
    found: Row = okay(person.http.get(f"/{path}?order_id={an_order(world, person)['id']}"))["items"][0]
    return found


def own_row(world: World, path: str, person: Person, action: str) -> Row:
    """A row of `person`, fit for `action`."""
    if path == "cart":
        return cart_line(world, person)
    if path == "orders":
        return an_order(world, person, "cancelled" if action == "delete" else BEFORE.get(action, "pending"))
    if path == "users":
        return okay(person.http.get("/users/me"))
    return part_of_order(world, person, path)


def any_row(world: World, path: str) -> Row:
    """A fresh row that belongs to nobody; of what the server alone writes, one that is there."""
    if path == "products":
        return product(world.people)
    if path == "categories":
        return category(world.people)
    found: Row = okay(world.people.admin.http.get(f"/{path}?size=1"))["items"][0]
    return found


def hidden_row(world: World, path: str, action: str) -> Row:
    """A row outside the narrower rules: of somebody else, or not published."""
    if path == "products":
        return product(world.people, is_active=False)
    if path == "users" and action == "delete":
        body = {"email": f"{unique('gone').replace(' ', '-')}@example.com", "password": "a-password-of-a-test"}
        return created(world.people.admin.http.post("/users", json=body))
    return own_row(world, path, world.stranger, action)


def send(http: httpx2.Client, path: str, action: str, row: Row) -> httpx2.Response:
    """The answer to `action` on a row, with a body that changes as little as possible."""
    place = f"/{path}/{row['id']}"
    if action == "read":
        return http.get(place)
    if action == "update":
        return http.patch(place, json={})
    if action == "delete":
        return http.delete(place)
    return http.post(f"{place}/{action}", json={"delta": 1, "reason": "adjust"} if action == "stock" else {})


def actions_of(path: str) -> list[str]:
    """Every action on a row that anybody may do."""
    named = {action for cells in POLICY[path].values() for words, _ in cells for action in words.split()}
    return sorted(named - NO_DOOR - {"list", "create"})


@pytest.mark.parametrize("role", LADDER)
@pytest.mark.parametrize("path", PATHS)
def test_each_action_on_a_row_is_as_the_policy_says(world: World, path: str, role: str) -> None:
    """Allowed rows answer; no rule is 401 or 403; outside the rule's rows is 403 where it can be read, else 404."""
    person, rules = world.person(role), allowed(role).get(path, {})
    narrow = {rows for cells in POLICY[path].values() for _, rows in cells} - {"any"}
    for action in actions_of(path):
        rows = rules.get(action, "")
        if not rows:
            row = hidden_row(world, path, action) if narrow else any_row(world, path)
            status, code = (401, "not_authenticated") if role == "anonymous" else (403, "forbidden")
            refused(send(person.http, path, action, row), status, code)
            continue
        inside = own_row(world, path, person, action) if "own" in narrow else any_row(world, path)
        if (path, action) != ("users", "delete"):  # nobody deletes themselves here
            done = send(person.http, path, action, inside)
            assert done.status_code == (204 if action == "delete" else 200), (action, done.text)
        if narrow:
            answer = send(person.http, path, action, hidden_row(world, path, action))
            if rows == "any":
                assert answer.status_code == (204 if action == "delete" else 200), (action, answer.text)
            else:
                can_see = rules.get("read") == "any"
                refused(answer, *((403, "forbidden") if can_see else (404, "not_found")))


@pytest.mark.parametrize("role", LADDER)
@pytest.mark.parametrize("path", PATHS)
def test_each_list_is_as_the_policy_says(world: World, path: str, role: str) -> None:
    """All rows, one's own or the published ones, and never one more; 401 or 403 where there is no rule."""
    person, rows = world.person(role), allowed(role).get(path, {}).get("list", "")
    if not rows:
        status, code = (401, "not_authenticated") if role == "anonymous" else (403, "forbidden")
        refused(person.http.get(f"/{path}"), status, code)
        return
    narrow = {words for cells in POLICY[path].values() for _, words in cells} - {"any"}
    inside = own_row(world, path, person, "list") if "own" in narrow else any_row(world, path)
    assert okay(person.http.get(f"/{path}?id={inside['id']}"))["total"] == 1
    if narrow:
        outside = hidden_row(world, path, "list")
        assert okay(person.http.get(f"/{path}?id={outside['id']}"))["total"] == (1 if rows == "any" else 0)


def new(world: World, path: str) -> Row:
    """A body that makes a row."""
    makers: dict[str, Callable[[], Row]] = {
        "products": lambda: (
            {name: world.goods[name] for name in ("name", "price", "stock", "category_id")} | {"sku": unique("SKU")}
        ),
        "categories": lambda: {"name": unique("Shelf")},
        "cart": lambda: {"product_id": product(world.people)["id"], "quantity": 1},
        "orders": lambda: dict(ADDRESS),
        "users": lambda: {
            "email": f"{unique('new').replace(' ', '-')}@example.com",
            "password": "a-password-of-a-test",
        },
    }
    return makers[path]()


@pytest.mark.parametrize("role", LADDER)
@pytest.mark.parametrize("path", [path for path in PATHS if BY_PATH[path].is_written])
def test_each_create_is_as_the_policy_says(world: World, path: str, role: str) -> None:
    """201 where a rule says so; else 401 or 403, whatever the body; what is made belongs to its maker."""
    person = world.person(role)
    if "create" not in allowed(role).get(path, {}):
        status, code = (401, "not_authenticated") if role == "anonymous" else (403, "forbidden")
        for body in (new(world, path), {}, {"nope": 1}):
            refused(person.http.post(f"/{path}", json=body), status, code)
        return
    if path == "orders":
        cart_line(world, person)
    row = created(person.http.post(f"/{path}", json=new(world, path)))
    if path in {"cart", "orders"}:
        assert row["user_id"] == okay(person.http.get("/users/me"))["id"]


@pytest.mark.parametrize("role", LADDER)
def test_a_role_is_told_what_the_table_says(people: People, role: str) -> None:
    """`/users/me/permissions`: every resource, action and rows of the table, those without a route included."""
    told = okay(people.by_role(role).get("/users/me/permissions"))
    assert told["role"] == role
    found = {
        resource: {action: cell["rows"] for action, cell in actions.items()}
        for resource, actions in told["resources"].items()
    }
    assert found == {
        resource: {action: [rows] for action, rows in actions.items()} for resource, actions in allowed(role).items()
    }


@pytest.mark.parametrize("role", LADDER)
def test_a_role_is_told_its_fields(people: People, role: str) -> None:
    """All shown columns to read, but what the shop pays; of accounts, one's own or an admin's fields to write."""
    told = okay(people.by_role(role).get("/users/me/permissions"))["resources"]
    for path, noun in BY_PATH.items():
        shown = {column.name for column in noun.columns if column.shown}
        for action in ("list", "read"):
            if action in told.get(path, {}):
                unknown = {"cost_price"} if role not in KNOWS_COST else set()
                assert set(told[path][action]["fields"]) == shown - unknown, (path, action)
        for action, kind in (("create", "Create"), ("update", "Update")):
            if action in told.get(path, {}):
                taken = {column.name for column in noun.columns if column.taken_by(kind)}
                if path == "users":
                    taken &= ADMIN_FIELDS if role == "admin" else OWN_FIELDS
                assert set(told[path][action]["fields"]) == taken, (path, action)


def test_the_documentation_is_for_everybody(people: People) -> None:
    """`docs, access`: the page and the document behind it."""
    for role in LADDER:
        for path in ("/docs", "/openapi.json"):
            assert people.by_role(role).get(path).status_code == 200
