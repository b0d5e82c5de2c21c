"""Why a role may do something, or why not: the deciding rules, the nearest ones, and a line that would allow it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charter.access.findings import Findings, nearest, quoted
from charter.access.laws import check_rules
from charter.access.meaning import Link, Meaning, Rule
from charter.access.table import AccessTable, Decision
from charter.access.vocabulary import ANY, Vocabulary, has_fields, is_write
from charter.access.wording import rule_text

_MOST_NEAR = 3  # of each kind; nobody reads more


@dataclass(frozen=True, slots=True)
class Source:
    """A rule, and the links by which the role comes to have it; none where it is the role's own."""

    rule: Rule
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Near:
    """A rule that does not allow what was asked, and what it lacks."""

    rule: Rule
    lacks: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer to one question.

    Allowed: ``sources`` decide, ``idle`` are about the same but add nothing, ``withheld`` are the fields that a line
    would have to name and none does. Denied (``decision`` is None): ``nearest``, and ``cure``, a line that allows it.
    """

    role: str
    resource: str
    action: str
    decision: Decision | None
    sources: tuple[Source, ...] = ()
    idle: tuple[Source, ...] = ()
    withheld: tuple[str, ...] = ()
    nearest: tuple[Near, ...] = ()
    cure: str = ""


def unknown_words(vocabulary: Vocabulary, role: str, resource: str, action: str) -> list[str]:
    """What is wrong with the words of a question, all of it, with the words that were perhaps meant."""
    told = []
    if role not in vocabulary.roles:
        told.append(f"There is no role {quoted(role)}. {nearest(role, vocabulary.roles)}")
    noun = vocabulary.nouns.get(resource)
    if noun is None:
        told.append(f"There is no resource {quoted(resource)}. {nearest(resource, vocabulary.nouns)}")
    elif action not in noun.actions:
        told.append(f"There is no action {quoted(action)} on {resource}. {nearest(action, noun.actions)}")
    return [text.strip() for text in told]


def explain(table: AccessTable, vocabulary: Vocabulary, role: str, resource: str, action: str) -> Explanation:
    """Why `role` may, or may not, do `action` on `resource`. The words have to be known ones."""
    meaning = Meaning(table.rules, table.links, vocabulary)
    decision = table.decide(role, resource, action)
    if decision is None:
        near = (*_elsewhere(meaning, role, resource, action), *_otherwise(meaning, role, resource, action))
        return Explanation(
            role, resource, action, None, nearest=near, cure=_cure(meaning, near, role, resource, action)
        )
    deciding = deciding_rules(meaning, decision)
    others = [rule for rule in _about(meaning, role, resource, action) if rule not in deciding]
    noun = vocabulary.nouns[resource]
    withheld = noun.granted - decision.fields if is_write(action) else frozenset[str]()
    return Explanation(
        role,
        resource,
        action,
        decision,
        sources=tuple(Source(rule, ancestry(table.links, role, rule.role)) for rule in deciding),
        idle=tuple(Source(rule, ancestry(table.links, role, rule.role)) for rule in others),
        withheld=tuple(sorted(withheld)),
    )


def deciding_rules(meaning: Meaning, decision: Decision) -> tuple[Rule, ...]:
    """The rules that a decision follows from, in the order of the file."""
    cells = meaning.view(meaning.lineage[decision.role], decision.resource)[decision.action]
    found = {rule for word in decision.rows for rule in cells[word].rules}
    return tuple(sorted(found, key=lambda rule: rule.line))


def ancestry(links: Sequence[Link], role: str, ancestor: str) -> tuple[Link, ...]:
    """The shortest way over links from a role to one that it inherits from; none to itself."""
    ways: dict[str, tuple[Link, ...]] = {role: ()}
    waiting = [role]
    for near in waiting:
        for link in links:
            if link.role == near and link.parent not in ways:
                ways[link.parent] = (*ways[near], link)
                waiting.append(link.parent)
    return ways[ancestor]


def _about(meaning: Meaning, role: str, resource: str, action: str) -> list[Rule]:
    """The rules of a role, inherited ones included, about this action."""
    noun, lineage = meaning.vocabulary.nouns[resource], meaning.lineage[role]
    rules = meaning.of_resource(resource)
    return [rule for rule in rules if rule.role in lineage and action in rule.actions(noun)]


def _elsewhere(meaning: Meaning, role: str, resource: str, action: str) -> Iterator[Near]:
    """Rules that give it to other roles, the nearest role first; and any that the matcher refuses."""
    for rule in _about(meaning, role, resource, action):
        yield Near(rule, "says so, but the matcher of model.conf refuses it")
    rank = {name: index for index, name in enumerate(meaning.vocabulary.roles)}
    noun, lineage = meaning.vocabulary.nouns[resource], meaning.lineage[role]
    others = [
        rule for rule in meaning.of_resource(resource) if rule.role not in lineage and action in rule.actions(noun)
    ]
    others.sort(key=lambda rule: (abs(rank[rule.role] - rank[role]), rule.line))
    for rule in others[:_MOST_NEAR]:
        yield Near(rule, f"gives it to {rule.role}; {role} does not inherit from {rule.role}")


def _otherwise(meaning: Meaning, role: str, resource: str, action: str) -> Iterator[Near]:
    """Rules that let the role do something else with the resource."""
    noun, lineage = meaning.vocabulary.nouns[resource], meaning.lineage[role]
    own = [rule for rule in meaning.of_resource(resource) if rule.role in lineage and action not in rule.actions(noun)]
    own.sort(key=lambda rule: (lineage.index(rule.role), is_write(rule.action) != is_write(action), rule.line))
    for rule in own[:_MOST_NEAR]:
        whose = "" if rule.role == role else f", by way of {rule.role}"
        yield Near(rule, f"lets {role} {rule.action}{whose}, not {action}")


def _cure(meaning: Meaning, near: Sequence[Near], role: str, resource: str, action: str) -> str:
    """A line that allows it and that the loader takes beside the others; rows and fields are those of near rules."""
    noun = meaning.vocabulary.nouns[resource]
    own = [rule.rows for name in meaning.lineage[role] for rule in meaning.own(name, resource)]
    same = [each.rule for each in near if action in each.rule.actions(noun)]
    rows = dict.fromkeys([*own, *(rule.rows for rule in same), ANY])
    fields = dict.fromkeys([*(rule.fields for rule in same if has_fields(action) and rule.action == action), "*"])
    for word in rows:
        for names in fields:
            rule = Rule(0, 0, role, resource, action, word, names)
            if _fits(meaning, rule):
                return rule_text(rule)
    return ""


def _fits(meaning: Meaning, rule: Rule) -> bool:
    findings = Findings("")
    grown = Meaning([*meaning.of_resource(rule.resource), rule], meaning.links, meaning.vocabulary)
    check_rules(grown, frozenset(meaning.vocabulary.roles), findings)
    return not findings.fatal


__all__ = ["Explanation", "Near", "Source", "ancestry", "deciding_rules", "explain", "unknown_words"]
