"""The `charter` command in a copy of the application."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from tests.running import ROOT, SERVE, copy_application, run_once, running
from tests.shop.people import okay, refused

REVISIONS = sorted(file.name for file in (ROOT / "migrations" / "versions").glob("*.py"))
NEWEST = REVISIONS[-1].partition("_")[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An application that nobody changes."""
    return copy_application(tmp_path_factory.mktemp("command"))


def charter(
    folder: Path, *arguments: str, code: int = 0, stdin: str = "", settings: Mapping[str, str] = MappingProxyType({})
) -> str:
    """What ``charter`` says with `arguments`; its exit code has to be `code`."""
    told = run_once(folder, "-m", "charter", *arguments, stdin=stdin, **settings)
    output = told.stdout + told.stderr
    assert told.returncode == code, output
    assert "Traceback" not in output
    return output


def break_line(folder: Path, file: str, old: str, new: str) -> int:
    """Replace `old` by `new` in a file; the number of the line."""
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    return text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize("command", [("check",), ("policy", "check")], ids=["check", "policy"])
def test_the_shop_has_no_problem(folder: Path, command: tuple[str, ...]) -> None:
    """The application as shipped: exit code 0, one line."""
    output = charter(folder, *command)
    assert output.startswith("11 resources, policy ")
    assert output.endswith("no problem\n")


def test_every_slip_is_told_at_once(tmp_path: Path) -> None:
    """Declarations and policy together, each with code, place and hint."""
    folder = copy_application(tmp_path)
    break_line(folder, "resources/products.py", '    filter=("sku",', '    filter=("skuu",')
    break_line(folder, "resources/categories.py", '    search=("name",)', '    search=("nam",)')
    line = break_line(folder, "policy.csv", "p, customer, cart, *, own, *", "p, customer, cart, *, owned, *")
    other = break_line(
        folder, "policy.csv", "p, manager, products, delete, any, *", "p, manager, products, delte, any, *"
    )
    scope = break_line(
        folder, "policy.csv", "p, anonymous, categories, list, any, *", "p, anonymous, categories, list, own, *"
    )
    output = charter(folder, "check", code=1)
    lines = output.splitlines()

    def told(*parts: str) -> bool:
        return any(all(part in text for part in parts) for text in lines)

    assert told("resource products", "unknown_field", "'skuu'", "'sku'"), output
    assert told("resource categories", "unknown_field", "'nam'", "'name'"), output
    assert told(f"policy.csv:{line}:", "owned", "own"), output
    assert told(f"policy.csv:{other}:", "delte", "delete"), output
    assert told(f"policy.csv:{scope}:", "own", "categories"), output


def test_a_resource_without_a_rule_is_told(tmp_path: Path) -> None:
    """`check` names it; nobody could ever reach it."""
    folder = copy_application(tmp_path)
    text = (folder / "policy.csv").read_text()
    (folder / "policy.csv").write_text("".join(row for row in text.splitlines(keepends=True) if ", cart," not in row))
    output = charter(folder, "check", code=1)
    assert "cart" in output
    assert "rule" in output


def test_routes_are_listed_with_their_rules(folder: Path) -> None:
    """Every route with its methods, and the decision that it asks."""
    output = charter(folder, "routes")
    lines = [" ".join(line.split()) for line in output.splitlines()]
    assert "GET /products products list" in lines
    assert "PATCH /products/{id} products update" in lines
    assert "GET /users/me users read" in lines
    assert "POST /auth/login public" in lines
    assert "GET /health public" in lines


def test_a_resource_is_shown_as_derived(folder: Path) -> None:
    """Table, fields, filters, scopes and constraints; an unknown one is told with the known ones."""
    output = charter(folder, "show", "products")
    assert output.startswith("products: table product\n")
    for part in ("  sku: text, always, required", "  stock: integer, create, required", "category.slug", "published"):
        assert part in output, output
    assert "hashed_password" in charter(folder, "show", "users")
    assert "products" in charter(folder, "show", "prodcts", code=1)


def test_no_command_explains_itself(folder: Path) -> None:
    """Without a word, or with an unknown one: usage and exit code 2."""
    assert "usage: charter" in charter(folder, code=2)
    assert "usage: charter" in charter(folder, "fly", code=2)


def test_a_database_is_brought_up_to_date_and_checked(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """After `db upgrade` the schema is as declared, searched texts too; a revision would be empty: none is written."""
    folder = copy_application(tmp_path)
    assert "full-text index of product\n" in charter(folder, "db", "check", settings=empty_database, code=1)
    revision, *indexes = charter(folder, "db", "upgrade", settings=empty_database).splitlines()
    assert revision == f"schema brought to revision {NEWEST}"
    assert {line.removeprefix("made the full-text index of ") for line in indexes} == {
        *("category", "orders", "product", "users")
    }
    assert charter(folder, "db", "upgrade", settings=empty_database) == "The schema is up to date.\n"
    assert charter(folder, "db", "check", settings=empty_database) == "The schema is as declared.\n"
    assert (
        charter(folder, "db", "revision", "-m", "idle", settings=empty_database)
        == "The declarations say nothing new.\n"
    )
    assert [file.name for file in sorted((folder / "migrations" / "versions").glob("*.py"))] == REVISIONS


def test_an_account_is_made_and_promoted(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """`user create` takes the password from the input; `user promote` gives a role, and ends old sign-ins."""
    folder, given = copy_application(tmp_path), {**empty_database, "DEMO_DATA": "false"}
    email, password = "chief@example.com", "a-password-of-a-test"
    with running(folder, SERVE, **given) as shop:
        output = charter(folder, "user", "create", email, "support", stdin=f"{password}\n", settings=given)
        assert output == "done\n"
        assert password not in output
        with shop.client(shop.login(email, password)) as http:
            row = okay(http.get("/users/me"))
            assert (row["role"], row["is_verified"]) == ("support", True)
            charter(folder, "user", "promote", email.upper(), "manager", settings=given)
            refused(http.get("/users/me"), 401, "not_authenticated")
        with shop.client(shop.login(email, password)) as http:
            assert okay(http.get("/users/me"))["role"] == "manager"


def test_a_wrong_account_is_told_in_a_line(tmp_path: Path) -> None:
    """A taken address, a made-up role, a short password: exit code 1, no traceback."""
    folder = copy_application(tmp_path)
    charter(folder, "db", "upgrade")
    charter(folder, "user", "create", "a@example.com", "customer", stdin="a-password-of-a-test\n")
    for arguments, words in (
        (("promote", "a@example.com", "king"), "/role: must be one of"),
        (("create", "A@example.com", "customer"), "/email: is taken already"),
    ):
        assert words in charter(folder, "user", *arguments, stdin="a-password-of-a-test\n", code=1)
    output = charter(folder, "user", "create", "b@example.com", "customer", stdin="short77\n", code=1)
    assert "/password" in output
    assert "short77" not in output
