"""Pages of the admin, reduced to what the policy decides about them: rows, cells, inputs, buttons, menu."""

import csv
import html
import io
import json
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

import httpx2

from tests.admin.desk import form_of

TOKEN_FIELD = "form-token"
"""The input that every form has, whoever looks."""


@dataclass(slots=True)
class Box:
    """One cell of a table: its text, and the addresses in it."""

    text: str = ""
    links: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """One table; ``label`` is that of the section around it, empty for the page's own."""

    label: str
    headings: list[Box] = field(default_factory=list)
    rows: list[list[Box]] = field(default_factory=list)


class Page(HTMLParser):
    """What stands where on a page."""

    def __init__(self, answer: httpx2.Response) -> None:
        super().__init__()
        self.source = answer.text
        self.tables: list[Table] = []
        self.links: list[str] = []
        self.inputs: set[str] = set()
        self.menu: set[str] = set()
        self._label, self._in_menu, self._in_form = "", False, False
        self._box: Box | None = None
        self.feed(self.source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        about = {name: value or "" for name, value in attrs}
        for name in ("href", "data-url"):
            if about.get(name):
                self._link(about[name])
        self._in_menu = self._in_menu or tag == "nav"
        self._in_form = self._in_form or tag == "form"
        match tag:
            case "section":
                self._label = about.get("aria-label", "")
            case "table":
                self.tables.append(Table(self._label))
            case "tr" if self.tables:
                self.tables[-1].rows.append([])
            case "th" | "td" if self.tables:
                self._box = Box()
                (self.tables[-1].headings if tag == "th" else self.tables[-1].rows[-1]).append(self._box)
            case "i" if self._box is not None and about.get("role") == "img":
                self._box.text += about.get("aria-label", "")
            case "input" | "select" | "textarea":
                self._input(about)

    def _link(self, address: str) -> None:
        self.links.append(address)
        if self._box is not None:
            self._box.links.append(address)
        if self._in_menu and address.endswith("/list"):
            self.menu.add(address.split("/")[-2])

    def _input(self, about: dict[str, str]) -> None:
        if self._box is not None and about.get("type") == "hidden":
            self._box.ids.append(about.get("value", ""))
        if self._in_form and about.get("name") and about.get("type") != "submit" and about["name"] != TOKEN_FIELD:
            self.inputs.add(about["name"])

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "nav":
                self._in_menu = False
            case "form":
                self._in_form = False
            case "section":
                self._label = ""
            case "th" | "td":
                self._box = None

    def handle_data(self, data: str) -> None:
        if self._box is not None:
            self._box.text += data

    def leads_to(self, *ends: str) -> set[str]:
        """Which of these paths below the admin an address of the page leads to."""
        paths = {urlsplit(link).path.partition("/admin/")[2] for link in self.links}
        return {end for end in ends if end in paths}


def told(answer: httpx2.Response) -> str:
    """The status, and whether it is the way to the login page."""
    is_door = answer.status_code == 302 and answer.headers["location"].endswith("/admin/login")
    return f"{answer.status_code}{' login' if is_door else ''}"


def text(box: Box) -> str:
    """What a cell says, in one line."""
    return " ".join(box.text.split())


def listed(answer: httpx2.Response) -> dict[str, Any]:
    """A list: its rows in their order with their buttons and cells, the number of all, the menu."""
    found: dict[str, Any] = {"list": told(answer)}
    if answer.status_code != 200:
        return found
    page = Page(answer)
    own = page.tables[0]
    rows = [row for row in own.rows if row]
    path = urlsplit(str(answer.url)).path.split("/")[-2]
    panel = re.findall(r'data-filter="[^"]*">\s*<(?:legend|label)[^>]*>([^<]*)<', page.source)
    return {
        **found,
        "list rows": [row[0].ids[0] for row in rows],
        "list headings": [text(box) for box in own.headings[2:]],
        "list cells": {row[0].ids[0]: [text(box) for box in row[2:]] for row in rows},
        "list buttons": {row[0].ids[0]: buttons(row[1].links) for row in rows},
        "inline cells": inlined(page.source, rows),
        "list orders": {text(box) for box in own.headings[2:] if box.links},
        "narrowings": {re.sub(r" \([A-Z]{3}\)$| contains$", "", html.unescape(label)) for label in panel},
        "search box": 'id="search-input"' in page.source,
        "menu": page.menu,
        "new button": bool(page.leads_to(f"{path}/create")),
        "list doors": {link for link in leading(page, path) if link.split("/")[0] in {"export", "import", "bulk"}},
        **counted(answer),
    }


def inlined(source: str, rows: list[list[Box]]) -> dict[str, set[str]]:
    """The fields of each row that can be changed in the list."""
    found: dict[str, set[str]] = {row[0].ids[0]: set() for row in rows}
    for row_id, name in re.findall(r'data-inline="[^"]*/inline/([0-9a-f-]{36})\?field=(\w+)"', source):
        found[row_id].add(name)
    return found


def cell_form(answer: httpx2.Response) -> dict[str, Any]:
    """The form of one cell: what can be written into it, and what stands there."""
    found: dict[str, Any] = {"inline form": told(answer)}
    if answer.status_code != 200:
        return found
    values = {name: value for name, value in form_of(answer.text).items() if name not in {"save", TOKEN_FIELD}}
    return {**found, "inline inputs": Page(answer).inputs, "inline values": {k: v for k, v in values.items() if v}}


def printed(answer: httpx2.Response) -> dict[str, Any]:
    """A printout: the values with their labels, the ones without, and the table."""
    found: dict[str, Any] = {"printout": told(answer)}
    if answer.status_code != 200:
        return found
    tables = Page(answer).tables
    article = answer.text.partition("<article")[2]
    plain = re.findall(r"<div>(.*?)</div>", article.partition("<table")[0], re.DOTALL)
    pairs = re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", article, re.DOTALL)
    sheet = None
    if tables:
        sheet = [text(box) for box in tables[0].headings], [[text(box) for box in row] for row in tables[0].rows if row]
    return {
        **found,
        "printout values": {bare(name): bare(value) for name, value in pairs},
        "printout block": [bare(value) for value in plain],
        "printout rows": sheet,
    }


def bare(part: str) -> str:
    """What a part of a page says, in one line; a mark for yes or no by its words."""
    words = re.sub(r'<i [^>]*aria-label="(yes|no)"[^>]*></i>', r"\1", part)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", "", words)).split())


def leading(page: Page, path: str) -> set[str]:
    """Where a page leads to among the screens of its own resource."""
    ends = (urlsplit(link).path.partition(f"/admin/{path}/")[2] for link in page.links)
    return {end for end in ends if end}


def buttons(links: list[str]) -> set[str]:
    """What the addresses beside a row are for."""
    known = {"details": "read", "edit": "update", "delete": "delete"}
    parts = {part for link in links for part in urlsplit(link).path.split("/")}
    return {action for word, action in known.items() if word in parts}


def counted(answer: httpx2.Response) -> dict[str, Any]:
    """The number that stands under a list."""
    found = re.search(r"of ([\d,]+) items", answer.text)
    return {"count": int(found[1].replace(",", "")) if found else None}


def narrowed(answer: httpx2.Response) -> Any:
    """The ids on a list's page in their order, and the number of all; the status where there is no list."""
    if answer.status_code != 200:
        return told(answer)
    return re.findall(r'<input type="hidden" value="([0-9a-f-]{36})">', answer.text), counted(answer)["count"]


def narrowed_by(answer: httpx2.Response) -> Any:
    """What a list says that it is narrowed by."""
    if answer.status_code != 200:
        return told(answer)
    found = re.findall(r"data-narrowed><b>[^<]*</b> <span>([^<]*)</span>", answer.text)
    return [html.unescape(words.strip()) for words in found]


def detailed(answer: httpx2.Response) -> dict[str, Any]:
    """A row's own page: its values by their labels, its buttons, and the tables of what refers to it."""
    found: dict[str, Any] = {"details": told(answer)}
    if answer.status_code != 200:
        return found
    page = Page(answer)
    own, *related = page.tables
    tables = {
        table.label: (
            [text(box) for box in table.headings[1:]],
            [([text(box) for box in row[1:]], bool(row[0].links)) for row in table.rows if row],
        )
        for table in related
    }
    empty = dict.fromkeys(re.findall(r'charter-related" aria-label="([^"]*)"', page.source))
    path, _, row_id = urlsplit(str(answer.url)).path.split("/")[-3:]
    links = page.leads_to(f"{path}/edit/{row_id}", f"{path}/delete")
    paths = [urlsplit(link).path.split("/") for link in page.links]
    return {
        **found,
        "details cells": {text(row[0]): text(row[1]) for row in own.rows if row},
        "details buttons": buttons([f"/{link}" for link in links]),
        "printout links": {parts[-2] for parts in paths if parts[-3:-2] == ["print"] and parts[-1] == row_id},
        "action buttons": {parts[-2] for parts in paths if parts[-3:-2] == ["act"] and parts[-1] == row_id},
        "related rows": {**empty, **tables},
    }


def asked(answer: httpx2.Response, kind: str) -> dict[str, Any]:
    """A form: what can be written into it, what already stands there, what a chosen row and the roles are called."""
    found: dict[str, Any] = {f"{kind} form": told(answer)}
    if answer.status_code != 200:
        return found
    page = Page(answer)
    choices = re.search(r'<select [^>]*name="role"[^>]*>(.*?)</select>', page.source, re.DOTALL)
    roles = re.findall(r'value="([^"]+)"', choices[1]) if choices else []
    found |= {f"{kind} inputs": page.inputs, "roles offered": set(roles)}
    if kind == "create":
        return found
    texts = {name: str(value).replace("\r\n", "\n") for name, value in form_of(page.source).items()}
    values = {name: value for name, value in texts.items() if name not in {"save", TOKEN_FIELD} and value}
    boxes = re.findall(r"<input [^>]*combobox[^>]*>", page.source)
    chosen = [html.unescape(text) for box in boxes for text in re.findall(r' value="([^"]+)"', box)]
    return {**found, "edit values": values, "chosen rows": sorted(chosen)}


def dashboard(answer: httpx2.Response) -> dict[str, Any]:
    """Each card by its title: its figure, its parts, the sum of its bars, or the first cells of its rows."""
    found: dict[str, Any] = {}
    for part in answer.text.split('data-card="')[1:]:
        card = part.partition("</section>")[0]
        title = html.unescape(card.partition('"')[0])
        if figure := re.search(r'ch-value">([^<]*)<', card):
            found[title] = figure[1]
        elif parts := re.findall(r"<span>([^<]*)</span><b>([^<]*)</b>", card):
            found[title] = {word: int(count.replace(",", "")) for word, count in parts}
        elif "<caption>" in card:
            amounts = re.findall(r"</th><td>([^<]*)</td>", card)
            found[title] = f"{sum(float(amount.replace(',', '')) for amount in amounts):,.2f}"
        else:
            rows = re.findall(r"<tr><td[^>]*>(.*?)</td>", card)
            found[title] = [html.unescape(re.sub(r"<[^>]*>", "", row)) for row in rows]
    return found


def policy(answer: httpx2.Response) -> dict[str, Any]:
    """The page about the policy: each role with how many have it, and the names and pages of some."""
    found: dict[str, Any] = {"policy page": told(answer), "people": None}
    if answer.status_code != 200:
        return found
    roles = next(table for table in Page(answer).tables if table.headings[0].text == "Role")
    rows = [row for row in roles.rows if row]
    names = [box.text for box in roles.headings[-len(rows) :]]
    people = {}
    for name, (_, count, who, *_rest) in zip(names, rows, strict=True):
        said = [part.strip() for part in who.text.removesuffix("and others").split(",")]
        ways = [link.partition("/admin/")[2] for link in who.links]
        people[name] = (text(count), sorted([*filter(None, said), *ways]))
    return {**found, "people": people}


def acted(answer: httpx2.Response) -> dict[str, Any]:
    """The page that asks before an action: what can be written into it, and what the row is called."""
    found: dict[str, Any] = {"act form": told(answer)}
    if answer.status_code != 200:
        return found
    title = re.search(r'<h2 class="card-title">([^<]*)</h2>', answer.text)
    return {**found, "act inputs": Page(answer).inputs, "act title": html.unescape(title[1]) if title else ""}


def sheet(answer: httpx2.Response) -> dict[str, Any]:
    """A file: its fields, the ids of its rows in their order, and each row's values."""
    found: dict[str, Any] = {"export": told(answer)}
    if answer.status_code != 200:
        return found
    if "csv" in answer.headers["content-type"]:
        names, *lines = csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline=""))
        rows: list[dict[str, Any]] = [dict(zip(names, line, strict=True)) for line in lines]
    else:
        rows = [json.loads(line) for line in answer.text.splitlines()]
        names = list(rows[0]) if rows else []
    rows_by_id = {row["id"]: row for row in rows}
    return {
        **found,
        "export fields": sorted(names),
        "export rows": [row["id"] for row in rows],
        "export cells": rows_by_id,
    }


def importing(answer: httpx2.Response) -> dict[str, Any]:
    """The page of an import: the columns that it takes."""
    found: dict[str, Any] = {"import form": told(answer)}
    if answer.status_code != 200:
        return found
    return {**found, "import columns": set(re.findall(r'<dt class="col-sm-3 font-monospace">(\w+)', answer.text))}


def chosen(answer: httpx2.Response) -> dict[str, Any]:
    """The page before something is done to many rows: which rows, how many were asked for, and what can be typed."""
    found: dict[str, Any] = {"bulk form": told(answer)}
    if answer.status_code != 200:
        return found
    page = Page(answer)
    rows = re.search(r'name="bulk-rows" value="([^"]*)"', answer.text)
    asked = re.search(r"Of (\d+) rows this can be done to (\d+);", answer.text)
    ids = set(rows[1].split(",")) - {""} if rows else set()
    return {
        **found,
        "bulk rows": ids,
        "bulk count": (int(asked[1]), int(asked[2])) if asked else (len(ids), len(ids)),
        "bulk inputs": page.inputs - {"bulk-rows", "bulk-empty"},
        "bulk cells": [[text(box) for box in row] for row in page.tables[0].rows if row] if page.tables else [],
    }


def looked_up(answer: httpx2.Response) -> Any:
    """What a look-up offers: ids with what they are called."""
    if answer.status_code != 200:
        return told(answer)
    return {item["id"]: item["text"] for item in answer.json()["results"]}
