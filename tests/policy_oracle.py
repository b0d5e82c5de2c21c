"""What a policy file says, read again by the plainest means there are, to hold every door against."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

READS = frozenset({"list", "read", "export"})
WRITES = frozenset({"create", "update", "import"})


@dataclass(frozen=True, slots=True)
class Oracle:
    """The lines of a policy. ``actions`` are those of each resource, ``granted`` the fields that a write must name."""

    lines: Sequence[tuple[str, ...]]
    actions: Mapping[str, Collection[str]]
    granted: Mapping[str, Collection[str]]

    def lineage(self, role: str) -> set[str]:
        """The role and all that it inherits from."""
        found, waiting = {role}, [role]
        for near in waiting:
            for parent in [line[2] for line in self.lines if line[0] == "g" and line[1] == near]:
                if parent not in found:
                    found.add(parent)
                    waiting.append(parent)
        return found

    def rules(self, role: str, resource: str, action: str) -> list[tuple[str, ...]]:
        """The ``p`` lines that are about this, as (rows, fields)."""
        if action not in self.actions[resource]:
            return []
        lineage = self.lineage(role)
        return [
            (line[4], line[5])
            for line in self.lines
            if line[0] == "p" and line[1] in lineage and line[2] == resource and line[3] in (action, "*")
        ]

    def rows(self, role: str, resource: str, action: str) -> frozenset[str]:
        """The rows words, OR-ed; ``any`` stands alone, none means that the action is not allowed."""
        words = frozenset(rows for rows, _ in self.rules(role, resource, action))
        return frozenset({"any"}) if "any" in words else words

    def fields(self, role: str, resource: str, action: str, whole: Collection[str]) -> frozenset[str]:
        """The fields, of the ``whole`` that the resource has for such an action."""
        wanted = self.rows(role, resource, action)
        found: set[str] = set()
        free = set(whole) - set(self.granted.get(resource, ()) if action in WRITES else ())
        for rows, fields in self.rules(role, resource, action):
            if rows not in wanted:
                continue
            names = [name.strip() for name in fields.split("|")]
            if fields == "*":
                found |= free
            elif fields.startswith("-"):
                found |= free - {name[1:] for name in names}
            else:
                found |= set(whole) & set(names)
        return frozenset(found)


def read_oracle(
    text: str, actions: Mapping[str, Collection[str]], granted: Mapping[str, Collection[str]] | None = None
) -> Oracle:
    """The oracle of a policy's text; blank lines and comments say nothing."""
    lines = [line.strip() for line in text.splitlines()]
    cut = [tuple(word.strip() for word in line.split(",")) for line in lines if line and not line.startswith("#")]
    return Oracle(cut, actions, granted or {})
