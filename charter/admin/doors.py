"""What Charter's own screens ask first, as SQLAdmin's do: is the resource there, may the caller see it and do this."""

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from starlette.requests import Request

from charter.admin.viewing import only_looking
from charter.admin.visit import visit
from charter.declare import Caller
from charter.errors import AuthorizationException, NotFoundException

if TYPE_CHECKING:
    from charter.admin.site import Site
    from charter.admin.views import EntryView


def opened(site: "Site", request: Request, *actions: str) -> "EntryView":
    """The view of the path, where the caller may do all of `actions`; 404 without the resource, 403 without a rule.

    Every screen wants the list as well.
    """
    found: Any = site._find_model_view(request.path_params["identity"])  # noqa: SLF001 # SQLAdmin's way
    view: EntryView = found
    for action in ("list", *actions):
        if not view.sight.may(action):
            raise AuthorizationException(f"No rule lets you {action} {view.entry.name}.")
    return view


def writing() -> Caller:
    """Who writes; nobody does who only looks as another role, which the sign-in has refused before."""
    here = visit()
    if here.caller is None:
        raise NotFoundException
    if here.viewer is not None:
        raise only_looking(here.caller.role)
    return here.caller


def query_of(address: str) -> str:
    """The search and order of the list that somebody came from."""
    try:
        return urlsplit(address).query
    except ValueError:
        return ""


__all__ = ["opened", "query_of", "writing"]
