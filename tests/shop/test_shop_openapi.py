"""`/openapi.json?for=me` of the shop: by role, SHOP.md's second table and what the routes do."""

from itertools import pairwise

import pytest

from tests.documents import asking, body_fields, choices, faults, operations, words
from tests.shop.people import UNKNOWN_ID, People, Row, okay
from tests.shop.shop_table import ADMIN_FIELDS, BY_PATH, KNOWS_COST, LADDER, OWN_FIELDS, allowed

METHODS = {"get": "read", "put": "update", "patch": "update", "delete": "delete"}
OPEN = {"/users/me/permissions", "/health", "/health/live", "/health/ready", "/payments/{provider}"}
"""What is there for everybody, beside ``/auth``."""


@pytest.fixture(params=LADDER)
def role(request: pytest.FixtureRequest) -> str:
    """Each role."""
    return str(request.param)


@pytest.fixture
def mine(people: People, role: str) -> Row:
    """The document of the role."""
    return okay(people.by_role(role).get("/openapi.json?for=me"))


@pytest.fixture
def whole(people: People) -> Row:
    """Everybody's document."""
    return okay(people.anonymous.http.get("/openapi.json"))


def action_of(path: str, method: str) -> tuple[str, str]:
    """The resource and the action that a generated route asks for."""
    resource, _, rest = path.removeprefix("/").partition("/")
    if rest in {"{id}", "me"}:
        return resource, METHODS[method]
    if rest == "aggregate":
        return resource, "list"
    return resource, rest.removeprefix("{id}/") or ("list" if method == "get" else "create")


def test_the_operations_are_those_of_the_table(whole: Row, mine: Row, role: str) -> None:
    """What the role may do by SHOP.md, what is open to everybody, and nothing else."""
    may = allowed(role)
    expected = set()
    for path, method in operations(whole):
        resource, action = action_of(path, method) if path not in OPEN and "/auth/" not in path else ("", "")
        own = path == "/users/me" and role == "anonymous"
        if not resource or (action in may.get(resource, {}) and not own):
            expected.add((path, method))
    assert set(operations(mine)) == expected


def test_an_operation_is_there_where_the_route_lets_the_role_in(
    people: People, whole: Row, mine: Row, role: str
) -> None:
    """No route that is shown answers 401 or 403 by decision, and each one that is not shown does."""
    http = people.by_role(role)
    for path, method in operations(whole):
        if path.startswith("/auth/"):
            assert (path, method) in operations(mine)
            continue
        body: Row | None = {} if method in {"post", "put", "patch"} else None
        answer = http.request(method, path.replace("{id}", UNKNOWN_ID), json=body)
        is_refused = answer.status_code in {401, 403}
        assert is_refused is ((path, method) not in operations(mine)), (path, method, answer.text)


def test_what_a_role_may_not_know_is_not_named(mine: Row, role: str) -> None:
    """The purchase price is for those who may know it, hidden columns are for nobody, and no noun is named in vain."""
    named = set(words(mine))
    assert ("cost_price" in named) is (role in KNOWS_COST)
    assert not named & {"hashed_password", "epoch", "deleted_at"}
    for path, noun in BY_PATH.items():
        may_something = bool(allowed(role).get(path))
        assert (noun.schema in named) is may_something or noun.schema in {"User", "Role"}, path
        assert (f"/{path}" in mine["paths"] or f"/{path}/{{id}}" in mine["paths"]) is may_something, path
    assert faults(mine) == []


def test_bodies_have_what_the_role_may_write(people: People, mine: Row, role: str) -> None:
    """Every member of every shown body is known to the door, and those of an account are the table's."""
    for (path, method), item in operations(mine).items():
        if method not in {"post", "put", "patch"} or path.startswith("/auth/") or path in OPEN:
            continue
        given: Row = {name: [[]] for name in body_fields(mine, item)} | {"nonsense": [[]]}
        answer = people.by_role(role).request(method, path.replace("{id}", UNKNOWN_ID), json=given)
        codes = {error["pointer"]: error["code"] for error in answer.json()["errors"]}
        assert [key for key, code in codes.items() if code == "extra_forbidden"] == ["/nonsense"], (path, method)
        if path == "/users/{id}":
            assert body_fields(mine, item) == (ADMIN_FIELDS if role == "admin" else OWN_FIELDS)


def test_a_role_may_name_what_its_document_names(people: People, whole: Row, mine: Row, role: str) -> None:
    """Filters, and the words of parameters that list theirs, of the products: shown where the door knows them."""
    for path in ("/products", "/products/{id}", "/products/aggregate", "/cart"):
        if path not in mine["paths"]:
            continue
        for name, word in choices(whole, path):
            answer = people.by_role(role).get(path.replace("{id}", UNKNOWN_ID), params=asking(path, name, word))
            code = answer.json()["code"] if answer.status_code == 400 else ""
            is_known = code != "unknown_parameter" and (not word or code == "")
            assert is_known is ((name, word) in choices(mine, path)), (path, name, word)


def test_the_comparison_sees_a_difference(people: People) -> None:
    """Negative control: no two neighbours on the ladder have the same document, and a cut one has faults."""
    documents = [okay(people.by_role(role).get("/openapi.json?for=me")) for role in LADDER]
    for lower, higher in pairwise(documents):
        assert set(operations(lower)) < set(operations(higher))
    del documents[0]["components"]["schemas"]["Product"]
    assert faults(documents[0])
