"""Generated routes are found by the words of their path, as the router itself would find them."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from charter.web import Shortcut
from tests.toy.running import Toy

pytestmark = pytest.mark.anyio


class Named:
    """An endpoint that says which one it is, and what it was given."""

    def __init__(self, name: str) -> None:
        self.name = name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = {"name": self.name, "id": scope["path_params"].get("id")}
        await JSONResponse(given)(scope, receive, send)


ROUTES: list[BaseRoute] = [
    Route("/things", Named("list"), methods=["GET"]),
    Route("/things", Named("create"), methods=["POST"]),
    Route("/things/me", Named("me"), methods=["GET"]),
    Route("/things/{id}", Named("read"), methods=["GET"]),
    Route("/things/{id}/act", Named("act"), methods=["POST"]),
]
BEYOND: list[BaseRoute] = [
    Route("/things/parts/{id}", Named("part"), methods=["GET"]),
    Route("/things/{id}/{part}", Named("any part"), methods=["PUT"]),
    Route("/{whatever}", Named("whatever"), methods=["PUT"]),
]
"""Paths of other shapes."""


async def fall_through(request: Request) -> PlainTextResponse:
    """What the router behind the shortcut would be."""
    return PlainTextResponse("the router", 418)


def client(app: ASGIApp) -> httpx2.AsyncClient:
    """A client of `app` in this process."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://shortcut")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", path)
            for path in ("/things", "/things/me", "/things/7", "/things/a%20b", "/things/act", "/things/%2E%2E")
        ),
        *(("POST", path) for path in ("/things", "/things/7/act", "/things/me/act")),
        ("GET", "/things/{id}"),
        ("POST", "/things/{id}/act"),
        ("HEAD", "/things"),
    ],
)
async def test_the_shortcut_leads_where_the_router_does(method: str, path: str) -> None:
    """The same endpoint with the same id; words win over an id."""
    found = []
    for app in (Shortcut(Starlette(routes=[Route("/{rest:path}", fall_through)]), ROUTES), Starlette(routes=ROUTES)):
        async with client(app) as http:
            answer = await http.request(method, path)
        found.append((answer.status_code, answer.content))
    assert found[0] == found[1]
    assert found[0][0] == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", path)
            for path in ("/", "/thing", "/things/", "/things/7/", "/things/7/act", "/things/7/act/8", "//things")
        ),
        *(("POST", path) for path in ("/things/7", "/things/me", "/things//act")),
        ("DELETE", "/things"),
    ],
)
async def test_what_is_no_route_goes_on_to_the_router(method: str, path: str) -> None:
    """Unknown paths and methods are the router's to refuse: it knows every route, and what a 405 allows."""
    router = Starlette(routes=[Route("/{rest:path}", fall_through, methods=["GET", "POST", "DELETE"])])
    async with client(Shortcut(router, ROUTES)) as http:
        answer = await http.request(method, path)
    assert (answer.status_code, answer.text) == (418, "the router")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/things/parts/{id}"), ("PUT", "/things/{id}/{part}"), ("PUT", "/{whatever}")]
)
async def test_a_path_of_another_shape_is_left_to_the_router(method: str, path: str) -> None:
    """The shortcut cannot take the names out of it, not even where a request spells the path as declared."""
    router = Starlette(routes=[Route("/{rest:path}", fall_through, methods=["GET", "PUT"])])
    async with client(Shortcut(router, [*ROUTES, *BEYOND])) as http:
        answer = await http.request(method, path)
    assert (answer.status_code, answer.text) == (418, "the router")


@pytest.mark.parametrize("path", ["/notes/{id}", "/users/{id}", "/users/%7Bid%7D"])
async def test_an_id_that_was_never_filled_in_belongs_to_nothing(toy: Toy, path: str) -> None:
    """Whoever copies a path out of the documentation gets an answer as for any other text that is no id."""
    async with client(toy.app) as http:
        answer, other = await http.get(path), await http.get("/notes/no-id" if "notes" in path else "/users/no-id")
    assert answer.status_code == other.status_code
    assert answer.status_code in {401, 404}


@pytest.mark.parametrize(
    ("media", "content"),
    [
        ("multipart/form-data", b"x"),
        ("multipart/form-data; boundary=b", b"nonsense"),
        ("multipart/form-data; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="username"; filename="f"\r\n\r\nx\r\n--b--\r\n',
        ),
        ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(21))),
    ],
)
async def test_a_login_form_that_cannot_be_read_is_a_bad_request(toy: Toy, media: str, content: bytes) -> None:
    """A route that the shortcut leads to has nobody behind it to mend an exception of Starlette's."""
    answer = await toy.client().post("/auth/login", content=content, headers={"content-type": media})
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert answer.json()["code"] == "bad_request"


async def test_a_refused_method_of_a_generated_path_names_all_that_are_allowed(toy: Toy) -> None:
    """405 comes from the router behind the shortcut, with every method of the path."""
    async with client(toy.app) as http:
        answer = await http.delete("/notes")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))
