"""Alembic's entry: everything is in charter.migrate; run it by ``charter db``."""

from charter.migrate import run_env

run_env()
