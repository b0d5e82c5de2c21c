"""The face of the admin in a real browser: every screen, light, dark and on a phone."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.admin.axe import axe_source, issues
from tests.admin.tabs import Tab
from tests.running import ADMIN, Running

pytestmark = pytest.mark.parametrize("shop", ["sqlite"], indirect=True)
"""What a browser does is the same on each database."""

PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 812}, "has_touch": True}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", **PHONE},
    "phone, dark": {"color_scheme": "dark", **PHONE},
}


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script that looks."""
    return axe_source(tmp_path_factory.mktemp("axe"))


@pytest.fixture(params=[*LOOKS.values()], ids=[*LOOKS])
def looked(browser: Any, shop: Running, request: pytest.FixtureRequest) -> Iterator[Tab]:
    """A window of each kind."""
    made = Tab(browser, shop, **request.param)
    yield made
    made.close()


def screens(shop: Running) -> list[str]:
    """One page of each kind; of rows that have everything."""
    with shop.as_admin() as http:
        order = http.get("/orders?size=1&sort=-id").json()["items"][0]["id"]
        pending = http.get("/orders?status=pending&size=1").json()["items"][0]["id"]
        product = http.get("/products?size=1").json()["items"][0]["id"]
        user = http.get("/users?size=1").json()["items"][0]["id"]
    return [
        "",
        "products/list",
        "orders/list?status__in=shipped&grand_total__gte=1&search=a",
        "orders/list?search=nothing-is-called-so",
        "cart/list",
        f"orders/details/{order}",
        f"products/details/{product}",
        "products/create",
        f"orders/act/cancel/{pending}",
        "products/bulk/update?sku__contains=CH-001",
        "products/import",
        f"users/edit/{user}",
        f"orders/print/packing_slip/{order}",
        "access",
        "logout",
        "products/details/01997a4e-7f0c-7c3a-9b1e-2f6d8c5b4a10",
    ]


def test_no_screen_has_a_serious_issue_and_none_is_wider_than_its_window(looked: Tab, shop: Running, axe: str) -> None:
    """By axe-core; the login page, a refused form and everything that opens included."""
    page, found, wide = looked.page, [], []

    def look() -> None:
        page.wait_for_load_state()
        found.extend(issues(page, axe))
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(page.url)

    looked.go("")
    look()
    page.fill("[name=username]", ADMIN[0])
    page.fill("[name=password]", "not this one at all")
    page.click("text=Sign in")
    look()
    looked.sign_in(*ADMIN)
    page.wait_for_selector("[data-card]")
    for path in screens(shop):
        looked.go(path)
        look()
    looked.go("orders/list")
    page.click("[data-filters-button]")
    look()
    looked.go("products/list")
    page.locator("[data-inline*=price]").first.click()
    page.fill(".ch-inline-form [name=price]", "much")
    look()
    page.press(".ch-inline-form [name=price]", "Enter")
    page.locator(".ch-inline-form .invalid-feedback").wait_for()
    look()
    looked.go("access")
    page.click("[name=role][value=manager]")
    page.wait_for_selector("[data-viewing]")
    look()
    page.click("[data-viewing] >> text=Leave")
    looked.go("products/create")
    page.eval_on_selector_all("form [required]", "inputs => inputs.forEach(input => { input.required = false })")
    page.fill("[name=price]", "much")
    page.click("input[value=Save]")
    page.locator(".invalid-feedback").first.wait_for()
    look()
    assert found == []
    assert wide == []


def test_axe_sees_what_is_wrong(tab: Tab, axe: str) -> None:
    """The control: a picture without words and a text that is hardly there are each an issue."""
    tab.sign_in(*ADMIN)
    tab.page.wait_for_selector("[data-card]")
    tab.page.evaluate("""document.querySelector("main").insertAdjacentHTML("beforeend",
        '<img src="data:,"><p style="color:#bbb;background:#fff">faint</p>')""")
    assert {line.split(": ")[1].split(" ")[0] for line in issues(tab.page, axe)} == {"image-alt", "color-contrast"}


def test_colours_follow_the_system_until_somebody_chooses(tab: Tab) -> None:
    """And the choice is remembered from page to page."""
    page = tab.page
    tab.sign_in(*ADMIN)
    page.wait_for_selector("[data-card]")
    theme = "document.documentElement.dataset.bsTheme"
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.wait_for_selector(f"html[data-bs-theme={scheme}]")
    page.click("[data-theme-switch]")
    page.click("[data-theme-switch]")
    assert page.evaluate(theme) == "dark"
    tab.go("orders/list")
    assert page.evaluate(theme) == "dark"
    page.click("[data-theme-switch]")
    assert page.evaluate(theme) == "light"


def test_times_are_in_the_zone_of_the_reader(browser: Any, shop: Running) -> None:
    """UTC stays in the title; the server hears of the zone, so that a day is the reader's too."""
    tab = Tab(browser, shop, timezone_id="Pacific/Auckland", locale="en-GB")
    tab.sign_in(*ADMIN)
    tab.page.wait_for_selector("[data-card]")
    tab.go("orders/list")
    first = tab.page.locator("tbody time").first
    title, text = str(first.get_attribute("title")), first.inner_text()
    zoned = tab.page.evaluate("""at => new Intl.DateTimeFormat("en-GB",
        {dateStyle: "medium", timeStyle: "short", timeZone: "Pacific/Auckland"}).format(new Date(at))""",
        first.get_attribute("datetime"))  # fmt: skip
    assert title.endswith(" UTC")
    assert text == zoned
    cookies = {cookie["name"]: cookie["value"] for cookie in tab.page.context.cookies()}
    assert cookies["zone"] == "Pacific%2FAuckland"
    tab.close()


def test_a_list_is_saved_under_a_name_by_the_browser(tab: Tab) -> None:
    """It comes back with its filters and its order, and can be forgotten."""
    page = tab.page
    tab.sign_in(*ADMIN)
    page.wait_for_selector("[data-card]")
    tab.go("orders/list?status__in=shipped&sortBy=number&sort=asc&page=1")
    page.click("[data-saved] summary")
    page.fill("[data-saved] [name=label]", "On their way")
    page.keyboard.press("Enter")
    kept = json.loads(page.evaluate("localStorage.getItem('charter:filters:orders')"))
    assert kept == [{"name": "On their way", "query": "status__in=shipped&sortBy=number&sort=asc"}]
    tab.go("orders/list")
    page.click("[data-saved] summary")
    page.click("text=On their way")
    page.wait_for_url("**status__in=shipped*")
    page.click("[data-saved] summary")
    page.click("[aria-label='Forget On their way']")
    assert page.evaluate("localStorage.getItem('charter:filters:orders')") == "[]"


def test_everything_can_be_reached_with_the_keyboard(tab: Tab) -> None:
    """The first tab leads past the menu; a reference is found, chosen and taken back without a mouse."""
    page = tab.page
    tab.sign_in(*ADMIN)
    page.wait_for_selector("[data-card]")
    tab.go("products/list")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null")
    page.focus("[data-filters-button]")
    page.keyboard.press("Enter")
    page.focus("#filter-category_id")
    page.keyboard.type("desk l")
    page.locator("[role=option]", has_text="Desk lamps").wait_for()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("#filter-category_id") == "Desk lamps"
    page.focus("#filters >> text=Apply")
    page.keyboard.press("Enter")
    page.wait_for_url("**category_id=*")
    assert tab.narrowed_by() == ["Category Desk lamps"]
    assert set(page.locator("tbody tr td:nth-child(8)").all_inner_texts()) == {"Desk lamps"}


def test_the_menu_of_a_phone_opens_and_closes(browser: Any, shop: Running) -> None:
    """Its links are out of reach while it is closed."""
    tab = Tab(browser, shop, **PHONE)
    page = tab.page
    tab.sign_in(*ADMIN)
    page.wait_for_selector("[data-card]")
    assert not page.locator("#side").is_visible()
    page.click("[data-menu-button]")
    page.locator("#side >> text=Orders").first.wait_for()
    page.keyboard.press("Escape")
    page.locator("#side").wait_for(state="hidden")
    page.click("[data-menu-button]")
    page.click("#side >> text=Products")
    page.wait_for_url("**/products/list")
    tab.close()


def test_a_slug_is_shown_while_somebody_types(tab: Tab) -> None:
    """Only shown: what is sent has no such field."""
    tab.sign_in(*ADMIN)
    tab.page.wait_for_selector("[data-card]")
    tab.go("products/create")
    tab.page.fill("[name=name]", "Größe 3: a Lamp!")
    assert tab.page.locator("[name=name] + .ch-help code").inner_text() == "größe-3-a-lamp"
    assert tab.page.locator("[name=slug]").count() == 0
