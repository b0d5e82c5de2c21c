"""``build()``: discover -> check -> compile -> mount. The result is an ordinary FastAPI application."""

import logging
import sys
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from importlib.util import find_spec
from multiprocessing import parent_process
from pathlib import Path
from types import ModuleType
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.telemetry import TelemetryConfig
from sqlalchemy import MetaData
from sqlmodel import SQLModel

from charter.access import InForce
from charter.admin import mount_admin
from charter.assemble.discover import Declared, discover
from charter.assemble.document import add_document
from charter.assemble.failures import add_handlers
from charter.assemble.garbage import set_aside
from charter.assemble.jobs import upkeep, working
from charter.assemble.routes import PUBLIC, add_health, add_pages, check_routes
from charter.assemble.startup import close_db, init_db
from charter.assemble.watch import watching
from charter.auth import Account, Auth
from charter.catalog import Catalog, compile_catalog
from charter.checks import check
from charter.errors import DeclarationError, Problem
from charter.logs import configure_logging
from charter.plugins.cursors import Cursors
from charter.plugins.ratelimit import RateLimiter
from charter.replay import Replays
from charter.rest import generate
from charter.services import Services
from charter.settings import Settings, load_settings
from charter.store import Store
from charter.version import __version__
from charter.web import Shortcut, wrap

log = logging.getLogger("charter.start")

MODEL_FILE = Path("model.conf")

HOPELESS = 3
"""The exit code by which a worker tells uvicorn not to try again (its own STARTUP_FAILURE)."""


@contextmanager
def _in_worker() -> Iterator[None]:
    """In a worker that a server watches over, end with `HOPELESS` where the declarations are wrong."""
    try:
        yield
    except DeclarationError as error:
        if parent_process() is None:
            raise
        print(error, file=sys.stderr, flush=True)  # noqa: T201 # for a person, as the interpreter would
        sys.exit(HOPELESS)


@_in_worker()
def build(
    resources: ModuleType,
    policies: ModuleType,
    settings: Settings | None = None,
    *,
    routers: Sequence[APIRouter] = (),
    public: Collection[str] = (),
) -> FastAPI:
    """The application that the packages `resources` and `policies` declare.

    `routers` are hand-written ones; each of their routes needs a rule (a dependency such as ``require_permission``) or
    a name in `public`. Raises :class:`DeclarationError` with every problem at once.
    """
    settings = settings or load_settings()
    configure_logging(settings)
    declared = discover(resources, policies)
    services = make_services(declared, settings)
    app = FastAPI(
        title=settings.brand_name,
        version=__version__,
        openapi_url=None,
        docs_url=None,
        redirect_slashes=False,
        redoc_url=None,
        lifespan=_lifespan(services, declared, {*PUBLIC, *public}),
        telemetry=_telemetry(),
    )
    app.state.charter = services
    generated = [generate(services, entry) for entry in services.catalog.entries.values()]
    routes = [*services.auth.routes, *(route for rest in generated for route in rest.router.routes)]
    app.router.routes.extend(routes)
    for router in routers:
        app.include_router(router)
    add_health(app, services)
    add_pages(app, services)
    mount_admin(app, services)
    add_handlers(app)
    add_document(app, services, generated)
    app.add_middleware(Shortcut, routes=routes)
    app.add_middleware(wrap, settings=settings, guards=(services.policy.keep, services.limiter.guard))
    return app


def _telemetry() -> TelemetryConfig | None:
    """FastAPI asks before each request whether anybody listens to OpenTelemetry; without its SDK, nobody can."""
    return None if find_spec("opentelemetry.sdk") else {"tracing": False, "metrics": False, "logs": False}


def make_services(declared: Declared, settings: Settings) -> Services:
    """Check and compile the declarations; opens no connection."""
    catalog = compile_catalog(declared.resources, declared.scopes)
    files = Path(settings.policy_file), MODEL_FILE
    policy = InForce(partial(check, catalog, declared.roles, declared.scopes, *files))
    limiter = RateLimiter(
        declared.limits,
        declared.roles,
        enabled=settings.rate_limits,
        scale=settings.rate_limit_scale,
        workers=settings.workers,
        redis_url=settings.redis_url,
    )
    accounts = _accounts(catalog)
    store = Store(settings, catalog, metadata())
    auth = Auth(settings, store, catalog.entries[accounts], declared.roles, limiter, policy)
    # The accounts' own hooks come with Auth, so the entry is complete only now.
    catalog = Catalog({**catalog.entries, accounts: auth.entry}, catalog.problems)
    store.catalog = catalog
    replays, cursors = Replays(settings, metadata()), Cursors(settings)
    return Services(settings, catalog, declared.roles, policy, store, limiter, auth, replays, cursors)


def metadata() -> MetaData:
    """All tables of the application."""
    return SQLModel.metadata


def _accounts(catalog: Catalog) -> str:
    """The path of the resource whose class is the application's account."""
    found = [name for name, entry in catalog.entries.items() if issubclass(entry.resource.model, Account)]
    if len(found) != 1:
        message = f"one resource has to be declared on a class derived from Account, {len(found)} were found"
        raise DeclarationError([Problem("missing_account", "resources", message)])
    return found[0]


def _lifespan(services: Services, declared: Declared, public: Collection[str]) -> Any:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        check_routes(app, public, services.access.vocabulary)
        await services.limiter.start()
        told = await init_db(services, metadata(), declared.seeds)
        for line in told.lines:
            print(line, flush=True)  # noqa: T201 # told once, to the person who starts it; never logged
        await services.auth.start()
        jobs = (*upkeep(services), *declared.jobs)
        async with watching(services, (Path(services.settings.policy_file), MODEL_FILE)), working(services, jobs):
            with set_aside():
                yield
        await services.auth.close()
        await services.limiter.close()
        await close_db(services)

    return lifespan


__all__ = ["build", "close_db", "init_db", "make_services", "metadata"]
