"""What a generated route says of itself."""

from dataclasses import dataclass
from typing import Literal

from charter.catalog import BodyKind
from charter.declare import Action, Transition

BEARER = "bearer"
"""The name of the one security scheme."""


@dataclass(frozen=True, slots=True)
class About:
    """What a generated route says of itself: ``name`` ends its operationId, ``rule`` is the action it asks for."""

    name: str
    summary: str
    rule: str = ""
    body: BodyKind | None = None
    answer: Literal["row", "permissions"] = "row"
    action: Action | Transition | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rule", self.rule or self.name)

    @property
    def is_own(self) -> bool:
        """Whether it is about the caller's own account, and so nothing for strangers."""
        return self.name in {"me", "me_update"}

    @property
    def is_repeatable(self) -> bool:
        """Whether an ``Idempotency-Key`` is honoured."""
        return self.name == "create" or self.action is not None


__all__ = ["BEARER", "About"]
