"""Users: each their own row, support sees all of them, admins keep them; and nobody gives a role above their own."""

import pytest

from tests.running import Running
from tests.shop.people import ROLES, UNKNOWN_ID, People, Person, Row, created, okay, refused, unique

SHOWN = {"id", "email", "full_name", "phone", "role", "is_active", "is_verified", "created_at", "updated_at"}
PASSWORD = "a-password-of-a-test"


def me(person: Person) -> Row:
    return okay(person.http.get("/users/me"))


def new_address() -> str:
    return unique("user").replace(" ", "-") + "@example.com"


def test_a_stranger_sees_no_users(people: People) -> None:
    """401 for every request, since signing in could help."""
    http = people.anonymous.http
    for path in ("/users", f"/users/{me(people.customer)['id']}", "/users/me"):
        assert refused(http.get(path), 401, "not_authenticated")
        assert "Bearer" in http.get(path).headers["www-authenticate"]
    refused(http.patch("/users/me", json={}), 401, "not_authenticated")


def test_a_customer_sees_their_own_row_and_no_other(people: People, customer: Person) -> None:
    """Their own by id and as `me`; any other is 404 like an unknown one; there is no list for them."""
    own = me(customer)
    assert own.keys() == SHOWN, "no password, no epoch"
    assert own["email"] == customer.email
    assert okay(customer.http.get(f"/users/{own['id']}")) == own
    assert okay(customer.http.get("/users/me?fields=email")) == {"id": own["id"], "email": customer.email}
    other = me(people.support)["id"]
    texts = []
    for row_id in (other, UNKNOWN_ID):
        body = refused(customer.http.get(f"/users/{row_id}"), 404, "not_found")
        texts.append({**body, "instance": "", "request_id": ""})
        refused(customer.http.patch(f"/users/{row_id}", json={"full_name": "x"}), 404, "not_found")
    assert texts[0] == texts[1]
    refused(customer.http.get("/users"), 403, "forbidden")
    refused(customer.http.post("/users", json={}), 403, "forbidden")
    refused(customer.http.delete(f"/users/{own['id']}"), 403, "forbidden")


def test_a_customer_changes_their_name_and_phone(customer: Person) -> None:
    """Name and phone alone need nothing else; the phone has to be E.164."""
    changed = okay(customer.http.patch("/users/me", json={"full_name": "Ada", "phone": "+4915112345678"}))
    assert (changed["full_name"], changed["phone"]) == ("Ada", "+4915112345678")
    assert okay(customer.http.patch(f"/users/{changed['id']}", json={"phone": None}))["phone"] is None
    for phone in ("123", "+0123456789", "+49151x", ""):
        refused(customer.http.patch("/users/me", json={"phone": phone}), 422, "validation", "/phone")


@pytest.mark.parametrize("field", ["role", "is_active", "is_verified", "hashed_password", "epoch", "id", "created_at"])
def test_a_customer_cannot_write_what_is_not_theirs(customer: Person, field: str) -> None:
    """Fields outside the rule are as unknown in a body as made-up ones: 422, for PATCH and PUT."""
    before = me(customer)
    for name in (field, "no_such_field"):
        body = {name: before.get(name, "admin")}
        found = refused(customer.http.patch("/users/me", json=body), 422, "validation", f"/{name}")
        assert found["errors"][0]["code"] == "extra_forbidden"
        body |= {"email": customer.email}
        refused(customer.http.put(f"/users/{before['id']}", json=body), 422, "validation", f"/{name}")
    assert me(customer) == before


def test_a_new_address_needs_the_password_and_has_to_be_proved_again(shop: Running, customer: Person) -> None:
    """Changing one's e-mail needs `current_password`, unverifies, and mails the new address."""
    address = new_address()
    refused(customer.http.patch("/users/me", json={"email": address}), 422, "validation", "/current_password")
    body = {"email": address, "current_password": "wrong-password"}
    refused(customer.http.patch("/users/me", json=body), 422, "validation", "/current_password")
    changed = okay(customer.http.patch("/users/me", json={**body, "current_password": customer.password}))
    assert (changed["email"], changed["is_verified"]) == (address, False)
    assert "verify" in shop.mail(address)
    shop.login(address, customer.password)


def test_support_reads_all_users_and_changes_only_itself(people: People, customer: Person) -> None:
    """List and read any row, filtered and sorted; write their own alone: another is 403, since they can read it."""
    http, row = people.support.http, me(customer)
    assert okay(http.get(f"/users/{row['id']}")) == row
    page = okay(http.get("/users", params={"email": customer.email}))
    assert page["items"] == [row]
    assert page["items"][0].keys() == SHOWN
    rows = okay(http.get("/users?role=customer&is_active=true&sort=email&size=100"))["items"]
    assert [item["email"] for item in rows] == sorted(item["email"] for item in rows)
    assert {item["role"] for item in rows} == {"customer"}
    refused(http.patch(f"/users/{row['id']}", json={"full_name": "x"}), 403, "forbidden")
    refused(http.post("/users", json={}), 403, "forbidden")
    refused(http.delete(f"/users/{row['id']}"), 403, "forbidden")
    okay(http.patch("/users/me", json={"full_name": "Support"}))


@pytest.mark.parametrize("name", ["hashed_password", "epoch", "password"])
def test_what_is_hidden_is_unknown_to_filters_too(people: People, name: str) -> None:
    """A hidden column cannot be filtered, sorted or asked for, by nobody."""
    refused(people.admin.http.get(f"/users?{name}=x"), 400, "unknown_parameter", name)
    refused(people.admin.http.get(f"/users?sort={name}"), 400, "malformed_parameter", "sort")
    refused(people.admin.http.get(f"/users?fields={name}"), 400, "malformed_parameter", "fields")


def test_an_admin_makes_changes_and_deletes_accounts(shop: Running, people: People) -> None:
    """An account with a role, which can sign in; deactivated it cannot; deleted it is gone."""
    http, address = people.admin.http, new_address()
    row = created(http.post("/users", json={"email": address.upper(), "password": PASSWORD, "role": "support"}))
    path = f"/users/{row['id']}"
    assert row.keys() == SHOWN
    assert (row["email"], row["role"], row["is_verified"]) == (address, "support", False)
    token = shop.login(address, PASSWORD)
    with shop.client(token) as theirs:
        okay(theirs.get("/users/me"))
        assert okay(http.patch(path, json={"is_active": False}))["is_active"] is False
        refused(theirs.get("/users/me"), 401, "not_authenticated")
    answer = people.anonymous.http.post("/auth/login", data={"username": address, "password": PASSWORD})
    refused(answer, 401, "bad_credentials")
    refused(http.post("/users", json={"email": address, "password": PASSWORD}), 409, "unique", "/email")
    assert http.delete(path).status_code == 204
    refused(http.get(path), 404, "not_found")


def test_a_change_of_role_ends_what_was_signed_in(shop: Running, people: People, customer: Person) -> None:
    """The old token is dead at the next request, and the new role holds after the next login."""
    row = me(customer)
    assert okay(people.admin.http.patch(f"/users/{row['id']}", json={"role": "support"}))["role"] == "support"
    refused(customer.http.get("/users/me"), 401, "not_authenticated")
    with shop.client(shop.login(customer.email, customer.password)) as again:
        okay(again.get("/users"))


def test_a_role_is_one_of_those_declared(people: People) -> None:
    """No made-up role, and not the strangers' one; without a word it is the default."""
    for role in ("king", "anonymous", "Admin", "admin "):
        body = {"email": new_address(), "password": PASSWORD, "role": role}
        refused(people.admin.http.post("/users", json=body), 422, "validation", "/role")
    assert created(people.admin.http.post("/users", json={"email": new_address(), "password": PASSWORD}))["role"] == (
        "customer"
    )


def test_nobody_below_admin_gives_roles(people: People, customer: Person) -> None:
    """For customers, support and managers `role` is no field that they can write."""
    for person in (customer, people.support, people.manager):
        found = refused(person.http.patch("/users/me", json={"role": "admin"}), 422, "validation", "/role")
        assert found["errors"][0]["code"] == "extra_forbidden"
    body = {"email": new_address(), "password": PASSWORD, "role": "admin"}
    refused(people.manager.http.post("/users", json=body), 403, "forbidden")


def test_the_permissions_of_each_role_are_told(people: People) -> None:
    """`/users/me/permissions`: only what is allowed, with rows and fields."""
    told = {role: okay(people.by_role(role).get("/users/me/permissions")) for role in ROLES}
    customer, support, admin = told["customer"]["resources"], told["support"]["resources"], told["admin"]["resources"]
    assert customer["products"].keys() == {"list", "read"}
    assert customer["products"]["list"]["rows"] == ["published"]
    assert "cost_price" not in customer["products"]["read"]["fields"]
    assert customer["cart"].keys() == {"list", "read", "create", "update", "delete", "export", "import"}
    assert customer["users"].keys() == {"read", "update"}
    assert customer["docs"].keys() == {"access"}
    assert "admin" not in customer
    assert support["admin"].keys() == {"access"}
    assert support["products"]["list"]["rows"] == ["any"]
    assert "cost_price" not in support["products"]["read"]["fields"]
    assert admin["users"].keys() == {"list", "read", "create", "update", "delete", "export"}
    assert "cost_price" in admin["products"]["update"]["fields"]
    assert told["anonymous"]["resources"].keys() == {"products", "categories", "docs"}
    assert {role: found["role"] for role, found in told.items()} == {role: role for role in ROLES}
