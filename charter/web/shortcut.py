"""The shortest way to a route: generated paths are found by their words, not by trying one pattern after the other.

A router tries them all, in order; with some sixty of them that takes longer than reading a row.
"""

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Receive, Scope, Send

_ID = "{id}"


class Shortcut:
    """Sends a request straight to its route among `routes`; everything else goes on to `app`, whose router knows all.

    Routes have paths such as ``/things``, ``/things/me``, ``/things/{id}`` and ``/things/{id}/act``, where words win
    over ``{id}``, and endpoints that are ASGI applications and answer for their own exceptions.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        known = [route for route in routes if isinstance(route, Route)]
        self._routes = {
            (method, *route.path.split("/")[1:]): route for route in known for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope.get("root_path"):
            await self.app(scope, receive, send)
            return
        words = scope["path"].split("/")
        route, given = self._routes.get((scope["method"], *words[1:])), {}
        if route is None and len(words) > 2 and words[2]:
            route = self._routes.get((scope["method"], words[1], _ID, *words[3:]))
            given = {"id": words[2]}
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"], scope["endpoint"], scope["path_params"] = route, route.endpoint, given
        await route.app(scope, receive, send)


__all__ = ["Shortcut"]
