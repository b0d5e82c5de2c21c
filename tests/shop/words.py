"""The words of the shop's policy, told by a process of its own: its tables must not meet those of the tests' toy."""

import json
import tempfile
from functools import cache
from pathlib import Path

from charter.access import Noun, Vocabulary
from tests.running import copy_application, run_once

TELL = """
import json, policies, resources
from charter.assemble import build
from charter.checks import vocabulary
from policies.scopes import scopes

services = build(resources, policies).state.charter
words = vocabulary(services.catalog, services.roles, scopes)
parts = ("readable", "creatable", "updatable", "granted", "scopes", "always")
nouns = {
    name: [noun.actions, {part: sorted(getattr(noun, part)) for part in parts}] for name, noun in words.nouns.items()
}
print(json.dumps([words.roles, nouns, sorted(words.scopes)]))
"""


@cache
def shop_words() -> Vocabulary:
    """The vocabulary that the shop holds its policy against."""
    with tempfile.TemporaryDirectory() as folder:
        done = run_once(copy_application(Path(folder) / "application"), "-c", TELL)
    assert done.returncode == 0, done.stderr
    roles, nouns, scopes = json.loads(done.stdout.splitlines()[-1])
    made = {
        name: Noun(tuple(actions), **{part: frozenset(words) for part, words in parts.items()})
        for name, (actions, parts) in nouns.items()
    }
    return Vocabulary(tuple(roles), made, frozenset(scopes))
