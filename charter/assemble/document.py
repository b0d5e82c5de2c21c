"""``/openapi.json``: everybody's document, and with ``?for=me`` what the caller may do."""

from collections.abc import Sequence

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from charter.openapi import Documents
from charter.plugins.parameters import read_query, unknown
from charter.reply import JSON
from charter.rest import Rest, enter
from charter.services import Services

PATH = "/openapi.json"
FOR = ("me",)
"""What ``for`` takes."""

OWN = {"Cache-Control": "private, no-cache", "Vary": "Authorization"}
"""Headers of a document that is made for the caller: it is theirs, and as good as the policy of this moment."""


def add_document(app: FastAPI, services: Services, generated: Sequence[Rest]) -> None:
    """The route ``openapi``, in the place of FastAPI's, and ``app.openapi()``."""
    documents = Documents(app, services, {key: make for rest in generated for key, make in rest.operations.items()})

    async def openapi(request: Request) -> Response:
        reading = read_query(request.scope["query_string"])
        given = reading.take("for")
        role = None if given is None else (await enter(services, request)).role
        if given is not None and given not in FOR:
            reading.malformed("for", unknown("reader", given, FOR))
        reading.finish()
        root_path = str(request.scope.get("root_path", "")).rstrip("/")
        return Response(documents.text(role, root_path), headers=OWN if role else None, media_type=JSON)

    app.router.routes.append(Route(PATH, openapi, name="openapi", include_in_schema=False))
    app.openapi = documents.document  # type: ignore[method-assign] # FastAPI's documented way


__all__ = ["add_document"]
