"""The grammar that a policy is written for: ``model.conf`` is held against it before Casbin gets to see it."""

import re
from collections.abc import Mapping

from charter.access.findings import Findings, quoted

_EXPECTED: Mapping[tuple[str, str], str] = {
    ("request_definition", "r"): "sub, obj, act, rows",
    ("policy_definition", "p"): "sub, obj, act, rows, fields",
    ("role_definition", "g"): "_, _",
    ("policy_effect", "e"): "some(where (p.eft == allow))",
}
_MATCHER = ("matchers", "m")
_DEMANDS = ("r.obj == p.obj", '(p.act == "*" || r.act == p.act)')
"""What the matcher must demand whatever else it says: the table asks resource by resource and action by action."""


def read_model(data: bytes, findings: Findings) -> str:
    """The model as clean text for Casbin. What differs from the contract is told with its line."""
    entries = _entries(data, findings)
    for key, value in _EXPECTED.items():
        line, found = entries.get(key, (1, ""))
        if _bare(found) != _bare(value):
            message = f"[{key[0]}] defines {key[1]} as {quoted(found)}." if found else f"[{key[0]}] lacks {key[1]}."
            findings.add("policy_model", line, 1, message, f"Write: {key[1]} = {value}")
    for key in entries.keys() - _EXPECTED.keys() - {_MATCHER}:
        message = f"[{key[0]}] defines {quoted(key[1])}, which nothing uses."
        findings.add("policy_model", entries[key][0], 1, message, "Delete the line.")
    line, matcher = entries.get(_MATCHER, (1, ""))
    conjuncts = _conjuncts(matcher)
    for demand in _DEMANDS:
        if _bare(demand) not in conjuncts:
            findings.add("policy_model", line, 1, f"The matcher does not demand {demand}.", "Add it with &&.")
    if "p.fields" in _bare(matcher):
        findings.add("policy_model", line, 1, "The matcher looks at p.fields, which Casbin does not evaluate.")
    # Written anew, since Casbin knows an effect only by its exact blanks.
    definitions = {**_EXPECTED, _MATCHER: matcher}
    return "".join(f"[{section}]\n{name} = {value}\n" for (section, name), value in definitions.items())


def _entries(data: bytes, findings: Findings) -> dict[tuple[str, str], tuple[int, str]]:
    """(section, name) -> line and value."""
    entries: dict[tuple[str, str], tuple[int, str]] = {}
    section = ""
    for number, raw in enumerate(data.decode("utf-8", "replace").splitlines(), start=1):
        line = raw.strip()
        name, equals, value = (part.strip() for part in line.partition("="))
        if not line or line[0] in "#;":
            continue
        if line.startswith("[") and line.endswith("]"):
            section = line[1:-1]
        elif not equals or not section:
            findings.add("policy_model", number, 1, f"The line is neither a section nor a definition: {quoted(line)}.")
        elif (section, name) in entries:
            findings.add("policy_model", number, 1, f"[{section}] defines {quoted(name)} twice.", "Delete one of them.")
        else:
            entries[section, name] = (number, value)
    return entries


def _bare(text: str) -> str:
    return re.sub(r"\s+", "", text).replace("'", '"')


def _conjuncts(matcher: str) -> list[str]:
    """The parts that && joins outside of all brackets, bare; none where an || stands outside of brackets."""
    text = re.sub(r"\band\b", "&&", re.sub(r"\bor\b", "||", matcher))
    parts, depth = [""], 0
    for piece in re.findall(r"&&|\|\||.", _bare(text)):
        depth += (piece == "(") - (piece == ")")
        if depth == 0 and piece == "||":
            return []
        if depth == 0 and piece == "&&":
            parts.append("")
        else:
            parts[-1] += piece
    return parts


__all__ = ["read_model"]
