"""What accepted rules mean together: who inherits what, and which fields a role has on which rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from charter.access.vocabulary import Noun, Vocabulary


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``p`` line; ``column`` is where its field list begins."""

    line: int
    column: int
    role: str
    resource: str
    action: str
    rows: str
    fields: str

    def actions(self, noun: Noun) -> tuple[str, ...]:
        """The actions that the rule is about."""
        return noun.actions if self.action == "*" else (self.action,)


@dataclass(frozen=True, slots=True)
class Link:
    """One ``g`` line: ``role`` has all that ``parent`` has; ``column`` is where the parent stands."""

    line: int
    column: int
    role: str
    parent: str


@dataclass(frozen=True, slots=True)
class Cell:
    """What the rules for one action and one rows word give together."""

    fields: frozenset[str]
    rules: tuple[Rule, ...]


View = Mapping[str, Mapping[str, Cell]]
"""action -> rows word -> cell"""


class Meaning:
    """Rules and links, indexed. The links must be free of circles."""

    def __init__(self, rules: Sequence[Rule], links: Sequence[Link], vocabulary: Vocabulary) -> None:
        self.rules = tuple(rules)
        self.links = tuple(links)
        self.vocabulary = vocabulary
        self.lineage: Mapping[str, tuple[str, ...]] = lineages(vocabulary.roles, links)
        self._resolved: dict[tuple[str, str, str], frozenset[str]] = {}
        self._by_resource: dict[str, list[Rule]] = {}
        self._own: dict[tuple[str, str], list[Rule]] = {}
        for rule in rules:
            self._by_resource.setdefault(rule.resource, []).append(rule)
            self._own.setdefault((rule.role, rule.resource), []).append(rule)
        self._own_cells = {key: self._united(own, key[1]) for key, own in self._own.items()}

    @property
    def resources(self) -> Iterable[str]:
        """The resources that some rule is about."""
        return self._by_resource.keys()

    def of_resource(self, resource: str) -> Sequence[Rule]:
        """All rules about a resource."""
        return self._by_resource.get(resource, ())

    def own(self, role: str, resource: str) -> Sequence[Rule]:
        """The rules that name the role itself, in the order of the file."""
        return self._own.get((role, resource), ())

    def fields(self, rule: Rule, action: str) -> frozenset[str]:
        """The names that the rule's field list stands for on this action."""
        key = (rule.resource, action, rule.fields)
        if key not in self._resolved:
            self._resolved[key] = self.vocabulary.nouns[rule.resource].resolve(action, rule.fields)
        return self._resolved[key]

    def view(self, roles: Iterable[str], resource: str) -> View:
        """What these roles have together on a resource: same action, same rows, fields united."""
        merged: dict[str, dict[str, Cell]] = {}
        for role in roles:
            for action, cells in self._own_cells.get((role, resource), {}).items():
                for rows, cell in cells.items():
                    there = merged.setdefault(action, {}).get(rows)
                    merged[action][rows] = Cell(there.fields | cell.fields, there.rules + cell.rules) if there else cell
        return merged

    def _united(self, rules: Iterable[Rule], resource: str) -> View:
        noun = self.vocabulary.nouns[resource]
        fields: dict[tuple[str, str], set[str]] = {}
        sources: dict[tuple[str, str], list[Rule]] = {}
        for rule in rules:
            for action in rule.actions(noun):
                fields.setdefault((action, rule.rows), set()).update(self.fields(rule, action))
                sources.setdefault((action, rule.rows), []).append(rule)
        cells: dict[str, dict[str, Cell]] = {}
        for (action, rows), names in fields.items():
            cells.setdefault(action, {})[rows] = Cell(frozenset(names), tuple(sources[action, rows]))
        return cells


def lineages(roles: Iterable[str], links: Iterable[Link]) -> dict[str, tuple[str, ...]]:
    """Each role's lineage: itself, then everything it inherits, the nearest first."""
    parents: dict[str, list[str]] = {}
    for link in links:
        parents.setdefault(link.role, []).append(link.parent)
    return {role: tuple(generation(role, parents)) for role in roles}


def generation(role: str, parents: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The role and all it inherits, the nearest first, with the number of steps to each. Circles do no harm."""
    steps = {role: 0}
    waiting = [role]
    for near in waiting:
        for parent in parents.get(near, ()):
            if parent not in steps:
                steps[parent] = steps[near] + 1
                waiting.append(parent)
    return steps


__all__ = ["Cell", "Link", "Meaning", "Rule", "View", "generation", "lineages"]
