"""Walks through an admin along its links, and finds texts that should not have been there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import httpx2

from tests.admin.pages import Page

LEFT_ALONE = ("/logout", "/delete")


@dataclass(slots=True)
class Trail:
    """Where to go next, and what was found; each address once, and no more than `most`."""

    waiting: list[str]
    most: int
    found: list[httpx2.Response] = field(default_factory=list)
    _known: set[str] = field(default_factory=set)

    def next(self) -> str:
        """The next address; empty at the end."""
        while self.waiting and len(self.found) < self.most:
            address = self.waiting.pop(0)
            if address not in self._known:
                self._known.add(address)
                return address
        return ""

    def add(self, answer: httpx2.Response) -> None:
        """Keep an answer, and follow its links later."""
        self.found.append(answer)
        links = Page(answer).links if "html" in answer.headers.get("content-type", "") else []
        for parts in map(urlsplit, links):
            is_page = parts.path.startswith("/admin/") and "/statics/" not in parts.path
            if is_page and not parts.path.endswith(LEFT_ALONE):
                self.waiting.append(f"{parts.path}?{parts.query}" if parts.query else parts.path)


async def crawl_here(client: httpx2.AsyncClient, starts: Iterable[str], most: int) -> list[httpx2.Response]:
    """Every page of an application in this process that can be reached from `starts`."""
    trail = Trail(list(starts), most)
    while address := trail.next():
        trail.add(await client.get(address))
    return trail.found


def crawl_there(client: httpx2.Client, starts: Iterable[str], most: int) -> list[httpx2.Response]:
    """The same of one that runs elsewhere."""
    trail = Trail(list(starts), most)
    while address := trail.next():
        trail.add(client.get(address))
    return trail.found


def leaks(answers: Iterable[httpx2.Response], forbidden: Mapping[str, str]) -> list[tuple[str, str]]:
    """Which of these texts (text -> where it is kept) stands in which answer, its headers included."""
    found: list[tuple[str, str]] = []
    for answer in answers:
        said = answer.text + "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
        found += [(place, str(answer.url)) for text, place in forbidden.items() if text in said]
    return found
