"""SQLAdmin's door: the screens at ``/admin``, made from the same declarations and decisions as the API."""

from fastapi import FastAPI
from sqladmin import Admin

from charter.services import Services


def mount_admin(app: FastAPI, services: Services) -> None:
    """Mount the admin at ``/admin`` (being built: no screen yet)."""
    Admin(app, session_maker=services.store.reading_sessions(), title=services.settings.brand_name)


__all__ = ["mount_admin"]
