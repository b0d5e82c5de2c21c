"""The policy as the application's own tables show it, held against the file."""

import time
from collections.abc import Iterable

import httpx2

from tests.running import Running

Rule = tuple[str, ...]

CATCH_UP = 5.0
"""Seconds that the tables may be behind."""


def rules_of(text: str) -> set[Rule]:
    """The rules of a policy file: role, resource, action, rows, fields."""
    lines = [tuple(word.strip() for word in line.split(",")) for line in text.splitlines()]
    return {line[1:] for line in lines if line[0] == "p"}


def rows(http: httpx2.Client, path: str) -> Iterable[dict[str, str]]:
    """Every row of a resource."""
    page, pages = 1, 1
    while page <= pages:
        found = http.get(f"{path}?size=100&page={page}").raise_for_status().json()
        yield from found["items"]
        page, pages = page + 1, found["pages"]


def shown(http: httpx2.Client) -> set[Rule]:
    """The rules as role, permission and role_permission have them."""
    roles = {row["id"]: row["name"] for row in rows(http, "/roles")}
    words = ("resource", "action", "rows", "fields")
    permissions = {row["id"]: tuple(row[word] for word in words) for row in rows(http, "/permissions")}
    grants = [(row["role_id"], row["permission_id"]) for row in rows(http, "/role-permissions")]
    found = {(roles.get(role, "?"), *permissions.get(permission, ("?",))) for role, permission in grants}
    unused = permissions.keys() - {permission for _, permission in grants}
    twice = [("twice",)] if len(found) != len(grants) else []
    return found | {("nobody", *permissions[permission]) for permission in unused} | set(twice)


def difference(shop: Running, text: str) -> list[str]:
    """What the tables show too much or too little, once they had the time to follow."""
    wanted, end = rules_of(text), time.monotonic() + CATCH_UP
    _, _, manager = shop.account("manager")
    with manager:
        while (found := shown(manager)) != wanted and time.monotonic() < end:
            time.sleep(0.1)
    return [
        *(f"the tables show a rule that is not in the file: {', '.join(rule)}" for rule in sorted(found - wanted)),
        *(f"the tables lack a rule of the file: {', '.join(rule)}" for rule in sorted(wanted - found)),
    ]


__all__ = ["difference", "rules_of"]
