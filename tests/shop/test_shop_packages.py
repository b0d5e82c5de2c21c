"""The packages that the shop is built with: each does its part, so that without it something fails.

The shop runs in a process of its own, with a module on its path that Python imports first (``sitecustomize``): it
blocks one package, or puts something that raises in the place of what a package does for us.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.running import ROOT, SERVE, Running, copy_application, run_once, running

PACKAGES = ("fastapi", "uvicorn", "sqlmodel", "fastapi_users", "sqladmin", "fastapi_pagination", "casbin", "slowapi")

TEST_COMMAND = ("-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "framework" / "test_pages.py"))

BLOCK = """
import sys

class Unplugged:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ImportError("unplugged: " + name)
        return None

sys.meta_path.insert(0, Unplugged())
"""

REPLACE = """
import {module} as module

def unplugged(*arguments, **keywords):
    raise RuntimeError("unplugged: {module}.{name}")

owner, _, name = {name!r}.rpartition(".")
setattr(getattr(module, owner) if owner else module, name, unplugged)
"""


@dataclass(frozen=True, slots=True)
class Part:
    """What a package does for us: its decisive function, and the request that needs it."""

    module: str
    name: str
    method: str = ""
    path: str = ""

    @property
    def code(self) -> str:
        """What puts an error in its place."""
        return REPLACE.format(module=self.module, name=self.name)


AT_START = (
    Part("casbin", "Enforcer.enforce"),
    Part("slowapi.wrappers", "LimitGroup.__iter__"),
    Part("sqladmin", "Admin.add_model_view"),
)
IN_REQUESTS = (
    Part("fastapi_pagination", "Params.to_raw_params", "GET", "/products"),
    Part("fastapi_users.password", "PasswordHelper.hash", "POST", "/auth/register"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the application."""
    return copy_application(tmp_path_factory.mktemp("packages"))


def with_code(folder: Path, code: str) -> dict[str, str]:
    """Settings under which every Python process runs `code` before anything else."""
    first = folder / "first"
    first.mkdir(exist_ok=True)
    (first / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": f"{first}:{ROOT}", "PYTHONDONTWRITEBYTECODE": "1", "DEMO_DATA": "false"}


def fails_to_start(folder: Path, code: str, words: str, command: tuple[str, ...] = SERVE) -> None:
    """`command` ends with an error that says so."""
    told = run_once(folder, *command, PORT="0", **with_code(folder, code))
    assert told.returncode != 0
    assert words in told.stdout + told.stderr


@contextmanager
def started(folder: Path, code: str) -> Iterator[Running]:
    with running(folder, SERVE, **with_code(folder, code)) as shop:
        yield shop


def ask(shop: Running, part: Part) -> httpx2.Response:
    """The request that needs a part."""
    account = {"email": f"{secrets.token_hex(4)}@example.org", "password": "correct horse battery"}
    with httpx2.Client(base_url=shop.url, timeout=30) as http:
        return http.request(part.method, part.path, json=account if part.method == "POST" else None)


@pytest.mark.parametrize("package", [*PACKAGES, "pytest"])
def test_without_a_package_nothing_starts(folder: Path, package: str) -> None:
    """Each of the nine, unplugged by itself: the shop does not start, or for pytest, its tests do not run."""
    command = TEST_COMMAND if package == "pytest" else SERVE
    fails_to_start(folder, BLOCK.format(package=package), f"unplugged: {package}", command)


def test_with_every_package_everything_starts(folder: Path) -> None:
    """The control: the same processes with another name blocked start, answer, and run tests."""
    code = BLOCK.format(package="no_such_package")
    with started(folder, code) as shop:
        assert [ask(shop, part).status_code for part in IN_REQUESTS] == [200, 201]
    told = run_once(folder, *TEST_COMMAND, **with_code(folder, code))
    assert told.returncode == 0, told.stdout


@pytest.mark.thorough
@pytest.mark.parametrize("part", AT_START, ids=lambda part: part.module)
def test_a_package_does_its_part_of_the_start(folder: Path, part: Part) -> None:
    """With an error in the place of its decisive function the shop does not start."""
    fails_to_start(folder, part.code, f"unplugged: {part.module}.{part.name}")


@pytest.mark.thorough
@pytest.mark.parametrize("part", IN_REQUESTS, ids=lambda part: part.module)
def test_a_package_does_its_part_of_a_request(folder: Path, part: Part) -> None:
    """With an error in the place of its decisive function the shop starts, and that request fails."""
    if not (folder / "shop.db").exists():  # the first start makes an account
        with started(folder, ""):
            pass
    with started(folder, part.code) as shop:
        assert ask(shop, part).status_code == 500
        assert f"unplugged: {part.module}.{part.name}" in shop.log()
