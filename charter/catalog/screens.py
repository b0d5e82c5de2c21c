"""What is wrong with screens of the admin: printouts and cells that cannot be made, told once all entries are there."""

from collections.abc import Iterator, Mapping

from charter.catalog.entry import Entry
from charter.errors import Problem
from charter.printouts import Printout


def wrong_screens(entries: Mapping[str, Entry]) -> Iterator[Problem]:
    """A problem for each printout and each name in ``inline`` that means nothing."""
    for entry in entries.values():
        for name in entry.resource.admin.inline:
            if reason := _no_cell(entry, name):
                yield Problem(
                    "bad_inline", f"resource {entry.name}", f"'{name}' cannot be changed in the list: {reason}"
                )
        papers = entry.resource.admin.printouts
        for paper in papers:
            reasons = list(_no_paper(entries, entry, paper))
            if [other.name for other in papers].count(paper.name) > 1 or not paper.name.isidentifier():
                reasons.append("needs a name of its own, of letters, digits and underscores")
            for reason in reasons:
                yield Problem("bad_printout", f"resource {entry.name}", f"the printout '{paper.name}' {reason}")


def _no_cell(entry: Entry, name: str) -> str:
    """Why a field is none that a list could have a small form for."""
    columns = entry.resource.admin.columns
    field = entry.fields.get(name)
    if field is None or field.hidden or (columns and name not in columns):
        return "the list has no such column."
    return "" if field.write in {"always", "granted"} else "no update may set it."


def _no_paper(entries: Mapping[str, Entry], entry: Entry, paper: Printout) -> Iterator[str]:
    for name in (*paper.fields, *paper.block):
        if not _is_shown(entries, entry, name):
            yield f"names '{name}', which is not there to be seen"
    relation = entry.relations.get(paper.rows)
    target = next((other for other in entries.values() if relation and other.table is relation.target), None)
    if bool(paper.rows) is not bool(paper.columns):
        yield "has rows without columns, or columns without rows"
    elif paper.rows and (relation is None or not relation.many or target is None):
        yield f"has rows '{paper.rows}', which is no relation to many rows"
    elif target is not None:
        for name in paper.columns:
            if not _is_shown(entries, target, name):
                yield f"has a column '{name}', which {target.name} do not have"


def _is_shown(entries: Mapping[str, Entry], entry: Entry, name: str) -> bool:
    """Whether it is a field that can be seen, a to-one relation, or a stored field at the end of one."""
    head, _, tail = name.partition(".")
    if head in entry.fields:
        return not tail and not entry.fields[head].hidden
    relation = entry.relations.get(head)
    target = next((other for other in entries.values() if relation and other.table is relation.target), None)
    if relation is None or relation.many or target is None:
        return False
    field = target.fields.get(tail)
    return not tail or (field is not None and field.column is not None and not field.hidden)


__all__ = ["wrong_screens"]
