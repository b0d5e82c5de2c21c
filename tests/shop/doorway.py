"""The way into the shop's admin, as a browser goes it."""

import httpx2

from tests.admin.desk import form_of


def enter(client: httpx2.Client, email: str, password: str) -> httpx2.Response:
    """Fill the login page."""
    form = form_of(client.get("/admin/login").text)
    return client.post("/admin/login", data={**form, "username": email, "password": password})
