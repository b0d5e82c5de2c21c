"""Saving `policy.csv` while the shop serves: the tables that show it follow, and so does the page in the admin."""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.admin.desk import TOKEN, token_on
from tests.patience import wait_until
from tests.running import ADMIN, ROOT, Running, copy_application, running
from tests.shop.doorway import enter
from tests.shop.people import okay

PAGES = {"Accept": "text/html", "Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A shop of this module alone, since its policy is written."""
    with running(copy_application(tmp_path_factory.mktemp("saved"))) as found:
        yield found


@pytest.fixture
def policy(own: Running) -> Iterator[Path]:
    """The policy as shipped, before and after each test."""
    file, shipped = own.folder / "policy.csv", (ROOT / "policy.csv").read_text()
    yield file
    file.write_text(shipped)
    wait_until(lambda: state(own)["error"] is None)


def state(shop: Running) -> dict[str, object]:
    """What `/health` says of the policy."""
    found: dict[str, object] = httpx2.get(f"{shop.url}/health", timeout=30).json()["policy"]
    return found


def in_admin(shop: Running, email: str, password: str) -> httpx2.Client:
    """A browser that has signed in to the admin."""
    http = shop.client()
    http.headers.update(PAGES)
    assert enter(http, email, password).status_code == 302
    http.headers[TOKEN] = token_on(http.get("/admin/").text)
    return http


def test_the_tables_that_show_the_policy_follow_it(own: Running, policy: Path) -> None:
    """A line that is added is a permission and a grant; a row that stays keeps its id; what is gone is gone."""
    http = own.as_admin()

    def shown() -> dict[tuple[str, ...], str]:
        names = ("resource", "action", "rows", "fields")
        rows: list[dict[str, str]] = []
        for page in (1, 2):
            rows += okay(http.get(f"/permissions?size=100&page={page}"))["items"]
        return {tuple(row[name] for name in names): row["id"] for row in rows}

    before, line = shown(), ("stock-movements", "list", "any", "-note")
    assert line not in before
    policy.write_text((ROOT / "policy.csv").read_text() + f"p, customer, {', '.join(line)}\n")
    wait_until(lambda: line in shown())
    after = shown()
    assert {key: after[key] for key in before} == before
    held = okay(http.get(f"/role-permissions?permission_id={after[line]}&include=role"))["items"]
    assert [row["role"]["name"] for row in held] == ["customer"]
    policy.write_text((ROOT / "policy.csv").read_text())
    wait_until(lambda: shown() == before)


def test_the_page_shows_who_may_do_what(own: Running) -> None:
    """Managers, who may list the rules, see roles, resources, fields and lines; support sees no page and no link."""
    manager, support = (in_admin(own, *own.account(role)[:2]) for role in ("manager", "support"))
    page = manager.get("/admin/access")
    assert page.status_code == 200
    assert "all but cost_price" in page.text
    assert "p, anonymous, products, list, published, -cost_price" in page.text
    for role in ("anonymous", "customer", "support", "manager", "admin"):
        assert re.search(rf'<th scope="col">{role}</th>', page.text)
    assert "/admin/access" in manager.get("/admin/").text
    assert support.get("/admin/access").status_code == 403
    assert "/admin/access" not in support.get("/admin/").text
    assert own.client().get("/admin/access", headers=PAGES).headers["location"].endswith("/admin/login")


def test_a_broken_file_is_told_on_every_page_of_the_admin(own: Running, policy: Path) -> None:
    """A banner with line and column, and the sign-in page keeps it to itself; it goes when the file is mended."""
    http = in_admin(own, *ADMIN)
    assert "policy file has an error" not in http.get("/admin/").text
    before = told(http.get("/admin/access").text)
    shipped = policy.read_text()
    line = len(shipped.splitlines()) + 1
    policy.write_text(shipped + "p, support, <b>, list, any, *\n")
    wait_until(lambda: state(own)["error"] is not None)
    for path in ("/admin/", "/admin/products/list", "/admin/access"):
        page = http.get(path).text
        assert "policy file has an error" in page
        assert f"policy.csv:{line}:13: policy_unknown_resource" in page
        assert "<b>, list" not in page
        assert "&lt;b&gt;" in page
    assert "policy file has an error" not in own.client().get("/admin/login", headers=PAGES).text
    facts = told(http.get("/admin/access").text)
    assert facts["version"] == before["version"]
    assert facts["since"] == before["since"]
    assert f"policy.csv:{line}:13" in facts["failed"]
    assert "mended" not in facts["failed"]
    policy.write_text(f"{shipped}# mended\n")
    wait_until(lambda: "policy file has an error" not in http.get("/admin/").text)
    facts = told(http.get("/admin/access").text)
    assert facts["version"] == state(own)["version"] != before["version"]
    assert facts["since"] > before["since"]
    assert "loaded anew" in facts["since"]
    assert f"policy.csv:{line}:13" in facts["failed"]
    assert "mended since" in facts["failed"]


def told(page: str) -> dict[str, str]:
    """What the page about the policy says of the last files."""
    return {
        name: " ".join(re.sub(r"<[^>]*>", "", words).split())
        for name, words in re.findall(r"data-policy-(\w+)>(.*?)</(?:code|dd)>", page, re.DOTALL)
    }


def test_the_page_tells_who_has_which_role(own: Running) -> None:
    """How many, as the API counts them, with the list of them; the first five by name; and the rules that there are."""
    people = {role: [own.account(role)[0] for _ in range(2)] for role in ("support", "manager")}
    http = in_admin(own, *ADMIN)
    page = http.get("/admin/access").text
    with own.as_admin() as api:
        counts = {role: api.get(f"/users?role={role}").json()["total"] for role in ("customer", *people, "admin")}
    for role, count in counts.items():
        row = page.partition(f'<tr data-role="{role}">')[2].partition("</tr>")[0]
        assert re.search(rf'href="[^"]*/admin/users/list\?role={role}"[^>]*>{count}</a>', row), role
        assert len(re.findall(r"/admin/users/details/", row)) == min(count, 5)
        assert all(email in row for email in people.get(role, []))
    rules = sum(line.startswith("p,") for line in (ROOT / "policy.csv").read_text().splitlines())
    assert f"{rules} rules for 5 roles" in page
