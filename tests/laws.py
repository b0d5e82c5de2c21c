"""The laws of the house as pure functions: text goes in, one sentence for each breach comes out.

They read source code and never import it, so that each can be shown a bad example. `test_house` and `test_docs` hold
them against the tree.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

Sources = Mapping[str, str]
"""Path, as seen from the top of the tree -> text."""

EMPTY_NAMES = frozenset({"utils", "helpers", "common", "base", "core"})
"""Names that say nothing of what is inside."""

NOUNS = re.compile(r"(?<![a-z])(products?|carts?|checkouts?|order[ _-]?items?|shops?)(?![a-z])")
"""The words of the shop; the framework knows none of them."""

POOL_EVENT = 'engine.sync_engine, "checkout"'
"""What SQLAlchemy calls the moment in which a pool lends a connection."""

SHIPPED_DATABASE = "shop.db"
"""What the default database file is called; these two are the exceptions."""

_MACHINE = re.compile(r"(?<![\w.:*/-])/(?:work|tmp|home|root|Users)/[\w.]+")
_REGISTRY = re.compile(
    r"--?(?:extra-)?index-url|--?trusted[-]host|--?find[-]links"
    r"|https?://[\w.-]*(?:pypi|pythonhosted|artifactory|nexus|devpi|registry|mirror)[\w.-]*"
)
_SETTING = re.compile(r"[A-Z][A-Z0-9_]+")


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method as it stands in its file."""

    name: str
    lines: int
    parameters: int


def functions(source: str) -> list[Function]:
    """Every function of a module, inner ones and methods included."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            given = node.args
            names = [item.arg for item in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            counted = [name for name in names if name not in {"self", "cls"}]
            found.append(Function(node.name, (node.end_lineno or node.lineno) - node.lineno + 1, len(counted)))
    return found


def line_count(source: str) -> int:
    """The lines of a text."""
    return len(source.splitlines())


def over_the_ceiling(sources: Sources, *, module: int, function: int) -> list[str]:
    """Modules and functions that are longer than they may be."""
    long = [f"{path} has {line_count(text)} lines" for path, text in sources.items() if line_count(text) > module]
    for path, text in sources.items():
        long += [f"{path}: {item.name} has {item.lines} lines" for item in functions(text) if item.lines > function]
    return long


def median_module(sources: Sources) -> float:
    """The median length of a module."""
    return median(line_count(text) for text in sources.values())


def long_function(sources: Sources) -> int:
    """The length that nine of ten functions do not exceed."""
    lengths = sorted(item.lines for text in sources.values() for item in functions(text))
    return lengths[len(lengths) * 9 // 10]


def empty_names(paths: Iterable[str]) -> list[str]:
    """Modules and folders that are called like a drawer for everything."""
    parts = ((path, part.removesuffix(".py")) for path in paths for part in path.split("/"))
    return [f"{path}: '{part}' says nothing" for path, part in parts if part in EMPTY_NAMES]


def undocumented(sources: Sources) -> list[str]:
    """Modules, and public classes and functions at their top level, without a docstring."""
    found = []
    for path, text in sources.items():
        tree = ast.parse(text)
        found += [] if ast.get_docstring(tree) else [f"{path} has no docstring"]
        for node in tree.body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and node.name[0] != "_":
                found += [] if ast.get_docstring(node) else [f"{path}: {node.name} has no docstring"]
    return found


def undocumented_tests(sources: Sources) -> list[str]:
    """Tests that do not say which law they test."""
    found = []
    for path, text in sources.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_"):
                found += [] if ast.get_docstring(node) else [f"{path}: {node.name} does not say which law it tests"]
    return found


def wide(sources: Sources, *, most: int) -> list[str]:
    """Public functions, methods and constructors that take more parameters than anybody remembers."""
    return [
        f"{path}: {item.name} takes {item.parameters} parameters"
        for path, text in sources.items()
        for item in functions(text)
        if item.parameters > most and (item.name[0] != "_" or item.name == "__init__")
    ]


def wide_values(source: str, *, most: int) -> list[str]:
    """Dataclasses with more fields than a user should have to know."""
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.ClassDef) and node.decorator_list:
            count = sum(isinstance(item, ast.AnnAssign) for item in node.body)
            found += [f"{node.name} has {count} fields"] if count > most else []
    return found


def nouns_of_the_shop(sources: Sources) -> list[str]:
    """Lines with a word of the application in the framework, whether it stands alone or inside a name."""
    found = []
    for path, text in sources.items():
        for number, line in enumerate(text.splitlines(), start=1):
            free = line.replace(SHIPPED_DATABASE, "").replace(POOL_EVENT, "")
            plain = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", free).lower()
            found += [f"{path}:{number} says '{match.group()}'" for match in NOUNS.finditer(plain)]
    return found


def imports(source: str) -> Iterator[tuple[str, bool]]:
    """Every module that a source imports, and whether it does so only for type checkers."""
    tree = ast.parse(source)
    guarded = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    typing_only = {id(inner) for node in guarded for part in node.body for inner in ast.walk(part)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, id(node) in typing_only) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module, id(node) in typing_only


def strangers(sources: Sources, doors: Mapping[str, tuple[str, ...]], known: Iterable[str]) -> list[str]:
    """Imports of a library beside its door, and of libraries that have none.

    `doors` are the paths where a library may be imported, `known` the packages that need no door.
    """
    free, found = frozenset(known), []
    for path, text in sources.items():
        for name in sorted({module.partition(".")[0] for module, _ in imports(text)} - free):
            if name not in doors:
                found.append(f"{path} imports {name}, which has no door")
            elif not path.startswith(doors[name]):
                found.append(f"{path} imports {name}, whose door is {' or '.join(doors[name])}")
    return found


def behind_the_face(sources: Sources) -> list[str]:
    """Imports of the framework's inside by an application: only ``from charter import …`` is its face."""
    return [
        f"{path} imports {module}"
        for path, text in sources.items()
        for module, _ in imports(text)
        if module.startswith("charter.")
    ]


def circles(sources: Sources, package: str) -> list[str]:
    """Modules of `package` that import each other in a circle while the program runs."""
    names = {path: path.removesuffix(".py").replace("/", ".") for path in sources}
    known = set(names.values()) - {f"{package}.__init__"}
    direct = {
        names[path]: {module for module, typing_only in imports(text) if module in known and not typing_only}
        for path, text in sources.items()
    }
    return [f"{name} imports itself by way of others" for name in known if name in _reachable(name, direct)]


def _reachable(start: str, direct: Mapping[str, set[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = [start]
    while waiting:
        new = direct.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def settings_with_comment(text: str) -> dict[str, str]:
    """Setting -> default, of those in an ``.env`` file that have a comment in the line above."""
    lines = text.splitlines()
    pairs = (line.partition("=") for line in lines)
    found = {}
    for index, (name, equals, value) in enumerate(pairs):
        if equals and _SETTING.fullmatch(name) and index and lines[index - 1].startswith("# "):
            found[name] = value
    return found


def settings_in_table(text: str) -> dict[str, str]:
    """Setting -> default, from a table whose rows are ``| `NAME` | `default` | meaning |`` (``-``: empty)."""
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]+)` \| (?:`([^`]*)`|-) \| \S.*\|$", text, re.MULTILINE)
    return dict(rows)


def machine_traces(sources: Sources) -> list[str]:
    """Paths of somebody's machine, and addresses that packages come from."""
    return [
        f"{path}:{number} says {match.group()}"
        for path, text in sources.items()
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern in (_MACHINE, _REGISTRY)
        for match in pattern.finditer(line)
    ]


def literal_arguments(sources: Sources, calls: Iterable[str], position: int) -> set[str]:
    """The texts that calls of these names have at `position`: ``Problem("no_rule", …)`` -> ``no_rule``."""
    wanted, found = frozenset(calls), set()
    for text in sources.values():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and _called(node) in wanted and len(node.args) > position:
                argument = node.args[position]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    found.add(argument.value)
    return found


def _called(node: ast.Call) -> str:
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
