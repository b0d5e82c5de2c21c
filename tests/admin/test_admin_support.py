"""Support's day in a real browser, and a customer's only minute there: what is offered, and what the doors say."""

from typing import Any

import httpx2
import pytest

from tests.admin.tabs import Tab
from tests.running import Running
from tests.shop.buying import ordered, verified

pytestmark = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""What a browser does is the same on each database; the screens themselves are tested on both."""

MENU = ["Cart", "Categories", "Order items", "Order events", "Orders", "Products", "Stock movements", "Users"]


@pytest.fixture
def admin(shop: Running) -> Any:
    """Somebody who sees everything, over the API."""
    with shop.as_admin() as http:
        yield http


@pytest.fixture
def support(tab: Tab, shop: Running) -> httpx2.Client:
    """Somebody who answers customers, signed in at the window; and a client for asking the API."""
    email, password, http = shop.account("support")
    tab.sign_in(email, password)
    tab.page.wait_for_selector("a.card-link, [data-card]")
    return http


def told(tab: Tab) -> str:
    """The number on an error page."""
    return str(tab.page.locator(".empty-header").inner_text())


def test_support_finds_an_order_reads_it_and_cancels_it(
    tab: Tab, shop: Running, support: httpx2.Client, admin: httpx2.Client
) -> None:
    """From the customer's address to the reason; the pieces are back in stock, and nothing else is offered."""
    goods = admin.get("/products?is_active=true&stock__gte=5&size=1").json()["items"][0]
    buyer = verified(shop)
    order = ordered(buyer, goods)
    stock = admin.get(f"/products/{goods['id']}").json()["stock"]
    page = tab.page
    assert sorted(page.locator("#side a[href$='/list']").all_inner_texts()) == sorted(MENU)
    page.click("nav >> text=Orders")
    page.fill("#search-input", order["email"])
    page.keyboard.press("Enter")
    page.wait_for_url("**search=*")
    assert tab.rows() == 1
    page.locator("tbody tr", has_text=order["number"]).locator(".fa-eye").click()
    page.wait_for_url("**/orders/details/**")
    assert order["ship_name"] in page.locator(".charter-details").inner_text()
    assert goods["sku"] in page.locator("section[aria-label=Items]").inner_text()
    assert page.locator("[aria-label=Actions] a").all_inner_texts() == ["Cancel"]

    page.click("[aria-label=Actions] >> text=Cancel")
    page.fill("[name=reason]", "Asked for by telephone")
    page.click("button:text-is('Cancel')")
    page.wait_for_url(f"**/orders/details/{order['id']}")
    now = support.get(f"/orders/{order['id']}?include=events").json()
    assert [now["status"], now["cancel_reason"]] == ["cancelled", "Asked for by telephone"]
    assert now["events"][-1]["to_status"] == "cancelled"
    assert admin.get(f"/products/{goods['id']}").json()["stock"] == stock + 1
    assert page.locator("[aria-label=Actions] a").count() == 0


def test_support_changes_no_product_by_any_button_or_address(
    tab: Tab, support: httpx2.Client, admin: httpx2.Client
) -> None:
    """There is no button, no purchase price, and every address of a form, a file or a change says 403."""
    product = admin.get("/products?size=1").json()["items"][0]
    page = tab.page
    page.click("nav >> text=Products")
    page.wait_for_url("**/products/list")
    assert tab.rows() == 25
    offered = ".fa-pen-to-square, .fa-trash, a[href$='/create'], a:text-is('Import')"
    offered += ", #bulk-button, #export-button, #dropdownMenuButton"
    assert page.locator(offered).count() == 0
    tab.go(f"products/details/{product['id']}")
    assert product["name"] in page.locator(".charter-details").inner_text()
    assert "Cost price" not in page.locator("body").inner_text()
    assert page.locator(".btn-danger, [aria-label=Actions] a").count() == 0
    for path in (
        f"products/edit/{product['id']}",
        "products/create",
        "products/import",
        f"products/act/stock/{product['id']}",
        f"products/bulk/update?pks={product['id']}",
        f"products/bulk/delete?pks={product['id']}",
        "products/export/csv",
    ):
        tab.go(path)
        assert told(tab) == "403", path
    for method, path in (
        ("POST", f"edit/{product['id']}"),
        ("POST", "create"),
        ("DELETE", f"delete?pks={product['id']}"),
    ):
        status = page.evaluate(
            """async ([method, path]) => (await fetch(`/admin/products/${path}`, {method, redirect: "manual",
                headers: {"X-Form-Token": document.querySelector("meta[name=form-token]").content}})).status""",
            [method, path],
        )
        assert status == 403, path
    assert admin.get(f"/products/{product['id']}").json() == product
    assert support.patch(f"/products/{product['id']}", json={"price": 1}).status_code == 403


def test_support_may_not_ship(tab: Tab, shop: Running, support: httpx2.Client, admin: httpx2.Client) -> None:
    """A paid order can be cancelled by them, and no more; the address of the other button says so."""
    goods = admin.get("/products?is_active=true&stock__gte=5&size=1").json()["items"][0]
    order = ordered(verified(shop), goods)
    admin.post(f"/orders/{order['id']}/pay").raise_for_status()
    tab.go(f"orders/details/{order['id']}")
    assert tab.page.locator("[aria-label=Actions] a").all_inner_texts() == ["Cancel"]
    tab.go(f"orders/act/ship/{order['id']}")
    assert told(tab) == "403"
    assert support.get(f"/orders/{order['id']}").json()["status"] == "paid"


def test_a_customer_is_turned_away_with_words(tab: Tab, shop: Running) -> None:
    """With the right password: words on the login page, no cookie of a sign-in, and no page behind it."""
    email, password, http = shop.account("customer")
    tab.sign_in(email, password)
    assert tab.page.locator("[role=alert]").inner_text() == "This account may not enter the admin."
    assert tab.page.url.endswith("/admin/login")
    assert {cookie["name"] for cookie in tab.page.context.cookies()} == {"entry", "zone"}  # a visitor's
    for path in ("", "products/list", "orders/export/csv", "access"):
        tab.go(path)
        assert tab.page.url.endswith("/admin/login"), path
    assert http.get("/users/me").status_code == 200  # the account itself is good
