"""Starts the application in uvicorn, as many processes as the settings say, and tells where it is."""

import signal
import sys
from typing import Any

import uvicorn

from charter.settings import load_settings

START_SECONDS = 30
"""How long a process may say nothing, as while it imports. Within uvicorn's 5, a busy machine starts none."""


def run(target: str = "app:app") -> None:
    """Serve `target` (``module:name``) on HOST and PORT until told to stop."""
    settings = load_settings()
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    base = f"http://{host}:{settings.port}"
    print(f"{settings.brand_name}: {base}/  docs: {base}/docs  admin: {base}/admin", flush=True)  # noqa: T201 # for a person
    sys.path.insert(0, "")
    signal.signal(signal.SIGTERM, _end)
    uvicorn.run(
        target,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        timeout_worker_healthcheck=START_SECONDS,
        access_log=False,
        log_config=None,
        proxy_headers=False,
        server_header=False,
        lifespan="on",
    )


def _end(*_: Any) -> None:
    """Being told to stop is no failure: uvicorn sends itself the signal again once the last answer is out."""
    sys.exit(0)
