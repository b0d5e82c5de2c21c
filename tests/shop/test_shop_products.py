"""Products: published ones for everybody, all of them for staff, and what the shop pays for managers alone."""

import httpx2
import pytest

from tests.shop.people import UNKNOWN_ID, People, Row, category, created, okay, product, refused, unique

PUBLIC = {
    "id", "sku", "name", "slug", "description", "price", "stock", "category_id", "max_per_order", "is_active",
    "image_url", "created_at", "updated_at",
}  # fmt: skip
UNINFORMED = ["anonymous", "customer", "support"]


def listed(http: httpx2.Client, row: Row) -> list[Row]:
    """The list's rows with the SKU of `row`."""
    items: list[Row] = okay(http.get("/products", params={"sku": row["sku"]}))["items"]
    return items


@pytest.mark.parametrize("role", UNINFORMED)
def test_the_cost_price_is_no_field_for_those_who_may_not_know_it(people: People, role: str) -> None:
    """List and read leave it out; filter, sort and fields answer as for a name that is not there."""
    http, row = people.by_role(role), product(people)
    assert okay(http.get(f"/products/{row['id']}")).keys() == PUBLIC
    assert listed(http, row)[0].keys() == PUBLIC
    for query in ("{}=700", "{}__gte=700", "{}__gte=x", "{}__is_null=true", "sort={}", "sort=-{}", "fields=id,{}"):
        for path in ("/products", f"/products/{row['id']}"):
            texts = []
            for name in ("cost_price", "cosx_price"):
                answer = http.get(f"{path}?{query.format(name)}")
                body = refused(answer, 400, answer.json()["code"])
                del body["request_id"]
                texts.append((body, str(body).replace(name, "?")))
            assert texts[0][1] == texts[1][1]
            assert texts[0][0]["code"] in {"unknown_parameter", "malformed_parameter"}


@pytest.mark.parametrize("role", ["manager", "admin"])
def test_managers_know_the_cost_price(people: People, role: str) -> None:
    """They read it, filter and sort by it, and change it."""
    http, shelf = people.by_role(role), category(people)
    cheap = product(people, category_id=shelf["id"], cost_price=100)
    dear = product(people, category_id=shelf["id"], cost_price=900)
    query = f"/products?category_id={shelf['id']}"
    rows = okay(http.get(f"{query}&sort=-cost_price&fields=cost_price"))["items"]
    assert rows == [{"id": dear["id"], "cost_price": 900}, {"id": cheap["id"], "cost_price": 100}]
    assert [row["id"] for row in okay(http.get(f"{query}&cost_price__gte=101"))["items"]] == [dear["id"]]
    assert okay(http.patch(f"/products/{cheap['id']}", json={"cost_price": None}))["cost_price"] is None


@pytest.mark.parametrize("role", ["anonymous", "customer"])
def test_unpublished_products_are_not_there_for_customers(people: People, role: str) -> None:
    """Not in the list, not in the total, 404 by id, whatever is asked of them."""
    http, row = people.by_role(role), product(people, is_active=False)
    page = okay(http.get("/products", params={"sku": row["sku"]}))
    assert (page["items"], page["total"]) == ([], 0)
    refused(http.get(f"/products/{row['id']}"), 404, "not_found")
    assert okay(http.get("/products?is_active=false"))["total"] == 0


@pytest.mark.parametrize("role", ["support", "manager", "admin"])
def test_staff_see_unpublished_products(people: People, role: str) -> None:
    """Support and those above read every product."""
    http, row = people.by_role(role), product(people, is_active=False)
    assert okay(http.get(f"/products/{row['id']}"))["is_active"] is False
    assert len(listed(http, row)) == 1


def test_only_managers_write_products(people: People) -> None:
    """Create, replace, change and delete: 401 for strangers, 403 for customers and support."""
    row = product(people)
    path = f"/products/{row['id']}"
    body = {"sku": "x", "name": "x", "price": 1, "stock": 1, "category_id": row["category_id"]}
    for http in people.others("manager", "admin"):
        status, code = (401, "not_authenticated") if http is people.anonymous.http else (403, "forbidden")
        refused(http.post("/products", json=body), status, code)
        refused(http.put(path, json=body), status, code)
        refused(http.patch(path, json={"price": 1}), status, code)
        refused(http.delete(path), status, code)
    assert okay(people.manager.http.get(path)) == row


def test_a_new_product_has_the_defaults_of_its_declaration(people: People) -> None:
    """Only sku, name, price, stock and category are needed; the rest has its default."""
    shelf = category(people)
    body = {"sku": unique("S"), "name": unique("Lamp"), "price": 1, "stock": 0, "category_id": shelf["id"]}
    answer = people.manager.http.post("/products", json=body)
    row = created(answer)
    assert answer.headers["location"] == f"/products/{row['id']}"
    assert row.keys() == PUBLIC | {"cost_price"}
    assert {key: row[key] for key in body} == body
    assert (row["description"], row["max_per_order"], row["is_active"]) == ("", 100, True)
    assert (row["image_url"], row["cost_price"]) == (None, None)
    assert row["created_at"] == row["updated_at"]
    found = refused(people.manager.http.post("/products", json={}), 422, "validation")
    assert {item["pointer"] for item in found["errors"]} == {f"/{key}" for key in body}


def test_replace_returns_to_defaults_and_leaves_create_only_fields(people: People) -> None:
    """PUT sets what is left out to its default; stock is create-only, so it stays and cannot be sent."""
    http = people.manager.http
    row = product(people, description="long", max_per_order=7, stock=3)
    path, body = f"/products/{row['id']}", {key: row[key] for key in ("sku", "name", "price", "category_id")}
    replaced = okay(http.put(path, json=body))
    assert (replaced["description"], replaced["max_per_order"], replaced["cost_price"]) == ("", 100, None)
    assert replaced["stock"] == 3
    refused(http.put(path, json={**body, "stock": 9}), 422, "validation", "/stock")
    refused(http.patch(path, json={"stock": 9}), 422, "validation", "/stock")


def test_a_change_takes_only_what_is_sent(people: People) -> None:
    """PATCH changes one field and the time; `{}` nothing at all; null on a required column is 422."""
    http, row = people.manager.http, product(people)
    path = f"/products/{row['id']}"
    assert okay(http.patch(path, json={})) == row
    changed = okay(http.patch(path, json={"price": 5}))
    assert changed["updated_at"] > row["updated_at"]
    assert changed == {**row, "price": 5, "updated_at": changed["updated_at"]}
    refused(http.patch(path, json={"price": None}), 422, "validation", "/price")


def test_the_slug_stays_after_a_rename(people: People) -> None:
    """A product's address does not break when its name changes, and nobody can set it."""
    http, row = people.manager.http, product(people)
    path = f"/products/{row['id']}"
    assert okay(http.patch(path, json={"name": unique("Other")}))["slug"] == row["slug"]
    refused(http.patch(path, json={"slug": "mine"}), 422, "validation", "/slug")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("price", -1), ("price", 1.5), ("price", "1"), ("price", True), ("stock", -1), ("stock", 10**10),
        ("max_per_order", 0), ("max_per_order", 10_000), ("name", ""), ("name", "x" * 201), ("sku", ""),
        ("sku", "x" * 41), ("cost_price", -1), ("is_active", "yes"), ("image_url", "x" * 501),
    ],
)  # fmt: skip
def test_values_out_of_bounds_are_refused(people: People, field: str, value: object) -> None:
    """Bounds and types hold strictly: 422 at the field."""
    good = {"sku": unique("S"), "name": "Lamp", "price": 1, "stock": 0, "category_id": UNKNOWN_ID}
    refused(people.manager.http.post("/products", json={**good, field: value}), 422, "validation", f"/{field}")


def test_the_sku_is_unique_among_living_products(people: People) -> None:
    """A taken SKU is 409 `unique` at its field; it is free again once its product is deleted."""
    http, row = people.manager.http, product(people)
    body = {"sku": row["sku"], "name": "Again", "price": 1, "stock": 1, "category_id": row["category_id"]}
    refused(http.post("/products", json=body), 409, "unique", "/sku")
    other = product(people)
    refused(http.patch(f"/products/{other['id']}", json={"sku": row["sku"]}), 409, "unique", "/sku")
    assert http.delete(f"/products/{row['id']}").status_code == 204
    created(http.post("/products", json=body))


def test_a_deleted_product_is_gone_by_every_road(people: People) -> None:
    """Soft deletion: not listed, 404 to read, change and delete, for managers as well."""
    http, row = people.manager.http, product(people)
    path = f"/products/{row['id']}"
    assert http.delete(path).status_code == 204
    for client in (http, people.admin.http, people.anonymous.http):
        refused(client.get(path), 404, "not_found")
        assert listed(client, row) == []
    refused(http.patch(path, json={"price": 1}), 404, "not_found")
    refused(http.delete(path), 404, "not_found")


def test_an_unknown_category_is_refused(people: People) -> None:
    """A reference to nothing is 409 `foreign_key` at its field."""
    body = {"sku": unique("S"), "name": "Lamp", "price": 1, "stock": 0, "category_id": UNKNOWN_ID}
    refused(people.manager.http.post("/products", json=body), 409, "foreign_key", "/category_id")


@pytest.mark.parametrize("row_id", [UNKNOWN_ID, "x", "0", UNKNOWN_ID.replace("-", ""), "..%2fusers", "%00"])
def test_an_unknown_or_malformed_id_is_404(people: People, row_id: str) -> None:
    """Whatever stands in the id's place, the answer is the same."""
    refused(people.anonymous.http.get(f"/products/{row_id}"), 404, "not_found")


def test_products_are_filtered_by_what_is_declared(people: People) -> None:
    """Equality, order, sets, text without regard to case, literal wildcards, and the path over the category."""
    http, shelf = people.anonymous.http, category(people)
    first = product(people, category_id=shelf["id"], name="Straße 50% off", price=100, stock=1)
    second = product(people, category_id=shelf["id"], name="STRASSE_lamp", price=200, stock=2)
    here = {"category.slug": shelf["slug"]}

    def found(**query: str) -> list[str]:
        return [row["id"] for row in okay(http.get("/products", params={**here, "sort": "price", **query}))["items"]]

    both = [first["id"], second["id"]]
    assert found() == both
    assert found(price="100") == found(price__lt="200") == found(stock__lte="1") == both[:1]
    assert found(price__ne="100") == found(price__gt="100") == found(price__gte="200") == both[1:]
    assert found(price__in="100,200,300") == both
    assert found(price__not_in="100") == both[1:]
    assert found(name__starts_with="stra") == both
    assert found(name__ends_with="LAMP") == both[1:]
    assert found(name__contains="%") == found(name__contains="50% O") == both[:1]
    assert found(name__contains="e_l") == both[1:]
    assert found(name__contains="x_y") == []
    assert found(id__in=",".join(both), created_at__gte="2026-01-01T00:00:00Z") == both


def test_products_are_found_by_words_and_trees(people: People) -> None:
    """The name before the description, the last word as a beginning; a tree of filters narrows what is found."""
    http, shelf = people.anonymous.http, category(people)
    tall = product(people, category_id=shelf["id"], name="Zebrawood desk", price=100, description="for a lamp")
    small = product(
        people, category_id=shelf["id"], name="Crème zebralamp", price=300, description="Zebrawood, for a desk"
    )

    def found(search: str, **query: str) -> list[str]:
        return [row["id"] for row in okay(http.get("/products", params={"search": search, **query}))["items"]]

    assert found("zebraw") == found("DESK zebrawood") == [tall["id"], small["id"]]
    assert found("creme zebra") == found(f"zebrawood {small['sku']}") == [small["id"]]
    assert found("zebrawood creme", sort="price") == [small["id"]]
    assert found("zebraw", where='{"not":{"price":100}}') == [small["id"]]
    assert found("zebraw", where='{"or":[{"price":100},{"price__gte":300}]}', sort="-price") == [
        small["id"],
        tall["id"],
    ]


def test_products_are_sorted_and_paged(people: People) -> None:
    """By declared fields, descending with a dash, ties by id; each row on one page, once."""
    http, shelf = people.anonymous.http, category(people)
    rows = [product(people, category_id=shelf["id"], price=price) for price in (300, 100, 200, 100, 200)]
    wanted = [row["id"] for row in sorted(rows, key=lambda row: (-row["price"], row["id"]))]
    query = f"/products?category_id={shelf['id']}&sort=-price&size=2"
    found = [okay(http.get(f"{query}&page={number}")) for number in (1, 2, 3, 4)]
    assert [row["id"] for page in found for row in page["items"]] == wanted
    assert [(page["total"], page["page"], page["pages"], page["size"]) for page in found] == [
        (5, number, 3, 2) for number in (1, 2, 3, 4)
    ]
    assert okay(http.get(f"{query}&count=none"))["total"] is None


def test_a_wrong_parameter_is_told_with_the_nearest_known_one(people: People) -> None:
    """400 with every wrong parameter at once, and a hint."""
    found = refused(people.anonymous.http.get("/products?prize__gte=1&size=0&sort=x"), 400, "malformed_parameter")
    assert {item["pointer"] for item in found["errors"]} == {"prize__gte", "size", "sort"}
    hint = next(item["detail"] for item in found["errors"] if item["pointer"] == "prize__gte")
    assert "did you mean 'price__gte'?" in hint
    refused(people.anonymous.http.get("/products?page=1&page=2"), 400, "repeated_parameter", "page")


def test_fields_cuts_the_row(people: People) -> None:
    """`fields` leaves what is named, and the id."""
    row = product(people)
    found = okay(people.anonymous.http.get(f"/products/{row['id']}?fields=name,price"))
    assert found == {key: row[key] for key in ("id", "name", "price")}
