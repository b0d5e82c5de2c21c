"""The list of settings: name, type, default, bounds and meaning of each, in the sequence of ``.env.example``."""

import re
from email.headerregistry import Address
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from charter.settings.values import (
    Currency,
    DatabaseUrl,
    Host,
    HttpUrl,
    Line,
    LocalPath,
    MailAddress,
    MailUrl,
    Networks,
    Positive,
    RedisUrl,
    Words,
    lower,
    name_and_address,
    upper,
)

SAMPLE_SECRETS = (
    "change",
    "secret",
    "insecure",
    "example",
    "password",
    "0123456789",
    "09d25e094faa6ca2556c818166b7a956",
)
"""What sample keys in tutorials are made of; a random key holds one of these less than once in a million times."""


def _check_secret(value: str) -> None:
    if len(value) < 32:
        raise ValueError("should have 32 characters or more in production")
    if len(set(value)) < 10 or any(sample in value.lower() for sample in SAMPLE_SECRETS):
        raise ValueError("looks like a sample from a tutorial; production needs a random one")


class Settings(BaseSettings):
    """The settings of one application. Make one with :func:`load_settings`, which also provides the secret.

    Upper case outside (``DATABASE_URL``), lower case as attributes. Minutes, hours and days may be fractions.
    """

    model_config = SettingsConfigDict(
        env_file=".env",
        env_file_encoding="utf-8",
        env_ignore_empty=True,  # so that `REDIS_URL=` means the same as leaving it out
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
        validate_default=True,
    )

    environment: Annotated[Literal["development", "test", "production"], BeforeValidator(lower)] = Field(
        "development", description="development, test or production"
    )
    secret_key: str = Field(
        "",
        description="signs tokens and cookies; made and kept here in development, 32+ characters in production",
        repr=False,
    )
    previous_secret_keys: Words = Field(
        (),
        description="earlier values of SECRET_KEY, comma separated; what they signed is good until it expires",
        repr=False,
    )
    database_url: DatabaseUrl = Field(
        "sqlite+aiosqlite:///./shop.db",
        description="where the rows live; sqlite+aiosqlite:///... or postgresql+asyncpg://...",
        repr=False,
    )
    redis_url: RedisUrl = Field("", description="what several workers share limits through; empty: none", repr=False)
    host: Host = Field("127.0.0.1", description="the address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="the port to listen on, 0 to 65535; 0: any free one")
    workers: int = Field(1, ge=1, le=64, description="how many processes serve, 1 to 64")
    refresh_cookie: bool = Field(
        default=False, description="on: browsers keep the refresh token in a cookie and may send credentials"
    )
    cors_origins: Words = Field(
        (), description="browser origins that may call, comma separated, such as https://www.example.com"
    )
    trusted_proxies: Networks = Field(
        (), description="addresses or networks whose X-Forwarded-For is believed, comma separated"
    )
    admin_email: MailAddress = Field("admin@example.com", description="the first administrator's e-mail address")
    admin_password: str = Field(
        "", description="the first administrator's password; empty: one is made and printed once", repr=False
    )
    demo_data: bool = Field(  # type: ignore[assignment]  # the empty default is read by a validator below
        "",
        description="true: fill an empty database with demo data; empty: only in development",
    )
    mail_url: MailUrl = Field(
        "console:", description="console:, file:///folder, smtp://user:pass@host:port or smtps://...", repr=False
    )
    mail_from: MailAddress = Field("no-reply@localhost", description="the sender of every mail")
    mail_templates: str = Field("", description="a folder with texts of your own for mails; empty: the bundled ones")
    public_url: HttpUrl = Field("", description="what links in mails begin with; empty: http://HOST:PORT")
    rate_limits: bool = Field(default=True, description="off: no rate limit at all, sign-in back-off included")
    rate_limit_scale: Positive = Field(1.0, le=1_000_000, description="multiplies every rate limit")
    policy_file: Line = Field("policy.csv", description="the file with the access rules")
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], BeforeValidator(lower)] = Field(
        "info", description="debug, info, warning, error or critical"
    )
    log_format: Annotated[Literal["console", "json"], BeforeValidator(lower)] = Field(
        "console", description="console for people, json for machines"
    )
    currency: Currency = Field("EUR", description="the ISO 4217 code of every amount of money")
    max_body_bytes: int = Field(1_048_576, ge=1, le=1_073_741_824, description="the largest request body, in bytes")
    access_token_minutes: Positive = Field(15.0, le=1_440, description="how long an access token lives, in minutes")
    refresh_idle_days: Positive = Field(14.0, le=3_650, description="how long an unused sign-in lives, in days")
    refresh_days: Positive = Field(90.0, le=3_650, description="how long a sign-in lives at most, in days")
    payment_due_minutes: Positive = Field(
        60.0, le=525_600, description="how long a payment may be outstanding, in minutes"
    )
    idempotency_hours: Positive = Field(24.0, le=8_760, description="how long an Idempotency-Key is kept, in hours")
    sqlite_synchronous: Annotated[Literal["FULL", "NORMAL"], BeforeValidator(upper)] = Field(
        "FULL", description="FULL survives a power cut, NORMAL is faster"
    )
    brand_name: Line = Field("Charter", description="the name on pages, in the admin and in mails")
    brand_logo: LocalPath = Field(
        "", description="the path of a picture on this server, such as /logo.svg; empty: none"
    )

    @field_validator("secret_key")
    @classmethod
    def _strong_secret(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("environment") == "production":
            _check_secret(value)
        return value

    @field_validator("previous_secret_keys")
    @classmethod
    def _strong_secrets(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        for secret in value if info.data.get("environment") == "production" else ():
            _check_secret(secret)
        return value

    @field_validator("cors_origins")
    @classmethod
    def _exact_origins(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if "*" in value and info.data.get("environment") == "production":
            raise ValueError("should name exact origins in production, not *")
        if "*" in value and info.data.get("refresh_cookie"):
            raise ValueError("should name exact origins while REFRESH_COOKIE is on, not *")
        if not all(word == "*" or re.fullmatch(r"https?://[^\s/?#@*]+", word.lower()) for word in value):
            raise ValueError("should be origins such as https://www.example.com, without a path or a final slash")
        return tuple(word.lower() for word in value)

    @field_validator("demo_data", mode="before")
    @classmethod
    def _demo_where_one_tries_things(cls, value: object, info: ValidationInfo) -> object:
        return info.data.get("environment") == "development" if value == "" else value

    @field_validator("public_url")
    @classmethod
    def _own_address(cls, value: str, info: ValidationInfo) -> str:
        host, port = str(info.data.get("host", "")), info.data.get("port", 0)
        anywhere = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - what a browser calls "every address"
        here = anywhere.get(host, f"[{host}]" if ":" in host else host)
        return value.rstrip("/") or f"http://{here}:{port}"

    @field_validator("refresh_days")
    @classmethod
    def _not_below_idle(cls, value: float, info: ValidationInfo) -> float:
        if value < info.data.get("refresh_idle_days", 0):
            raise ValueError("should not be below REFRESH_IDLE_DAYS")
        return value

    @property
    def is_production(self) -> bool:
        """Whether strangers depend on this process."""
        return self.environment == "production"

    @property
    def is_sqlite(self) -> bool:
        """Whether the database is a file beside the application."""
        return self.database_url.startswith("sqlite")

    @property
    def mail_sender(self) -> Address:
        """The sender of every mail, named as in ``MAIL_FROM``, or else as the brand."""
        name, user, domain = name_and_address(self.mail_from)
        return Address(name or self.brand_name, user, domain)
