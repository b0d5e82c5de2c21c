"""SQLAdmin's door: the screens at ``/admin``, made from the same declarations and decisions as the API.

Reading goes through SQLAdmin's own queries on a session that puts the caller's row rules on each of them; writing goes
through `serve`, as from every other door.
"""

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from charter.admin.site import Site
from charter.services import Services


def mount_admin(app: FastAPI, services: Services) -> None:
    """Mount the admin of `services` at ``/admin``."""
    Site(app, services)
    app.router.routes.append(Route("/admin", _to_the_mount, name="admin:door", include_in_schema=False))


async def _to_the_mount(_: Request) -> Response:
    """What people type; the pages are below ``/admin/``."""
    return RedirectResponse("admin/")


__all__ = ["mount_admin"]
