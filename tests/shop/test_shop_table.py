"""SHOP.md's tables, met by the running OpenAPI document and over HTTP: columns, filters, sorts and includes."""

from typing import Any

import httpx2
import pytest

from tests.running import Running
from tests.shop.buying import ADDRESS, able, add, cart_of, in_state
from tests.shop.people import UNKNOWN_ID, People, Row, category, created, okay, product, refused, unique
from tests.shop.shop_table import BASE, BY_PATH, LADDER, NOUNS, Noun, allowed

PATHS = list(BY_PATH)
WRITTEN = [noun.path for noun in NOUNS if noun.is_written]
READ_ONLY = [noun.path for noun in NOUNS if not noun.is_written]
INCLUDED = [(noun.path, name) for noun in NOUNS for name in noun.include]


@pytest.fixture(scope="module")
def document(shop: Running) -> Row:
    """The OpenAPI document of the running shop."""
    with shop.client() as http:
        return okay(http.get("/openapi.json"))


@pytest.fixture(scope="module", autouse=True)
def rows_to_look_at(shop: Running, people: People) -> None:
    """What the demo has not: an order of each role that went all the way, and a line in each one's cart."""
    goods = product(people)
    for role in LADDER[1:]:
        person = able(shop, getattr(people, role))
        for line in cart_of(person):
            assert person.http.delete(f"/cart/{line['id']}").status_code == 204
        in_state(people, person, goods, "returned")
        add(person, goods)


def lowest(path: str, action: str) -> str:
    """The least powerful role that may do `action`."""
    return next(role for role in LADDER if action in allowed(role).get(path, {}))


def schema(document: Row, name: str) -> Row:
    """A component of the document."""
    found: Row = document["components"]["schemas"][name]
    return found


@pytest.mark.parametrize("path", PATHS)
def test_the_row_has_every_column_that_is_shown(document: Row, path: str) -> None:
    """And no other: what is hidden has no place in it, nor what is only taken. `include` and `with=can` add theirs."""
    noun = BY_PATH[path]
    relations = {name.partition(".")[0] for name in noun.include}
    shown = {column.name for column in noun.columns if column.shown}
    assert set(schema(document, noun.schema)["properties"]) == shown | relations | {"can"}
    assert schema(document, noun.schema)["required"] == ["id"]


@pytest.mark.parametrize("path", PATHS)
def test_a_row_is_as_the_document_says(people: People, path: str) -> None:
    """The admin, who may read any field, gets every shown column, and no hidden one."""
    noun = BY_PATH[path]
    rows = okay(people.admin.http.get(f"/{path}?size=5"))["items"]
    assert rows
    assert {frozenset(row) for row in rows} == {frozenset(column.name for column in noun.columns if column.shown)}


@pytest.mark.parametrize("kind", ["Create", "Replace", "Update"])
@pytest.mark.parametrize("path", WRITTEN)
def test_a_body_takes_what_the_table_says(document: Row, path: str, kind: str) -> None:
    """Create-only columns are in no later body, the server's in none; a create requires exactly the marked ones."""
    noun = BY_PATH[path]
    found = schema(document, f"{noun.schema}{kind}")
    assert set(found["properties"]) == {column.name for column in noun.columns if column.taken_by(kind)}
    assert found["additionalProperties"] is False
    required = {column.name for column in noun.columns if column.required and column.taken_by(kind)}
    if kind == "Create":
        assert set(found["required"]) == required
    elif kind == "Replace":
        assert set(found["required"]) == required - {"password"}, "a replacement leaves the password as it is"
    else:
        assert "required" not in found


@pytest.mark.parametrize("path", READ_ONLY)
def test_what_the_server_alone_writes_has_no_writing_route(document: Row, path: str) -> None:
    """Neither in the document nor in fact."""
    assert document["paths"][f"/{path}"].keys() == document["paths"][f"/{path}/{{id}}"].keys() == {"get"}
    assert f"{BY_PATH[path].schema}Create" not in document["components"]["schemas"]


def body_of(people: People, path: str) -> Row:
    """A body that makes a row."""
    if path == "users":
        return {"email": f"{unique('table').replace(' ', '-')}@example.com", "password": "a-password-of-a-test"}
    if path == "categories":
        return {"name": unique("Shelf")}
    if path == "products":
        shelf = okay(people.anonymous.http.get("/categories?size=1"))["items"][0]["id"]
        return {"sku": unique("SKU"), "name": "Lamp", "price": 1, "stock": 1, "category_id": shelf}
    if path == "cart":
        return {"product_id": product(people)["id"], "quantity": 1}
    return dict(ADDRESS)


@pytest.mark.parametrize("path", WRITTEN)
def test_every_required_column_is_missed(people: People, path: str) -> None:
    """An empty body is told all of them at once, in POST."""
    missed = {f"/{column.name}" for column in BY_PATH[path].columns if column.required and column.taken_by("Create")}
    found = refused(people.admin.http.post(f"/{path}", json={}), 422, "validation")
    assert {item["pointer"]: item["code"] for item in found["errors"]} == dict.fromkeys(missed, "missing")


@pytest.mark.parametrize("path", WRITTEN)
def test_what_cannot_be_sent_is_refused_by_name(people: People, path: str) -> None:
    """Server-set and hidden columns in POST, PUT and PATCH, create-only ones in PUT and PATCH: `extra_forbidden`."""
    http = people.admin.http
    place = f"/{path}/{okay(http.get(f'/{path}?size=1'))['items'][0]['id']}"
    before = okay(http.get(place))
    for kind, method, where in (("Create", "POST", f"/{path}"), ("Replace", "PUT", place), ("Update", "PATCH", place)):
        names = [column.name for column in BY_PATH[path].columns if not column.taken_by(kind)]
        found = refused(http.request(method, where, json=dict.fromkeys(names, UNKNOWN_ID)), 422, "validation")
        codes = {item["pointer"]: item["code"] for item in found["errors"]}
        assert [name for name in names if codes.get(f"/{name}") != "extra_forbidden"] == []
    assert okay(http.get(place)) == before


@pytest.mark.parametrize("path", ["users", "categories", "products", "cart"])
def test_what_may_be_left_out_has_a_default(people: People, path: str) -> None:
    """Only the required columns make a row; the others are what SHOP.md says."""
    row = created(people.admin.http.post(f"/{path}", json=body_of(people, path)))
    defaults: dict[str, Row] = {
        "users": {"role": "customer", "is_active": True, "is_verified": False, "full_name": "", "phone": None},
        "categories": {"description": "", "position": 0, "parent_id": None},
        "products": {
            "description": "", "max_per_order": 100, "is_active": True, "image_url": None, "cost_price": None
        },
        "cart": {"price_seen": 1999, "line_total": 1999, "problem": None},
    }  # fmt: skip
    assert {name: row[name] for name in defaults[path]} == defaults[path]


def parameters(document: Row, path: str) -> dict[str, Row]:
    """The parameters of a list, by name."""
    return {item["name"]: item for item in document["paths"][f"/{path}"]["get"]["parameters"]}


@pytest.mark.parametrize("path", PATHS)
def test_the_document_names_what_a_list_takes(document: Row, path: str) -> None:
    """The declared filters and sorts, the base fields, the includes, and nothing else."""
    noun, found = BY_PATH[path], parameters(document, path)
    frame = {"page", "size", "cursor", "count", "sort", "fields", "where"}
    frame |= {name for name, there in (("include", noun.include), ("search", noun.search)) if there}
    assert {name.partition("__")[0] for name in found.keys() - frame} == {*BASE, *noun.filters}
    assert frame <= found.keys()
    terms = found["sort"]["schema"]["items"]["enum"]
    assert sorted(terms) == sorted([*noun.sorts, *(f"-{name}" for name in noun.sorts)])
    assert found["fields"]["schema"]["items"]["enum"] == [column.name for column in shown_in_order(document, noun)]
    if noun.include:
        assert found["include"]["schema"]["items"]["enum"] == list(noun.include)


def shown_in_order(document: Row, noun: Noun) -> list[Any]:
    """The shown columns in the order of the schema."""
    order = list(schema(document, noun.schema)["properties"])
    return sorted((column for column in noun.columns if column.shown), key=lambda column: order.index(column.name))


def value_of(http: httpx2.Client, row: Row, name: str) -> Any:
    """What `row` has under a filter's name."""
    if name == "category.slug":
        return okay(http.get(f"/categories/{row['category_id']}"))["slug"]
    return row[name]


@pytest.mark.parametrize("path", PATHS)
def test_every_filter_finds_the_row_it_describes(people: People, path: str) -> None:
    """Each filter with a row's own value finds the row, and its opposite does not."""
    http = people.admin.http
    for row in okay(http.get(f"/{path}?size=3&sort=-created_at"))["items"]:
        for name in (*BASE, *BY_PATH[path].filters):
            value = value_of(http, row, name)
            text = str(value).lower() if isinstance(value, bool) else str(value)
            same, other = ({name: text}, {f"{name}__ne": text})
            if value is None:
                same, other = ({f"{name}__is_null": "true"}, {f"{name}__is_null": "false"})
            assert okay(http.get(f"/{path}", params={"id": row["id"], **same} | same))["total"] == 1, (name, text)
            if name != "id":
                assert okay(http.get(f"/{path}", params={"id": row["id"], **other}))["total"] == 0, (name, text)


@pytest.mark.parametrize("path", PATHS)
def test_every_sort_orders(people: People, path: str) -> None:
    """Up and down, with what is empty at the end both ways."""
    http = people.admin.http
    for name in BY_PATH[path].sorts:
        for term in (name, f"-{name}"):
            rows = okay(http.get(f"/{path}?sort={term}&size=100"))["items"]
            values = [value_of(http, row, name) for row in rows[:10]] if "." in name else [row[name] for row in rows]
            there = [value for value in values if value is not None]
            assert values[: len(there)] == there
            assert there == sorted(there, reverse=term != name), term


@pytest.mark.parametrize("path", PATHS)
def test_what_is_not_declared_is_no_parameter(people: People, path: str) -> None:
    """Made-up names, hidden columns, and columns that the table does not list: 400 by name."""
    http, noun = people.admin.http, BY_PATH[path]
    undeclared = {column.name for column in noun.columns} - {*BASE, *noun.filters}
    for name in ("nope", "price.nope", *sorted(undeclared - {"fields"})):  # `fields` is a parameter of every list
        refused(http.get(f"/{path}", params={name: "1"}), 400, "unknown_parameter", name)
    for name in ("nope", "", *sorted(undeclared - set(noun.more_sorts))):
        refused(http.get(f"/{path}", params={"sort": name}), 400, "malformed_parameter", "sort")
    refused(http.get(f"/{path}?fields=nope"), 400, "malformed_parameter", "fields")
    code = "malformed_parameter" if noun.include else "unknown_parameter"
    refused(http.get(f"/{path}?include=nope"), 400, code, "include")


@pytest.mark.parametrize(("path", "name"), INCLUDED)
def test_every_include_answers(people: People, path: str, name: str) -> None:
    """For the least powerful role that may read, and for the admin: the relation stands in each row."""
    head, _, tail = name.partition(".")
    for role in (lowest(path, "read"), "admin"):
        http = people.by_role(role)
        rows = okay(http.get(f"/{path}?size=5&include={name}"))["items"] if "list" in allowed(role)[path] else []
        rows += [okay(http.get(f"/users/me?include={name}"))] if path == "users" else []
        assert rows
        for row in rows:
            assert head in row
            assert not tail or all(tail in inner for inner in row[head])
            assert okay(http.get(f"/{path}/{row['id']}?include={name}"))[head] == row[head]


def test_a_category_shows_its_neighbours(people: People) -> None:
    """Parent and children by name."""
    top = category(people)
    inner = category(people, parent_id=top["id"])
    http, both = people.anonymous.http, "include=parent,children"
    found = okay(http.get(f"/categories/{inner['id']}?{both}"))
    assert (found["parent"]["id"], found["children"]) == (top["id"], [])
    above = okay(http.get(f"/categories/{top['id']}?{both}"))
    assert (above["parent"], [row["id"] for row in above["children"]]) == (None, [inner["id"]])
