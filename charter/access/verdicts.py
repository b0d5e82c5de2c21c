"""Whether a policy does what the sentences of ``expectations.csv`` say, and what it does instead where it does not."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from charter.access.expectations import Sentence, named_fields
from charter.access.explain import deciding_rules
from charter.access.meaning import Meaning, Rule
from charter.access.table import AccessTable, Decision
from charter.access.vocabulary import Noun, Vocabulary
from charter.access.wording import cover, decision_text


@dataclass(frozen=True, slots=True)
class Failure:
    """One role, at one place, for which a sentence does not hold: what the policy does, and by which rules."""

    sentence: Sentence
    role: str
    resource: str
    action: str
    says: str
    rules: tuple[Rule, ...]


def failures(table: AccessTable, vocabulary: Vocabulary, sentences: Iterable[Sentence]) -> Iterator[Failure]:
    """Everything that the policy does otherwise than the sentences say, in their order."""
    meaning = Meaning(table.rules, table.links, vocabulary)
    for sentence in sentences:
        for role in sentence.roles:
            for resource, action in sentence.places:
                decision = table.decide(role, resource, action)
                noun = vocabulary.nouns[resource]
                wrong = _wrong(sentence, decision, noun, action)
                if wrong:
                    rules = _rules(meaning, sentence, decision, noun) if decision else ()
                    yield Failure(sentence, role, resource, action, wrong, rules)


def _wrong(sentence: Sentence, decision: Decision | None, noun: Noun, action: str) -> str:
    """What the policy does where that is not as the sentence says; empty where it is."""
    match sentence.verb:
        case "allow":
            return _not_allowed(sentence, decision, noun, action)
        case "deny":
            allowed = decision is not None and (not sentence.rows or cover(decision.rows, sentence.rows))
            return f"is allowed: {decision_text(decision, noun)}" if decision and allowed else ""
        case _:
            seen = named_fields(noun, action, sentence.fields) & decision.fields if decision else frozenset[str]()
            return f"{'sets' if sentence.verb == 'lock' else 'is shown'} {', '.join(sorted(seen))}" if seen else ""


def _not_allowed(sentence: Sentence, decision: Decision | None, noun: Noun, action: str) -> str:
    if decision is None:
        return "is denied: no line allows it"
    if sentence.rows and not cover(decision.rows, sentence.rows):
        return f"is allowed, but not on the rows '{sentence.rows}': {decision_text(decision, noun)}"
    missing = noun.resolve(action, sentence.fields) - decision.fields if sentence.fields else frozenset[str]()
    return f"is allowed, but without {', '.join(sorted(missing))}" if missing else ""


def _rules(meaning: Meaning, sentence: Sentence, decision: Decision, noun: Noun) -> tuple[Rule, ...]:
    """The rules that decide; of a field, those that give it."""
    found = deciding_rules(meaning, decision)
    if sentence.verb not in ("hide", "lock"):
        return found
    named = named_fields(noun, decision.action, sentence.fields)
    return tuple(rule for rule in found if not named.isdisjoint(meaning.fields(rule, decision.action)))


__all__ = ["Failure", "failures"]
