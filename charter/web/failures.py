"""Where an exception that nobody caught becomes a problem response."""

import logging
import sys

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charter.errors import ApiException, DeclarationError, problem_response

logger = logging.getLogger("charter")


class Failures:
    """Turns a stray ApiException into its answer and anything else into a logged 500, unless an answer has begun.

    A 500 from within is held back until its application ends: frameworks answer in their own words before they let
    the exception go on, and ours are the ones to send. A caller who hangs up is no error.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, _readable(send) if scope["type"] == "lifespan" else send)
            return
        answer = _Answer(send)
        try:
            await self.app(scope, receive, answer.send)
        except ClientDisconnect:
            return
        except Exception as error:
            if answer.has_started:
                raise  # the server has to cut the connection, or a half answer would look whole
            await problem_response(_as_problem(error, scope), scope)(scope, receive, answer.pass_on)
        else:
            await answer.release()


class _Answer:
    """The way out of one request, with a gate for 500s."""

    def __init__(self, send: Send) -> None:
        self.out = send
        self.held: list[Message] = []
        self.has_started = False

    async def send(self, message: Message) -> None:
        if self.held or (message["type"] == "http.response.start" and message["status"] == 500):
            self.held.append(message)
            return
        self.has_started = True
        await self.pass_on(message)

    async def release(self) -> None:
        for message in self.held:
            await self.pass_on(message)

    async def pass_on(self, message: Message) -> None:
        try:
            await self.out(message)
        except OSError as error:  # what servers raise from here when nobody listens any more
            raise ClientDisconnect from error


def _readable(send: Send) -> Send:
    """`send` for a start that may fail: problems are told one a line, where the framework would send a traceback."""

    async def tell(message: Message) -> None:
        error = sys.exception()
        if message["type"] == "lifespan.startup.failed" and isinstance(error, DeclarationError):
            for problem in error.problems:
                logger.error(str(problem))
            message = {**message, "message": ""}
        await send(message)

    return tell


def _as_problem(error: Exception, scope: Scope) -> ApiException:
    if isinstance(error, ApiException) and error.status < 500:
        return error
    logger.error("unhandled exception", exc_info=error, extra={"request_id": scope.get("state", {}).get("request_id")})
    return error if isinstance(error, ApiException) else ApiException()
