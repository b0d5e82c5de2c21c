"""An explanation as text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from charter.access import Decision
from charter.access.explain import Explanation, Source
from charter.access.wording import fields_text, rows_text, rule_text
from charter.cli.folder import Law


def explained(answer: Explanation, found: Law) -> Iterator[str]:
    """The answer in its first line, and what it follows from in the others."""
    if answer.decision is None:
        yield from _denied(answer, found.file)
    else:
        yield from _allowed(answer, answer.decision, found)


def _allowed(answer: Explanation, decision: Decision, found: Law) -> Iterator[str]:
    yield f"allowed: {answer.role} may {answer.action} {answer.resource}"
    meant = [f"{word} ({found.scopes[word]})" if word in found.scopes else word for word in decision.rows]
    yield f"  rows    {rows_text(meant)}"
    fields = fields_text(decision.fields, found.words.nouns[answer.resource], answer.action)
    if fields:
        yield f"  fields  {fields}"
    if answer.withheld:
        yield f"          {', '.join(answer.withheld)}: set only where a line names them, and none does"
    yield "decided by"
    yield from _sources(answer.sources, found.file)
    if answer.idle:
        yield "about the same, but adding nothing"
        yield from _sources(answer.idle, found.file)


def _sources(sources: Sequence[Source], file: Path) -> Iterator[str]:
    for source in sources:
        yield f"  {file}:{source.rule.line}: {rule_text(source.rule)}"
        if source.links:
            steps = [f"{link.role} inherits from {link.parent} (line {link.line})" for link in source.links]
            yield f"    {', '.join(steps)}"


def _denied(answer: Explanation, file: Path) -> Iterator[str]:
    yield f"denied: {answer.role} may not {answer.action} {answer.resource}"
    yield "nearest lines" if answer.nearest else f"no line is about {answer.resource}"
    for near in answer.nearest:
        yield f"  {file}:{near.rule.line}: {rule_text(near.rule)}"
        yield f"    {near.lacks}"
    if answer.cure:
        yield "a line that would allow it"
        yield f"  {answer.cure}"


__all__ = ["explained"]
