"""``python -m tests.storms``: every storm of the checkout at full length, each followed by the audit."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.storms.programme import STORMS, Played, play
from tests.storms.stage import FULL, SHORT, database, staged


def main() -> int:
    """Play the storms that were asked for; 1 where a promise was broken or the audit found something."""
    parser = argparse.ArgumentParser(prog="python -m tests.storms", description=__doc__)
    parser.add_argument("storms", nargs="*", metavar="STORM", help=f"all, or some of: {', '.join(STORMS)}")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--short", action="store_true", help="as short as in the test suite")
    given = parser.parse_args()
    unknown = [name for name in given.storms if name not in STORMS]
    if unknown:
        parser.error(f"there is no storm {', '.join(unknown)}")
    names, length = given.storms or [*STORMS], SHORT if given.short else FULL
    with (
        tempfile.TemporaryDirectory() as folder,
        database(given.database, asked=True) as settings,
        staged(Path(folder), given=settings) as stage,
    ):
        bad = [tell(play(stage, name, length)) for name in names]
    return int(any(bad))


def tell(played: Played) -> bool:
    """Print how it went; whether it went wrong."""
    wrong = [played.broken] if played.broken else []
    wrong += [f"audit: {line}" for line in played.findings]
    say(f"{played.name}: {'BROKEN' if wrong else 'fine, the audit finds nothing'} ({played.seconds:.1f} s)")
    for line in [*wrong, *(f"{count:7} {what}" for what, count in played.seen.items())]:
        say(f"    {line}")
    return bool(wrong)


def say(text: str) -> None:
    """Print for a person."""
    print(text, flush=True)  # noqa: T201 # this is the command's output


if __name__ == "__main__":
    sys.exit(main())
