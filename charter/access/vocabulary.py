"""The words that a policy may use, and what each word stands for: handed in as values, so that no catalog is needed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

ANY = "any"
"""The rows word that means: every row."""

Sense = Literal["readable", "creatable", "updatable"]

_SENSES: Mapping[str, Sense] = {
    "list": "readable",
    "read": "readable",
    "export": "readable",
    "history": "readable",
    "create": "creatable",
    "import": "creatable",
    "update": "updatable",
}


@dataclass(frozen=True, slots=True)
class Noun:
    """What the policy may say about one resource, or about a pseudo-resource such as ``docs``.

    ``granted`` are fields that are written only where a rule names them: neither ``*`` nor a list of exceptions
    includes them on a write. ``always`` are fields that whoever may read a row may read, whatever a list names.
    """

    actions: tuple[str, ...]
    readable: frozenset[str] = frozenset()
    creatable: frozenset[str] = frozenset()
    updatable: frozenset[str] = frozenset()
    granted: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    always: frozenset[str] = frozenset()

    @property
    def known(self) -> frozenset[str]:
        """Every field that some rule could name."""
        return self.readable | self.creatable | self.updatable | self.granted

    def whole(self, action: str) -> frozenset[str]:
        """The fields that ``*`` stands for on this action; none where fields mean nothing (delete, access, ...)."""
        match _SENSES.get(action):
            case "readable":
                return self.readable
            case "creatable":
                return self.creatable - self.granted
            case "updatable":
                return self.updatable - self.granted
            case None:
                return frozenset()

    def nameable(self, action: str) -> frozenset[str]:
        """The fields that a list on this action may name: a write may also name the granted ones."""
        return self.whole(action) | (self.granted if is_write(action) else frozenset())

    def resolve(self, action: str, fields: str) -> frozenset[str]:
        """The names that the (accepted) field list of a rule stands for on this action."""
        if fields == "*":
            return self.whole(action)
        if fields.startswith("-"):
            found = self.whole(action).difference(name[1:] for name in fields.split("|"))
        else:
            found = self.nameable(action).intersection(fields.split("|"))
        return found | (self.always & self.whole(action))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """All words: roles from the least to the most powerful, nouns by path segment, and every declared scope word."""

    roles: tuple[str, ...]
    nouns: Mapping[str, Noun]
    scopes: frozenset[str] = frozenset()


def has_fields(action: str) -> bool:
    """Whether a field list means anything on this action."""
    return action in _SENSES


def is_write(action: str) -> bool:
    """Whether the fields of this action are written ones."""
    return _SENSES.get(action, "readable") != "readable"


__all__ = ["ANY", "Noun", "Sense", "Vocabulary", "has_fields", "is_write"]
