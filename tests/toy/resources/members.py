"""Whoever has an account."""

from charter import ACCOUNT_INPUTS, Account, Field, Resource


class Member(Account, table=True):
    """Somebody who writes."""

    nickname: str = Field("", max_length=40)


members = Resource(
    Member,
    filter=("email", "nickname", "role"),
    sort=("email", "nickname"),
    owner="id",
    extra=ACCOUNT_INPUTS,
)
