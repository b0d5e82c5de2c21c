"""The documentation is complete: what the code says, takes or refuses has its place there, and links lead somewhere."""

import argparse
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

import charter
from charter import Computed, Field, Hooks, Input, Limits, Resource, Roles, Scope, Screen, Seed
from charter.access import POLICY_CODES
from charter.access.expectations import EXPECTATION_CODES
from charter.cli import _parser
from charter.errors import CODES
from charter.plugins.filtering import _DESCRIPTIONS, _OPERATORS
from charter.plugins.grouping import FUNCTIONS, PARTS
from charter.plugins.ratelimit import buckets
from charter.settings import Settings
from tests import laws

ROOT = Path(__file__).parent.parent
PAGES = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
    for file in (
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "README.md",
        ROOT / "CHANGELOG.md",
        ROOT / "benchmarks/README.md",
    )
}
SOURCES = {
    file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in (ROOT / "charter").rglob("*.py")
}
LONGEST_DECISION = 70
"""Lines: one page."""


def page(name: str) -> str:
    """A page of ``docs/``."""
    return PAGES[f"docs/{name}.md"]


def without_code(text: str) -> str:
    """A page without its code blocks, whose ``#`` and ``[`` mean something else."""
    return re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)


def headings(text: str) -> list[str]:
    """The headings of a page, without their marks."""
    return re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)


def anchor(heading: str) -> str:
    """What a heading is called in links."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def code_headings(text: str) -> set[str]:
    """The codes that have a heading of their own."""
    return {match[1] for heading in headings(text) if (match := re.fullmatch(r"`(\w+)`", heading))}


def not_named(words: Iterable[str], text: str) -> list[str]:
    """Words that do not stand in a text as code."""
    spans = " ".join(re.findall(r"`([^`\n]+)`", text))
    return [word for word in words if not re.search(rf"(?<!\w){re.escape(word)}(?!\w)", spans)]


def broken_links(pages: dict[str, str], exists: Callable[[str], bool]) -> Iterator[str]:
    """Links to files that are not there, and to headings that a page does not have."""
    for name, text in pages.items():
        for target in re.findall(r"\]\(([^)\s]+)\)", without_code(text)):
            if target.startswith(("http://", "https://", "mailto:")):
                continue
            path, _, fragment = target.partition("#")
            where = _joined(name, path) if path else name
            if not exists(where):
                yield f"{name}: {target} is not there"
            elif fragment and fragment not in {anchor(heading) for heading in headings(pages.get(where, ""))}:
                yield f"{name}: {target} has no such heading"


def _joined(name: str, path: str) -> str:
    parts: list[str] = name.split("/")[:-1]
    for part in path.rstrip("/").split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def python_blocks(text: str) -> list[str]:
    """The Python of a page; blocks inside lists are indented."""
    blocks = re.findall(r"^( *)```python\n(.*?)^ *```$", text, flags=re.MULTILINE | re.DOTALL)
    return ["\n".join(line.removeprefix(indent) for line in block.splitlines()) for indent, block in blocks]


def commands(parser: argparse.ArgumentParser, before: str = "charter") -> Iterator[str]:
    """Every command of a parser, subcommands included."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                nested = list(commands(inner, f"{before} {name}"))
                yield from nested or [f"{before} {name}"]


def start_up_codes() -> set[str]:
    """Every code that a problem at the start can have."""
    return {*laws.literal_arguments(SOURCES, ["Problem", "problem"], 0), *POLICY_CODES, *EXPECTATION_CODES}


def test_the_checks_of_this_page_complain() -> None:
    """Each is shown a bad example."""
    pages = {"docs/a.md": "# One\n[x](b.md) [y](#two) [z](#one)\n```\n[w](c.md)\n```\n"}
    assert len(list(broken_links(pages, lambda name: name in pages))) == 2
    assert not_named(["sort", "size"], "sort by `size`, not `resize`") == ["sort"]
    assert code_headings("### `a_b`\n```\n# `c`\n```\n## d\n") == {"a_b"}
    assert python_blocks("1. x\n\n   ```python\n   a = 1\n   ```\n") == ["a = 1"]
    assert anchor("The `charter` command") == "the-charter-command"


def test_every_error_code_has_a_heading_with_its_status() -> None:
    """In ``docs/errors.md``; and no heading explains a code that is not there."""
    text = page("errors")
    shop = code_headings(text.partition("## Codes of the shop")[2].partition("\n## ")[0])
    assert code_headings(text) == {*CODES, *start_up_codes(), *shop}
    sources = "".join(path.read_text() for path in (ROOT / "resources").rglob("*.py"))
    assert [code for code in shop if f'"{code}"' not in sources] == []
    assert set(re.findall(r'Exception\([^)]*code="(\w+)"', sources)) <= {*CODES, *shop}
    wrong = [code for code, known in CODES.items() if f"### `{code}`\n\nStatus {known.status}" not in text]
    assert wrong == []


def test_the_codes_at_start_up_are_all_found() -> None:
    """The search for them sees those of every stage."""
    assert {
        "setting",
        "unknown_field",
        "no_rule",
        "limit_missing",
        "schema_differs",
        "account_class",
    } < start_up_codes()
    assert "limit_malformed" in inspect.getsource(buckets)


def test_the_codes_of_wrong_places_are_listed() -> None:
    """What Charter itself puts into ``errors[]``."""
    assert not_named(laws.literal_arguments(SOURCES, ["FieldError"], 1), page("errors")) == []


def test_maintainers_find_every_code_of_the_policy() -> None:
    """On the page about access, in their groups."""
    assert not_named(POLICY_CODES, page("access")) == []


def test_every_command_is_listed() -> None:
    """In ``docs/operations.md``, as it is typed."""
    known = list(commands(_parser()))
    assert "charter policy check" in known
    assert not_named(known, page("operations")) == []


def test_every_setting_is_named_only_if_it_exists() -> None:
    """Words in capitals with an underscore are settings, or variables that others know."""
    others = {
        "REQUIRE_SERVERS",
        "TEST_POSTGRES",
        "TEST_REDIS",
        "TEST_CHROMIUM",
        "POLICY_CODES",
        "ACCOUNT_INPUTS",
        "ALREADY_THERE",
    }
    others.add("SSL_CERT_FILE")  # it is OpenSSL's
    settings = {name.upper() for name in Settings.model_fields}
    for name, text in PAGES.items():
        named = set(re.findall(r"`([A-Z]+_[A-Z_]+)(?:=[^`]*)?`", text))
        assert named - settings - others == set(), name


@pytest.mark.parametrize("value", [Field, Resource, Screen, Hooks, Computed, Input], ids=lambda value: value.__name__)
def test_every_parameter_of_a_declaration_is_explained(value: Callable[..., object]) -> None:
    """In ``docs/resources.md``."""
    assert not_named(inspect.signature(value).parameters, page("resources")) == []


@pytest.mark.parametrize("value", [Roles, Scope, Limits], ids=lambda value: value.__name__)
def test_every_parameter_of_the_vocabulary_is_explained(value: Callable[..., object]) -> None:
    """In ``docs/access.md``; there they stand in examples."""
    assert [name for name in inspect.signature(value).parameters if name not in page("access")] == []


def test_everything_in_the_face_is_named() -> None:
    """Each name of ``charter.__all__`` stands on some page."""
    assert Seed.__name__ in charter.__all__
    everything = "\n".join(PAGES.values())
    assert [name for name in charter.__all__ if not re.search(rf"(?<!\w){name}(?!\w)", everything)] == []


def test_every_operator_is_explained() -> None:
    """With an example, and in the row of each kind of field that has it."""
    text = page("querying")
    assert [word for word in _DESCRIPTIONS if word != "eq" and f"__{word}=" not in text] == []
    for kind, operators in _OPERATORS.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| {kind} |"))
        words = {"ge": "gte", "le": "lte", "in_": "in"}
        expected = [words.get(operator.name, operator.name) for operator in operators]
        assert sorted(re.findall(r"`(\w+)`", row)) == sorted(expected), kind


def test_every_word_of_aggregates_is_explained() -> None:
    """Each function in a row with the kinds that it takes, each part of a moment in one with an example."""
    text = page("querying").partition("## Aggregates")[2].partition("\n## ")[0]
    for function, kinds in FUNCTIONS.items():
        *_, taken, _ = next(line for line in text.splitlines() if f"`{function}:" in line).split("|")
        expected = {"every kind but json"} if len(kinds) > len(FUNCTIONS) else kinds
        assert set(taken.strip().split(", ")) == expected, function
    for part in {part for parts in PARTS.values() for part in parts}:
        assert f"| `{part}(created_at)` | `2026" in text, part


def test_every_module_is_on_the_map() -> None:
    """``docs/architecture.md`` names each package, and each file in it."""
    text = page("architecture")
    for path in SOURCES:
        folder, _, file = path.removeprefix("charter/").rpartition("/")
        assert not folder or f"`{folder}/`" in text, path
        assert file == "__init__.py" or not_named([file], text) == [], path


def test_every_link_leads_somewhere() -> None:
    """Between the pages, to headings, and to files beside them."""
    assert list(broken_links(PAGES, lambda name: (ROOT / name).exists())) == []


def test_every_page_can_be_reached() -> None:
    """From the map, or from the index of decisions."""
    linked = re.findall(r"\]\(([\w/.-]+\.md)", page("index")) + re.findall(
        r"\]\(([\w.-]+\.md)", page("decisions/README")
    )
    missing = [
        name for name in PAGES if name.startswith("docs/") and name.rpartition("/")[2] not in {*linked, "index.md"}
    ]
    assert [name for name in missing if name != "docs/decisions/README.md"] == []


def test_every_decision_has_its_parts_and_fits_on_a_page() -> None:
    """Context, Decision, Consequences, Alternatives; numbered without a gap."""
    records = sorted(name for name in PAGES if re.match(r"docs/decisions/\d", name))
    assert [int(name.rpartition("/")[2][:4]) for name in records] == list(range(1, len(records) + 1))
    for name in records:
        first, *rest = headings(PAGES[name])
        assert first.startswith(name.rpartition("/")[2][:4]), name
        assert rest == ["Context", "Decision", "Consequences", "Alternatives"], name
        assert laws.line_count(PAGES[name]) <= LONGEST_DECISION, name


@pytest.mark.parametrize("name", sorted(name for name, text in PAGES.items() if "```python" in text))
def test_python_in_the_documentation_compiles(name: str) -> None:
    """What somebody would copy."""
    for block in python_blocks(PAGES[name]):
        compile(block, name, "exec")


def test_the_readme_shows_a_whole_resource() -> None:
    """The block for ``resources/brands.py`` is a file as it stands, and says so in its first line."""
    block = next(block for block in python_blocks(PAGES["README.md"]) if block.startswith("# resources/brands.py"))
    assert "brands = Resource(" in block
    assert laws.behind_the_face({"resources/brands.py": block}) == []
