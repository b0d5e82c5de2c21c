"""The frozen values that a user writes. They hold no behaviour: `catalog` and `access` compile them once, at start."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, field_validator
from sqlalchemy import ColumnElement

from charter.cards import Card
from charter.printouts import Printout
from charter.types import clean_text

if TYPE_CHECKING:
    from charter.catalog import Entry
    from charter.store import Transaction
    from charter.table import Table

WriteAction = str
"""``create``, ``update``, ``delete``, or the name of a declared action or transition."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``id`` is None for an anonymous caller; ``session`` is the sign-in that the token belongs to."""

    role: str
    id: UUID | None = None
    email: str = ""
    is_active: bool = True
    is_verified: bool = False
    session: UUID | None = None


@dataclass(slots=True)
class Change:
    """One write on its way, handed to hooks.

    ``values`` are the columns about to be written (a hook may set more), ``inputs`` the values of :class:`Input`
    fields, ``old`` the row as it was (empty on create), ``row`` the row as it is now (set for ``after`` hooks).
    ``caller`` is None when the system itself acts; ``entry`` is the compiled resource that is written.
    """

    action: WriteAction
    caller: Caller | None
    values: dict[str, Any]
    inputs: dict[str, Any] = field(default_factory=dict)
    old: Mapping[str, Any] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)
    entry: "Entry | None" = None


Prepare = Callable[[Change], Awaitable[None]]
InTransaction = Callable[["Transaction", Change], None]
InsteadOfCreate = Callable[["Transaction", Change], "Created"]
AfterCommit = Callable[[Change], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Created:
    """What an ``instead_of_create`` hook did: the row's id, and whether it is new (201) or was there already (200)."""

    id: UUID
    new: bool = True


@dataclass(frozen=True, slots=True)
class Hooks:
    """Behaviour beside the generated one, named by its moment.

    ``prepare`` runs before the transaction (slow work such as hashing), ``before`` and ``after`` inside it (they may
    raise, never commit, never wait for anything but the database), ``instead_of_create`` replaces the insert,
    ``after_commit`` runs once the row is safe (mail, payment).
    """

    prepare: Prepare | None = None
    before: InTransaction | None = None
    after: InTransaction | None = None
    instead_of_create: InsteadOfCreate | None = None
    after_commit: AfterCommit | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """A value that writes take but no column keeps, such as ``password``; hooks find it in ``Change.inputs``."""

    name: str
    type: Any
    on: tuple[Literal["create", "update"], ...] = ("create", "update")
    required: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class Computed:
    """A readable value made by SQL from the row: ``sql`` gets the row and returns one expression, at start."""

    name: str
    type: Any
    sql: Callable[[Any], ColumnElement[Any]]
    description: str = ""


class Body(BaseModel):
    """The base of an action's body: strict, and nothing unknown in it."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)

    @field_validator("*")
    @classmethod
    def _clean(cls, value: Any) -> Any:
        """Texts as columns take them, whatever the action does with them."""
        return clean_text(value) if isinstance(value, str) else value


@dataclass(frozen=True, slots=True)
class Action:
    """``POST /{resource}/{id}/{name}``: ``run`` gets the row in ``change.old`` and the body in ``change.inputs``.

    It runs in the transaction, before the row is written; what it puts into ``change.values`` is written.
    """

    name: str
    run: InTransaction
    body: type[Body] | None = None
    description: str = ""


@dataclass(frozen=True, slots=True)
class Transition:
    """An action that moves a row from one of the states ``source`` to ``target``, and stamps the moment.

    One conditional UPDATE decides; from any other state the answer is 409 ``invalid_transition``. ``run`` follows in
    the same transaction, once the row has moved.
    """

    name: str
    source: tuple[str, ...]
    target: str
    stamp: str = ""
    run: InTransaction | None = None
    body: type[Body] | None = None
    field: str = "status"
    description: str = ""


Tone = Literal["good", "wait", "busy", "bad", "plain"]
"""How a word is coloured where it stands for a state."""


@dataclass(frozen=True, slots=True)
class Screen:
    """How a resource looks in the admin. Empty ``columns`` means: the first readable ones.

    ``images`` are fields that hold the address of a picture on this server, ``tones`` colour the words of enums;
    words without one are plain. ``cards`` stand on the dashboard, in the order of the resources and of themselves.
    ``printouts`` are pages of a row for paper. ``inline`` are columns that can be changed in the list itself.
    """

    icon: str = "table"
    columns: tuple[str, ...] = ()
    label: str = ""
    group: str = ""
    images: tuple[str, ...] = ()
    tones: Mapping[str, Tone] = field(default_factory=dict)
    cards: tuple[Card, ...] = ()
    printouts: tuple[Printout, ...] = ()
    inline: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Indexed:
    """A filter with an index for each of the sorts ``by``: the rows of one value come in that order, unsorted."""

    name: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unindexed:
    """A filter or sort that no index serves, and why: it looks at every row that the other filters leave."""

    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Resource:
    """One noun of the application, declared once.

    ``path`` defaults to the table's name in the plural. ``filter`` and ``sort`` add to ``id created_at updated_at``;
    a name may be a path over a relation (``category.slug``); each has an index, unless it is `Unindexed`. ``owner`` is
    the column (or path) that holds the owner's id, for scopes such as ``own``; where it is a column it is set from the
    caller on create.
    """

    model: "type[Table]"
    path: str = ""
    filter: tuple[str | Indexed | Unindexed, ...] = ()
    sort: tuple[str | Unindexed, ...] = ()
    search: tuple[str, ...] = ()
    include: tuple[str, ...] = ()
    owner: str = ""
    soft_delete: bool = False
    extra: tuple[Computed | Input, ...] = ()
    actions: tuple[Action | Transition, ...] = ()
    hooks: Hooks = Hooks()
    admin: Screen = Screen()


@dataclass(frozen=True, slots=True)
class Scope:
    """A word for rows in the policy. ``rows`` gets a row and the caller, both symbolic, and returns a SQL condition."""

    word: str
    rows: Callable[[Any, Any], ColumnElement[bool]]


@dataclass(frozen=True, slots=True)
class Roles:
    """The roles, from the least to the most powerful. The first is what a caller without credentials has."""

    order: tuple[str, ...]
    default: str = ""

    @property
    def anonymous(self) -> str:
        """The role of a caller without credentials."""
        return self.order[0]


@dataclass(frozen=True, slots=True)
class Limits:
    """How often, as limit strings such as ``120/minute``: by role, and for sign-in routes by address and account."""

    roles: Mapping[str, str]
    sign_in: str = "10/minute"


@dataclass(frozen=True, slots=True)
class Seed:
    """Demo data: ``fill`` runs in one transaction on an empty database and returns lines to print once."""

    fill: "Callable[[Transaction], list[str]]"


@dataclass(frozen=True, slots=True)
class Job:
    """Work that nobody asks for: ``run`` is called every `seconds`, in a transaction with system authority.

    Every process runs it, so it has to bear company: take rows by conditional statements. It does a bounded part of
    the work and returns whether there is more, which then follows at once in a transaction of its own.
    """

    name: str
    seconds: float
    run: "Callable[[Transaction], bool]"


@dataclass(frozen=True, slots=True)
class Invariant:
    """Something that always holds of the data; ``find`` tells what breaks it, a line each, to ``charter audit``."""

    name: str
    find: "Callable[[Transaction], Iterable[str]]"


__all__ = [
    "Action",
    "AfterCommit",
    "Body",
    "Caller",
    "Change",
    "Computed",
    "Created",
    "Hooks",
    "InTransaction",
    "Indexed",
    "Input",
    "InsteadOfCreate",
    "Invariant",
    "Job",
    "Limits",
    "Prepare",
    "Resource",
    "Roles",
    "Scope",
    "Screen",
    "Seed",
    "Tone",
    "Transition",
    "Unindexed",
    "WriteAction",
]
