"""``python -m benchmarks.decisions``: what a decision costs, asked of Casbin and looked up in the table."""

import argparse
import itertools
import sys
import tempfile
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import TypeVar

import casbin  # type: ignore[import-untyped]  # it ships no types

from charter.access import ANY, Noun, Vocabulary, check_policy, load_access

MODEL = Path(__file__).parent.parent / "model.conf"
SIZES = (100, 1_000, 10_000)
LONG = 100_000  # lines of a policy that is only read
ROUNDS = 5
LOOKUPS = 200_000

FIELDS = frozenset({"id", "title", "body"})
ACTIONS = ("list", "read", "create", "update", "delete")
ROLES = ("guest", "reader", "editor", "chief")
Question = tuple[str, str, str]
Result = TypeVar("Result")


@dataclass(frozen=True)
class Paper:
    """A policy of so many lines, and the words that it is made of."""

    text: str
    words: Vocabulary
    last: Question


def paper(size: int) -> Paper:
    """Rules for as many nouns as it takes; the last rule is what Casbin finds last."""
    count = size // (len(ACTIONS) * len(ROLES)) + 1
    noun = Noun(ACTIONS, FIELDS, FIELDS, FIELDS, scopes=frozenset({"own"}))
    words = Vocabulary(ROLES, {f"noun{number}": noun for number in range(count)}, frozenset({"own"}))
    questions = list(itertools.islice(itertools.product(ROLES, words.nouns, ACTIONS), size))
    return Paper("".join(f"p, {', '.join(question)}, any, *\n" for question in questions), words, questions[-1])


def microseconds(work: Callable[[], object], times: int) -> float:
    """What one call costs: the fastest of some rounds, since only other work makes one slower."""
    return min(timeit.repeat(work, number=times, repeat=ROUNDS)) / times * 1e6


def seconds(work: Callable[[], Result]) -> tuple[float, Result]:
    """How long it takes once, and what comes of it."""
    start = perf_counter()
    result = work()
    return perf_counter() - start, result


def compare(sizes: Sequence[int], folder: Path) -> None:
    """One line for each size: Casbin asked for its last rule, the table asked the same, and what loading costs."""
    print(f"{'rules':>9}{'enforce µs':>13}{'table µs':>11}{'ratio':>11}{'load s':>9}")
    for size in sizes:
        made = paper(size)
        policy = folder / f"{size}.csv"
        policy.write_text(made.text)
        took, access = seconds(partial(load_access, policy, MODEL, made.words))
        reference = casbin.Enforcer(str(MODEL), str(policy))
        if not (reference.enforce(*made.last, ANY) and access.decide(*made.last)):
            sys.exit(f"{policy.name}: one of the two refuses {made.last}")
        asked = microseconds(partial(reference.enforce, *made.last, ANY), 3)
        looked = microseconds(partial(access.decide, *made.last), LOOKUPS)
        print(f"{size:9,}{asked:13,.0f}{looked:11.2f}{asked / looked:11,.0f}{took:9.2f}")


def read(lines: int) -> None:
    """What the loader takes for a long file: good lines, and lines that are all wrong."""
    good = paper(lines)
    wrong = "".join(f"p, gest{number}, noun{number}, reed, any, *\n" for number in range(lines))
    print(f"\n{lines:,} lines read and checked")
    for name, text in (("good", good.text), ("all wrong", wrong)):
        took, problems = seconds(partial(check_policy, text.encode(), good.words))
        errors = sum(problem.fatal for problem in problems)
        print(f"  {name:9}{took:9.2f} s, {errors:,} errors told")


def main() -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser("python -m benchmarks.decisions", description=__doc__)
    parser.add_argument("--rules", type=int, action="append", help=f"rules of a policy (repeatable; {SIZES})")
    parser.add_argument("--lines", type=int, default=LONG, help="lines of the file that is only read (%(default)s)")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="charter-decisions-") as folder:
        compare(given.rules or SIZES, Path(folder))
    read(given.lines)
    return 0


if __name__ == "__main__":
    sys.exit(main())
