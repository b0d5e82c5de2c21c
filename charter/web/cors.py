"""What scripts from other origins may do, as far as browsers ask."""

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from charter.errors import AuthorizationException, problem_response
from charter.settings import Settings

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-Match",
    "If-None-Match",
    "X-Request-ID",
)
EXPOSED_HEADERS = (
    "ETag",
    "Location",
    "Link",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Idempotency-Replayed",
    "X-Request-ID",
)
MAX_AGE_SECONDS = 600


class Cors(CORSMiddleware):
    """Starlette's, except that a refused preflight is a problem document like every other refusal."""

    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        return response if response.status_code < 400 else _Refusal(response)


class _Refusal(Response):
    """A refused preflight; built when it is sent, because only then the request is known."""

    def __init__(self, refused: Response) -> None:
        super().__init__()
        self.kept = {name: value for name, value in refused.headers.items() if not name.startswith("content-")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        error = AuthorizationException("This origin, method or header is not allowed.", code="cross_origin")
        error.headers.update(self.kept)
        await problem_response(error, scope)(scope, receive, send)


def cors(app: ASGIApp, settings: Settings) -> ASGIApp:
    """`app` for the origins in ``CORS_ORIGINS``; without any, `app` itself and so no CORS header at all."""
    if not settings.cors_origins:
        return app
    return Cors(
        app,
        allow_origins=settings.cors_origins,
        allow_methods=METHODS,
        allow_headers=REQUEST_HEADERS,
        expose_headers=EXPOSED_HEADERS,
        allow_credentials=settings.refresh_cookie,
        max_age=MAX_AGE_SECONDS,
    )
