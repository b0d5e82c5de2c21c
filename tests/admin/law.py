"""The policy of the tests of the admin as rows: the tables that an application declares who wants to show it."""

from charter import PolicyGrant, PolicyPermission, PolicyRole, Resource


class Rank(PolicyRole, table=True):
    """A role of the policy."""


class Permit(PolicyPermission, table=True):
    """Something that the policy allows."""


class Grant(PolicyGrant, table=True):
    """A rule of the policy: a permission given to a role."""


ranks = Resource(Rank, path="roles", filter=("name",))
permits = Resource(Permit, path="permissions")
grants = Resource(Grant, path="role-permissions", filter=("role_id",))
