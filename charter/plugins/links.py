"""Links to the other pages of a list (RFC 8288), for clients that follow them without reading the body."""

from collections.abc import Mapping
from functools import lru_cache
from urllib.parse import quote

from charter.plan import ListPlan

LONGEST_LINKS = 4000
"""Characters of a ``Link`` header; a longer one would not get through every proxy, and is left out."""

_KEPT = ":,/!*'()@$;"
"""Characters that may stand in a query as they are (RFC 3986), and that mean nothing to those who read it as a form."""


def by_cursor(plan: ListPlan, preceding: str | None, following: str | None) -> dict[str, str]:
    """``Link`` with the pages on both sides of one that a cursor led to."""
    return _header(plan, {"prev": preceding and f"cursor={preceding}", "next": following and f"cursor={following}"})


def by_page(plan: ListPlan, page: int, pages: int | None, *, more: bool) -> dict[str, str]:
    """``Link`` with the other pages by number, the last one where it is known; `more` rows come after this one."""
    before = page - 1 if pages is None else min(page - 1, max(pages, 1))
    targets = {
        "first": "page=1",
        "prev": f"page={before}" if page > 1 else None,
        "next": f"page={page + 1}" if more else None,
        "last": f"page={max(pages, 1)}" if pages is not None else None,
    }
    return _header(plan, targets)


def _header(plan: ListPlan, targets: Mapping[str, str | None]) -> dict[str, str]:
    rest = _rest(tuple(plan.asked.items()))
    path = f"/{plan.lens.entry.name}"
    found = ", ".join(f'<{path}?{target}{rest}>; rel="{rel}"' for rel, target in targets.items() if target)
    return {"Link": found} if found and len(found) <= LONGEST_LINKS else {}


@lru_cache(maxsize=256)
def _rest(asked: tuple[tuple[str, str], ...]) -> str:
    """All parameters of the request but its own place."""
    return "".join(
        f"&{quote(name, safe=_KEPT)}={quote(value, safe=_KEPT)}"
        for name, value in asked
        if name not in {"cursor", "page"}
    )


__all__ = ["LONGEST_LINKS", "by_cursor", "by_page"]
