"""The laws that a declaration or a policy can break, all told at once before anything is served."""

from collections.abc import Iterable
from pathlib import Path

from charter.access import AccessTable, Noun, Vocabulary, load_access
from charter.catalog import Catalog, Entry
from charter.declare import Roles, Scope
from charter.errors import DeclarationError, Problem

PSEUDO = ("admin", "docs")
"""Things that are not resources but have a rule for ``access``."""

EXCHANGE = ("export", "import")
"""Actions that every resource knows by name; the admin's exchange of files asks for them."""


def check(catalog: Catalog, roles: Roles, scopes: Iterable[Scope], policy: Path, model: Path) -> AccessTable:
    """The decision table, or :class:`DeclarationError` with every problem of declarations and policy together."""
    problems = list(catalog.problems)
    table: AccessTable | None = None
    try:
        table = load_access(policy, model, vocabulary(catalog, roles, scopes))
    except DeclarationError as error:
        problems += error.problems
    ruled = _resources_in(policy) if table is None else {name for role in roles.order for name in table.allowed(role)}
    problems += [_without_rule(entry) for entry in catalog.entries.values() if ruled and entry.name not in ruled]
    fatal = [problem for problem in problems if problem.fatal]
    if fatal or table is None:
        raise DeclarationError(problems)
    return table


def vocabulary(catalog: Catalog, roles: Roles, scopes: Iterable[Scope]) -> Vocabulary:
    """The words that a policy for these resources may use."""
    nouns = {entry.name: _noun(entry) for entry in catalog.entries.values()}
    nouns |= {name: Noun(actions=("access",)) for name in PSEUDO}
    return Vocabulary(roles.order, nouns, frozenset(scope.word for scope in scopes))


def _noun(entry: Entry) -> Noun:
    writes = ("create", "update", "delete") if entry.takes_writes else ()
    return Noun(
        actions=("list", "read", *writes, *entry.actions, *EXCHANGE),
        readable=entry.readable,
        creatable=entry.writable("create"),
        updatable=entry.writable("update"),
        granted=entry.writable("create", granted=True),
        scopes=frozenset(entry.scopes),
        always=frozenset({"id"}),
    )


def _resources_in(policy: Path) -> set[str]:
    """The resources that lines of a policy are about, also of one that has errors; none where it cannot be read."""
    try:
        lines = [line.split(",") for line in policy.read_text("utf-8-sig", "replace").splitlines()]
    except OSError:
        return set()
    return {words[2].strip() for words in lines if words[0].strip() == "p" and len(words) > 2}


def _without_rule(entry: Entry) -> Problem:
    hint = f"Add a line such as 'p, <role>, {entry.name}, list, any, *'."
    return Problem("no_rule", f"resource {entry.name}", "no rule lets anybody do anything with it;", hint)
