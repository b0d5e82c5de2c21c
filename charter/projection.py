"""The policy in force as rows: a read-only image in three tables, for screens and clients. The file stays the law.

An application that wants the tables declares classes on these bases; rows are kept by what they say, so that a rule
that stays keeps its id.
"""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import delete, insert, select, update

from charter.access import AccessTable
from charter.catalog import Catalog, Entry
from charter.declare import Roles
from charter.store import Transaction
from charter.table import Field, Table
from charter.types import utc_now

Key = tuple[Any, ...]


class PolicyRole(Table):
    """A role; ``rank`` counts from the least powerful, 0."""

    __tablename__ = "role"

    name: str = Field(max_length=40, unique=True, write="never")
    rank: int = Field(write="never", description="0 is the least powerful.")
    inherits: str = Field("", max_length=400, write="never", description="The roles whose rules it has too.")


class PolicyPermission(Table):
    """What a rule allows, whoever it is given to."""

    __tablename__ = "permission"

    resource: str = Field(max_length=100, write="never")
    action: str = Field(max_length=100, write="never")
    rows: str = Field(max_length=100, write="never")
    fields: str = Field(max_length=2000, write="never")


class PolicyGrant(Table):
    """A rule: a permission given to a role."""

    __tablename__ = "role_permission"

    role_id: UUID = Field(foreign_key="role.id", on_delete="CASCADE", write="never")
    permission_id: UUID = Field(foreign_key="permission.id", on_delete="CASCADE", write="never")


def project(tx: Transaction, catalog: Catalog, access: AccessTable, roles: Roles) -> None:
    """Bring the three tables to what `access` says; nothing where the application does not declare them."""
    held = {base: _entry(catalog, base) for base in (PolicyRole, PolicyPermission, PolicyGrant)}
    role, permission, grant = held.values()
    if role is None or permission is None or grant is None:
        return
    parents: dict[str, list[str]] = {}
    for link in access.links:
        parents.setdefault(link.role, []).append(link.parent)
    ranks = {
        (name,): {"rank": rank, "inherits": "|".join(parents.get(name, []))} for rank, name in enumerate(roles.order)
    }
    role_ids = _bring(tx, role, ("name",), ranks)
    rules = [(rule.role, (rule.resource, rule.action, rule.rows, rule.fields)) for rule in access.rules]
    permission_ids = _bring(tx, permission, ("resource", "action", "rows", "fields"), {key: {} for _, key in rules})
    grants: dict[Key, dict[str, Any]] = {(role_ids[(name,)], permission_ids[key]): {} for name, key in rules}
    _bring(tx, grant, ("role_id", "permission_id"), grants)


def _entry(catalog: Catalog, base: type[Table]) -> Entry | None:
    return next((entry for entry in catalog.entries.values() if issubclass(entry.resource.model, base)), None)


def _bring(
    tx: Transaction, entry: Entry, names: tuple[str, ...], wanted: Mapping[Key, Mapping[str, Any]]
) -> dict[Key, UUID]:
    """Make the rows of `entry` exactly `wanted` (natural key -> other columns); returns their ids."""
    table = entry.table
    found = {tuple(row[name] for name in names): row for row in tx.execute(select(table)).mappings()}
    _drop(tx, entry, [row["id"] for key, row in found.items() if key not in wanted])
    ids = {key: row["id"] for key, row in found.items() if key in wanted}
    now = utc_now()
    for key, rest in wanted.items():
        if key not in found:
            ids[key] = entry.fields["id"].fresh_default()
            own = dict(zip(names, key, strict=True))
            tx.execute(insert(table).values(id=ids[key], created_at=now, updated_at=now, **own, **rest))
        elif any(found[key][name] != value for name, value in rest.items()):
            tx.execute(update(table).where(table.c.id == ids[key]).values(updated_at=now, **rest))
    return ids


def _drop(tx: Transaction, entry: Entry, ids: Iterable[UUID]) -> None:
    for row_id in ids:
        tx.execute(delete(entry.table).where(entry.table.c.id == row_id))
