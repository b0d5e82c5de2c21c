"""Charter: declare a resource once; its table, REST endpoints, admin screens, access rules and docs follow."""

from charter.assemble import build, close_db, init_db
from charter.auth import ACCOUNT_INPUTS, Account
from charter.declare import (
    Caller,
    Change,
    Computed,
    Created,
    Hooks,
    Input,
    Limits,
    Resource,
    Roles,
    Scope,
    Screen,
    Seed,
)
from charter.errors import (
    ApiException,
    AuthenticationException,
    AuthorizationException,
    ConflictException,
    DatabaseException,
    FieldError,
    NotFoundException,
    ValidationException,
)
from charter.server import run
from charter.settings import Settings, load_settings
from charter.store import Repository, Transaction
from charter.table import Field, Relationship, Table, from_field
from charter.types import Money, Slug
from charter.version import __version__

__all__ = [
    "ACCOUNT_INPUTS",
    "Account",
    "ApiException",
    "AuthenticationException",
    "AuthorizationException",
    "Caller",
    "Change",
    "Computed",
    "ConflictException",
    "Created",
    "DatabaseException",
    "Field",
    "FieldError",
    "Hooks",
    "Input",
    "Limits",
    "Money",
    "NotFoundException",
    "Relationship",
    "Repository",
    "Resource",
    "Roles",
    "Scope",
    "Screen",
    "Seed",
    "Settings",
    "Slug",
    "Table",
    "Transaction",
    "ValidationException",
    "__version__",
    "build",
    "close_db",
    "from_field",
    "init_db",
    "load_settings",
    "run",
]
