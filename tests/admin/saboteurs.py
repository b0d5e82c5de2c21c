"""The controls of the admin's matrix: each takes one rule out of one door, and the matrix has to say at which."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy.orm import ORMExecuteState

from charter.admin import actions, bulk, exports, forms, imports, inline, narrowing, tables, viewing, views
from charter.admin.actions import Button
from charter.admin.forms import EntryForm
from charter.admin.rows import Rules
from charter.admin.sight import Sight
from charter.admin.sign_in import Door, Rights
from charter.admin.views import EntryView
from charter.admin.visit import visit
from charter.catalog import Path, body_model
from charter.errors import ApiException
from charter.plugins.filtering import is_visible
from charter.serve import Refusal
from charter.serve import imports as serve_imports
from charter.serve.writes import run
from tests.admin.asks import Ask
from tests.admin.beside import Doors
from tests.admin.doors import asking
from tests.admin.eyes import Eye
from tests.admin.front import index
from tests.admin.looking import Looker
from tests.admin.toy_screens import BODIES, SCREENS
from tests.admin.writing import Writer
from tests.matrix.world import World

Asks = Callable[[World], Iterator[Ask]]


@dataclass(frozen=True, slots=True)
class Saboteur:
    """What is spoilt, which part of the matrix looks, and at which door it has to see a difference."""

    name: str
    spoil: Callable[[pytest.MonkeyPatch], None]
    asks: Asks
    door: str


def looks(part: Callable[[Looker], Iterator[Ask]], path: str, role: str = "reader") -> Asks:
    """One part of what one role sees of one resource."""
    return lambda world: part(Looker(Eye(world, SCREENS, role, SCREENS[path])))


def writes(part: Callable[[Writer], Iterator[Ask]], path: str, role: str = "reader") -> Asks:
    """One part of what one role writes."""
    return lambda world: part(Writer(Eye(world, SCREENS, role, SCREENS[path]), BODIES))


def no_rows_rule(action: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The session forgets the row rule of an action."""
    kept = Rules.condition

    def condition(rules: Rules, entry: Any, asked: str) -> Any:
        return None if asked == action and visit().action == action else kept(rules, entry, asked)

    return lambda patch: patch.setattr(Rules, "condition", condition)


def no_rules_for(wanted: Callable[[ORMExecuteState], bool]) -> Callable[[pytest.MonkeyPatch], None]:
    """The session lets some statements pass as they are."""
    kept = Rules.apply

    def apply(rules: Rules, state: ORMExecuteState) -> None:
        if not wanted(state):
            kept(rules, state)

    return lambda patch: patch.setattr(Rules, "apply", apply)


def is_count(state: ORMExecuteState) -> bool:
    """Whether a statement only counts."""
    return str(state.statement).startswith("SELECT count(")


def run_by(name: str) -> Callable[[ORMExecuteState], bool]:
    """Whether this function of the admin runs a statement."""
    return lambda _: asking() == name


def all_fields(action: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The field rule of an action is forgotten."""
    kept = Sight.fields

    def fields(sight: Sight, asked: str, entry: Any = None) -> frozenset[str]:
        return (entry or sight.entry).readable if asked == action else kept(sight, asked, entry)

    return lambda patch: patch.setattr(Sight, "fields", fields)


def whole_form(sight: Sight, kind: Any) -> Any:
    """Every field that anybody could set."""
    every = sight.entry.writable(kind) | sight.entry.writable(kind, granted=True)
    return body_model(sight.entry, kind, every).model_fields if sight.decision(kind) else {}


async def any_form(view: EntryView, request: Any, data: Any) -> Any:
    """A create that asks nobody."""
    return view._written(visit().sights[view.entry.name].caller.id)


async def no_check(*_: Any) -> bool:
    """Nobody is asked, nothing is looked at."""
    return True


def forget_rule(action: str) -> Callable[[pytest.MonkeyPatch], None]:
    """The session forgets the row rule of an action, whichever screen asks."""
    kept = Rules.condition

    def condition(rules: Rules, entry: Any, asked: str) -> Any:
        return None if asked == action else kept(rules, entry, asked)

    return lambda patch: patch.setattr(Rules, "condition", condition)


def any_view(site: Any, request: Any, *_: str) -> Any:
    """The view of the path, whoever asks for whatever."""
    return site._find_model_view(request.path_params["identity"])


def no_look(*_: Any) -> None:
    """Nothing is looked at."""


async def one_by_one(services: Any, steps: Any, *, keep: bool = True) -> list[Refusal]:
    """Each write for itself, up to the first that is refused."""
    for place, step in enumerate(steps):
        try:
            await run(services, step)
        except ApiException as error:
            return [Refusal(place, error)]
    return []


def every_button(sight: Sight, request: Any, row: Any) -> list[Button]:
    """Every declared action, whoever looks at whatever row."""
    where = {"identity": sight.entry.name, "pk": str(row.id)}
    return [Button(name, "", request.url_for("admin:act", action=name, **where)) for name in sight.entry.actions]


def forget(place: Any, name: str, value: Any) -> Callable[[pytest.MonkeyPatch], None]:
    """One function is replaced."""
    return lambda patch: patch.setattr(place, name, value)


def blind_to_extras(patch: pytest.MonkeyPatch) -> None:
    """What was sent beyond the form is not looked at."""
    patch.setattr(EntryForm, "beyond", property(lambda _: frozenset(), lambda *_: None), raising=False)


def own_fields(path: Path, *told: Any) -> bool:
    """Whether a filter may be known of: every one that is about the row itself."""
    return path.relation is None or is_visible(path, *told)


def look_at_index(world: World) -> Iterator[Ask]:
    """The first page, as a reader sees it."""
    yield from index(Eye(world, SCREENS, "reader", SCREENS["notes"]))


def every_cell(sight: Sight) -> tuple[str, ...]:
    """The declared fields that the caller may set, read or not."""
    return tuple(name for name in sight.entry.resource.admin.inline if name in sight.writable("update"))


def look_at_policy(world: World) -> Iterator[Ask]:
    """The page about the policy, as an editor sees it."""
    yield from index(Eye(world, SCREENS, "editor", SCREENS["notes"]))


TITLES = lambda _: ("title",)  # noqa: E731 # beside the others
YES: Any = lambda *_, **__: True  # noqa: E731 # same

SABOTEURS = (
    Saboteur("the list's rows", no_rows_rule("list"), looks(Looker.lists, "notes"), "list rows"),
    Saboteur("the details' rows", no_rows_rule("read"), looks(Looker.details, "notes"), "details"),
    Saboteur("the edit form's rows", no_rows_rule("update"), looks(Looker.forms, "notes"), "edit form"),
    Saboteur("the count", no_rules_for(is_count), looks(Looker.lists, "notes"), "count"),
    Saboteur("related rows", no_rules_for(run_by("related._table")), looks(Looker.details, "folders"), "related rows"),
    Saboteur("the look-up", no_rules_for(run_by("lookups.get_list")), looks(Looker.look_ups, "comments"), "look-up"),
    Saboteur(
        "the name of a chosen row",
        no_rules_for(run_by("lookups.format_by_pk")),
        looks(Looker.narrowings, "comments"),
        "narrowed by",
    ),
    Saboteur("the list's fields", all_fields("list"), looks(Looker.lists, "notes"), "list headings"),
    Saboteur("the details' fields", all_fields("read"), looks(Looker.details, "notes"), "details cells"),
    Saboteur("the form's values", forget(forms, "_readable", lambda sight: sight.entry.readable),
             looks(Looker.forms, "notes"), "edit values"),
    Saboteur("the form's fields", forget(Sight, "writable", whole_form), looks(Looker.forms, "notes"), "edit inputs"),
    Saboteur("the order", forget(Sight, "sortable", lambda sight: tuple(n for n in sight.entry.sorts if "." not in n)),
             looks(Looker.orders, "notes"), "sort"),
    Saboteur("the search", forget(Sight, "searchable", TITLES), looks(Looker.searches, "notes"), "search"),
    Saboteur("the narrowing", forget(narrowing, "is_visible", own_fields), looks(Looker.narrowings, "notes"), "narrow"),
    Saboteur("the panel", forget(narrowing, "is_visible", own_fields), looks(Looker.lists, "notes"), "narrowings"),
    *(Saboteur(f"the rows of {query}", no_rules_for(run_by(query)), look_at_index, "dashboard")
      for query in ("board._number", "board._trend", "board._split", "board._first")),
    Saboteur("the fields of the cards", all_fields("list"), look_at_index, "dashboard"),
    Saboteur("the buttons", forget(Rights, "has_permission", YES), looks(Looker.lists, "notes", "editor"),
             "list buttons"),
    Saboteur("the menu", forget(EntryView, "is_accessible", YES), looks(Looker.lists, "notes"), "menu"),
    Saboteur("the sign-in", forget(Door, "authenticate", no_check), looks(Looker.lists, "notes", "anonymous"), "list"),
    Saboteur("fields beyond the form", blind_to_extras, writes(Writer.edits, "notes"), "edit extra"),
    Saboteur("the rule of new rows", forget(EntryView, "insert_model", any_form), writes(Writer.creates, "notes"),
             "create"),
    Saboteur("an action's rows", no_rows_rule("calm_down"), looks(Looker.deeds, "notes", "editor"), "act form"),
    Saboteur("an action's state", forget(actions, "fits", YES), looks(Looker.deeds, "notes", "keeper"), "act form"),
    Saboteur("an action's button", forget(views, "buttons", every_button),
             looks(Looker.details, "notes", "editor"), "action buttons"),
    Saboteur("an action's heading", forget(actions, "title_of", lambda view, row: view.sight.call(row)),
             looks(Looker.deeds, "notes"), "act title"),
    Saboteur("an action's rule", no_rows_rule("calm_down"), writes(Writer.deeds, "notes", "editor"), "act"),
    Saboteur("what an action takes", blind_to_extras, writes(Writer.deeds, "notes"), "act extra"),
    Saboteur("the export's rows", forget_rule("export"), looks(Doors.files_of, "notes", "editor"), "export rows"),
    Saboteur("the list's rows in an export", forget_rule("list"), looks(Doors.files_of, "comments"), "export rows"),
    Saboteur("the export's fields", all_fields("export"), looks(Doors.files_of, "notes"), "export fields"),
    Saboteur("the list's fields in an export", all_fields("list"), looks(Doors.files_of, "notes"), "export fields"),
    Saboteur("the export's rule", forget(exports, "opened", any_view), looks(Doors.files_of, "traces"), "export"),
    Saboteur("the import's rule", forget(imports, "opened", any_view), looks(Doors.imports_of, "folders"),
             "import form"),
    Saboteur("the import's columns", forget(Sight, "importable", lambda sight: sight.writable("create")),
             looks(Doors.imports_of, "notes", "keeper"), "import columns"),
    Saboteur("the import's rows", forget(serve_imports, "check_inside", no_look), writes(Writer.imports, "notes",
             "keeper"), "import"),
    Saboteur("what an import takes", forget(tables, "_check_header", no_look), writes(Writer.imports, "notes",
             "keeper"), "import extra"),
    Saboteur("the rows of a change to many", forget_rule("update"), looks(Doors.changes_of, "notes"), "bulk rows"),
    Saboteur("the list's rows in it", forget_rule("list"), looks(Doors.changes_of, "notes"), "bulk rows"),
    Saboteur("the state in it", forget(bulk, "Transition", str), looks(Doors.changes_of, "notes", "keeper"),
             "bulk rows"),
    Saboteur("the rule of it", forget(bulk, "opened", any_view), looks(Doors.changes_of, "folders"), "bulk form"),
    Saboteur("what it takes", blind_to_extras, writes(Writer.changes, "notes"), "bulk extra"),
    Saboteur("a cell's rows", no_rows_rule("update"), looks(Looker.cells, "notes"), "inline form"),
    Saboteur("a cell's field", forget(inline, "inline_fields", every_cell),
             looks(Looker.cells, "notes"), "inline form"),
    Saboteur("the cells of a list", forget(views, "inline_cells", lambda sight, _: sight.entry.resource.admin.inline),
             looks(Looker.lists, "notes"), "inline cells"),
    Saboteur("what a cell takes", blind_to_extras, writes(Writer.cells, "notes"), "inline extra"),
    Saboteur("a printout's row", no_rows_rule("read"), looks(Looker.papers, "notes"), "printout"),
    Saboteur("a printout's fields", all_fields("read"), looks(Looker.papers, "notes"), "printout values"),
    Saboteur("a printout's rows", no_rules_for(run_by("printouts._sheet")), looks(Looker.papers, "notes"),
             "printout rows"),
    Saboteur("the count of people", no_rules_for(run_by("people._counts")), look_at_policy, "people"),
    Saboteur("the names of people", no_rules_for(run_by("people._named")), look_at_policy, "people"),
    Saboteur("the roles to look as", forget(viewing, "viewable", lambda services, _: services.roles.order),
             look_at_policy, "view as"),
    Saboteur("the deletion's rows", no_rows_rule("delete"), writes(Writer.deletes, "notes"), "delete"),
)  # fmt: skip

LEAVES_A_TRACE = Saboteur(
    "the one transaction for all rows",
    forget(bulk, "write_together", one_by_one),
    lambda world: (ask for ask in writes(Writer.goings, "notes")(world) if ask.row != "two"),
    "bulk",
)
"""The door answers as it should, and a row is gone that should not be."""
