"""The laws that lines break together: circles, mixtures, and lines that change nothing."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from charter.access.findings import Findings
from charter.access.meaning import Cell, Link, Meaning, Rule, View, generation
from charter.access.vocabulary import ANY

MOST_STEPS = 9
"""Casbin's role manager follows so many links and then quietly answers no."""


def check_links(links: Iterable[Link], roles: Sequence[str], findings: Findings) -> list[Link]:
    """The links that hold: those that close a circle are told and left out."""
    rank = {role: index for index, role in enumerate(roles)}
    parents: dict[str, list[str]] = {}
    held: list[Link] = []
    for link in links:
        if link.role == link.parent:
            findings.add("policy_self", link.line, link.column, f"'{link.role}' inherits from itself.")
            continue
        if rank[link.parent] > rank[link.role]:
            message = f"'{link.parent}' is more powerful than '{link.role}', which would inherit from it."
            findings.add("policy_upward", link.line, link.column, message, f"The order is: {', '.join(roles)}.")
        if link.role in generation(link.parent, parents):
            message = f"'{link.parent}' already inherits from '{link.role}', so this closes a circle."
            findings.add("policy_cycle", link.line, link.column, message)
            continue
        parents.setdefault(link.role, []).append(link.parent)
        held.append(link)
    _check_depth(held, parents, findings)
    _check_detours(held, parents, findings)
    return held


def _check_depth(links: Iterable[Link], parents: dict[str, list[str]], findings: Findings) -> None:
    for link in links:
        steps = generation(link.role, parents)
        far = [role for role, count in steps.items() if count > MOST_STEPS]
        if far:
            message = f"'{link.role}' inherits from '{far[0]}' over {steps[far[0]]} steps."
            hint = f"Casbin follows {MOST_STEPS}: let it inherit from '{far[0]}' directly."
            findings.add("policy_depth", link.line, link.column, message, hint)


def _check_detours(links: Iterable[Link], parents: dict[str, list[str]], findings: Findings) -> None:
    for link in links:
        others = {**parents, link.role: [parent for parent in parents[link.role] if parent != link.parent]}
        steps = generation(link.role, others)
        if steps.get(link.parent, MOST_STEPS + 1) <= MOST_STEPS:
            message = f"'{link.role}' inherits from '{link.parent}' anyway, by way of another role."
            findings.add("policy_redundant", link.line, link.column, message)


def check_rules(meaning: Meaning, named: frozenset[str], findings: Findings) -> None:
    """Mixtures of rows with different fields, rules that change nothing, and roles without a rule."""
    told: set[tuple[Rule, Rule]] = set()
    for resource in meaning.resources:
        for role in meaning.vocabulary.roles:
            _check_mixture(meaning, role, resource, told, findings)
            _check_needless(meaning, role, resource, findings)
    for role, lineage in meaning.lineage.items():
        if not named.intersection(lineage):
            findings.add("policy_unreachable", 1, 1, f"The role '{role}' has no rule and inherits none.")


def _check_mixture(
    meaning: Meaning, role: str, resource: str, told: set[tuple[Rule, Rule]], findings: Findings
) -> None:
    """Rows are OR-ed and one field list holds for all of them, so it has to be the right one for each."""
    for action, cells in meaning.view(meaning.lineage[role], resource).items():
        for one, other in _mixed(meaning, action, cells):
            first, last = sorted((one, other), key=lambda rule: rule.line)
            if (first, last) in told:
                continue  # of an inherited role, or of another action under the same '*'
            told.add((first, last))
            message = (
                f"'{role}' may '{action}' {resource} in the rows '{last.rows}' and '{first.rows}' (line {first.line}), "
                f"but with different fields."
            )
            hint = "Give both the same fields, or let 'any' include the fields of the other."
            findings.add("policy_mixed_fields", last.line, last.column, message, hint)


def _mixed(meaning: Meaning, action: str, cells: Mapping[str, Cell]) -> Iterator[tuple[Rule, Rule]]:
    """Pairs of rules whose rows cannot go together. 'any' absorbs the words whose fields it includes."""
    words = sorted(cells, key=lambda word: (word != ANY, word))
    base = cells[words[0]]
    for word in words[1:]:
        cell = cells[word]
        surplus = cell.fields - base.fields
        if surplus:
            yield base.rules[0], next(rule for rule in cell.rules if meaning.fields(rule, action) & surplus)
        elif words[0] != ANY and base.fields != cell.fields:
            missing = base.fields - cell.fields
            yield next(rule for rule in base.rules if meaning.fields(rule, action) & missing), cell.rules[0]


_Unions = dict[tuple[str, str], frozenset[str]]  # (action, rows word) -> all fields given there


def _check_needless(meaning: Meaning, role: str, resource: str, findings: Findings) -> None:
    """Tells the role's own rules that change nothing, judged from the last to the first, so that one of two stays."""
    own = meaning.own(role, resource)
    noun = meaning.vocabulary.nouns[resource]
    whole = meaning.view(meaning.lineage[role], resource)
    inherited = meaning.view(meaning.lineage[role][1:], resource)
    earlier = list(_before_each(meaning, own))
    later: _Unions = {}
    for rule, before in zip(reversed(own), reversed(earlier), strict=True):
        actions = rule.actions(noun)
        wide = [_given(whole, action, ANY) if rule.rows != ANY else None for action in actions]
        same = [_given(inherited, action, rule.rows) for action in actions]
        after = [later.get((action, rule.rows)) for action in actions]
        fields = [meaning.fields(rule, action) for action in actions]
        if all(map(_covered, fields, zip(wide, strict=True))):
            code = "policy_shadowed"
        elif all(map(_covered, fields, zip(wide, same, before, after, strict=True))):
            code = "policy_redundant"
        else:
            _grow(later, meaning, rule)
            continue
        cells = whole[actions[0]]
        witnesses = (*cells[ANY].rules, *cells[rule.rows].rules) if wide[0] is not None else cells[rule.rows].rules
        witness = next(other.line for other in witnesses if other is not rule)
        message = f"'{role}' may do all of this without the line (see line {witness})."
        findings.add(code, rule.line, 1, message, "Delete the line.")


def _before_each(meaning: Meaning, own: Sequence[Rule]) -> Iterator[list[frozenset[str] | None]]:
    """For each rule, action by action, what the rules before it give to the same rows."""
    unions: _Unions = {}
    for rule in own:
        actions = rule.actions(meaning.vocabulary.nouns[rule.resource])
        yield [unions.get((action, rule.rows)) for action in actions]
        _grow(unions, meaning, rule)


def _grow(unions: _Unions, meaning: Meaning, rule: Rule) -> None:
    for action in rule.actions(meaning.vocabulary.nouns[rule.resource]):
        place, fields = (action, rule.rows), meaning.fields(rule, action)
        there = unions.get(place)
        if there is None or not fields <= there:
            unions[place] = there | fields if there else fields


def _given(view: View, action: str, rows: str) -> frozenset[str] | None:
    cell = view.get(action, {}).get(rows)
    return cell.fields if cell else None


def _covered(fields: frozenset[str], others: Iterable[frozenset[str] | None]) -> bool:
    """Whether the others give these fields. None gives nothing, not even the action without fields."""
    present = [other for other in others if other is not None]
    return bool(present) and fields.issubset(frozenset[str]().union(*present))


__all__ = ["MOST_STEPS", "check_links", "check_rules"]
