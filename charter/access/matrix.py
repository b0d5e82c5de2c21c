"""Who may do what, as a table: resources down, roles across. One value, shown as text here and as a page elsewhere."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from charter.access.explain import deciding_rules
from charter.access.meaning import Meaning, Rule
from charter.access.table import AccessTable
from charter.access.vocabulary import Vocabulary, has_fields
from charter.access.wording import fields_text, rows_text

WIDTH = 120
"""The columns of a terminal that the text is made for."""

LETTERS = {"list": "L", "read": "R", "create": "C", "update": "U", "delete": "D", "export": "E", "import": "I"}
"""The actions that every resource may have; others are told by their names."""

_NARROWEST = 16  # a role's column is not made narrower than this; the roles are told in blocks instead
_GAP = "  "


@dataclass(frozen=True, slots=True)
class Permission:
    """One action that a role may do.

    ``fields`` is a short text, empty where the action takes none; ``whole`` says that none is left out. ``rules`` are
    the lines that decide.
    """

    action: str
    rows: tuple[str, ...]
    fields: str
    whole: bool
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """What one role may do with a resource. ``repeats``: exactly what the role before it in their order may."""

    role: str
    permissions: tuple[Permission, ...]
    repeats: bool

    def permission(self, action: str) -> Permission | None:
        """What the role has for an action."""
        return next((found for found in self.permissions if found.action == action), None)


@dataclass(frozen=True, slots=True)
class Sheet:
    """One resource: its actions, and each role's share, from the least to the most powerful."""

    resource: str
    actions: tuple[str, ...]
    shares: tuple[Share, ...]


@dataclass(frozen=True, slots=True)
class Overview:
    """A whole policy, for people; ``version`` is that of the file."""

    version: str
    roles: tuple[str, ...]
    sheets: tuple[Sheet, ...]

    def sheet(self, resource: str) -> Sheet:
        """The sheet of one resource."""
        return next(sheet for sheet in self.sheets if sheet.resource == resource)


def overview(table: AccessTable, vocabulary: Vocabulary) -> Overview:
    """All decisions of a policy, resource by resource and role by role, in the order of the vocabulary."""
    meaning = Meaning(table.rules, table.links, vocabulary)
    sheets = tuple(_sheet(table, meaning, resource) for resource in vocabulary.nouns)
    return Overview(table.version, vocabulary.roles, sheets)


def _sheet(table: AccessTable, meaning: Meaning, resource: str) -> Sheet:
    noun = meaning.vocabulary.nouns[resource]
    shares: list[Share] = []
    before: list[tuple[str, tuple[str, ...], frozenset[str]]] | None = None
    for role in meaning.vocabulary.roles:
        decided = [found for action in noun.actions if (found := table.decide(role, resource, action))]
        now = [(found.action, found.rows, found.fields) for found in decided]
        permissions = tuple(
            Permission(
                action=found.action,
                rows=found.rows,
                fields=fields_text(found.fields, noun, found.action),
                whole=found.fields >= noun.nameable(found.action),
                rules=deciding_rules(meaning, found),
            )
            for found in decided
        )
        shares.append(Share(role, permissions, now == before))
        before = now
    return Sheet(resource, noun.actions, tuple(shares))


def detail(sheet: Sheet) -> Iterator[str]:
    """One line for each action and role: rows and fields, or a dash where nothing is allowed."""
    width = max(len(share.role) for share in sheet.shares)
    yield f"{sheet.resource}:"
    for action in sheet.actions:
        yield f"  {action}:"
        for share in sheet.shares:
            yield f"    {share.role:{width}}  {_told(share.permission(action))}"


def _told(permission: Permission | None) -> str:
    if permission is None:
        return "-"
    return rows_text(permission.rows) + (f"; {permission.fields}" if permission.fields else "")


def matrix(whole: Overview, width: int = WIDTH) -> Iterator[str]:
    """Resources down, roles across, in lines of at most `width` columns, with a legend."""
    first = max(len(sheet.resource) for sheet in whole.sheets)
    fitting = max(1, (width - first) // (_NARROWEST + len(_GAP)))
    for start in range(0, len(whole.roles), fitting):
        places = range(start, min(start + fitting, len(whole.roles)))
        column = (width - first) // len(places) - len(_GAP)
        yield from _row(["", *(whole.roles[place] for place in places)], first, column)
        yield "-" * min(width, first + (column + len(_GAP)) * len(places))
        for sheet in whole.sheets:
            cells = [_cell(sheet.shares[place], repeats=place > start) for place in places]
            yield from _row([sheet.resource, *cells], first, column)
        yield ""
    yield from _legend()


def _row(cells: Sequence[str], first: int, column: int) -> Iterator[str]:
    """The lines of a row of the table: words wrap inside their column."""
    widths = [first, *[column] * (len(cells) - 1)]
    blocks = [
        [part for line in cell.split("\n") for part in textwrap.wrap(line, width, subsequent_indent="  ")]
        for cell, width in zip(cells, widths, strict=True)
    ]
    for number in range(max(map(len, blocks))):
        parts = [block[number] if number < len(block) else "" for block in blocks]
        yield _GAP.join(f"{part:{width}}" for part, width in zip(parts, widths, strict=True)).rstrip()


def _cell(share: Share, *, repeats: bool) -> str:
    """What a role may do, a line for each set of rows."""
    if not share.permissions:
        return "-"
    if share.repeats and repeats:
        return "="
    by_rows: dict[str, list[Permission]] = {}
    for permission in share.permissions:
        by_rows.setdefault(rows_text(permission.rows), []).append(permission)
    return "\n".join(f"{rows}: {_actions(found)}" for rows, found in by_rows.items())


def _actions(permissions: Sequence[Permission]) -> str:
    letters = [_letter(found) for found in permissions if found.action in LETTERS]
    words = [found.action for found in permissions if found.action not in LETTERS]
    return " ".join([*(["".join(letters)] if letters else []), *words])


def _letter(permission: Permission) -> str:
    letter = LETTERS[permission.action]
    return letter.lower() if has_fields(permission.action) and not permission.whole else letter


def _legend() -> Iterator[str]:
    letters = ", ".join(f"{letter} {action}" for action, letter in LETTERS.items())
    yield f"{letters}; other actions by name. A small letter: not all fields."
    yield "rows: actions    - nothing    = the same as the role to the left"


__all__ = ["LETTERS", "WIDTH", "Overview", "Permission", "Share", "Sheet", "detail", "matrix", "overview"]
