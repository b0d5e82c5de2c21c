"""A value that chooses from known words: ``*`` for all, ``a|b`` for these, ``-a|-b`` for all but these."""

from dataclasses import dataclass

from charter.access.findings import Findings, quoted
from charter.access.lines import Line


@dataclass(frozen=True, slots=True)
class Choice:
    """The words that a value may choose from. ``kind`` says what they are, ``of`` where they are known."""

    kind: str
    known: tuple[str, ...]
    of: str = ""


def choose(line: Line, index: int, choice: Choice, findings: Findings) -> tuple[str, ...]:
    """The words that the value with this index chooses, in their own order; none where something about it is wrong."""
    text = line.words[index]
    excepts = text.startswith("-")
    listed, sound = set[str](), True
    for member, column, wrong in line.members(index) if text != "*" else ():
        name = member.removeprefix("-")
        if wrong:
            findings.add("expectation_list", line.number, column, wrong, "Write: *, or a|b, or -a|-b.")
        elif name not in choice.known:
            hint = findings.hint(name, choice.kind + choice.of, choice.known)
            message = f"There is no {choice.kind} {quoted(name)}{choice.of}."
            findings.add(f"policy_unknown_{choice.kind}", line.number, column, message, hint)
        sound = sound and not wrong and name in choice.known
        listed.add(name)
    chosen = tuple(word for word in choice.known if text == "*" or (word in listed) != excepts)
    if sound and not chosen:
        message = f"{quoted(text)} leaves no {choice.kind}{choice.of}."
        findings.add("expectation_void", line.number, line.column(index), message)
    return chosen if sound else ()


__all__ = ["Choice", "choose"]
