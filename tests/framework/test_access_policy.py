"""The strict loader: what it refuses, where, and what it says to whoever has to mend it."""

import time
from pathlib import Path

import pytest

from charter.access import POLICY_CODES, Noun, Vocabulary, check_policy, load_access
from charter.access.findings import WARNINGS
from charter.errors import DeclarationError

NOTES = Noun(
    actions=("list", "read", "create", "update", "delete", "pin"),
    readable=frozenset({"id", "title", "body", "pinned"}),
    creatable=frozenset({"title", "body", "folder"}),
    updatable=frozenset({"title", "body"}),
    granted=frozenset({"pinned"}),
    scopes=frozenset({"own", "shared"}),
)
FOLDERS = Noun(("list", "read"), readable=frozenset({"id", "name"}), scopes=frozenset({"own"}))
NOUNS = {"notes": NOTES, "folders": FOLDERS, "console": Noun(("access",))}
WORDS = Vocabulary(("guest", "reader", "editor", "chief"), NOUNS, frozenset({"own", "shared"}))
ELEVEN = Vocabulary(tuple(f"r{number:02}" for number in range(11)), NOUNS)
CHAIN = "".join(f"g, r{number + 1:02}, r{number:02}\n" for number in range(10))
RULE = "p, guest, notes, list, any, *\n"
LINKS = "g, reader, guest\ng, editor, reader\ng, chief, editor\n"
MODEL = Path(__file__).parents[2] / "model.conf"

# What stands in the file, where the finding is, its code, and a part of what it says.
CASES: list[tuple[str | bytes, str, str, str]] = [
    (b"# caf\xc3\xa9\n" + RULE.encode() + b"p, gu\xe9st", "3:6", "policy_encoding", "UTF-8"),
    (RULE.encode("utf-16"), "1:1", "policy_encoding", "UTF-8"),
    (b"\xef\xbb\xbf" + RULE.encode(), "1:1", "policy_bom", "BOM"),
    (RULE.replace("\n", "\r") + "# next", "1:30", "policy_line_ending", "carriage return"),
    (RULE + "p, gu\u200best, notes, read, any, *", "2:6", "policy_invisible", "U+200B (zero width space)"),
    (RULE + "p, guest\x00, notes, read, any, *", "2:9", "policy_invisible", "U+0000"),
    (RULE + "# a comment\x0b" + RULE, "2:12", "policy_invisible", "U+000B"),
    ("", "1:1", "policy_empty", "no rule"),
    ("\n# nothing but a comment\n\n", "1:1", "policy_empty", "no rule"),
    (LINKS, "1:1", "policy_empty", "no rule"),
    (RULE + "  P, guest, notes, read, any, *", "2:3", "policy_section", "Perhaps you meant 'p'."),
    (RULE + "pp, guest, notes, read, any, *", "2:1", "policy_section", "Perhaps you meant 'p'."),
    (RULE + "q, guest, notes, read, any, *", "2:1", "policy_section", "p, g"),
    (RULE + "p user, guest, notes", "2:1", "policy_section", "begins with p"),
    (RULE + "p; guest; notes; read; any; *", "2:2", "policy_separator", "commas"),
    (RULE + 'p, "guest", "notes", read, any, *', "2:4", "policy_quote", "quotation"),
    (RULE + "p, guest, notes, read, any, * # why not", "2:31", "policy_comment", "line of its own"),
    (RULE + "p, guest, notes, read, any", "2:27", "policy_field_count", "5 values instead of 6"),
    (RULE + "p, guest, notes, read, any, *, allow", "2:32", "policy_field_count", "7 values instead of 6"),
    (RULE + "g, reader", "2:10", "policy_field_count", "Write: g, role, inherited role."),
    (RULE + "p, guest, , read, any, *", "2:11", "policy_empty_field", "resource"),
    (RULE + "p, gest, notes, read, any, *", "2:4", "policy_unknown_role", "Perhaps you meant 'guest'."),
    (RULE + "p, Guest, notes, read, any, *", "2:4", "policy_unknown_role", "Perhaps you meant 'guest'."),
    (RULE + "p, guest\u00a0, notes, read, any, *", "2:4", "policy_unknown_role", "'guest\\xa0'"),
    (RULE + "g, reader, gast", "2:12", "policy_unknown_role", "There is no role 'gast'."),
    (RULE + "p, guest, note, read, any, *", "2:11", "policy_unknown_resource", "Perhaps you meant 'notes'."),
    (RULE + "p, guest, *, read, any, *", "2:11", "policy_unknown_resource", "notes, folders, console"),
    (RULE + "p, guest, notes, reed, any, *", "2:18", "policy_unknown_action", "Perhaps you meant 'read'."),
    (RULE + "p, guest, folders, pin, any, *", "2:20", "policy_unknown_action", "on folders"),
    (RULE + "p, guest, notes, read, owm, *", "2:24", "policy_unknown_scope", "Perhaps you meant 'own'."),
    (RULE + "p, guest, notes, read, *, *", "2:24", "policy_unknown_scope", "Perhaps you meant 'any'."),
    (RULE + "p, guest, notes, read, own|shared, *", "2:24", "policy_unknown_scope", "one line for each"),
    (RULE + "p, guest, folders, read, shared, *", "2:26", "policy_scope_unsatisfied", "It knows: any, own."),
    (RULE + "p, guest, notes, read, any, id|titel", "2:32", "policy_unknown_field", "Perhaps you meant 'title'."),
    (RULE + "p, guest, notes, read, any, -titel", "2:29", "policy_unknown_field", "Perhaps you meant 'title'."),
    (RULE + "p, guest, notes, delete, any, nonsense", "2:31", "policy_unknown_field", "nonsense"),
    (RULE + "p, guest, notes, *, any, nonsense", "2:26", "policy_unknown_field", "nonsense"),
    (RULE + "p, guest, notes, read, any, folder", "2:29", "policy_unreadable_field", "'read' does not show"),
    (
        RULE + "p, guest, notes, create, any, title|id",
        "2:37",
        "policy_unwritable_field",
        "'create' does not write 'id'",
    ),
    (RULE + "p, guest, notes, update, any, folder", "2:31", "policy_unwritable_field", "'update' does not write"),
    (RULE + "p, guest, notes, read, any, title|-body", "2:35", "policy_field_list", "not both"),
    (RULE + "p, guest, notes, read, any, -title|body", "2:36", "policy_field_list", "not both"),
    (RULE + "p, guest, notes, read, any, title||body", "2:35", "policy_field_list", "empty"),
    (RULE + "p, guest, notes, read, any, -", "2:29", "policy_field_list", "empty"),
    (RULE + "p, guest, notes, read, any, title|*", "2:35", "policy_field_list", "alone"),
    (RULE + "p, guest, notes, read, any, title|title", "2:35", "policy_field_list", "twice"),
    (RULE + "  p,guest,notes,list,any,*", "2:3", "policy_duplicate", "line 1"),
    (RULE + "g, reader, guest\ng, reader, guest", "3:1", "policy_duplicate", "line 2"),
    (RULE + "g, reader, reader", "2:12", "policy_self", "itself"),
    (RULE + "g, reader, editor", "2:12", "policy_upward", "guest, reader, editor, chief"),
    (RULE + LINKS + "g, guest, chief", "5:11", "policy_cycle", "circle"),
    (
        RULE + "p, guest, notes, read, own, *\np, guest, notes, read, shared, id",
        "3:32",
        "policy_mixed_fields",
        "line 2",
    ),
    (RULE + "p, guest, notes, delete, own, title", "2:31", "policy_fields_ignored", "Write: *."),
    (RULE + "p, guest, notes, list, own, title", "2:1", "policy_shadowed", "see line 1"),
    (RULE + "p, guest, notes, list, any, title", "2:1", "policy_redundant", "see line 1"),
    (RULE + "g, reader, guest\ng, editor, guest", "1:1", "policy_unreachable", "'chief'"),
    (RULE + "g, reader, guest\ng, editor, reader\ng, editor, guest", "4:12", "policy_redundant", "by way of"),
]


def found(text: str | bytes, words: Vocabulary = WORDS) -> list[tuple[str, str, str]]:
    """Place, code and text of all findings."""
    data = text.encode() if isinstance(text, str) else text
    return [
        (problem.where.removeprefix("policy.csv:"), problem.code, f"{problem.message} {problem.hint}")
        for problem in check_policy(data, words)
    ]


@pytest.mark.parametrize(("text", "place", "code", "says"), CASES)
def test_each_mistake_is_told_with_its_place_and_a_way_out(text: str | bytes, place: str, code: str, says: str) -> None:
    """A finding has line, column, a stable code and a sentence that helps."""
    hits = [(where, sentence) for where, found_code, sentence in found(text) if found_code == code]
    assert [(where, says in sentence) for where, sentence in hits][:1] == [(place, True)], found(text)


@pytest.mark.parametrize(("text", "code"), [(text, code) for text, _, code, _ in CASES])
def test_one_mistake_earns_one_error(text: str | bytes, code: str) -> None:
    """A mistake is not told twice under two names, except where it truly is two."""
    errors = [found_code for _, found_code, _ in found(text) if found_code not in WARNINGS]
    companions = {"policy_cycle": ["policy_upward"]}  # roles are in order, so every circle climbs somewhere
    assert sorted(errors) == sorted([*([] if code in WARNINGS else [code]), *companions.get(code, [])])


def test_every_code_of_the_table_can_be_earned() -> None:
    """The table lists what the loader says and nothing else."""
    elsewhere = {"policy_missing", "policy_depth", "policy_model"}
    assert {code for _, _, code, _ in CASES} | elsewhere == set(POLICY_CODES)
    assert all(meaning.endswith(".") and "\n" not in meaning for meaning in POLICY_CODES.values())
    assert {code for code, meaning in POLICY_CODES.items() if meaning.startswith("Warning: ")} == WARNINGS


def test_a_sound_policy_has_no_findings() -> None:
    """Blank lines, whole-line comments, padding, CRLF and a missing last line end are all fine."""
    text = f"# who may do what\n\n  # indented\n{RULE}\n{LINKS}\np,\tchief ,  notes, * , any,  -id | -body "
    assert found(text) == []
    assert found(text.replace("\n", "\r\n")) == []


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file() -> None:
    """Nobody mends one line only to be told of the next; one line may have several mistakes."""
    lines = [
        "p, gest, notes, reed, owm, *",
        "q, guest",
        "p, guest, note, read, owm, *",
        "p, guest, notes, list, any, id|nonsense|-title",
        "g, gast, raeder",
        "p, chief, notes, read, own, title",
        "p, chief, notes, read, own, title",
        "p, chief, notes, read, shared, body",
    ]
    assert [(place, code) for place, code, _ in found("\n".join(lines)) if code not in WARNINGS] == [
        ("1:4", "policy_unknown_role"),
        ("1:17", "policy_unknown_action"),
        ("1:23", "policy_unknown_scope"),
        ("2:1", "policy_section"),
        ("3:11", "policy_unknown_resource"),
        ("3:23", "policy_unknown_scope"),
        ("4:32", "policy_unknown_field"),
        ("4:41", "policy_field_list"),
        ("5:4", "policy_unknown_role"),
        ("5:10", "policy_unknown_role"),
        ("7:1", "policy_duplicate"),
        ("8:32", "policy_mixed_fields"),
    ]


def test_only_warnings_let_the_start_go_on() -> None:
    """Whether a finding is fatal follows from its code alone."""
    for text, *_ in CASES:
        data = text.encode() if isinstance(text, str) else text
        assert all(problem.fatal == (problem.code not in WARNINGS) for problem in check_policy(data, WORDS))


def test_a_finding_prints_as_place_code_message() -> None:
    """What `policy check` prints is `FILE:LINE:COL: CODE message`."""
    problem = check_policy(f"{RULE}p, gest, notes, read, any, *".encode(), WORDS, "other.csv")[-1]
    assert str(problem) == "other.csv:2:4: policy_unknown_role There is no role 'gest'. Perhaps you meant 'guest'."


def test_inheritance_deeper_than_casbin_follows_is_refused() -> None:
    """Casbin answers no beyond nine steps without a word, so the loader says it."""
    rule = "p, r00, notes, list, any, *\n"
    assert [(place, code) for place, code, _ in found(rule + CHAIN, ELEVEN)] == [("11:9", "policy_depth")]
    assert found(rule + CHAIN + "g, r10, r00\n", ELEVEN) == []


def test_of_two_rules_that_say_the_same_one_is_kept() -> None:
    """Deleting every line with a warning leaves a policy that allows just as much."""
    lines = [
        "p, guest, notes, list, any, id|title",
        "p, guest, notes, list, any, title|id",
        "p, reader, notes, list, any, id",
        "p, reader, notes, *, own, *",
        "p, reader, notes, read, own, body",
        "p, guest, folders, read, own, name",
        "p, guest, folders, *, any, *",
    ]
    places = [place for place, code, _ in found(LINKS + "\n".join(lines)) if code != "policy_mixed_fields"]
    assert places == ["5:1", "6:1", "8:1", "9:1"]


def test_a_rule_that_several_others_cover_together_is_redundant() -> None:
    """Cover is judged by what the role has in all, not line by line."""
    text = "p, guest, notes, list, any, id\np, reader, notes, list, any, title\np, reader, notes, list, any, id|title"
    assert [(place, code) for place, code, _ in found(f"{LINKS}{text}")] == [("6:1", "policy_redundant")]


def test_a_mixture_that_many_roles_inherit_is_told_once() -> None:
    """The pair of lines is the mistake, however many roles and actions it reaches."""
    text = LINKS + "p, guest, notes, *, own, title\np, reader, notes, *, shared, body"
    mixed = [(place, sentence) for place, code, sentence in found(text) if code == "policy_mixed_fields"]
    assert len(mixed) == 1
    assert mixed[0][0] == "5:30"
    assert all(part in mixed[0][1] for part in ("'reader'", "'list'", "notes", "line 4"))


def test_a_missing_file_and_a_directory_are_findings_too(tmp_path: Path) -> None:
    """A path that cannot be read is told like any other mistake, together with the model's."""
    for path in (tmp_path / "policy.csv", tmp_path):
        with pytest.raises(DeclarationError) as caught:
            load_access(path, tmp_path / "model.conf", WORDS)
        assert [problem.code for problem in caught.value.problems] == ["policy_model", "policy_missing"]


def test_a_huge_policy_is_checked_in_time_that_grows_with_its_length() -> None:
    """100,000 lines take seconds, good lines and bad ones alike."""
    good = {f"notes{n}": NOTES for n in range(3_000)}
    words = Vocabulary(WORDS.roles, good, WORDS.scopes)
    rules = [
        f"p, {role}, {noun}, {action}, any, title"
        for noun in good
        for role in words.roles
        for action in ("list", "read", "update", "create", "delete", "pin", "nonsense", "reed")
    ]
    start = time.perf_counter()
    assert len(rules) == 96_000
    assert len(check_policy("\n".join(rules).encode(), words)) == 48_000
    assert time.perf_counter() - start < 15


def test_long_words_are_cut_in_messages() -> None:
    """A line of a megabyte does not become a log of a megabyte."""
    assert all(len(sentence) < 300 for _, _, sentence in found(RULE + f"p, {'x' * 1_000_000}, notes, read, any, *"))


def test_a_star_on_a_resource_without_actions_is_refused() -> None:
    """There is nothing that it could stand for."""
    words = Vocabulary(("guest",), {"void": Noun(())})
    assert [code for _, code, _ in found("p, guest, void, *, any, *", words)] == ["policy_unknown_action"]
