"""Users: whoever has an account, customers and staff alike."""

from typing import Annotated

from pydantic import StringConstraints

from charter import ACCOUNT_INPUTS, Account, Field, Resource, Screen

Phone = Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]
"""A telephone number in E.164 form, such as +4915112345678."""


class User(Account, table=True):
    """Somebody with an account. The role decides what they may do."""

    full_name: str = Field("", max_length=200)
    phone: Phone | None = Field(None, max_length=16, description="E.164, such as +4915112345678.")


users = Resource(
    User,
    filter=("email", "role", "is_active", "is_verified", "full_name"),
    sort=("email", "role", "is_active", "is_verified", "full_name"),
    search=("email", "full_name"),
    owner="id",
    extra=ACCOUNT_INPUTS,
    admin=Screen(icon="users", columns=("email", "full_name", "role", "is_active", "is_verified")),
)
