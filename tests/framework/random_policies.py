"""Random vocabularies, and random policies of their words: every seed is a case that can be asked for again."""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from charter.access import ANY, Noun, Vocabulary

ACTIONS = ("list", "read", "export", "create", "import", "update", "delete", "pin", "move")
FIELDS = ("id", "title", "body", "pinned", "price", "owner_id")
SCOPES = ("own", "shared", "open")
Question = tuple[str, str, str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """A random policy with the words it is made of."""

    words: Vocabulary
    text: str

    def questions(self) -> Iterator[Question]:
        """Every role, resource, action and rows word, also words that no resource of theirs satisfies."""
        for role, (resource, noun) in itertools.product(self.words.roles, self.words.nouns.items()):
            for action, word in itertools.product(noun.actions, (ANY, *SCOPES)):
                yield role, resource, action, word


def random_words(dice: random.Random) -> Vocabulary:
    """Two to twelve roles, one to four nouns, of which some are pseudo-resources."""
    roles = tuple(f"role{number}" for number in range(dice.choice((2, 3, 4, 5, 12))))
    nouns = {f"noun{number}": _random_noun(dice) for number in range(dice.randint(1, 3))} | {
        "console": Noun(("access",))
    }
    return Vocabulary(roles, nouns, frozenset(SCOPES))


def _random_noun(dice: random.Random) -> Noun:
    def some(names: tuple[str, ...]) -> frozenset[str]:
        return frozenset(name for name in names if dice.random() < 0.6)

    actions = tuple(dice.sample(ACTIONS, dice.randint(1, len(ACTIONS))))
    granted = some(("pinned",))
    return Noun(actions, some(FIELDS), some(FIELDS) - granted, some(FIELDS) - granted, granted, some(SCOPES))


def random_case(seed: int) -> Case:
    """A policy that is often sound: links go down, one field list is used more than others."""
    dice = random.Random(seed)  # noqa: S311  # repeatable, not secret
    words = random_words(dice)
    lines = {f"g, {role}, {parent}" for role, parent in _random_links(words.roles, dice)}
    favourites = {name: _random_fields(noun, dice) for name, noun in words.nouns.items()}
    for _ in range(dice.randint(1, 25)):
        resource, noun = dice.choice(list(words.nouns.items()))
        action = dice.choice(("*", *noun.actions))
        rows = dice.choice((ANY, ANY, *sorted(noun.scopes)))
        fields = favourites[resource] if dice.random() < 0.9 else _random_fields(noun, dice)
        lines.add(f"p, {dice.choice(words.roles)}, {resource}, {action}, {rows}, {fields}")
    shuffled = sorted(lines)
    dice.shuffle(shuffled)
    return Case(words, "".join(f"{line}\n" for line in shuffled))


def _random_links(roles: tuple[str, ...], dice: random.Random) -> Iterator[tuple[str, str]]:
    """A ladder with or without gaps, or anything that goes down."""
    if dice.random() < 0.4:
        yield from (pair for pair in zip(roles[1:], roles, strict=False) if dice.random() < 0.95)
        return
    share = dice.choice((0.1, 0.3, 0.6))
    yield from ((heir, parent) for parent, heir in itertools.combinations(roles, 2) if dice.random() < share)


def _random_fields(noun: Noun, dice: random.Random) -> str:
    common = sorted(noun.readable & noun.creatable & noun.updatable)
    names = dice.sample(common, dice.randint(0, len(common)))
    if not names or dice.random() < 0.3:
        return "*"
    return "|".join(f"-{name}" for name in names) if dice.random() < 0.5 else "|".join(names)
