"""The layers around every request, over tiny applications."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import anyio
import pytest
from fastapi import Body, FastAPI
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from charter.errors import ApiException, NotFoundException, RateLimitException, problem_response
from charter.settings import Settings, load_settings
from charter.web import RequestEnvelope, wrap

LIMIT = 100


def settings(**overrides: Any) -> Settings:
    return load_settings(environment="test", max_body_bytes=LIMIT, **overrides)


async def echo(request: Request) -> Response:
    return PlainTextResponse(await request.body())


async def boom(_: Request) -> Response:
    raise RuntimeError("inside knowledge")


async def late_boom(_: Request) -> Response:
    async def lines() -> AsyncIterator[bytes]:
        yield b"begun"
        raise RuntimeError("late")

    return StreamingResponse(lines())


async def state(request: Request) -> Response:
    request.state.user_id = "u-1"
    names = ("request_id", "client")
    return JSONResponse({name: request.scope["state"][name] for name in names} | {"scheme": request.url.scheme})


async def html(_: Request) -> Response:
    return HTMLResponse("<p>hello")


async def own_policy(_: Request) -> Response:
    return HTMLResponse("<p>hello", headers={"Content-Security-Policy": "default-src 'self'"})


async def refused(_: Request) -> Response:
    raise NotFoundException


async def deliberate(_: Request) -> Response:
    return JSONResponse({"deliberate": True}, status_code=500)


async def problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ApiException)
    return problem_response(error, request.scope)


ROUTES = (
    Route("/echo", echo, methods=["POST"]),
    Route("/boom", boom),
    Route("/late-boom", late_boom),
    Route("/state/{name}", state),
    Route("/html", html),
    Route("/own-policy", own_policy),
    Route("/refused", refused),
    Route("/deliberate", deliberate),
)


def client(*guards: Callable[[ASGIApp], ASGIApp], peer: str = "192.0.2.1", **overrides: Any) -> TestClient:
    mounted = Mount("/inner", Starlette(routes=ROUTES))
    app = Starlette(routes=[*ROUTES, mounted], exception_handlers={ApiException: problem})
    return TestClient(wrap(app, settings(**overrides), guards), client=(peer, 1), raise_server_exceptions=False)


def chunks(total: int) -> Iterator[bytes]:
    yield from (b"x" * 10 for _ in range(total // 10))


@pytest.fixture(autouse=True)
def speaking_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="charter")


def request_lines(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [vars(record) for record in caplog.records if record.name == "charter.request"]


@pytest.mark.parametrize("given", ["abcdefgh", "A-1" * 20, "a" * 64])
def test_sane_request_id_is_kept(given: str) -> None:
    """The caller's id goes through to the application and back."""
    answer = client().get("/state/x", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"] == answer.json()["request_id"] == given


@pytest.mark.parametrize("given", [b"short", b"a" * 65, b"has space in it", b"semi;colon", "ünïcödé-".encode()])
def test_other_request_ids_are_replaced(given: bytes) -> None:
    """An id that could disturb a log is not taken over."""
    answered = client().get("/state/x", headers={b"X-Request-ID": given}).headers["X-Request-ID"]
    assert len(answered) == 32
    assert answered.isalnum()


@pytest.mark.parametrize("path", ["/html", "/boom", "/refused", "/nowhere", "/echo", "/inner/boom"])
def test_every_answer_carries_id_and_security_headers(path: str) -> None:
    """Pages, refusals, failures and unknown paths alike."""
    headers = client().get(path).headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Frame-Options"] == "DENY"
    assert len(headers["X-Request-ID"]) == 32
    assert headers["Content-Security-Policy"]


def test_content_policy_is_tight_for_data_and_works_for_pages() -> None:
    """Data loads nothing at all, pages load what is bundled but no inline script; a page may bring its own."""
    of_page = client().get("/html").headers["Content-Security-Policy"]
    assert "script-src 'self';" in of_page
    assert "frame-ancestors 'none'" in of_page
    assert client().get("/state/x").headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert client().get("/own-policy").headers.get_list("Content-Security-Policy") == ["default-src 'self'"]


def test_transport_security_is_told_on_https_alone() -> None:
    """HSTS on a plain address would lock people out; a trusted proxy may say what the caller used."""
    assert "Strict-Transport-Security" not in client().get("/html").headers
    assert "Strict-Transport-Security" in client().get("https://testserver/html").headers
    told = {"X-Forwarded-Proto": "https"}
    assert "Strict-Transport-Security" not in client().get("/html", headers=told).headers
    answer = client(trusted_proxies="192.0.2.1").get("/state/x", headers=told)
    assert "Strict-Transport-Security" in answer.headers
    assert answer.json()["scheme"] == "https"


@pytest.mark.parametrize("path", ["/boom", "/inner/boom"])
def test_exception_becomes_a_logged_problem(path: str, caplog: pytest.LogCaptureFixture) -> None:
    """The framework's own error page is replaced, and the traceback is in the log with the request's id."""
    answer = client().get(path)
    assert answer.status_code == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "internal"
    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    assert "inside" not in answer.text
    (failure,) = [record for record in caplog.records if record.exc_info]
    assert vars(failure)["request_id"] == answer.headers["X-Request-ID"]
    assert [line["status"] for line in request_lines(caplog)] == [500]


def test_deliberate_500_passes_unchanged() -> None:
    """The negative control: an answer that the application meant is not replaced."""
    answer = client().get("/deliberate")
    assert (answer.status_code, answer.json()) == (500, {"deliberate": True})


def test_exception_after_the_start_breaks_the_answer(caplog: pytest.LogCaptureFixture) -> None:
    """Half an answer must not look whole, so the server is left to cut the connection."""
    app = Starlette(routes=ROUTES)
    with pytest.raises(RuntimeError, match="late"):
        TestClient(wrap(app, settings())).get("/late-boom")
    assert [line["status"] for line in request_lines(caplog)] == [500]


def test_one_log_line_names_everything(caplog: pytest.LogCaptureFixture) -> None:
    """Method, template, status, duration, client, user and id; never the path or the query as they came."""
    client().get("/state/secret-name?token=secret-token", headers={"X-Request-ID": "my-request"})
    (line,) = request_lines(caplog)
    assert (line["method"], line["path"], line["status"]) == ("GET", "/state/{name}", 200)
    assert (line["client"], line["user_id"], line["request_id"]) == ("192.0.2.1", "u-1", "my-request")
    assert line["duration_ms"] >= 0
    assert "secret" not in str(line)


@pytest.mark.parametrize(
    ("path", "template"), [("/inner/state/x", "/inner/state/{name}"), ("/nowhere", "-"), ("/inner/nowhere", "/inner")]
)
def test_log_shows_templates_of_mounted_applications(
    path: str, template: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A mount's prefix belongs to the template; an unknown path has none."""
    client().get(path)
    assert [line["path"] for line in request_lines(caplog)] == [template]


def test_body_within_the_limit_passes() -> None:
    """The negative control: the limit itself is allowed, told or not."""
    assert client().post("/echo", content=b"x" * LIMIT).text == "x" * LIMIT
    assert client().post("/echo", content=chunks(LIMIT)).text == "x" * LIMIT


@pytest.mark.parametrize("content", [b"x" * (LIMIT + 1), "chunked"], ids=["told", "chunked"])
def test_body_over_the_limit_is_413(content: bytes | str) -> None:
    """By Content-Length at once, else as soon as it shows."""
    answer = client().post("/echo", content=content if isinstance(content, bytes) else chunks(LIMIT + 10))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_told_length_is_refused_before_anything_is_read() -> None:
    """The application never starts."""
    answer = client().post("/boom-if-reached", content=b"", headers={"Content-Length": "9" * 5000})
    assert answer.status_code == 413


@pytest.mark.parametrize("length", [b"-1", b"+5", b"5.0", b"abc", b"", b"5, 6", b"0x10", "\u0665".encode()])
def test_malformed_content_length_is_400(length: bytes) -> None:
    """Whatever is not one whole number is refused."""
    answer = client().post("/echo", content=b"", headers={b"Content-Length": length})
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_body_over_the_limit_is_413_inside_fastapi_too() -> None:
    """FastAPI turns exceptions of the body reader into 400; the caller still learns the real reason."""
    app = FastAPI()

    @app.post("/things")
    async def create(body: dict[str, Any] = Body()) -> dict[str, Any]:  # noqa: B008 - FastAPI's way
        return body

    @app.exception_handler(HTTPException)
    async def handle(_: Request, error: Exception) -> Response:
        return PlainTextResponse(str(error), status_code=400)

    caller = TestClient(wrap(app, settings()))
    json_type = {"Content-Type": "application/json"}
    assert caller.post("/things", content=chunks(LIMIT + 10), headers=json_type).status_code == 413
    assert caller.post("/things", json={"a": 1}).json() == {"a": 1}


def test_without_origins_there_are_no_cors_headers() -> None:
    """Nobody asked for it, so browsers stay within the origin."""
    answer = client().get("/html", headers={"Origin": "https://a.example"})
    assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_allowed_origin_may_call_and_read() -> None:
    """Methods, headers and exposed headers are the documented ones; cookies only with REFRESH_COOKIE."""
    asking = {"Origin": "https://a.example", "Access-Control-Request-Method": "PATCH"}
    asking["Access-Control-Request-Headers"] = "authorization, idempotency-key, if-match"
    for cookie in (False, True):
        caller = client(cors_origins="https://a.example", refresh_cookie=cookie)
        preflight = caller.options("/html", headers=asking)
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Methods"] == "GET, POST, PUT, PATCH, DELETE"
        assert preflight.headers["Access-Control-Max-Age"] == "600"
        answer = caller.get("/html", headers={"Origin": "https://a.example"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://a.example"
        assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
        assert ("Access-Control-Allow-Credentials" in answer.headers) is cookie


def test_other_origins_are_refused_with_a_problem() -> None:
    """A preflight from elsewhere is told no in the common form, and its answers are not readable there."""
    caller = client(cors_origins="https://a.example")
    preflight = caller.options("/html", headers={"Origin": "https://b.example", "Access-Control-Request-Method": "GET"})
    assert (preflight.status_code, preflight.json()["code"]) == (403, "cross_origin")
    assert "Access-Control-Allow-Origin" not in preflight.headers
    assert "Access-Control-Allow-Origin" not in caller.get("/html", headers={"Origin": "https://b.example"}).headers


@pytest.mark.parametrize("path", ["/boom", "/inner/boom"])
def test_failures_are_readable_for_allowed_origins(path: str) -> None:
    """A 500 and a 413 carry CORS headers, so that a browser can show them."""
    origin = {"Origin": "https://a.example"}
    caller = client(cors_origins="https://a.example")
    assert caller.get(path, headers=origin).headers["Access-Control-Allow-Origin"] == "https://a.example"
    too_large = caller.post("/echo", content=b"x" * (LIMIT + 1), headers=origin)
    assert too_large.headers["Access-Control-Allow-Origin"] == "https://a.example"


def test_guards_come_before_the_body_limit_and_may_raise() -> None:
    """The first guard is the outermost; what one raises becomes its answer."""
    seen: list[str] = []

    def guard(name: str, *, refuses: bool) -> Callable[[ASGIApp], ASGIApp]:
        def build(app: ASGIApp) -> ASGIApp:
            async def call(scope: Scope, receive: Receive, send: Send) -> None:
                seen.append(f"{name} {scope['state']['client']}")
                if refuses:
                    raise RateLimitException(7)
                await app(scope, receive, send)

            return call

        return build

    caller = client(guard("first", refuses=False), guard("second", refuses=True))
    answer = caller.post("/echo", content=b"x" * (LIMIT + 1))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "7")
    assert seen == ["first 192.0.2.1", "second 192.0.2.1"]


def http_scope(path: str) -> Scope:
    return {"type": "http", "method": "GET", "path": path, "headers": [], "query_string": b"", "scheme": "http"}


@pytest.mark.parametrize("path", ["/\ud800", "/state/\udcff", "/state/x\udfff/", "/a\x00b"])
def test_paths_that_are_no_text_are_never_a_500(path: str) -> None:
    """Lone surrogates can be routed, redirected and logged, or they are unknown."""
    statuses: list[int] = []

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    run(wrap(Starlette(routes=ROUTES), settings()), http_scope(path), send)
    assert len(statuses) == 1
    assert statuses[0] < 500


def run(app: ASGIApp, scope: Scope, send: Send, *incoming: Message) -> None:
    """One call of `app` without a server, so that anything can be put into the scope."""
    waiting = list(incoming) or [{"type": "http.request", "body": b""}]

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    anyio.run(app, scope, receive, send)


def test_caller_who_hangs_up_is_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """Neither while the body is read nor while the answer is written; the log says 499 or the status."""

    async def nobody(_: Message) -> None:
        raise OSError("gone")

    app = wrap(Starlette(routes=ROUTES), settings())
    run(app, {**http_scope("/echo"), "method": "POST"}, nobody, {"type": "http.disconnect"})
    run(app, http_scope("/html"), nobody)
    assert [line["status"] for line in request_lines(caplog)] == [499, 200]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


def test_other_kinds_of_connection_pass_untouched() -> None:
    """Websockets and the lifespan are handed on with the very same objects."""
    seen: list[Scope] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope)

    async def send(_: Message) -> None: ...

    for kind in ("websocket", "lifespan"):
        scope: Scope = {"type": kind}
        run(wrap(app, settings(cors_origins="https://a.example")), scope, send)
        assert seen.pop() is scope
        assert scope == {"type": kind}


def test_state_of_one_request_is_not_seen_by_the_next() -> None:
    """Servers may hand the same state to every request."""
    shared: dict[str, Any] = {"from_lifespan": 1}
    seen: list[dict[str, Any]] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["state"])

    async def send(_: Message) -> None: ...

    for _ in range(2):
        run(RequestEnvelope(app), {**http_scope("/"), "state": shared}, send)
    assert shared == {"from_lifespan": 1}
    assert seen[0]["request_id"] != seen[1]["request_id"]
    assert seen[0]["from_lifespan"] == 1
