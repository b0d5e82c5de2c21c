"""Whose document it is: what a reader may know of each resource, by the same decisions as everywhere else."""

from dataclasses import dataclass

from charter.catalog import Entry, Path
from charter.declare import Caller
from charter.openapi.about import About
from charter.plan import Lens
from charter.plugins.filtering import Reach, followed, is_visible
from charter.serve import reach
from charter.services import Services


@dataclass(frozen=True, slots=True)
class View:
    """What `role` may know; without a role, what somebody may know to whom every rule is given."""

    services: Services
    role: str | None = None

    def shows(self, entry: Entry, about: About) -> bool:
        """Whether a route belongs into the document: what the caller may do needs no decision, the rest does."""
        if about.answer == "permissions":
            return True
        is_stranger = self.role == self.services.roles.anonymous
        return not (about.is_own and is_stranger) and self.fields(entry, about.rule) is not None

    def fields(self, entry: Entry, action: str) -> frozenset[str] | None:
        """The fields of an action, None where it is not allowed."""
        if self.role is not None:
            decision = self.services.access.decide(self.role, entry.name, action)
            return None if decision is None else decision.fields
        if action in {"list", "read"}:
            return entry.readable
        if action == "create":
            return entry.writable("create") | self._given(entry, action)
        return entry.writable("update") | self._given(entry, action) if action == "update" else frozenset()

    def _given(self, entry: Entry, action: str) -> frozenset[str]:
        """Of the fields that a rule has to name, those that some rule names."""
        decisions = (self.services.access.decide(role, entry.name, action) for role in self.services.roles.order)
        named = {name for decision in decisions if decision for name in decision.fields}
        return entry.writable("create", granted=True) & named

    def lens(self, entry: Entry, action: str) -> Lens | None:
        """The fields of an action in the entry's order; its rows mean nothing here."""
        allowed = self.fields(entry, action)
        return (
            None if allowed is None else Lens(entry, ("any",), tuple(name for name in entry.fields if name in allowed))
        )

    def reach(self, entry: Entry) -> Reach:
        """From the name of a relation to what may be read at its other end."""
        if self.role is not None:
            return reach(self.services, Caller(self.role), entry)

        def found(name: str) -> Lens | None:
            target = self.services.catalog.of_table(entry.relations[name].target)
            return self.lens(target, "read") if target else None

        return found

    def names(self, path: Path, seen: Lens) -> bool:
        """Whether a list that shows `seen` may be filtered or sorted by `path`."""
        return is_visible(path, seen, self.reach(seen.entry))

    def includes(self, seen: Lens) -> list[str]:
        """The declared includes that may be named beside `seen`."""
        return [path for path in seen.entry.resource.include if followed(path, seen, self.reach) is not None]


__all__ = ["View"]
