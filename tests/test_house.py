"""The laws of the house, held against the tree. Each law is first shown a bad example and has to complain."""

import ast
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import charter
from charter.settings import Settings
from tests import laws
from tests.servers import need

ROOT = Path(__file__).parent.parent

DOORS = {
    "aiosqlite": ("charter/store/",),
    "alembic": ("charter/migrate.py", "charter/cli/database.py"),
    "asyncpg": ("charter/store/",),
    "casbin": ("charter/access/",),
    "dotenv": ("charter/settings/",),
    "email_validator": ("charter/auth/",),
    "fastapi_filters": ("charter/plugins/filtering.py", "charter/plugins/sorting.py"),
    "fastapi_pagination": ("charter/plugins/pagination.py",),
    "fastapi_users": ("charter/auth/",),
    "itsdangerous": ("charter/admin/",),
    "jinja2": ("charter/admin/",),
    "jwt": ("charter/auth/",),
    "limits": ("charter/plugins/ratelimit/",),
    "markupsafe": ("charter/admin/",),
    "phonenumbers": ("charter/types.py",),
    "pwdlib": ("charter/auth/",),
    "pydantic_settings": ("charter/settings/",),
    "redis": ("charter/plugins/ratelimit/",),
    "slowapi": ("charter/plugins/ratelimit/",),
    "slugify": ("charter/catalog/slugs.py",),
    "sqladmin": ("charter/admin/",),
    "uvicorn": ("charter/server.py",),
    "wtforms": ("charter/admin/",),
}
"""Third-party package -> the only places that may import it."""

GROUND = ("annotated_types", "anyio", "fastapi", "filelock", "pydantic", "pydantic_core", "sqlalchemy", "sqlmodel")
"""What everything stands on, and so needs no door."""

USERS_OWN = {"resources", "policies", "app.py", "model.conf", "policy.csv", "tests", "pyproject.toml", "README.md"}
BESIDE = {"charter", "docs", "migrations", "benchmarks", "examples", "constraints.txt", "CHANGELOG.md", "LICENSE"}
"""The names at the top of the tree: a user's own, and what stands beside them."""

VENDORED = "swagger-ui/"
"""Files that were written elsewhere and are bundled as they are."""


def sources(*places: str) -> dict[str, str]:
    """The Python files below `places`, by path; migrations are Alembic's own."""
    files = [
        file for place in places for file in ([ROOT / place] if place.endswith(".py") else (ROOT / place).rglob("*.py"))
    ]
    return {file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8") for file in sorted(files)}


FRAMEWORK = sources("charter")
RESOURCES = sources("resources")
OWN = {**FRAMEWORK, **RESOURCES, **sources("policies", "app.py", "benchmarks")}
TESTS = sources("tests")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def tracked() -> list[str]:
    """The files of the repository: those in it, and new ones that are not ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    is_there = shutil.which("git") is not None and (ROOT / ".git").exists()
    need("git, or the repository's history", there=is_there)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)  # noqa: S603 # fixed words
    return [name for name in done.stdout.splitlines() if (ROOT / name).exists()]


LONG = "def run():\n" + "    pass\n" * 60
LONG_METHOD = "class A:\n    def run(self):\n" + "        pass\n" * 60
CONTROLS: list[tuple[str, Callable[[], list[str]]]] = [
    ("module ceiling", lambda: laws.over_the_ceiling({"a.py": "x = 1\n" * 301}, module=300, function=50)),
    ("function ceiling", lambda: laws.over_the_ceiling({"a.py": LONG}, module=300, function=50)),
    ("method ceiling", lambda: laws.over_the_ceiling({"a.py": LONG_METHOD}, module=300, function=50)),
    ("empty name", lambda: laws.empty_names(["charter/store/utils.py"])),
    ("empty folder name", lambda: laws.empty_names(["charter/core/rows.py"])),
    ("module docstring", lambda: laws.undocumented({"a.py": "x = 1"})),
    ("function docstring", lambda: laws.undocumented({"a.py": '"""A."""\nasync def run(): pass'})),
    ("class docstring", lambda: laws.undocumented({"a.py": '"""A."""\nclass Run: pass'})),
    ("test docstring", lambda: laws.undocumented_tests({"a.py": "async def test_it(): pass"})),
    ("parameters", lambda: laws.wide({"a.py": f"def run({', '.join(f'a{n}' for n in range(13))}): pass"}, most=12)),
    ("keywords", lambda: laws.wide({"a.py": f"def run(*, {', '.join(f'a{n}' for n in range(13))}): pass"}, most=12)),
    (
        "fields",
        lambda: laws.wide_values("@dataclass\nclass A:\n" + "".join(f"  a{n}: int\n" for n in range(13)), most=12),
    ),
    ("word of the shop", lambda: laws.nouns_of_the_shop({"a.py": "# every product has one"})),
    ("word in a name", lambda: laws.nouns_of_the_shop({"a.py": "class CartLine: order_item_id = 1"})),
    ("shop beside its file", lambda: laws.nouns_of_the_shop({"a.py": "shop.db in the shop"})),
    ("second door", lambda: laws.strangers({"charter/rest.py": "import casbin"}, DOORS, ())),
    (
        "door inside a function",
        lambda: laws.strangers({"charter/rest.py": "def f():\n    from limits import x"}, DOORS, ()),
    ),
    ("library without a door", lambda: laws.strangers({"charter/rest.py": "import requests"}, DOORS, ())),
    ("behind the face", lambda: laws.behind_the_face({"resources/a.py": "from charter.store import Store"})),
    ("circle", lambda: laws.circles({"r/a.py": "from r.b import b", "r/b.py": "import r.a"}, "r")),
    ("path of a machine", lambda: laws.machine_traces({"a.md": f"see {'/'}home/ada/charter"})),
    ("registry", lambda: laws.machine_traces({"a.txt": f"--extra-index{'-'}url https://example.org"})),
]


@pytest.mark.parametrize("law", [law for _, law in CONTROLS], ids=[name for name, _ in CONTROLS])
def test_a_law_complains_about_a_bad_example(law: Callable[[], list[str]]) -> None:
    """A check that never fails protects nothing."""
    assert law()


def test_a_law_is_silent_where_nothing_is_wrong() -> None:
    """What is meant to pass does pass: words that only look alike, imports for type checkers, the database's name."""
    typing_only = "if TYPE_CHECKING:\n    from r.a import A"
    assert laws.circles({"r/a.py": "from r.b import b", "r/b.py": typing_only}, "r") == []
    assert laws.nouns_of_the_shop({"a.py": 'PRODUCTION = "shop.db"; order = "cartesian"'}) == []
    assert laws.machine_traces({"a.py": 'path = "/docs/home"; url = "https://example.org/tmp/x"'}) == []
    assert laws.settings_with_comment("# what\nAB=1\nCD=2\n") == {"AB": "1"}
    assert laws.settings_in_table("| `A_B` | `1` | what |\n| `C_D` | - | what |\n| `E` |") == {"A_B": "1", "C_D": ""}


def test_there_is_something_to_look_at() -> None:
    """Laws over no files would all hold."""
    assert len(FRAMEWORK) > 80
    assert len(RESOURCES) > 4
    assert len(TESTS) > 20


def test_modules_and_functions_stay_below_their_ceilings() -> None:
    """300 lines for a module, 400 for one of tests, 50 for a function."""
    assert laws.over_the_ceiling(OWN, module=300, function=50) == []
    assert laws.over_the_ceiling(TESTS, module=400, function=50) == []


def test_most_modules_and_functions_are_short() -> None:
    """The median module has at most 120 lines; nine of ten functions have at most 25."""
    assert laws.median_module(OWN) <= 120
    assert laws.long_function(OWN) <= 25
    assert laws.long_function(TESTS) <= 25


def test_what_a_user_writes_is_short() -> None:
    """40 lines for the assembly, 120 for a noun."""
    assert laws.line_count((ROOT / "app.py").read_text(encoding="utf-8")) <= 40
    assert {path: laws.line_count(text) for path, text in RESOURCES.items() if laws.line_count(text) > 120} == {}


def test_a_name_says_what_is_inside() -> None:
    """No drawer for everything."""
    assert laws.empty_names([*OWN, *TESTS]) == []


def test_everything_public_says_what_it_is_for() -> None:
    """Modules, classes and functions have a docstring; so has each test."""
    assert laws.undocumented(OWN) == []
    assert laws.undocumented_tests(TESTS) == []


def test_nothing_takes_more_parameters_than_one_can_remember() -> None:
    """Twelve for a public callable, and for each value that a user writes."""
    assert laws.wide(OWN, most=12) == []
    assert laws.wide_values(FRAMEWORK["charter/declare.py"], most=12) == []


def test_the_framework_knows_no_word_of_the_shop() -> None:
    """Neither in code nor in a comment, a template or a script."""
    places = [file for kind in ("html", "css", "js") for file in (ROOT / "charter").rglob(f"*.{kind}")]
    shown = {file.relative_to(ROOT).as_posix(): file for file in places}
    texts = {path: file.read_text(encoding="utf-8") for path, file in shown.items() if VENDORED not in path}
    assert laws.nouns_of_the_shop({**FRAMEWORK, **texts}) == []


def test_each_library_has_one_door() -> None:
    """A library can be replaced, and its faults be caught, in one place. One without a door is told, too."""
    known = {*sys.stdlib_module_names, "charter", "starlette", *GROUND}
    assert laws.strangers(FRAMEWORK, DOORS, known) == []


def test_every_door_is_used() -> None:
    """A door for a library that nobody imports is a leftover; the database drivers are named in URLs alone."""
    used = {module.partition(".")[0] for text in FRAMEWORK.values() for module, _ in laws.imports(text)}
    assert DOORS.keys() - used <= {"aiosqlite", "asyncpg", "itsdangerous", "jinja2", "markupsafe"}


def test_an_application_sees_only_the_face() -> None:
    """Nouns and rules import ``charter`` and nothing inside it; the nouns never import each other in a circle."""
    assert laws.behind_the_face({**RESOURCES, **sources("policies", "app.py")}) == []
    assert laws.circles(RESOURCES, "resources") == []


def test_the_import_contracts_hold() -> None:
    """Each stage knows only the ones below it (``.importlinter``)."""
    need("import-linter", there=importlib.util.find_spec("importlinter") is not None)
    code = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    command = [sys.executable, "-c", code, "--no-cache"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603 # fixed words
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_face_is_complete_sorted_and_there() -> None:
    """``charter.__all__`` is what ``charter/__init__.py`` imports, in order."""
    tree = ast.parse(FRAMEWORK["charter/__init__.py"])
    imported = {
        alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }
    assert charter.__all__ == sorted(imported)
    assert [name for name in charter.__all__ if not hasattr(charter, name)] == []


def test_every_setting_is_explained_twice() -> None:
    """In ``.env.example`` with a comment, in ``docs/operations.md`` with the same default; no other name in either."""
    settings = sorted(name.upper() for name in Settings.model_fields)
    example = laws.settings_with_comment((ROOT / ".env.example").read_text(encoding="utf-8"))
    table = laws.settings_in_table((ROOT / "docs/operations.md").read_text(encoding="utf-8"))
    assert sorted(example) == settings
    assert table == example


def test_the_top_of_the_tree_is_the_users(tracked: list[str]) -> None:
    """Only the agreed names stand there, and none of them is missing."""
    top = {name.partition("/")[0] for name in tracked}
    assert {name for name in top if not name.startswith(".")} - USERS_OWN - BESIDE == set()
    assert {*USERS_OWN, "charter", "docs", "constraints.txt", "CHANGELOG.md", "LICENSE"} - top == set()


def test_nothing_tells_of_the_machine_it_was_made_on(tracked: list[str]) -> None:
    """No path of a home folder, no address of a package index."""
    files = {name: ROOT / name for name in tracked if VENDORED not in name}
    texts = {name: file.read_text(encoding="utf-8", errors="replace") for name, file in files.items() if file.is_file()}
    assert laws.machine_traces(texts) == []


def test_the_version_is_stated_once() -> None:
    """In ``charter/version.py``; the package's metadata is made from it."""
    stated = [
        path for path, text in FRAMEWORK.items() if re.search(rf"[\"']{re.escape(charter.__version__)}[\"']", text)
    ]
    assert stated == ["charter/version.py"]
    assert "version" in PROJECT["project"]["dynamic"]
    assert "version" not in PROJECT["project"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "charter.version.__version__"}


def test_the_wheel_holds_the_framework_alone() -> None:
    """Its packages are found by name, and each folder of code is a package."""
    assert PROJECT["tool"]["setuptools"]["packages"]["find"] == {"include": ["charter", "charter.*"]}
    folders = {path.rpartition("/")[0] for path in FRAMEWORK}
    assert {folder for folder in folders if f"{folder}/__init__.py" not in FRAMEWORK} == set()


def wanted_packages() -> list[Requirement]:
    """Every package that ``pyproject.toml`` names, extras included, but for Charter itself."""
    project = PROJECT["project"]
    named = [*project["dependencies"], *(text for texts in project["optional-dependencies"].values() for text in texts)]
    return [found for found in map(Requirement, named) if found.name != "charter"]


def pins(text: str) -> dict[str, str]:
    """Package -> version, from lines of the form ``name==1.2.3``; any other line is kept under its own text."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    found = {}
    for line in filter(None, lines):
        match = re.fullmatch(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!+]+)(?: *;.*)?", line)
        found[canonicalize_name(match[1]) if match else line] = match[2] if match else ""
    return found


def wrong_pins(text: str, wanted: list[Requirement]) -> list[str]:
    """Lines that are no exact pin, and wanted packages without one that suits."""
    pinned = pins(text)
    missing = [f"{item} has no pin" for item in wanted if canonicalize_name(item.name) not in pinned]
    wrong = [f"{line} is no exact pin" for line, version in pinned.items() if not version]
    known = [(item, pinned.get(canonicalize_name(item.name), "")) for item in wanted]
    return [*wrong, *missing, *(f"{item} is not {at}" for item, at in known if at and not item.specifier.contains(at))]


def test_every_dependency_is_pinned() -> None:
    """``constraints.txt`` has one exact version for each, inside its range, and neither URLs nor options."""
    assert len(wrong_pins("a>=1\n-r other.txt\nb==2\n", [Requirement("B>=3"), Requirement("c")])) == 4
    assert wrong_pins("# why\nb.c==3.1; python_version < '3.13'\n", [Requirement("B-C>=3")]) == []

    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert wrong_pins(text, wanted_packages()) == []


def left_at_home(files: list[str], patterns: list[str]) -> list[str]:
    """The files of a package that none of setuptools' patterns takes along (``**`` stands for any folders)."""
    known = [
        re.compile(pattern.replace(".", r"\.").replace("**/*", ".+").replace("*", "[^/]*")) for pattern in patterns
    ]
    return [file for file in files if not any(pattern.fullmatch(file) for pattern in known)]


def test_the_wheel_takes_everything_along() -> None:
    """Templates, assets and the marker for type checkers; a program that starts here must start there."""
    assert left_at_home(["a/b/c.html", "b/d.css", "py.typed"], ["py.typed", "a/**/*"]) == ["b/d.css"]

    files = [file for file in (ROOT / "charter").rglob("*") if file.is_file() and "__pycache__" not in file.parts]
    others = [file.relative_to(ROOT / "charter").as_posix() for file in files if file.suffix != ".py"]
    assert "py.typed" in others
    assert left_at_home(others, PROJECT["tool"]["setuptools"]["package-data"]["charter"]) == []
