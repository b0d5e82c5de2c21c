"""What a change of the policy gives and takes: two tables of decisions, compared; wording and order do not matter."""

from collections.abc import Iterator
from dataclasses import dataclass

from charter.access.table import AccessTable, Decision
from charter.access.vocabulary import Noun, Vocabulary
from charter.access.wording import cover, decision_text, rows_text

_Part = tuple[bool, str]  # whether it is a gain, and what it is about


@dataclass(frozen=True, slots=True)
class Change:
    """The same gain, or the same loss, of some roles on some actions of one resource."""

    gain: bool
    roles: tuple[str, ...]
    resource: str
    actions: tuple[str, ...]
    what: str

    def __str__(self) -> str:
        return f"{', '.join(self.roles)}: {', '.join(self.actions)} {self.resource}: {self.what}"


def differences(old: AccessTable, new: AccessTable, vocabulary: Vocabulary) -> tuple[Change, ...]:
    """Who gains what, then who loses what; nothing where both decide alike."""
    found: list[Change] = []
    for resource, noun in vocabulary.nouns.items():
        found += _on_resource(old, new, vocabulary.roles, resource, noun)
    return tuple(sorted(found, key=lambda change: not change.gain))


def _on_resource(
    old: AccessTable, new: AccessTable, roles: tuple[str, ...], resource: str, noun: Noun
) -> Iterator[Change]:
    """The changes on one resource: same ones are told once, for all their roles and actions."""
    by_roles: dict[tuple[_Part, tuple[str, ...]], list[str]] = {}
    for action in noun.actions:
        by_part: dict[_Part, list[str]] = {}
        for role in roles:
            before, after = old.decide(role, resource, action), new.decide(role, resource, action)
            for part in _parts(before, after, noun):
                by_part.setdefault(part, []).append(role)
        for part, names in by_part.items():
            by_roles.setdefault((part, tuple(names)), []).append(action)
    for ((gain, what), having), actions in by_roles.items():
        yield Change(gain, having, resource, tuple(actions), what)


def _parts(before: Decision | None, after: Decision | None, noun: Noun) -> Iterator[_Part]:
    """What the change from one decision to another gives and takes."""
    if before is None and after is not None:
        yield True, f"now allowed ({decision_text(after, noun)})"
    elif before is not None and after is None:
        yield False, f"no longer allowed (was: {decision_text(before, noun)})"
    elif before is not None and after is not None:
        yield from _rows(before.rows, after.rows)
        yield from _fields(before.fields, after.fields)


def _rows(before: tuple[str, ...], after: tuple[str, ...]) -> Iterator[_Part]:
    change = f"rows: {rows_text(after)} (was: {rows_text(before)})"
    if not all(cover(before, word) for word in after):
        yield True, change
    if not all(cover(after, word) for word in before):
        yield False, change


def _fields(before: frozenset[str], after: frozenset[str]) -> Iterator[_Part]:
    if after - before:
        yield True, f"fields: {', '.join(sorted(after - before))}"
    if before - after:
        yield False, f"fields: {', '.join(sorted(before - after))}"


def differences_text(changes: tuple[Change, ...], old: str, new: str) -> Iterator[str]:
    """Gains first, each marked with a plus; then losses, each marked with a minus. `old` and `new` name the files."""
    for gain, mark, title in ((True, "+", "gains"), (False, "-", "losses")):
        told = [change for change in changes if change.gain is gain]
        if told:
            yield f"{title}, from {old} to {new}:"
            yield from (f"  {mark} {change}" for change in told)
    gains = sum(change.gain for change in changes)
    yield f"{_count(gains, 'gain', 'gains')}, {_count(len(changes) - gains, 'loss', 'losses')}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


__all__ = ["Change", "differences", "differences_text"]
