"""The addresses that pages lead to, found by the name of a screen.

A page has a hundred and more links. Starlette would look through every route of the application for each of them, the
admin's own ones last: that took longer than all the rest of the page.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from starlette.datastructures import URL, URLPath
from starlette.routing import BaseRoute, NoMatchFound


class Router(Protocol):
    """Whatever knows addresses by name."""

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath: ...


class Place(URLPath):
    """The path of a screen."""

    def make_absolute_url(self, base_url: str | URL) -> URL:
        """The address on this server; put together as text, since to take URLs apart costs more than all the rest."""
        return URL(f"{str(base_url).rstrip('/')}{self}")


class Addresses:
    """What a request's ``url_for`` asks inside of the mount `name` at `base`; everything else it asks `outer`."""

    def __init__(self, name: str, base: str, routes: Sequence[BaseRoute], outer: Router) -> None:
        self.base = base
        self.outer = outer
        self.known: Mapping[str, Sequence[BaseRoute]] = {
            f"{name}:{known}": [route for route in routes if getattr(route, "name", None) == known]
            for known in {str(getattr(route, "name", "")) for route in routes}
        }

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """The path of a screen; NoMatchFound where there is none with these parameters."""
        inner = name.partition(":")[2]
        for route in self.known.get(name, ()):
            try:
                path = route.url_path_for(inner, **path_params)
            except NoMatchFound:
                continue
            return Place(f"{self.base}{path}")
        return self.outer.url_path_for(name, **path_params)


__all__ = ["Addresses"]
