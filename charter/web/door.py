"""Where a request meets the function that answers it, with nothing of a framework's machinery in between."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from charter.errors import ApiException, problem_response

Endpoint = Callable[[Request], Awaitable[Response]]


class Door:
    """One endpoint as an ASGI application: a request in, an answer or a refusal out."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self.endpoint(Request(scope, receive))
        except ApiException as error:
            answer = problem_response(error, scope)
        await answer(scope, receive, send)


__all__ = ["Door", "Endpoint"]
