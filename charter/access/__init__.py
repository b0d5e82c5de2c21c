"""Casbin's door: a policy becomes, once, a table of decisions, and every request asks that table."""

from charter.access.findings import POLICY_CODES, nearest
from charter.access.in_force import InForce, Loader
from charter.access.meaning import Link, Rule
from charter.access.policy import check_policy
from charter.access.table import AccessTable, Decision, load_access
from charter.access.vocabulary import ANY, Noun, Vocabulary

__all__ = [
    "ANY",
    "POLICY_CODES",
    "AccessTable",
    "Decision",
    "InForce",
    "Link",
    "Loader",
    "Noun",
    "Rule",
    "Vocabulary",
    "check_policy",
    "load_access",
    "nearest",
]
