"""Decisions and rules in words, the same ones in every command, page and golden file."""

from collections.abc import Iterable

from charter.access.meaning import Rule
from charter.access.table import Decision
from charter.access.vocabulary import ANY, Noun

MOST_EXCEPTIONS = 4
"""A field list that leaves out so few is told by what it leaves out."""


def fields_text(allowed: frozenset[str], noun: Noun, action: str) -> str:
    """Field names as one would say them: all, all but a few, or each; nothing where the action takes none."""
    whole = noun.nameable(action)
    missing = whole - allowed
    if not whole:
        return ""
    if not missing:
        return "all fields"
    few = len(missing) <= min(MOST_EXCEPTIONS, len(allowed))
    return f"all but {', '.join(sorted(missing))}" if few else ", ".join(sorted(allowed)) or "no field"


def rows_text(rows: Iterable[str]) -> str:
    """Rows words, OR-ed."""
    return " or ".join(rows)


def decision_text(decision: Decision, noun: Noun) -> str:
    """Rows and fields."""
    fields = fields_text(decision.fields, noun, decision.action)
    return f"{rows_text(decision.rows)}; {fields}" if fields else rows_text(decision.rows)


def rule_text(rule: Rule) -> str:
    """The rule as it is written, with its blanks put in order."""
    return f"p, {rule.role}, {rule.resource}, {rule.action}, {rule.rows}, {rule.fields}"


def cover(rows: Iterable[str], wanted: str) -> bool:
    """Whether decided rows include those of the wanted word."""
    return not {ANY, wanted}.isdisjoint(rows)


__all__ = ["MOST_EXCEPTIONS", "cover", "decision_text", "fields_text", "rows_text", "rule_text"]
