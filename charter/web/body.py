"""The ceiling for request bodies, whether their size is told beforehand or shows on the way."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charter.errors import ApiException, BadRequestException, TooLargeException, problem_response


class BodyLimit:
    """Answers 413 to a body over `limit` bytes and 400 to a ``Content-Length`` that is no number."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self.limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
        elif refusal := self._refusal(scope):
            await problem_response(refusal, scope)(scope, receive, send)
        else:
            await _Watch(self, receive, send).run(scope)

    def _refusal(self, scope: Scope) -> ApiException | None:
        told = {value.strip() for name, value in scope["headers"] if name == b"content-length"}
        if not told:
            return None
        length = told.pop()
        if told or not length.isdigit():
            return BadRequestException("Content-Length is not one whole number.")
        # thousands of digits would be slow to read, and are too many anyway
        return self.too_large() if len(length) > 18 or int(length) > self.limit else None

    def too_large(self) -> TooLargeException:
        return TooLargeException(f"The body is larger than {self.limit} bytes.")


class _Watch:
    """One request whose body is counted while it arrives.

    Frameworks turn what a body reader raises into answers of their own (a 400, say), so the answer that follows an
    overflow is dropped and the 413 sent in its place.
    """

    def __init__(self, owner: BodyLimit, receive: Receive, send: Send) -> None:
        self.owner = owner
        self.receive = receive
        self.send = send
        self.read = 0
        self.is_over = False
        self.has_started = False

    async def run(self, scope: Scope) -> None:
        try:
            await self.owner.app(scope, self.counted, self.watched)
        except Exception:
            if not self.is_over or self.has_started:
                raise
        if self.is_over and not self.has_started:
            await problem_response(self.owner.too_large(), scope)(scope, self.receive, self.send)

    async def counted(self) -> Message:
        if self.is_over:
            raise self.owner.too_large()
        message = await self.receive()
        self.read += len(message.get("body", b""))
        if self.read > self.owner.limit:
            self.is_over = True
            raise self.owner.too_large()
        return message

    async def watched(self, message: Message) -> None:
        if self.is_over and not self.has_started:
            return
        self.has_started = True
        await self.send(message)
