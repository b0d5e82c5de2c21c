"""A manager's day in a real browser: orders, stock, files, many rows at once. What the shop then has, the API tells."""

import csv
import io
import secrets
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.admin.tabs import Tab
from tests.running import Running
from tests.shop.buying import WAYS, ordered, verified

pytestmark = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""What a browser does is the same on each database; the screens themselves are tested on both."""


@pytest.fixture
def manager(tab: Tab, shop: Running) -> httpx2.Client:
    """Somebody who runs the shop, signed in at the window; and a client for asking the API."""
    email, password, http = shop.account("manager")
    tab.sign_in(email, password)
    tab.page.wait_for_selector("a.card-link")
    return http


def buy(shop: Running, manager: httpx2.Client, state: str) -> dict[str, Any]:
    """An order of a fresh customer, in that state."""
    goods = manager.get("/products?is_active=true&stock__gte=5&size=1").json()["items"][0]
    row: dict[str, Any] = ordered(verified(shop), goods)
    for name in WAYS[state]:
        row = manager.post(f"/orders/{row['id']}/{name}").raise_for_status().json()
    return row


def open_order(tab: Tab, number: str) -> None:
    """Find an order by its number, and open its page."""
    tab.page.click("nav >> text=Orders")
    tab.page.fill("#search-input", number)
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_url("**search=*")
    tab.page.locator("tbody tr", has_text=number).locator(".fa-eye").click()
    tab.page.wait_for_url("**/orders/details/**")


def offered(tab: Tab) -> list[str]:
    """The actions that the page of a row offers."""
    return list(tab.page.locator("[aria-label=Actions] a").all_inner_texts())


def test_an_order_is_found_and_shipped(tab: Tab, shop: Running, manager: httpx2.Client) -> None:
    """Only what its state allows is offered; the page asks for the tracking number, and then the order is shipped."""
    order = buy(shop, manager, "paid")
    page = tab.page
    open_order(tab, order["number"])
    assert offered(tab) == ["Ship", "Cancel"]
    page.click("[aria-label=Actions] >> text=Ship")
    assert manager.get(f"/orders/{order['id']}").json()["status"] == "paid"
    page.fill("[name=tracking]", "DHL 42")
    page.click("button:text-is('Ship')")
    page.wait_for_url(f"**/orders/details/{order['id']}")
    assert page.locator(".charter-details .badge").inner_text() == "shipped"
    assert offered(tab) == ["Deliver", "Return"]
    now = manager.get(f"/orders/{order['id']}?include=events").json()
    assert [now["status"], now["events"][-1]["note"]] == ["shipped", "DHL 42"]


def test_another_is_cancelled_with_a_reason(tab: Tab, shop: Running, manager: httpx2.Client) -> None:
    """The way back cancels nothing; the stock is given back with the cancellation."""
    order = buy(shop, manager, "pending")
    line = manager.get(f"/order-items?order_id={order['id']}").json()["items"][0]
    before = manager.get(f"/products/{line['product_id']}").json()["stock"]
    page = tab.page
    open_order(tab, order["number"])
    page.click("[aria-label=Actions] >> text=Cancel")
    page.click("a:text-is('Back')")
    page.wait_for_url(f"**/orders/details/{order['id']}")
    page.click("[aria-label=Actions] >> text=Cancel")
    page.fill("[name=reason]", "Wrong size")
    page.click("button:text-is('Cancel')")
    page.wait_for_url(f"**/orders/details/{order['id']}")
    now = manager.get(f"/orders/{order['id']}").json()
    assert [now["status"], now["cancel_reason"]] == ["cancelled", "Wrong size"]
    assert manager.get(f"/products/{line['product_id']}").json()["stock"] == before + line["quantity"]
    assert offered(tab) == []


def test_stock_is_corrected_by_pieces_with_a_reason(tab: Tab, manager: httpx2.Client) -> None:
    """What would take more than there is is told beside the field; what was done is written down."""
    goods = manager.get("/products?stock__gte=5&size=1").json()["items"][0]
    page = tab.page
    tab.go(f"products/details/{goods['id']}")
    page.click("[aria-label=Actions] >> text=Stock")
    page.fill("[name=delta]", str(-goods["stock"] - 1))
    page.select_option("[name=reason]", "recount")
    page.click("button:text-is('Stock')")
    assert "takes more than there is" in page.locator(".invalid-feedback").first.inner_text()
    page.fill("[name=delta]", "-3")
    page.fill("[name=note]", "Shelf by shelf")
    page.click("button:text-is('Stock')")
    page.wait_for_url("**/products/details/*")
    assert manager.get(f"/products/{goods['id']}").json()["stock"] == goods["stock"] - 3
    moves = manager.get(f"/stock-movements?product_id={goods['id']}&sort=-created_at&size=1").json()["items"]
    assert [moves[0]["delta"], moves[0]["reason"], moves[0]["note"]] == [-3, "recount", "Shelf by shelf"]


def sheet(mark: str, shelf: str, bad: dict[int, str]) -> str:
    """A file of fifty products; `bad` has what stands for a price in some rows."""
    lines = [f"{mark}-{n:02},Lamp {n:02} of {mark},{bad.get(n, f'{n}.50')},{n},{shelf}" for n in range(50)]
    return "\n".join(["sku,name,price,stock,category_id", *lines, ""])


def test_fifty_products_come_in_once_two_bad_rows_are_mended_and_go_out_again(
    tab: Tab,
    manager: httpx2.Client,
    tmp_path: Path,
) -> None:
    """Both mistakes by their lines and nothing imported; then all fifty, changed together, and exported as a list."""
    mark, page = f"I{secrets.token_hex(3)}".upper(), tab.page
    shelf = manager.get("/categories?size=1").json()["items"][0]["id"]
    bad, good = tmp_path / "bad.csv", tmp_path / "good.csv"
    bad.write_text(sheet(mark, shelf, {6: "much", 40: "-1"}))
    good.write_text(sheet(mark, shelf, {}))
    page.click("nav >> text=Products")
    page.click("a:text-is('Import')")
    page.set_input_files("[name=file]", bad)
    page.click("button:text-is('Check')")
    wrong = page.locator("table[aria-label='What is wrong'] tbody tr")
    assert [text.split("\t")[:2] for text in wrong.all_inner_texts()] == [["8", "price"], ["42", "price"]]
    assert "2 of 50 rows are wrong" in page.locator("[role=alert]").inner_text()
    page.set_input_files("[name=file]", good)
    page.click("button:text-is('Check')")
    page.locator("text=50 rows, nothing wrong").wait_for()
    assert _count(manager, mark) == 0
    page.click("button:text-is('Import 50 rows')")
    page.locator("text=50 rows were imported").wait_for()
    assert _count(manager, mark) == 50

    tab.go(f"products/list?search={mark}&sortBy=sku&sort=desc")
    page.click("#bulk-button")
    page.click("a:text-is('Change all')")
    assert "Change: 50 rows of products" in page.locator(".card-title").inner_text()
    page.fill("[name=max_per_order]", "7")
    page.click("button:text-is('Change 50 rows')")
    page.wait_for_url("**/products/list*")
    assert {row["max_per_order"] for row in manager.get(f"/products?search={mark}&size=100").json()["items"]} == {7}

    page.click("#export-button")
    with page.expect_download() as waited:
        page.click("text=CSV, for spreadsheets")
    rows = list(csv.DictReader(io.StringIO(Path(waited.value.path()).read_text("utf-8-sig"), newline="")))
    assert [row["sku"] for row in rows] == [f"{mark}-{n:02}" for n in range(49, -1, -1)]
    assert [rows[0]["price"], rows[0]["max_per_order"]] == ["49.50", "7"]


def _count(http: httpx2.Client, mark: str) -> int:
    return int(http.get("/products", params={"sku__starts_with": mark}).json()["total"])


def test_ticked_rows_are_deleted_after_a_look_at_them(tab: Tab, manager: httpx2.Client) -> None:
    """The page says how many; without a tick there is nothing to do."""
    mark, page = f"Shelf {secrets.token_hex(4)}", tab.page
    for letter in "abc":
        manager.post("/categories", json={"name": f"{mark} {letter}"}).raise_for_status()
    tab.go(f"categories/list?search={mark}&sortBy=name&sort=asc")
    page.click("#dropdownMenuButton")
    page.click("text=Delete selected")
    assert page.locator(".empty-title").inner_text() == "No row was selected."
    page.go_back()
    for place in (0, 2):
        page.locator(".select-box").nth(place).check()
    page.click("#dropdownMenuButton")
    page.click("text=Delete selected")
    assert page.locator("table[aria-label=Rows] tbody tr").count() == 2
    page.click("button:text-is('Delete 2 rows')")
    page.wait_for_url("**/categories/list*")
    left = manager.get("/categories", params={"name__contains": mark}).json()["items"]
    assert [row["name"] for row in left] == [f"{mark} b"]


def test_a_paid_order_is_cancelled_and_its_money_is_owed(tab: Tab, shop: Running, manager: httpx2.Client) -> None:
    """What came in stands in the books as owed; the customer's pieces are back."""
    order = buy(shop, manager, "paid")
    page = tab.page
    open_order(tab, order["number"])
    page.click("[aria-label=Actions] >> text=Cancel")
    page.fill("[name=reason]", "Changed their mind")
    page.click("button:text-is('Cancel')")
    page.wait_for_url(f"**/orders/details/{order['id']}")
    assert page.locator(".charter-details .badge").inner_text() == "cancelled"
    now = manager.get(f"/orders/{order['id']}?include=events").json()
    assert [now["status"], now["cancel_reason"]] == ["cancelled", "Changed their mind"]
    assert [event["to_status"] for event in now["events"]] == ["pending", "paid", "cancelled"]
    assert offered(tab) == []


def test_a_category_is_renamed_and_the_day_ends(tab: Tab, manager: httpx2.Client) -> None:
    """The new name is on its products too; after the logout no page comes back."""
    name, page = f"Shelf {secrets.token_hex(4)}", tab.page
    made = manager.post("/categories", json={"name": name}).raise_for_status().json()
    tab.go(f"categories/list?search={name}")
    page.click(".fa-pen-to-square")
    page.fill("[name=name]", f"{name} renamed")
    page.click("input[value=Save]")
    page.wait_for_url("**/categories/list*")
    assert tab.rows() == 1
    assert f"{name} renamed" in page.locator("tbody tr").inner_text()
    assert manager.get(f"/categories/{made['id']}").json()["name"] == f"{name} renamed"
    page.locator("a[href$='/admin/logout'], [action$='/admin/logout'] button").first.click()
    page.wait_for_url("**/admin/login")
    tab.go("categories/list")
    assert page.url.endswith("/admin/login")
