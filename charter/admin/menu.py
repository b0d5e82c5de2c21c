"""The menu: what the caller may open, group by group as the declarations have it."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import URL
from starlette.requests import Request


@dataclass(frozen=True, slots=True)
class Item:
    """One line of the menu; ``is_here`` while a page below it is open."""

    name: str
    icon: str
    url: URL
    is_here: bool
    about: str = ""


def menu_of(views: Iterable[Any], request: Request) -> list[tuple[str, list[Item]]]:
    """The groups with their lines; screens without a group come first."""
    groups: dict[str, list[Item]] = {"": []}
    for view in views:
        if view.is_visible(request) and view.is_accessible(request):
            groups.setdefault(view.category or "", []).append(_item(view, request))
    return [(group, items) for group, items in groups.items() if items]


def _item(view: Any, request: Request) -> Item:
    if view.is_model:
        url = request.url_for("admin:list", identity=view.identity)
        is_here = request.path_params.get("identity") == view.identity
        return Item(view.name_plural, view.icon, url, is_here, view.entry.description)
    url = request.url_for(f"admin:view-{view.identity}")
    return Item(view.name, view.icon, url, request.url.path == url.path)


__all__ = ["Item", "menu_of"]
