"""The ``charter`` command: prints what was derived, and does what operators do. Runs in an application's folder."""

import argparse
import asyncio
import getpass
import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from alembic import command
from sqlalchemy import Connection

from charter.assemble import close_db, make_services, metadata
from charter.assemble.discover import discover
from charter.catalog import Entry
from charter.errors import ApiException, DeclarationError, problems_text
from charter.migrate import FOLDER, differences_of, make_config, run_locked, upgrade
from charter.server import run
from charter.services import Services
from charter.settings import load_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 problems were found, 2 the command is not understood."""
    sys.path.insert(0, str(Path.cwd()))
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except DeclarationError as error:
        say(problems_text(error.problems))
        return 1
    except ApiException as error:
        say("\n".join([error.detail, *(f"{item.pointer}: {item.detail}" for item in error.errors)]))
        return 1
    return code


def say(text: str) -> None:
    """Print for a person."""
    print(text)  # noqa: T201 # this is the command's output


def services() -> Services:
    """The application in this folder, compiled but not started."""
    declared = discover(importlib.import_module("resources"), importlib.import_module("policies"))
    return make_services(declared, load_settings())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="charter", description="Work with the application in this folder.")
    parser.set_defaults(run=lambda _: _help(parser))
    commands = parser.add_subparsers()
    _add(commands, "run", _run, "serve the application")
    _add(commands, "check", _check, "check declarations and policy, all problems at once")
    _add(commands, "routes", _routes, "list every route with its rule")
    _add(commands, "show", _show, "print what was derived from a resource").add_argument("resource")
    policy = commands.add_parser("policy", help="work with the policy").add_subparsers(required=True)
    _add(policy, "check", _check, "check the policy")
    database = commands.add_parser("db", help="work with the schema").add_subparsers(required=True)
    _add(database, "upgrade", _db_upgrade, "bring the database to the newest revision")
    revision = _add(database, "revision", _db_revision, "write a revision from the declarations")
    revision.add_argument("-m", "--message", default="change", help="what the revision does")
    _add(database, "check", _db_check, "tell whether the database differs from the declarations")
    user = commands.add_parser("user", help="work with accounts").add_subparsers(required=True)
    for name, work, text in (("create", _user_create, "make an account"), ("promote", _user_promote, "give a role")):
        parsed = _add(user, name, work, text)
        parsed.add_argument("email")
        parsed.add_argument("role")
    return parser


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return 2


def _add(commands: Any, name: str, work: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.set_defaults(run=work)
    return parser


def _run(_: argparse.Namespace) -> int:
    run("app:app")
    return 0


def _check(_: argparse.Namespace) -> int:
    found = services()
    warnings = [*found.catalog.problems, *found.access.problems]
    say(
        problems_text(warnings)
        if warnings
        else f"{len(found.catalog.entries)} resources, policy {found.access.version}: no problem"
    )
    return 0


def _routes(_: argparse.Namespace) -> int:
    from fastapi.routing import iter_route_contexts  # noqa: PLC0415 # only this command walks the routes

    app = importlib.import_module("app").app
    for route in iter_route_contexts(app.routes):
        rule = getattr(route.endpoint, "charter_rule", None)
        methods = ",".join(sorted(route.methods or {"*"}))
        say(f"{methods:8} {route.path:40} {' '.join(rule) if rule else 'public'}")
    return 0


def _show(given: argparse.Namespace) -> int:
    entries = services().catalog.entries
    if given.resource not in entries:
        say(f"There is no resource '{given.resource}'; there are: {', '.join(entries)}.")
        return 1
    say(describe(entries[given.resource]))
    return 0


def describe(entry: Entry) -> str:
    """What was derived from one declaration, in lines that can be compared."""
    lines = [f"{entry.name}: table {entry.table.name}", "fields:"]
    for field in entry.fields.values():
        marks = [
            field.kind,
            field.write,
            *(["nullable"] if field.nullable else []),
            *(["required"] if field.required else []),
        ]
        lines.append(f"  {field.name}: {', '.join(marks + (['hidden'] if field.hidden else []))}")
    lines.append(f"inputs: {', '.join(entry.inputs) or '-'}")
    lines.append(f"filters: {', '.join(entry.filters)}")
    lines.append(f"sorts: {', '.join(entry.sorts)}")
    lines.append(f"relations: {', '.join(entry.relations) or '-'}")
    lines.append(f"scopes: {', '.join(entry.scopes) or '-'}")
    lines.append("constraints:")
    named: list[Any] = [*entry.table.constraints, *entry.table.indexes]
    lines += sorted(f"  {item.name}" for item in named if item.name)
    return "\n".join(lines)


def _with_database(work: Any) -> Any:
    found = services()
    return asyncio.run(run_locked(found.settings, work))


def _db_upgrade(_: argparse.Namespace) -> int:
    done = _with_database(lambda connection: upgrade(connection, metadata()))
    say("\n".join(done) or "The schema is up to date.")
    return 0


def _db_revision(given: argparse.Namespace) -> int:
    def work(connection: Connection) -> Any:
        config = make_config(connection, metadata(), FOLDER)
        return command.revision(config, message=given.message, autogenerate=True)

    made = _with_database(work)
    say(f"made {made.path}" if made else "The declarations say nothing new.")
    return 0


def _db_check(_: argparse.Namespace) -> int:
    differences = _with_database(lambda connection: differences_of(connection, metadata()))
    say("\n".join(differences) or "The schema is as declared.")
    return 1 if differences else 0


def _user_create(given: argparse.Namespace) -> int:
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    return asyncio.run(
        _account(lambda found: found.auth.create_account(given.email, password, given.role, verified=True))
    )


def _user_promote(given: argparse.Namespace) -> int:
    return asyncio.run(_account(lambda found: found.auth.promote(given.email, given.role)))


async def _account(work: Any) -> int:
    found = services()
    try:
        await work(found)
    finally:
        await close_db(found)
    say("done")
    return 0
