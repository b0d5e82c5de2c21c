"""SQLAdmin's door: the screens at ``/admin``, made from the same declarations and decisions as the API.

Reading goes through SQLAdmin's own queries on a session that puts the caller's row rules on each of them; writing goes
through `serve`, as from every other door.
"""

from fastapi import FastAPI

from charter.admin.site import Site
from charter.services import Services


def mount_admin(app: FastAPI, services: Services) -> None:
    """Mount the admin of `services` at ``/admin``."""
    Site(app, services)


__all__ = ["mount_admin"]
