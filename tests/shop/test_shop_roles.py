"""Roles, permissions and who has which: the policy file as rows, to be read by those who may and written by nobody."""

import csv
from collections import Counter

import pytest

from tests.running import Running
from tests.shop.people import ROLES, UNKNOWN_ID, People, Row, okay, refused

PATHS = ("roles", "permissions", "role-permissions")

Rule = tuple[str, ...]
"""Role, resource, action, rows, fields."""


def policy(shop: Running) -> tuple[list[Rule], dict[str, list[str]]]:
    """The rules of the shop's file, and what each role inherits, read without any help of Charter."""
    with (shop.folder / "policy.csv").open(newline="") as file:
        lines = [[word.strip() for word in line] for line in csv.reader(file) if line and not line[0].startswith("#")]
    parents: dict[str, list[str]] = {role: [] for role in ROLES}
    for line in lines:
        if line[0] == "g":
            parents[line[1]].append(line[2])
    return [tuple(line[1:]) for line in lines if line[0] == "p"], parents


def everything(people: People, path: str, include: str = "") -> list[Row]:
    """All rows, as the manager reads them."""
    query = {"size": "100", **({"include": include} if include else {})}
    first = okay(people.manager.http.get(f"/{path}", params=query))
    rows: list[Row] = first["items"]
    for number in range(2, first["pages"] + 1):
        rows += okay(people.manager.http.get(f"/{path}", params={**query, "page": number}))["items"]
    assert len(rows) == first["total"]
    return rows


def test_the_roles_are_those_of_the_policy(shop: Running, people: People) -> None:
    """Each once, with its rank and what it inherits."""
    _, parents = policy(shop)
    rows = everything(people, "roles")
    assert {row["name"]: (row["rank"], row["inherits"]) for row in rows} == {
        role: (rank, "|".join(parents[role])) for rank, role in enumerate(ROLES)
    }
    ranked = okay(people.manager.http.get("/roles?sort=-rank"))["items"]
    assert [row["name"] for row in ranked] == list(reversed(ROLES))


def test_the_permissions_are_those_of_the_policy(shop: Running, people: People) -> None:
    """What is given to several roles is one permission."""
    rules, _ = policy(shop)
    rows = everything(people, "permissions")
    found = Counter((row["resource"], row["action"], row["rows"], row["fields"]) for row in rows)
    assert found == Counter({rule[1:] for rule in rules})


def test_the_rules_are_those_of_the_policy(shop: Running, people: People) -> None:
    """One row for each line, with its role and its permission."""
    rules, _ = policy(shop)
    rows = everything(people, "role-permissions", "role,permission")
    shown = [(row["role"], row["permission"]) for row in rows]
    found = [(role["name"], *(what[name] for name in ("resource", "action", "rows", "fields"))) for role, what in shown]
    assert Counter(found) == Counter(rules)
    assert all(row["role_id"] == row["role"]["id"] for row in rows)
    assert all(row["permission_id"] == row["permission"]["id"] for row in rows)


def test_a_role_shows_its_rules(shop: Running, people: People) -> None:
    """`include=role_permissions`: as many as the file has for it."""
    rules, _ = policy(shop)
    rows = everything(people, "roles", "role_permissions")
    counted = Counter(rule[0] for rule in rules)
    assert {row["name"]: len(row["role_permissions"]) for row in rows} == {role: counted[role] for role in ROLES}


@pytest.mark.parametrize("path", PATHS)
def test_nobody_writes_the_policy_over_http(people: People, path: str) -> None:
    """405 with `Allow` for every write, whoever asks, on rows that are there and on those that are not."""
    row_id = everything(people, path)[0]["id"]
    for role in ROLES:
        http = people.by_role(role)
        answers = [http.request(method, f"/{path}") for method in ("POST", "PUT", "PATCH", "DELETE")]
        for found in (row_id, UNKNOWN_ID):
            body = {"name": "king"}
            answers += [http.request(method, f"/{path}/{found}", json=body) for method in ("POST", "PUT", "PATCH")]
            answers.append(http.delete(f"/{path}/{found}"))
        for answer in answers:
            refused(answer, 405, "method_not_allowed")
            assert answer.headers["allow"] == "GET, HEAD"
    assert everything(people, path)[0]["id"] == row_id


@pytest.mark.parametrize("path", PATHS)
def test_managers_and_admins_read_the_policy(people: People, path: str) -> None:
    """401 for strangers, 403 for customers and support."""
    row = everything(people, path)[0]
    for role in ROLES:
        http = people.by_role(role)
        for place in (f"/{path}", f"/{path}/{row['id']}", f"/{path}/{UNKNOWN_ID}"):
            if role == "anonymous":
                refused(http.get(place), 401, "not_authenticated")
            elif role in {"customer", "support"}:
                refused(http.get(place), 403, "forbidden")
            elif UNKNOWN_ID in place:
                refused(http.get(place), 404, "not_found")
            else:
                okay(http.get(place))
