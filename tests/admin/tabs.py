"""Windows of a real browser, and everything that went wrong in them."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.running import Running
from tests.servers import CHROMIUM, need

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Any]:
    """A headless browser, to be started after the shop: its driver keeps an event loop of its own running."""
    need("Chromium", there=bool(CHROMIUM))
    need("playwright", there=importlib.util.find_spec("playwright") is not None)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 # only where it is there

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


class Tab:
    """One window of its own, and everything that went wrong in it."""

    def __init__(self, browser: Any, shop: Running, **about: Any) -> None:
        self.shop = shop
        self.page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **about}).new_page()
        self.page.set_default_timeout(15_000)
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", self._listen)

    def _listen(self, message: Any) -> None:
        if message.type == "error" and "status of 4" not in message.text:
            self.complaints.append(message.text)

    def go(self, path: str) -> None:
        """Open a page of the admin."""
        self.page.goto(f"{self.shop.url}/admin/{path}")

    def sign_in(self, email: str, password: str) -> None:
        """Fill the login page."""
        self.go("")
        self.page.fill("[name=username]", email)
        self.page.fill("[name=password]", password)
        self.page.click("text=Sign in")

    def rows(self) -> int:
        """How many rows the list shows."""
        return int(self.page.locator("tbody tr").count())

    def narrowed_by(self) -> list[str]:
        """What the list says that it is narrowed by."""
        return [" ".join(text.split()) for text in self.page.locator("[data-narrowed]").all_inner_texts()]

    def close(self) -> None:
        """Close it. Nothing may have been fetched from elsewhere, and no script have failed."""
        self.page.context.close()
        assert self.complaints == []
        assert self.hosts <= {self.shop.url.split("/")[2]}
