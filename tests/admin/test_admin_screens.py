"""In a real browser: cells that are changed in the list, pages for paper, and the admin seen as another role."""

import secrets
from typing import Any

import pytest

from tests.admin.tabs import Tab
from tests.running import ADMIN, Running

pytestmark = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)


def goods(shop: Running) -> dict[str, Any]:
    """A product of this test alone."""
    mark = secrets.token_hex(4).upper()
    with shop.as_admin() as http:
        shelf = http.get("/categories?size=1").json()["items"][0]["id"]
        body = {"sku": f"IN-{mark}", "name": f"Thing {mark}", "price": 1999, "stock": 3, "category_id": shelf}
        made = http.post("/products", json=body)
    assert made.status_code == 201, made.text
    found: dict[str, Any] = made.json()
    return found


def now(shop: Running, row: dict[str, Any]) -> dict[str, Any]:
    """The product as it is kept."""
    with shop.as_admin() as http:
        found: dict[str, Any] = http.get(f"/products/{row['id']}").json()
    return found


def test_a_price_is_changed_in_the_list_with_the_keyboard_alone(tab: Tab, shop: Running) -> None:
    """A wrong one is told in words at the cell and nothing is written; Escape takes it back; Enter saves."""
    row, page = goods(shop), tab.page
    tab.sign_in(*ADMIN)
    page.wait_for_selector("[data-card]")
    tab.go(f"products/list?search={row['sku']}")
    name = f"[aria-label='Change Price of {row['name']}']"
    cell = page.locator(f"td:has({name})")
    page.focus(name)
    page.keyboard.press("Enter")
    page.wait_for_selector(".ch-inline-form [name=price]:focus")
    assert page.input_value("[name=price]") == "19.99"
    page.keyboard.type("much")
    page.keyboard.press("Enter")
    cell.locator(".invalid-feedback").wait_for()
    assert "must be an amount such as 19.99" in cell.inner_text()
    assert page.input_value(".ch-inline-form [name=price]") == "much"
    page.wait_for_selector(".ch-inline-form [name=price]:focus")
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.matches('[data-inline]')")
    assert cell.inner_text().strip() == "19.99"
    assert now(shop, row)["price"] == 1999
    page.keyboard.press("Enter")
    page.wait_for_selector(".ch-inline-form [name=price]:focus")
    page.keyboard.type("24,50")
    page.keyboard.press("Enter")
    page.wait_for_selector(f"{name}:focus")
    assert cell.inner_text().strip() == "24.50"
    assert now(shop, row)["price"] == 2450


def test_what_the_rules_refuse_is_told_at_the_cell(tab: Tab, shop: Running) -> None:
    """Words of the API; of a row that is gone as well. A list keeps its filters in the links of the new row."""
    row, page = goods(shop), tab.page
    tab.sign_in(*ADMIN)
    page.wait_for_selector("[data-card]")
    tab.go(f"products/list?search={row['sku']}")
    pencil = f"[aria-label='Change Name of {row['name']}']"
    page.click(pencil)
    page.wait_for_selector(".ch-inline-form [name=name]")
    page.eval_on_selector(".ch-inline-form [name=name]", "input => input.removeAttribute('maxlength')")
    page.fill(".ch-inline-form [name=name]", "x" * 201)
    page.click(".ch-inline-form >> text=Save")
    page.locator(".ch-inline-form .invalid-feedback").wait_for()
    page.fill(".ch-inline-form [name=name]", f"New {row['name']}")
    page.click(".ch-inline-form >> text=Save")
    page.wait_for_selector(f"[aria-label='Edit New {row['name']}']")
    assert (
        page.locator(f"[aria-label='Edit New {row['name']}']").get_attribute("href").endswith(f"?search={row['sku']}")
    )
    page.click(f"[aria-label='Change Is active of New {row['name']}']")
    page.uncheck(".ch-inline-form [type=checkbox]")
    page.click(".ch-inline-form >> text=Save")
    page.locator("tbody [role=img][aria-label=no]").wait_for()
    assert now(shop, row)["is_active"] is False
    with shop.as_admin() as http:
        assert http.delete(f"/products/{row['id']}").status_code == 204
    page.click(f"[aria-label='Change Price of New {row['name']}']")
    page.locator(".ch-inline-told").wait_for()
    assert (
        "nothing here for you" in page.locator(".ch-inline-told").inner_text().lower()
        or page.locator(".ch-inline-told").inner_text()
    )


def test_support_has_no_pencil(tab: Tab, shop: Running) -> None:
    """Nor does anybody find one beside what no form may set."""
    email, password, _ = shop.account("support")
    tab.sign_in(email, password)
    tab.page.wait_for_selector("[data-card]")
    tab.go("products/list")
    assert tab.rows() > 10
    assert tab.page.locator("[data-inline]").count() == 0


def test_a_packing_slip_is_for_paper_and_tells_no_price(tab: Tab, shop: Running) -> None:
    """Number, address and lines; on paper no button; as a PDF of one page."""
    with shop.as_admin() as http:
        order = http.get("/orders?size=1&status=paid&include=items").json()["items"][0]
    email, password, _ = shop.account("support")
    page = tab.page
    tab.sign_in(email, password)
    page.wait_for_selector("[data-card]")
    tab.go(f"orders/details/{order['id']}")
    page.click("text=Packing slip")
    page.wait_for_url("**/orders/print/packing_slip/*")
    told = page.locator(".ch-paper").inner_text()
    for words in (order["number"], order["ship_name"], *order["ship_address"].splitlines(), "Packing slip"):
        assert words in told
    cells = [
        page.locator("tbody tr").nth(place).locator("td").all_inner_texts() for place in range(len(order["items"]))
    ]
    assert sorted(cells) == sorted(
        [item["sku"], item["product_name"], str(item["quantity"])] for item in order["items"]
    )
    money = {f"{item[key] / 100:.2f}" for item in order["items"] for key in ("unit_price", "line_total")}
    assert not [amount for amount in {*money, f"{order['grand_total'] / 100:.2f}"} if amount in told]
    assert page.locator("nav").count() == 0
    assert page.locator("[data-print]").is_visible()
    page.emulate_media(media="print", color_scheme="dark")
    assert not page.locator("[data-print]").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.ch-paper')).color") == "rgb(17, 17, 17)"
    assert page.pdf(format="A4").count(b"/Type /Page\n") == 1


def test_the_admin_is_seen_as_support_and_left_again(tab: Tab, shop: Running) -> None:
    """From the page about the policy; the bar stays on every page, and a change is refused in words."""
    page = tab.page
    tab.sign_in(*ADMIN)
    page.wait_for_selector("[data-card]")
    everything = page.locator("#side a").all_inner_texts()
    tab.go("access")
    page.click("[name=role][value=support]")
    page.wait_for_selector("[data-viewing=support]")
    assert set(page.locator("#side a").all_inner_texts()) < set(everything)
    tab.go("orders/list")
    page.locator("[aria-label^='Edit ']").first.click()
    assert page.locator("[data-viewing=support]").inner_text().startswith("You see the admin as support does.")
    page.fill("[name=note]", "Not by me")
    page.click("input[value=Save]")
    page.wait_for_selector("text=You only look at the admin as support")
    tab.go("products/list")
    assert page.locator("text=+ New Product").count() == 0
    page.click("[data-viewing] >> text=Leave")
    page.wait_for_selector("[data-card]")
    assert page.locator("[data-viewing]").count() == 0
    assert page.locator("#side a").all_inner_texts() == everything
    with shop.as_admin() as http:
        assert http.get("/orders?search=Not by me").json()["total"] == 0
