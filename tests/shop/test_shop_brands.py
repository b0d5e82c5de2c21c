"""A new resource is one file and its lines in the policy: brands, as the README has them, in a copy of the shop."""

from pathlib import Path

import httpx2
import pytest

from tests.running import ADMIN, ROOT, SERVE, Running, copy_application, run_once, running
from tests.shop.doorway import enter
from tests.shop.people import Row, created, okay, refused
from tests.shop.readme import blocks

SHIPPED = sorted(file.name for file in (ROOT / "migrations" / "versions").glob("*.py"))
NEXT = f"{len(SHIPPED) + 1:04}"
"""The number of the next revision."""

SECTION = "A resource is one file"


def with_brands(folder: Path, *, rules: bool = True) -> Path:
    """A copy of the application with the README's file, and with its rules where they are wanted."""
    copy_application(folder)
    (folder / "resources" / "brands.py").write_text(blocks("python", SECTION)[0].text)
    if rules:
        with (folder / "policy.csv").open("a") as file:
            file.write("\n" + blocks("", SECTION)[1].text)
    return folder


def revisions(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "migrations" / "versions").glob("*.py"))


def check_endpoints(shop: Running) -> Row:
    """Everything that a resource has over HTTP; returns a brand that stays."""
    with shop.client() as anyone, shop.account("customer")[2] as customer, shop.account("manager")[2] as manager:
        made = manager.post("/brands", json={"name": "Lamp Works"})
        row = created(made)
        assert made.headers["location"] == f"/brands/{row['id']}"
        assert (row["name"], row["slug"]) == ("Lamp Works", "lamp-works")
        assert okay(anyone.get(f"/brands/{row['id']}")) == row
        second = created(manager.post("/brands", json={"name": "Mug & Co"}))
        page = okay(anyone.get("/brands?sort=-name"))
        assert [item["name"] for item in page["items"]] == ["Mug & Co", "Lamp Works"]
        assert okay(anyone.get("/brands?name__contains=LAMP"))["total"] == 1
        renamed = okay(manager.patch(f"/brands/{row['id']}", json={"name": "Lamps"}))
        assert (renamed["name"], renamed["slug"]) == ("Lamps", "lamp-works")
        row = okay(manager.put(f"/brands/{row['id']}", json={"name": "Lamp Works"}))
        assert row["name"] == "Lamp Works"
        assert manager.delete(f"/brands/{second['id']}").status_code == 204
        refused(manager.post("/brands", json={"name": ""}), 422, "validation", "/name")
        refused(manager.post("/brands", json={"name": "x", "nmae": "x"}), 422, "validation", "/nmae")
        refused(anyone.get("/brands?nmae=x"), 400, "unknown_parameter", "nmae")
        refused(anyone.post("/brands", json={"name": "x"}), 401, "not_authenticated")
        refused(customer.post("/brands", json={"name": "x"}), 403, "forbidden")
        refused(customer.delete(f"/brands/{row['id']}"), 403, "forbidden")
        refused(anyone.get(f"/brands/{second['id']}"), 404, "not_found")
    return row


def check_document(shop: Running) -> None:
    """The OpenAPI document has its operations, its schemas and its description."""
    with shop.client() as http:
        document = okay(http.get("/openapi.json"))
    assert document["paths"]["/brands"].keys() == {"get", "post"}
    assert document["paths"]["/brands/{id}"].keys() == {"get", "put", "patch", "delete"}
    assert document["paths"]["/brands"]["get"]["operationId"] == "brands_list"
    names = {item["name"] for item in document["paths"]["/brands"]["get"]["parameters"]}
    assert names >= {"name", "name__contains", "sort", "page", "size", "fields", "id__in", "created_at__gte"}
    assert document["components"]["schemas"].keys() >= {"Brand", "BrandCreate", "BrandReplace", "BrandUpdate"}
    assert any(tag["name"] == "brands" and "Who makes a product" in tag["description"] for tag in document["tags"])


def check_admin(shop: Running, row: Row) -> None:
    """The admin lists and shows it to the admin; a customer does not get in."""
    browser = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
    with httpx2.Client(base_url=shop.url, follow_redirects=True, headers=browser) as http:
        page = enter(http, *ADMIN)
        assert page.status_code == 200
        assert "/admin/brands/list" in page.text
        screen = http.get("/admin/brands/list")
        assert screen.status_code == 200
        assert row["name"] in screen.text
        assert row["name"] in http.get(f"/admin/brands/details/{row['id']}").text
        assert http.get("/admin/brands/create").status_code == 200
    email, password, client = shop.account("customer")
    client.close()
    with httpx2.Client(base_url=shop.url, follow_redirects=True, headers=browser) as http:
        assert "may not enter" in enter(http, email, password).text
        assert row["name"] not in http.get("/admin/brands/list").text


@pytest.mark.thorough
def test_in_development_a_new_resource_is_there_after_a_start(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """The migration is written and applied by itself, beside rows that were there; a second start writes no other."""
    given = {**empty_database, "ENVIRONMENT": "development"}
    folder = copy_application(tmp_path)
    with running(folder, SERVE, **given) as shop, shop.client() as http:
        before = okay(http.get("/products?size=1"))["total"]
        refused(http.get("/brands"), 404, "not_found")
    with_brands(folder)
    with running(folder, SERVE, **given) as shop:
        assert revisions(folder) == [*SHIPPED, f"{NEXT}_follow_the_declarations.py"]
        assert f"made and applied {NEXT}_follow_the_declarations.py" in shop.log()
        row = check_endpoints(shop)
        check_document(shop)
        check_admin(shop, row)
        with shop.client() as http:
            assert okay(http.get("/products?size=1"))["total"] == before
    with running(folder, SERVE, **given) as shop, shop.client() as http:
        assert len(revisions(folder)) == len(SHIPPED) + 1
        assert okay(http.get(f"/brands/{row['id']}")) == row


@pytest.mark.thorough
def test_elsewhere_a_new_resource_needs_a_revision(tmp_path: Path, empty_database: dict[str, str]) -> None:
    """`charter db revision`, then `charter db upgrade`: the schema is as declared, and the endpoints answer."""
    folder = copy_application(tmp_path)

    def charter(*arguments: str) -> str:
        told = run_once(folder, "-m", "charter", *arguments, **empty_database)
        assert told.returncode == 0, told.stdout + told.stderr
        return told.stdout

    charter("db", "upgrade")
    with_brands(folder)
    assert f"{NEXT}_brands.py" in charter("db", "revision", "-m", "brands")
    assert charter("db", "upgrade") == f"schema brought to revision {NEXT}\n"
    assert charter("db", "check") == "The schema is as declared.\n"
    made = (folder / f"migrations/versions/{NEXT}_brands.py").read_text()
    assert "op.drop_table" not in made.partition("downgrade")[0]
    with running(folder, SERVE, **empty_database) as shop:
        check_endpoints(shop)


@pytest.mark.parametrize("command", [("check",), ("policy", "check")], ids=["check", "policy"])
def test_a_resource_without_a_rule_is_told(tmp_path: Path, command: tuple[str, ...]) -> None:
    """Without its lines in the policy `charter check` names the resource, with code, place and hint."""
    folder = with_brands(tmp_path, rules=False)
    told = run_once(folder, "-m", "charter", *command)
    assert told.returncode == 1, told.stdout
    lines = [line for line in told.stdout.splitlines() if "brands" in line]
    assert len(lines) == 1, told.stdout
    assert lines[0].startswith("resource brands: no_rule "), lines
    assert "Add a line such as 'p, <role>, brands, list, any, *'" in lines[0]
