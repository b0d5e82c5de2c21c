"""The application in the folder where the command runs, as far as a command needs it, and what is said about it."""

import importlib
import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from charter.access import ANY, AccessTable, Vocabulary
from charter.assemble import MODEL_FILE, make_services
from charter.assemble.discover import Declared, discover
from charter.catalog import Catalog, compile_catalog
from charter.checks import check, vocabulary
from charter.declare import Scope
from charter.errors import DeclarationError, Problem, problems_text
from charter.services import Services
from charter.settings import load_settings


@dataclass(frozen=True, slots=True)
class Law:
    """A policy that holds: its file, what it decides, and the words that it could use.

    ``scopes`` says what a rows word means, where its declaration does.
    """

    file: Path
    table: AccessTable
    words: Vocabulary
    scopes: Mapping[str, str]


def say(text: str) -> None:
    """Print for a person."""
    print(text)  # noqa: T201 # this is the command's output


def declared() -> Declared:
    """What the packages of this folder declare."""
    return discover(_package("resources"), _package("policies"))


def services() -> Services:
    """The application in this folder, compiled but not started."""
    return make_services(declared(), load_settings())


def law(file: str | None) -> Law:
    """The policy in `file`, or in the one that the settings name; DeclarationError with everything that is wrong."""
    found = declared()
    catalog = compile_catalog(found.resources, found.scopes)
    path = Path(file or load_settings().policy_file)
    table = check(catalog, found.roles, found.scopes, path, MODEL_FILE)
    return Law(path, table, vocabulary(catalog, found.roles, found.scopes), _meanings(found.scopes))


def words() -> Vocabulary:
    """The words that a policy for this application may use, whatever its own policy says."""
    found = declared()
    catalog = compile_catalog(found.resources, found.scopes)
    fatal = [problem for problem in catalog.problems if problem.fatal]
    if fatal:
        raise DeclarationError(fatal)
    return vocabulary(catalog, found.roles, found.scopes)


def warnings_text(*found: Catalog | AccessTable) -> str:
    """What was found and stops nothing, one a line."""
    return problems_text(problem for each in found for problem in each.problems)


def _meanings(scopes: Iterable[Scope]) -> dict[str, str]:
    """Rows word -> the first line of the docstring of its function; a lambda has none."""
    texts = {scope.word: inspect.getdoc(scope.rows) for scope in scopes}
    return {ANY: "every row", **{word: text.splitlines()[0].rstrip(".") for word, text in texts.items() if text}}


def _package(name: str) -> ModuleType:
    """A package of this folder; a folder without it is told, whatever goes wrong inside it is not hidden."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        message = f"there is no package '{name}' in this folder;"
        hint = "Run the command in an application's folder."
        raise DeclarationError([Problem("missing_declaration", name, message, hint)]) from error
