"""The README's purchase, done as it is written: its commands in bash, in order, against a running shop."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, copy_application, running
from tests.servers import need
from tests.shop.readme import blocks

SECTION = "Follow one purchase"
ADDRESS = "http://127.0.0.1:8000"
TOKEN_TO_PASTE = "PASTE IT HERE"
PASSWORD_TO_PASTE = "THE ONE PRINTED"


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The shop as a newcomer starts it, but that its mails go into files."""
    need("curl", there=shutil.which("curl") is not None)
    need("bash", there=shutil.which("bash") is not None)
    folder = copy_application(tmp_path_factory.mktemp("newcomer"))
    with running(folder, ("app.py",), ENVIRONMENT="development", RATE_LIMITS="on") as found:
        yield found


def commands() -> list[str]:
    """Each command of the section, continued lines joined."""
    found: list[str] = []
    for block in blocks("bash", SECTION):
        found += [line for line in block.text.replace("\\\n", " ").splitlines() if line.strip()]
    return found


def run_all(shop: Running, change: Callable[[str], str] = lambda line: line) -> list[tuple[str, str, str]]:
    """Run the commands in one bash, as pasted one after the other; (command, what it printed, HTTP status) of each.

    curl also writes each status to a file, so that its output stays what a reader sees.
    """
    statuses = shop.folder / "statuses"
    statuses.write_text("")
    python = shop.folder / "bin" / "python"
    python.parent.mkdir(exist_ok=True)
    if not python.exists():
        python.symlink_to(sys.executable)
    curl = f'curl() {{ command curl --no-progress-meter -w "%{{stderr}}%{{http_code}}\\n" "$@" 2>>{statuses}; }}\n'
    found = []
    script = f"set -uo pipefail\nPATH={python.parent}:$PATH\n{curl}"
    for line in commands():
        command = change(line.replace(ADDRESS, shop.url))
        if TOKEN_TO_PASTE in command:
            mail = shop.mail("me@example.org", containing="/verify-email?")
            command = command.replace(TOKEN_TO_PASTE, re.findall(r"token=(\S+)", mail)[0])
        printed = re.findall(r"manager: \S+, password: (\S+)", shop.log())
        command = command.replace(PASSWORD_TO_PASTE, printed[0])
        name = re.match(r"([A-Z]+)=", command)
        before = len(statuses.read_text())
        output = _bash(shop.folder, script + command + (f'; printf %s "${name[1]}"' if name else ""))
        found.append((line, output, statuses.read_text()[before:].strip()))
        if name:  # what a variable holds is kept for the commands after it
            script += f"{name[1]}={shlex.quote(output)}\n"
    return found


def _bash(folder: Path, script: str) -> str:
    done = subprocess.run(  # noqa: S603 # our own README
        ["bash", "-c", script],  # noqa: S607 # whichever bash a reader has
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout


def test_the_purchase_of_the_readme_works_as_written(newcomer: Running) -> None:
    """Every command answers 2xx, and the answers are what the text promises."""
    found = run_all(newcomer)
    assert [status[:1] for _, _, status in found] == ["2"] * len(found), found
    answers: list[Any] = [json.loads(output) for _, output, _ in found if output.startswith("{")]
    lamps, mugs, account, verified, line, cart, order, paid, _, shipped = answers
    prices = [item["price"] for item in lamps["items"]]
    assert 2 <= len(prices) <= 5
    assert prices == sorted(prices, reverse=True)
    assert max(prices) <= 5000
    assert all("lamp" in item["name"].lower() for item in lamps["items"])
    assert mugs["total"] >= 3
    assert all(item.keys() == {"id", "name", "price"} for item in mugs["items"])
    assert (account["email"], account["full_name"]) == ("me@example.org", "Me")
    assert "verified" in verified["detail"]
    assert (line["quantity"], line["problem"], line["line_total"]) == (2, None, 2 * line["price_seen"])
    assert [{**item, "product": None} for item in cart["items"]] == [{**line, "product": None}]
    assert [item["quantity"] for item in order["items"]] == [2]
    assert order["grand_total"] == line["line_total"]
    assert (paid["status"], shipped["status"]) == ("paid", "shipped")
    assert shipped["shipped_at"] is not None


def test_a_changed_command_would_be_noticed(newcomer: Running) -> None:
    """The control: with another path or a token that is not the mailed one, not every answer is 2xx."""
    for old, new in (("/products?", "/prodcts?"), (TOKEN_TO_PASTE, "made up")):
        found = run_all(newcomer, lambda line, old=old, new=new: line.replace(old, new))  # type: ignore[misc] # the loop's own words
        assert any(not status.startswith("2") for command, _, status in found if old in command)


def test_the_readme_has_the_commands_that_newcomers_need() -> None:
    """One line installs and runs, one line installs and tests; the section has browsing, account and cart."""
    first = [block.text for block in blocks("bash", "Sixty seconds")]
    assert [len(text.splitlines()) for text in first] == [1, 1]
    assert "python app.py" in first[0]
    assert "pytest" in first[1]
    text = "\n".join(commands())
    for part in ("/products?", "/auth/register", "/auth/verify-email", "/auth/login", "/cart"):
        assert part in text
