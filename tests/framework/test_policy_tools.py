"""What a maintainer asks about a policy: why, who may what, what a change does, and what must stay true."""

import itertools
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from charter.access import AccessTable, Noun, Vocabulary, load_access
from charter.access.differences import differences, differences_text
from charter.access.expectations import EXPECTATION_CODES, read_expectations
from charter.access.explain import explain, unknown_words
from charter.access.findings import POLICY_CODES
from charter.access.matrix import WIDTH, detail, matrix, overview
from charter.access.verdicts import failures
from charter.errors import DeclarationError

MODEL = Path(__file__).parents[2] / "model.conf"
NOTES = Noun(
    actions=("list", "read", "create", "update", "delete", "pin"),
    readable=frozenset({"id", "title", "body", "secret", "pinned"}),
    creatable=frozenset({"title", "body", "folder"}),
    updatable=frozenset({"title", "body"}),
    granted=frozenset({"pinned"}),
    scopes=frozenset({"own", "shared"}),
)
FOLDERS = Noun(("list", "read"), readable=frozenset({"id", "name"}), scopes=frozenset({"own"}))
NOUNS = {"notes": NOTES, "folders": FOLDERS, "console": Noun(("access",))}
WORDS = Vocabulary(("guest", "reader", "editor", "chief"), NOUNS, frozenset({"own", "shared"}))
POLICY = """\
g, reader, guest
g, editor, reader
g, chief, editor

p, guest, notes, list, shared, -secret
p, reader, notes, read, own, -secret
p, reader, notes, create, own, *
p, editor, notes, read, any, -secret
p, editor, notes, update, any, *
p, chief, notes, pin, any, *
p, chief, notes, read, any, *
p, chief, console, access, any, *
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the policies of a test are written."""
    return tmp_path


def table(folder: Path, text: str = POLICY) -> AccessTable:
    """The table of a policy."""
    file = folder / "policy.csv"
    file.write_text(text)
    return load_access(file, MODEL, WORDS)


def test_an_answer_names_the_deciding_lines_and_how_the_role_has_them(folder: Path) -> None:
    """The rules behind the decision, the links to the role that they name, and what is about the same but idle."""
    found = explain(table(folder), WORDS, "chief", "notes", "update")
    assert found.decision is not None
    assert [source.rule.line for source in found.sources] == [9]
    assert [link.line for link in found.sources[0].links] == [3]
    assert found.withheld == ("pinned",)
    (source,) = explain(table(folder), WORDS, "chief", "notes", "create").sources
    assert [(link.role, link.parent) for link in source.links] == [("chief", "editor"), ("editor", "reader")]

    found = explain(table(folder), WORDS, "editor", "notes", "read")
    assert [source.rule.line for source in found.sources] == [8]
    assert [(source.rule.line, [link.line for link in source.links]) for source in found.idle] == [(6, [2])]
    assert found.withheld == ()


def test_a_denial_names_the_nearest_lines_and_what_they_lack(folder: Path) -> None:
    """First those that give it to another role, then what the role may do instead."""
    found = explain(table(folder), WORDS, "reader", "notes", "update")
    assert found.decision is None
    assert [(near.rule.line, near.lacks) for near in found.nearest[:2]] == [
        (9, "gives it to editor; reader does not inherit from editor"),
        (7, "lets reader create, not update"),
    ]
    assert found.cure == "p, reader, notes, update, own, *"
    assert explain(table(folder), WORDS, "guest", "folders", "list").nearest == ()


def test_a_matcher_that_refuses_a_line_is_named(folder: Path) -> None:
    """Casbin is the law: a line that model.conf does not let decide is told as such."""
    model = folder / "model.conf"
    model.write_text(MODEL.read_text().replace("m = ", 'm = r.act != "update" && '))
    (folder / "policy.csv").write_text(POLICY)
    found = explain(load_access(folder / "policy.csv", model, WORDS), WORDS, "editor", "notes", "update")
    assert found.decision is None
    assert "matcher" in found.nearest[0].lacks


def test_words_that_are_not_there_are_told_together(folder: Path) -> None:
    """With what was perhaps meant."""
    assert unknown_words(WORDS, "edtor", "notes", "raed") == [
        "There is no role 'edtor'. Perhaps you meant 'editor'.",
        "There is no action 'raed' on notes. Perhaps you meant 'read'.",
    ]
    assert unknown_words(WORDS, "editor", "nots", "raed") == ["There is no resource 'nots'. Perhaps you meant 'notes'."]
    assert unknown_words(WORDS, "editor", "notes", "read") == []


def test_no_line_is_proposed_that_quarrels_with_those_of_an_heir(folder: Path) -> None:
    """The fields of the nearest line would give the editor mixed ones, so those of the next are taken."""
    text = "g, editor, reader\np, reader, notes, list, shared, *\n"
    text += "p, guest, notes, read, own, title\np, editor, notes, read, own, body\n"
    assert explain(table(folder, text), WORDS, "reader", "notes", "read").cure == "p, reader, notes, read, shared, body"


def some_policies(count: int) -> Iterator[str]:
    """Random policies, some of which the loader refuses."""
    chance = random.Random(5)  # noqa: S311 # repeatable, not secret
    for _ in range(count):
        lines = [f"g, {role}, {parent}" for parent, role in itertools.pairwise(WORDS.roles) if chance.random() < 0.8]
        for _ in range(chance.randint(1, 8)):
            role, rows = chance.choice(WORDS.roles), chance.choice(("any", "any", "own", "shared"))
            action = chance.choice(("list", "read", "create", "update", "delete", "pin", "*"))
            fields = chance.choice(("*", "*", "title|body", "-title")) if action in ("list", "read") else "*"
            lines.append(f"p, {role}, notes, {action}, {rows}, {fields}")
        yield "\n".join(lines) + "\n"


def good_tables(folder: Path, count: int) -> list[tuple[str, AccessTable]]:
    """Those that the loader takes."""
    found = []
    for text in some_policies(count):
        with suppress(DeclarationError):
            found.append((text, table(folder, text)))
    return found


def test_the_proposed_line_is_one_that_the_loader_takes_and_that_allows(folder: Path) -> None:
    """For every denial in random policies; where no line fits beside the others, none is proposed."""
    proposed = 0
    for text, access in good_tables(folder, 25):
        for role, action in itertools.product(WORDS.roles, NOTES.actions):
            found = explain(access, WORDS, role, "notes", action)
            if found.cure:
                proposed += 1
                assert table(folder, f"{text}{found.cure}\n").decide(role, "notes", action), (text, found.cure)
            else:
                assert found.decision is not None or "-" in text or "|" in text, text
    assert proposed > 100


def test_the_overview_holds_every_decision_and_nothing_else(folder: Path) -> None:
    """Role by role and action by action; a share repeats only what is truly the same, fields included."""
    access = table(folder)
    whole = overview(access, WORDS)
    shown = {
        (share.role, sheet.resource, found.action): (found.rows, found.whole)
        for sheet in whole.sheets
        for share in sheet.shares
        for found in share.permissions
    }
    assert shown == {
        key: (decision.rows, decision.fields >= NOUNS[key[1]].nameable(key[2]))
        for key, decision in access.decisions.items()
    }
    shares = {share.role: share for share in whole.sheet("notes").shares}
    assert [shares[role].repeats for role in WORDS.roles] == [False, False, False, False]
    assert [share.repeats for share in whole.sheet("console").shares] == [False, True, True, False]
    read = shares["editor"].permission("read")
    assert read is not None
    assert (read.fields, [rule.line for rule in read.rules]) == ("all but secret", [8])


def test_the_matrix_fits_a_terminal_and_says_which_fields_are_cut(folder: Path) -> None:
    """A small letter where a field is missing; the same roles again in blocks where they are many."""
    lines = list(matrix(overview(table(folder), WORDS)))
    assert max(map(len, lines)) <= WIDTH
    cells = [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in lines]
    at = next(number for number, row in enumerate(cells) if row[:1] == ["notes"])
    assert cells[at : at + 4] == [
        ["notes", "shared: l", "shared: l", "shared: l", "shared: l"],
        ["own: rc", "any: ru", "any: Ru pin"],
        ["own: c", "own: c"],
        ["folders", "-", "-", "-", "-"],
    ]
    assert ["console", "-", "=", "=", "any: access"] not in cells
    assert ["console", "-", "-", "-", "any: access"] in cells
    many = Vocabulary(tuple(f"role-{number:02}" for number in range(17)), NOUNS)
    file = folder / "policy.csv"
    file.write_text("p, role-00, notes, *, any, *\n" + "".join(f"g, {b}, {a}\n" for a, b in [many.roles[:2]]))
    lines = list(matrix(overview(load_access(file, MODEL, many), many)))
    assert max(map(len, lines)) <= WIDTH
    assert sum(line.count("role-") for line in lines) == 17


def test_the_detail_tells_rows_and_fields_of_each_role(folder: Path) -> None:
    """One line each, a dash for nothing."""
    lines = list(detail(overview(table(folder), WORDS).sheet("notes")))
    at = lines.index("  read:")
    assert lines[at + 1 : at + 5] == [
        "    guest   -",
        "    reader  own; all but secret",
        "    editor  any; all but secret",
        "    chief   any; all fields",
    ]


CHANGES = [
    ("p, chief, notes, pin, any, *", "p, editor, notes, pin, own, *\np, chief, notes, pin, any, *",
     ["+ editor: pin notes: now allowed (own)"]),
    ("p, editor, notes, update, any, *\n", "",
     ["- editor, chief: update notes: no longer allowed (was: any; all but pinned)"]),
    ("notes, create, own", "notes, create, any", ["+ reader, editor, chief: create notes: rows: any (was: own)"]),
    ("notes, list, shared", "notes, list, own",
     ["+ guest, reader, editor, chief: list notes: rows: own (was: shared)",
      "- guest, reader, editor, chief: list notes: rows: own (was: shared)"]),
    ("list, shared, -secret", "list, shared, -body",
     ["+ guest, reader, editor, chief: list notes: fields: secret",
      "- guest, reader, editor, chief: list notes: fields: body"]),
    ("update, any, *", "update, any, title|body|pinned", ["+ editor, chief: update notes: fields: pinned"]),
    ("g, reader, guest\n", "",
     ["- reader, editor, chief: list notes: no longer allowed (was: shared; all but secret)"]),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "expected"), CHANGES)
def test_a_change_is_told_by_its_effect(folder: Path, old: str, new: str, expected: list[str]) -> None:
    """Who gains and who loses which action, rows or fields; and backwards, every gain is a loss."""
    one, other = table(folder), table(folder, POLICY.replace(old, new, 1))
    found = differences(one, other, WORDS)
    assert [line.strip() for line in differences_text(found, "a", "b") if line.startswith("  ")] == expected
    back = differences(other, one, WORDS)
    assert sum(change.gain for change in back) == sum(not change.gain for change in found)


def test_there_is_a_difference_exactly_where_decisions_differ(folder: Path) -> None:
    """Over pairs of random policies, role by role and action by action; never one between a policy and itself."""
    good = [access for _, access in good_tables(folder, 30)]

    def effect(access: AccessTable) -> dict[tuple[str, str, str], object]:
        return {key: (set(found.rows), found.fields) for key, found in access.decisions.items()}

    for old, new in itertools.product(good, repeat=2):
        told = {
            (role, change.resource, action)
            for change in differences(old, new, WORDS)
            for role in change.roles
            for action in change.actions
        }
        before, after = effect(old), effect(new)
        assert told == {key for key in {*before, *after} if before.get(key) != after.get(key)}


def test_wording_and_order_make_no_difference(folder: Path) -> None:
    """Comments, blanks, the order of lines, a list in full instead of its exceptions."""
    rules = POLICY.replace("-secret", "id|title|body|pinned").replace(", ", ",").splitlines()
    assert differences(table(folder), table(folder, "# new\n" + "\n".join(reversed(rules)) + "\n"), WORDS) == ()


def broken(folder: Path, text: str, policy: str = POLICY) -> list[tuple[str, str, str, str]]:
    """What a policy does otherwise than well-formed sentences say."""
    sentences, problems = read_expectations(text.encode(), WORDS, "expectations.csv")
    assert problems == []
    found = failures(table(folder, policy), WORDS, sentences)
    return [(failure.role, failure.resource, failure.action, failure.says) for failure in found]


HOLDING = """\
# Everything here holds.
allow, guest, notes, list, shared, -secret
allow, editor, notes, read, own
allow, -guest, notes, read|create, own, title|body
allow, chief, *, access
deny, -chief, console, *
deny, guest|reader, notes, -list|-read|-create
deny, reader, notes, read, any
deny, reader, *, read|list, any
hide, -chief, *, secret
lock, *, notes, pinned
lock, guest, *, *
lock, reader, notes, -title|-body|-folder
"""


def test_sentences_that_hold_are_silent(folder: Path) -> None:
    """Wider is as good for `allow`: any row, more fields."""
    assert broken(folder, HOLDING) == []


FAILING = [
    ("allow, guest, notes, read", [("guest", "read", "is denied: no line allows it")]),
    ("allow, reader, notes, read, any",
     [("reader", "read", "is allowed, but not on the rows 'any': own; all but secret")]),
    ("allow, reader, notes, read, shared",
     [("reader", "read", "is allowed, but not on the rows 'shared': own; all but secret")]),
    ("allow, editor, notes, read, any, title|secret", [("editor", "read", "is allowed, but without secret")]),
    ("allow, chief, notes, update, any, pinned", [("chief", "update", "is allowed, but without pinned")]),
    ("deny, *, notes, pin", [("chief", "pin", "is allowed: any")]),
    ("deny, editor, notes, update, own", [("editor", "update", "is allowed: any; all but pinned")]),
    ("hide, *, notes, secret", [("chief", "read", "is shown secret")]),
    ("hide, guest, *, *", [("guest", "list", "is shown body, id, pinned, title")]),
    ("lock, reader, notes, title", [("reader", "create", "sets title")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), FAILING)
def test_a_sentence_that_does_not_hold_says_what_the_policy_does(
    folder: Path, text: str, expected: list[tuple[str, str, str]]
) -> None:
    """For each role and action alone."""
    assert broken(folder, text + "\n") == [(role, "notes", action, says) for role, action, says in expected]


def test_the_rules_behind_a_failure_are_those_that_give_the_field(folder: Path) -> None:
    """Not every line about the action."""
    text = POLICY + "p, reader, notes, list, shared, secret|id\n"
    text = text.replace("list, shared, -secret", "list, shared, title|id")
    sentences, _ = read_expectations(b"hide, reader, notes, secret\n", WORDS, "e.csv")
    (failure,) = failures(table(folder, text), WORDS, sentences)
    assert [rule.line for rule in failure.rules] == [13]


def test_each_holding_sentence_can_fail(folder: Path) -> None:
    """Under a policy that gives everybody everything every prohibition fails, and without a rule every permission."""
    grants = "".join(f"p, guest, notes, {action}, any, title|body|pinned\n" for action in ("create", "update"))
    everything = f"{grants}p, guest, notes, *, any, *\np, guest, console, access, any, *\ng, reader, guest\n"
    everything += "g, editor, reader\ng, chief, editor\n"
    nothing = "p, guest, folders, list, own, *\n"
    for line in HOLDING.splitlines()[1:]:
        assert broken(folder, f"{line}\n", nothing if line.startswith("allow") else everything), line


MISTAKES = [
    ("alow, guest, notes, list", "1:1", "expectation_verb", "Perhaps you meant 'allow'."),
    ("p, guest, notes, list, any, *", "1:1", "expectation_verb", "allow, deny, hide or lock"),
    ("allow, guest, notes", "1:20", "expectation_values", "3 values instead of 4 to 6"),
    ("hide, guest, notes, secret, x", "1:29", "expectation_values", "5 values instead of 4."),
    ("deny, guest, notes, list, any, *", "1:32", "expectation_values", "Write: deny, role, resource, action, rows."),
    ("allow, guest, , list", "1:15", "expectation_values", "resource is empty"),
    ("allow, gest, notes, list", "1:8", "policy_unknown_role", "Perhaps you meant 'guest'."),
    ("allow, guest|edtor, notes, list", "1:14", "policy_unknown_role", "Perhaps you meant 'editor'."),
    ("allow, -guest|-edtor, notes, list", "1:15", "policy_unknown_role", "Perhaps you meant 'editor'."),
    ("deny, guest, note, list", "1:14", "policy_unknown_resource", "Perhaps you meant 'notes'."),
    ("deny, guest, notes, lst", "1:21", "policy_unknown_action", "Perhaps you meant 'list'."),
    ("deny, guest, folders, pin", "1:23", "policy_unknown_action", "on folders"),
    ("deny, guest, notes, list, owm", "1:27", "policy_unknown_scope", "Perhaps you meant 'own'."),
    ("deny, guest, notes, list, own|any", "1:27", "policy_unknown_scope", "one line for each"),
    ("deny, guest, folders, list, shared", "1:29", "policy_scope_unsatisfied", "It knows: any, own."),
    ("hide, guest, notes, secrt", "1:21", "policy_unknown_field", "Perhaps you meant 'secret'."),
    ("hide, guest, folders, secret", "1:23", "policy_unknown_field", "id, name"),
    ("allow, guest, notes, list, any, secrt", "1:33", "policy_unknown_field", "Perhaps you meant 'secret'."),
    ("allow, guest, notes, update, any, id", "1:35", "policy_unknown_field", "to update on notes"),
    ("allow, guest, notes, list|*", "1:27", "expectation_list", "alone"),
    ("allow, guest, notes, list||read", "1:27", "expectation_list", "empty"),
    ("allow, guest, notes, list|-read", "1:27", "expectation_list", "not both"),
    ("allow, guest, notes, list|list", "1:27", "expectation_list", "twice"),
    ("allow, guest, console, -access", "1:24", "expectation_void", "leaves no action"),
    ("allow, guest, notes, delete, any, *", "1:35", "expectation_void", "leaves no field"),
    ("hide, guest, console, *", "1:23", "expectation_void", "leaves no field"),
    ("lock, guest, folders, name", "1:23", "expectation_void", "sets a field"),
    ("# nothing", "1:1", "expectation_empty", "no sentence"),
    ("allow, guest, notes, list # why", "1:27", "policy_comment", "line of its own"),
    ("allow; guest; notes; list", "1:6", "policy_separator", "commas"),
    ("allow, guest, notes, list\nallow,guest,notes,list", "2:1", "policy_duplicate", "line 1"),
    ("\ufeffallow, guest, notes, list", "1:1", "policy_bom", "BOM"),
    ("allow, gu\u200best, notes, list", "1:10", "policy_invisible", "U+200B"),
]


@pytest.mark.parametrize(("text", "place", "code", "says"), MISTAKES)
def test_a_malformed_sentence_is_told_with_its_place_and_a_way_out(text: str, place: str, code: str, says: str) -> None:
    """As strictly as the policy, and once; a sentence about nothing would always hold."""
    _, problems = read_expectations(f"{text}\n".encode(), WORDS, "e.csv")
    assert [(found.where, found.code) for found in problems] == [(f"e.csv:{place}", code)], problems
    assert says in f"{problems[0].message} {problems[0].hint}"
    assert problems[0].fatal


def test_every_code_of_expectations_is_shown_here_or_belongs_to_the_command() -> None:
    """Two of them are told by the command: a file that is not there, and a sentence that does not hold."""
    shown = {code for _, _, code, _ in MISTAKES}
    assert shown <= {*EXPECTATION_CODES, *POLICY_CODES}
    assert EXPECTATION_CODES.keys() - shown == {"expectation_missing", "expectation_failed"}
