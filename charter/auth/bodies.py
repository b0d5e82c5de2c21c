"""The bodies of the sign-in routes."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, create_model
from pydantic import Field as PydanticField

from charter.auth.tables import LONGEST_PASSWORD, Email, Password
from charter.catalog import Entry
from charter.types import CleanText

LONGEST_TOKEN = 4096

Token = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_TOKEN), CleanText]

_STRICT = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)
_SECRET = "nY3wq0Zr5c1Jt7bXvK9dLh2sGf8mPa4eUi6oRlTyWkE"  # noqa: S105 # an example for the documentation


class RefreshBody(BaseModel):
    """A refresh token, in the body of a refresh or a logout."""

    model_config = _STRICT
    refresh_token: Token = PydanticField(examples=[_SECRET])


class EmailBody(BaseModel):
    """The address that a mail is asked for."""

    model_config = _STRICT
    email: Email = PydanticField(examples=["ada@example.org"])


class TokenBody(BaseModel):
    """The token of a mailed link."""

    model_config = _STRICT
    token: Token = PydanticField(examples=[_SECRET])


class ResetBody(TokenBody):
    """The token of a mailed link, and the new password."""

    password: Password = PydanticField(examples=["correct horse battery"])


class LoginForm(BaseModel):
    """The form of OAuth2's password grant (RFC 6749, section 4.3); other members are ignored."""

    username: Annotated[str, StringConstraints(min_length=1, max_length=1024)] = PydanticField(
        description="The e-mail address.", examples=["ada@example.org"]
    )
    password: Annotated[str, StringConstraints(min_length=1, max_length=4 * LONGEST_PASSWORD)] = PydanticField(
        examples=["correct horse battery"], json_schema_extra={"format": "password"}
    )
    grant_type: Annotated[str, StringConstraints(pattern="^(password)?$")] = "password"


class Tokens(BaseModel):
    """What a login and a refresh answer. ``expires_in`` are the seconds that the access token lives.

    ``refresh_token`` is null for a browser that got it in a cookie (``REFRESH_COOKIE``).
    """

    access_token: str = PydanticField(examples=["eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl"])
    refresh_token: str | None = PydanticField(examples=[_SECRET])
    token_type: str = PydanticField("bearer", examples=["bearer"])
    expires_in: int = PydanticField(examples=[900])


class Notice(BaseModel):
    """A sentence."""

    detail: str = PydanticField(examples=["If the address belongs to an account, a mail is on its way."])


def register_schema(entry: Entry) -> type[BaseModel]:
    """What a stranger may say about themselves: address, password, and the columns that anyone may write."""
    source = entry.schemas.create.model_fields
    open_to_all = {name for name, field in entry.fields.items() if field.write == "always"}
    members: dict[str, Any] = {
        name: (info.rebuild_annotation(), _default_of(info))
        for name, info in source.items()
        if name in open_to_all | {"email", "password"}
    }
    example = {key: value for key, value in _example(entry).items() if key in members}
    config = ConfigDict(**_STRICT, json_schema_extra={"example": example})
    model: type[BaseModel] = create_model("Register", __config__=config, __doc__="A new account.", **members)
    return model


def _default_of(info: Any) -> Any:
    kept: dict[str, Any] = {"description": info.description}
    if info.default_factory is not None:
        kept["default_factory"] = info.default_factory
    elif not info.is_required():
        kept["default"] = info.default
    return PydanticField(**kept)


def _example(entry: Entry) -> Mapping[str, Any]:
    extra = entry.schemas.create.model_config.get("json_schema_extra")
    found = extra.get("example") if isinstance(extra, dict) else None
    return found if isinstance(found, dict) else {}


__all__ = [
    "EmailBody",
    "LoginForm",
    "Notice",
    "RefreshBody",
    "ResetBody",
    "TokenBody",
    "Tokens",
    "register_schema",
]
