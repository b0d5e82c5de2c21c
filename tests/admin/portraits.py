"""``python -m tests.admin.portraits`` takes the pictures in docs/screenshots again: the demo shop in a real browser."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.admin.tabs import Tab, chromium
from tests.running import ADMIN, Running, copy_application, running

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1280, "height": 800}},
    "phone": {"color_scheme": "light", "viewport": {"width": 375, "height": 740}, "has_touch": True},
}

SHEET = """sku,name,price,stock,category_id
LN-1,Storm lantern,49.90,12,{0}
LN-2,Deck lantern,much,4,{0}
LN-3,Hurricane lamp,39.00,-1,{0}
"""
"""A file with two mistakes."""


def pages(shop: Running) -> dict[str, str]:
    """Name of a picture -> page."""
    with shop.as_admin() as http:
        paid = http.get("/orders?status=paid&size=1").json()["items"][0]["id"]
    return {
        "dashboard": "",
        "list": "products/list",
        "filters": "orders/list?status__in=paid&status__in=shipped&grand_total__gte=10",
        "details": f"orders/details/{paid}",
        "form": "products/create",
        "action": f"orders/details/{paid}",
        "import": "products/import",
        "many": "products/bulk/update?sku__contains=CH-001",
        "print": f"orders/print/packing_slip/{paid}",
        "access": "access",
    }


def _form(tab: Tab) -> None:
    tab.page.fill("[name=name]", "Storm lantern")
    tab.page.fill("[name=price]", "49.90")


def _filters(tab: Tab) -> None:
    tab.page.click("text=Filter")


def _action(tab: Tab) -> None:
    tab.page.click("[aria-label=Actions] >> text=Cancel")
    tab.page.fill("[name=reason]", "Ordered twice")


def _import(tab: Tab) -> None:
    with tab.shop.as_admin() as http:
        shelf = http.get("/categories?size=1").json()["items"][0]["id"]
    tab.page.fill("textarea", SHEET.format(shelf))
    tab.page.click("button:text-is('Check')")
    tab.page.locator("table[aria-label='What is wrong']").wait_for()


FIRST: dict[str, Callable[[Tab], None]] = {"form": _form, "filters": _filters, "action": _action, "import": _import}
"""What is done on a page before its picture is taken."""


def take(tab: Tab, look: str, there: dict[str, str]) -> None:
    """All pictures in one look."""

    def shoot(name: str) -> None:
        tab.page.wait_for_load_state("networkidle")
        tab.page.screenshot(path=FOLDER / f"{name}-{look}.png")

    tab.go("login")
    shoot("login")
    tab.sign_in(*ADMIN)
    tab.page.wait_for_selector(".ch-board")
    for name, path in there.items():
        tab.go(path)
        if name in FIRST:
            FIRST[name](tab)
        shoot(name)
    if look == "phone":
        tab.page.click("[data-menu-button]")
        tab.page.wait_for_timeout(500)  # it comes in from the side
        shoot("menu")
    tab.go("access")
    tab.page.locator("form:has([value=support]) button").click()
    tab.go("orders/list")
    shoot("viewing")


def main() -> None:
    """Start the demo shop and take every page in every look."""
    with tempfile.TemporaryDirectory() as name:
        folder = copy_application(Path(name))
        with running(folder, BRAND_NAME="Harbour & Pine") as shop, chromium() as browser:
            there = pages(shop)
            for look, about in LOOKS.items():
                tab = Tab(browser, shop, **about)
                take(tab, look, there)
                tab.close()


if __name__ == "__main__":
    main()
