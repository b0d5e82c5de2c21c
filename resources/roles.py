"""Roles, permissions and who has which: the policy in force, as rows that can only be read."""

from charter import PolicyGrant, PolicyPermission, PolicyRole, Relationship, Resource, Screen


class Role(PolicyRole, table=True):
    """A role of the policy."""

    role_permissions: list["RolePermission"] = Relationship(back_populates="role")


class Permission(PolicyPermission, table=True):
    """Something that the policy allows."""

    role_permissions: list["RolePermission"] = Relationship(back_populates="permission")


class RolePermission(PolicyGrant, table=True):
    """A rule of the policy: a permission given to a role."""

    role: "Role" = Relationship(back_populates="role_permissions")
    permission: "Permission" = Relationship(back_populates="role_permissions")


roles = Resource(
    Role,
    filter=("name",),
    sort=("name", "rank"),
    include=("role_permissions",),
    admin=Screen(icon="user-shield", group="Access", columns=("rank", "name", "inherits")),
)

permissions = Resource(
    Permission,
    filter=("resource", "action"),
    sort=("resource", "action"),
    admin=Screen(icon="key", group="Access", columns=("resource", "action", "rows", "fields")),
)

role_permissions = Resource(
    RolePermission,
    filter=("role_id", "permission_id"),
    sort=("role_id", "permission_id"),
    include=("role", "permission"),
    admin=Screen(
        icon="link",
        group="Access",
        columns=("role", "permission.resource", "permission.action", "permission.rows", "permission.fields"),
    ),
)
