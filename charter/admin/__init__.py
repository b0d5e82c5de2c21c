"""SQLAdmin's door."""

from fastapi import FastAPI

from charter.services import Services


def mount_admin(app: FastAPI, services: Services) -> None:
    """Nothing yet."""
