"""Random slips of the hand and of the disk: a policy's bytes become slightly other bytes."""

import random
from collections.abc import Callable, Sequence

from charter.access import ANY, Vocabulary

MARKS: Sequence[str] = (
    *"abeginopqrstuxyzPG_-*|,;#\"'./[]() \t\r\n\x00",
    *("\n", "\n", "|", "-", "*", "\r\n", "\u00a0", "\u200b", "\ufeff", "\u00e9", "\u0430", "\u2028", "# ", ", "),
)
"""What a stray key may leave behind; line ends oftener."""

Mutation = Callable[[str, random.Random, Sequence[str]], str]
"""(text, dice, words) -> another text."""


def mutated(data: bytes, dice: random.Random, words: Sequence[str]) -> bytes:
    """The bytes after one slip or a few."""
    text = data.decode()
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        text = dice.choice(MUTATIONS)(text, dice, words)
    match dice.randrange(40):
        case 0:
            return text.encode(dice.choice(("utf-16", "utf-16-le", "utf-32", "utf-8-sig")))
        case 1:
            cut = text.encode()
            return cut[: dice.randint(0, len(cut))]
        case 2:
            return text.replace("\n", dice.choice(("\r", "\r\n", "\n\n", "\r\r\n"))).encode()
        case _:
            return text.encode()


def all_words(words: Vocabulary) -> list[str]:
    """Every word that some line may hold, and two lists of fields."""
    fields = sorted({name for noun in words.nouns.values() for name in noun.known})
    actions = sorted({action for noun in words.nouns.values() for action in noun.actions})
    lists = ["*", f"-{fields[0]}|-{fields[1]}", "|".join(fields[2:4])]
    return [*words.roles, *words.nouns, *actions, *words.scopes, ANY, *fields, *(f"-{name}" for name in fields), *lists]


def _character(text: str, dice: random.Random, words: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    match dice.randrange(5):
        case 0:
            return text[:at] + text[at + 1 :]
        case 1:
            return text[:at] + dice.choice(MARKS) + text[at:]
        case 2:
            return text[:at] + dice.choice(MARKS) + text[at + 1 :]
        case 3:
            return text[:at] + text[at + 1 : at + 2] + text[at : at + 1] + text[at + 2 :]
        case _:
            return text[:at] + text[at : at + 1].swapcase() + text[at + 1 :]


def _word(text: str, dice: random.Random, words: Sequence[str]) -> str:
    lines = text.split("\n")
    at = dice.randrange(len(lines))
    parts = lines[at].split(",")
    one, other = dice.randrange(len(parts)), dice.randrange(len(parts))
    match dice.randrange(6):
        case 0:
            del parts[one]
        case 1:
            parts.insert(one, parts[other])
        case 2:
            parts[one], parts[other] = parts[other], parts[one]
        case 3:
            parts[one] += dice.choice(("|", " ", "-")) + dice.choice(words)
        case _:
            parts[one] = f" {dice.choice(words)}"
    lines[at] = ",".join(parts)
    return "\n".join(lines)


def _borrowed(text: str, dice: random.Random, words: Sequence[str]) -> str:
    """One value becomes what stands in its column elsewhere: often another policy without a slip."""
    lines = [line.split(",") for line in text.split("\n")]
    one, other = dice.choice(lines), dice.choice(lines)
    at = dice.randrange(len(one))
    if at < len(other):
        one[at] = other[at]
    names = one[-1].split("|")
    if dice.random() < 0.2 and len(names) > 1:
        names.pop(dice.randrange(len(names)))
        one[-1] = "|".join(names)
    return "\n".join(",".join(parts) for parts in lines)


def _line(text: str, dice: random.Random, words: Sequence[str]) -> str:
    lines = text.split("\n")
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    match dice.randrange(8):
        case 0:
            del lines[one]
        case 1:
            lines.insert(one, lines[other])
        case 2:
            lines[one], lines[other] = lines[other], lines[one]
        case 3:
            lines[one : one + 2] = ["".join(lines[one : one + 2])]
        case 4:
            lines[one] = f"# {lines[one]}"
        case 5:
            del lines[min(one, other) : max(one, other)]
        case 6:
            lines.insert(one, f"g, {dice.choice(words)}, {dice.choice(words)}")
        case _:
            parts = [part.strip() for part in lines[other].split(",")]
            parts[dice.randrange(len(parts))] = dice.choice(words)
            lines.insert(one, ", ".join(parts))
    return "\n".join(lines)


def _end(text: str, dice: random.Random, words: Sequence[str]) -> str:
    at = dice.randint(0, len(text))
    match dice.randrange(4):
        case 0:
            return text[:at]
        case 1:
            return text[at:]
        case 2:
            return text + text[at : at + 200]
        case _:
            return text.rstrip("\n") + dice.choice(("", " ", "\t", "\n\n"))


MUTATIONS: Sequence[Mutation] = (
    _character,
    _character,
    _word,
    _word,
    _borrowed,
    _borrowed,
    _borrowed,
    _borrowed,
    _line,
    _line,
    _line,
    _end,
)
