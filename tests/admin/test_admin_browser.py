"""The admin in a real browser: a manager's work from signing in to signing out, and who is turned away."""

import re
import secrets

import pytest

from tests.admin.tabs import Tab
from tests.running import ADMIN, Running

pytestmark = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""What a browser does is the same on each database; the screens themselves are tested on both."""


def test_a_product_is_made_found_changed_and_deleted(tab: Tab, shop: Running) -> None:
    """Every step on screen; what the database says is asked over the API."""
    sku, page = f"T-{secrets.token_hex(4)}", tab.page
    tab.sign_in(*ADMIN)
    page.click("nav >> text=Products")
    assert tab.rows() == 25
    page.click("text=+ New Product")
    page.fill("[name=sku]", sku)
    page.fill("[name=name]", "Lamp for a test")
    page.fill("[name=price]", "19.99")
    page.fill("[name=stock]", "5")
    page.locator("form [role=combobox]").press_sequentially("desk l")
    page.locator("[role=option]", has_text="Desk lamps").click()
    page.click("input[value=Save]")
    page.wait_for_url("**/products/list")

    page.fill("#search-input", sku)
    page.keyboard.press("Enter")
    page.wait_for_url("**search=*")
    assert tab.rows() == 1
    row = page.locator("tbody tr").inner_text()
    assert [word in row for word in ("Lamp for a test", "19.99", "Desk lamps")] == [True] * 3

    page.click(".fa-pen-to-square")
    page.fill("[name=price]", "much")
    page.click("input[value=Save]")
    assert "must be an amount" in page.locator(".invalid-feedback").first.inner_text()
    page.fill("[name=price]", "25")
    page.uncheck("[name=is_active][type=checkbox]")
    page.click("input[value=Save]")
    page.wait_for_url("**/products/list*")
    with shop.as_admin() as http:
        (kept,) = http.get("/products", params={"sku": sku}).json()["items"]
    assert [kept["price"], kept["is_active"], kept["stock"]] == [2500, False, 5]

    page.click(".fa-eye")
    assert "25.00" in page.locator(".charter-details").inner_text()
    page.click("a.btn-danger")
    page.locator("#modal-delete-text", has_text="permanently").wait_for()
    page.click("#modal-delete-button")
    page.wait_for_url("**/products/list*")
    with shop.as_admin() as http:
        assert http.get(f"/products/{kept['id']}").status_code == 404


def test_several_rows_are_deleted_at_once(tab: Tab, shop: Running) -> None:
    """Those that are ticked, after a page has shown them; also where one hangs on another."""
    page, name = tab.page, f"Shelf {secrets.token_hex(4)}"
    with shop.as_admin() as http:
        http.post("/categories", json={"name": f"{name} a"})
        top = http.post("/categories", json={"name": f"{name} b"}).json()
        http.post("/categories", json={"name": f"{name} c", "parent_id": top["id"]})
    tab.sign_in(*ADMIN)
    tab.go(f"categories/list?search={name}&sortBy=name&sort=asc")
    page.check("#select-all")
    page.click("#dropdownMenuButton")
    page.click("#action-custom-delete")
    assert "3 rows" in page.locator(".card-title").inner_text()
    assert _left(shop, name) == 3
    page.click("button:text-is('Delete 3 rows')")
    page.wait_for_url("**/categories/list*")
    assert _left(shop, name) == 0


def _left(shop: Running, name: str) -> int:
    with shop.as_admin() as http:
        return int(http.get("/categories", params={"name__contains": name}).json()["total"])


def test_a_list_is_ordered_by_a_click_and_turned_by_another(tab: Tab) -> None:
    """The first row is the least, then the most."""
    tab.sign_in(*ADMIN)
    tab.go("products/list")
    first = tab.page.locator("tbody tr").first
    tab.page.click("th >> text=Price")
    least = re.findall(r"\d+\.\d\d", first.inner_text())
    tab.page.click("th >> text=Price")
    tab.page.wait_for_url("**sort=desc*")
    most = re.findall(r"\d+\.\d\d", first.inner_text())
    assert float(least[0]) < float(most[0])


def test_an_order_shows_its_lines_and_its_way(tab: Tab, shop: Running) -> None:
    """A manager opens one from the list; each line leads to its own page, and that one back."""
    email, password, http = shop.account("manager")
    (order,) = http.get("/orders?size=1&sort=-id&include=items,events").json()["items"]
    page = tab.page
    tab.sign_in(email, password)
    page.click("nav >> text=Orders")
    page.locator("tbody tr", has_text=order["number"]).locator(".fa-eye").click()
    page.wait_for_url(f"**/orders/details/{order['id']}")
    assert page.locator(".charter-details .badge").inner_text() == order["status"]
    lines = page.locator("section[aria-label=Items] tbody tr")
    assert [lines.nth(place).inner_text().split("\t")[1] for place in range(lines.count())] == [
        item["sku"] for item in order["items"]
    ]
    assert f"{order['items'][0]['line_total'] / 100:.2f}" in lines.first.inner_text()
    moves = page.locator("section[aria-label=Events] tbody tr")
    assert [event["to_status"] in moves.nth(place).inner_text() for place, event in enumerate(order["events"])] == [
        True
    ] * moves.count()
    lines.first.locator(".fa-eye").click()
    page.wait_for_url(f"**/order-items/details/{order['items'][0]['id']}")
    page.click(f"text={order['number']}")
    page.wait_for_url(f"**/orders/details/{order['id']}")


def test_orders_are_narrowed_by_their_status(tab: Tab) -> None:
    """Chosen in the panel, beside an amount; a search stays within it; a click takes it away."""
    page = tab.page
    tab.sign_in(*ADMIN)
    tab.go("orders/list")
    page.click("[data-filters-button]")
    page.check("[name=status__in][value=shipped]")
    page.fill("[name=grand_total__gte]", "0.01")
    page.click("#filters >> text=Apply")
    page.wait_for_url("**status__in=shipped*")
    assert "=&" not in f"{page.url}&"
    assert tab.narrowed_by() == ["Status shipped", "Grand total from 0.01"]
    some = tab.rows()
    assert set(page.locator("tbody .badge").all_inner_texts()) == {"shipped"}
    page.fill("#search-input", page.locator("tbody tr td:nth-child(5)").first.inner_text())
    page.keyboard.press("Enter")
    page.wait_for_url("**search=*")
    assert set(page.locator("tbody .badge").all_inner_texts()) == {"shipped"}
    assert 0 < tab.rows() < some
    page.click("[data-narrowed] >> nth=0 >> a")
    page.wait_for_url(lambda url: "status__in=" not in url and "grand_total__gte=" in url and "search=" in url)


READ_ONLY = {"order-events", "order-items", "stock-movements", "roles", "permissions", "role-permissions"}
SUPPORT = {"products", "categories", "users", "cart", "orders", "order-events", "order-items", "stock-movements"}
SEEN = {"admin": SUPPORT | READ_ONLY, "manager": SUPPORT | READ_ONLY, "support": SUPPORT}
BUTTONS = ".fa-pen-to-square, .fa-trash, a[href$='/create'], .btn-danger:visible"


@pytest.mark.parametrize("role", SEEN)
def test_every_screen_opens(tab: Tab, shop: Running, role: str) -> None:
    """List and page of each noun, for each role that gets in; what can only be read has no button."""
    email, password = ADMIN if role == "admin" else shop.account(role)[:2]
    page = tab.page
    tab.sign_in(email, password)
    page.wait_for_selector("a.card-link")
    links = [link.get_attribute("href") for link in page.locator("a.card-link").all()]
    assert {link.split("/")[-2] for link in links} == SEEN[role]
    for link in links:
        noun = link.split("/")[-2]
        assert page.goto(link).status == 200
        assert (page.locator(BUTTONS).count() == 0) or noun not in READ_ONLY
        if not page.locator("tbody .fa-eye").count():
            assert noun == "cart"  # nobody of the staff has anything in it
            continue
        with page.expect_navigation() as opened:
            page.locator("tbody .fa-eye").first.click()
        assert opened.value.status == 200
        assert (page.locator(BUTTONS).count() == 0) or noun not in READ_ONLY


def test_after_the_logout_no_page_comes_back(tab: Tab) -> None:
    """Neither by its address nor by the button back."""
    tab.sign_in(*ADMIN)
    tab.go("products/list")
    tab.page.click("text=Logout")
    tab.page.wait_for_url("**/admin/login")
    tab.page.go_back()
    tab.page.wait_for_url("**/admin/login")
    tab.go("users/list")
    assert tab.page.url.endswith("/admin/login")


def test_a_page_of_another_site_cannot_use_the_cookie(tab: Tab, shop: Running) -> None:
    """A form elsewhere that posts to the admin, in the same browser: refused, and nothing is made."""
    name = f"Planted {secrets.token_hex(4)}"
    tab.sign_in(*ADMIN)
    other = shop.url.replace("127.0.0.1", "localhost")
    page = tab.page.context.new_page()
    page.route(f"{other}/elsewhere", lambda route: route.fulfill(content_type="text/html", body=_trap(shop.url, name)))
    page.goto(f"{other}/elsewhere")
    with page.expect_response("**/admin/categories/create") as waited:
        page.click("button")
    assert waited.value.status == 403
    with shop.as_admin() as http:
        assert http.get("/categories", params={"name": name}).json()["total"] == 0


def _trap(url: str, name: str) -> str:
    return (
        f'<form method="post" action="{url}/admin/categories/create"><input name="name" value="{name}">'
        '<input name="save" value="Save"><button>A nice picture</button></form>'
    )
