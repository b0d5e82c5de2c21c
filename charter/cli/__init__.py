"""The ``charter`` command: prints what was derived, and does what operators do. Runs in an application's folder."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charter.cli import accounts, application, database, policy
from charter.cli.application import describe
from charter.cli.folder import say
from charter.errors import ApiException, DeclarationError, problems_text


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 problems were found, 2 the command is not understood."""
    sys.path.insert(0, str(Path.cwd()))
    given = _parser().parse_args(arguments)
    try:
        code: int = given.run(given)
    except DeclarationError as error:
        say(problems_text(error.problems))
        return int(given.trouble)
    except ApiException as error:
        say("\n".join([error.detail, *(f"{item.pointer}: {item.detail}" for item in error.errors)]))
        return 1
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="charter", description="Work with the application in this folder.")
    parser.set_defaults(run=lambda _: _help(parser), trouble=1)
    commands = parser.add_subparsers()
    _add(commands, "run", application.serve, "serve the application")
    _add(commands, "check", application.check_all, "check declarations and policy, all problems at once")
    _add(commands, "routes", application.routes, "list every route with its rule")
    _add(commands, "show", application.show, "print what was derived from a resource").add_argument("resource")
    _add(commands, "audit", application.audit_all, "look for whatever breaks an invariant of the data")
    _add_policy(commands)
    schema = commands.add_parser("db", help="work with the schema").add_subparsers(required=True)
    _add(schema, "upgrade", database.db_upgrade, "bring the database to the newest revision")
    revision = _add(schema, "revision", database.db_revision, "write a revision from the declarations")
    revision.add_argument("-m", "--message", default="change", help="what the revision does")
    _add(schema, "check", database.db_check, "tell whether the database differs from the declarations")
    user = commands.add_parser("user", help="work with accounts").add_subparsers(required=True)
    for name, work, text in (
        ("create", accounts.user_create, "make an account"),
        ("promote", accounts.user_promote, "give a role"),
    ):
        parsed = _add(user, name, work, text)
        parsed.add_argument("email")
        parsed.add_argument("role")
    return parser


def _add_policy(commands: Any) -> None:
    inner = commands.add_parser("policy", help="work with the policy").add_subparsers(required=True)
    check = _add(inner, "check", policy.policy_check, "check the policy")
    check.add_argument("file", nargs="?", help="a policy; POLICY_FILE unless given")
    explain = _add(inner, "explain", policy.policy_explain, "why a role may do something, or why not (exit 1)")
    for word in ("role", "resource", "action"):
        explain.add_argument(word)
    matrix = _add(inner, "matrix", policy.policy_matrix, "who may do what")
    matrix.add_argument("--resource", help="one resource, with its fields")
    diff = _add(
        inner, "diff", policy.policy_diff, "what a change gives and takes (exit 0 nothing, 1 something, 2 trouble)"
    )
    diff.set_defaults(trouble=2)
    diff.add_argument("old")
    diff.add_argument("new")
    test = _add(inner, "test", policy.policy_test, "hold the policy against what must stay true of it")
    test.add_argument("file", nargs="?", default=policy.EXPECTATIONS, help=f"{policy.EXPECTATIONS} unless given")
    for command in (explain, matrix, test):
        command.add_argument("--policy", help="a policy; POLICY_FILE unless given")


def _help(parser: argparse.ArgumentParser) -> int:
    parser.print_help()
    return 2


def _add(commands: Any, name: str, work: Any, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=text)
    parser.set_defaults(run=work)
    return parser


__all__ = ["describe", "main"]
