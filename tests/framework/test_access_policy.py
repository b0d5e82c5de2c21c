"""The strict loader: what it refuses, where, and what it says to whoever has to mend it."""

import itertools
import tracemalloc
from pathlib import Path

import pytest

from charter.access import POLICY_CODES, Noun, Vocabulary, check_policy, load_access
from charter.access.findings import WARNINGS
from charter.errors import DeclarationError, Problem
from tests.framework.policy_corpus import LINKS, NOTES, NOUNS, RULE, SLIPS, WORDS, Slip

ALL = ("list", "read", "create", "update", "delete", "pin")
ELEVEN = Vocabulary(tuple(f"r{number:02}" for number in range(11)), NOUNS)
CHAIN = "".join(f"g, r{number + 1:02}, r{number:02}\n" for number in range(10))
MODEL = Path(__file__).parents[2] / "model.conf"


def found(text: str | bytes, words: Vocabulary = WORDS) -> list[tuple[str, str, str]]:
    """Place, code and text of all findings."""
    data = text.encode() if isinstance(text, str) else text
    return [
        (problem.where.removeprefix("policy.csv:"), problem.code, f"{problem.message} {problem.hint}")
        for problem in check_policy(data, words)
    ]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_each_slip_is_told_with_its_place_and_a_way_out(slip: Slip) -> None:
    """A finding has line, column, a stable code and a sentence that helps."""
    hits = [(where, sentence) for where, code, sentence in found(slip.data) if code == slip.code]
    assert [(where, slip.says in sentence) for where, sentence in hits][:1] == [(slip.place, True)], found(slip.data)


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_one_slip_earns_one_error(slip: Slip) -> None:
    """A mistake is not told twice under two names, except where it truly is two."""
    errors = [code for _, code, _ in found(slip.data) if code not in WARNINGS]
    assert sorted(errors) == sorted([*([] if slip.code in WARNINGS else [slip.code]), *slip.also])


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_no_table_comes_of_a_slip(slip: Slip, tmp_path: Path) -> None:
    """An error stops the start with all that was found; a warning is kept beside the table."""
    file = tmp_path / "policy.csv"
    file.write_bytes(slip.data)
    if slip.code in WARNINGS:
        assert slip.code in {problem.code for problem in load_access(file, MODEL, WORDS).problems}
        return
    with pytest.raises(DeclarationError) as caught:
        load_access(file, MODEL, WORDS)
    assert f"policy.csv:{slip.place}: {slip.code} " in str(caught.value)


def test_the_corpus_has_each_kind_once() -> None:
    """Sixty kinds and more, none under two names."""
    assert len({slip.name for slip in SLIPS}) == len({slip.data for slip in SLIPS}) == len(SLIPS) > 60


def test_every_code_of_the_table_can_be_earned() -> None:
    """The table lists what the loader says and nothing else."""
    elsewhere = {"policy_missing", "policy_depth", "policy_model", "policy_more"}
    assert {slip.code for slip in SLIPS} | elsewhere == set(POLICY_CODES)
    assert all(meaning.endswith(".") and "\n" not in meaning for meaning in POLICY_CODES.values())
    assert {code for code, meaning in POLICY_CODES.items() if meaning.startswith("Warning: ")} == WARNINGS


def test_a_sound_policy_has_no_findings() -> None:
    """Blank lines, whole-line comments with any mark in them, padding and CRLF are all fine."""
    text = f"# who; 'may' # do\n\n  # caf\u00e9\n{RULE}\n{LINKS}\np,\tchief ,  notes, * , any,  -id | -body \n"
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
    assert [(place, code) for place, code, _ in found("\n".join(lines) + "\n") if code not in WARNINGS] == [
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
    for slip in SLIPS:
        assert all(problem.fatal == (problem.code not in WARNINGS) for problem in check_policy(slip.data, WORDS))


def test_a_finding_prints_as_place_code_message() -> None:
    """What `policy check` prints is `FILE:LINE:COL: CODE message`."""
    problem = check_policy(f"{RULE}p, gest, notes, read, any, *\n".encode(), WORDS, "other.csv")[-1]
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
    places = [place for place, code, _ in found(LINKS + "\n".join(lines) + "\n") if code != "policy_mixed_fields"]
    assert places == ["5:1", "6:1", "8:1", "9:1"]


def test_a_rule_that_several_others_cover_together_is_redundant() -> None:
    """Cover is judged by what the role has in all, not line by line."""
    text = "p, guest, notes, list, any, id\np, reader, notes, list, any, title\np, reader, notes, list, any, id|title\n"
    assert [(place, code) for place, code, _ in found(f"{LINKS}{text}")] == [("6:1", "policy_redundant")]


def test_a_mixture_that_many_roles_inherit_is_told_once() -> None:
    """The pair of lines is the mistake, however many roles and actions it reaches."""
    text = LINKS + "p, guest, notes, *, own, title\np, reader, notes, *, shared, body\n"
    mixed = [(place, sentence) for place, code, sentence in found(text) if code == "policy_mixed_fields"]
    assert len(mixed) == 1
    assert mixed[0][0] == "5:30"
    assert all(part in mixed[0][1] for part in ("'reader'", "'list'", "notes", "line 4"))


@pytest.mark.parametrize("name", ["absent.csv", "folder", "circle.csv", "model.csv/policy.csv", "x" * 300])
def test_a_file_that_cannot_be_read_is_a_finding_too(tmp_path: Path, name: str) -> None:
    """No file, a folder, a link to itself, a file for a folder, too long a name: told together with the model's."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "model.csv").write_text(RULE)
    (tmp_path / "circle.csv").symlink_to(tmp_path / "circle.csv")
    with pytest.raises(DeclarationError) as caught:
        load_access(tmp_path / name, tmp_path / "model.conf", WORDS)
    assert [problem.code for problem in caught.value.problems] == ["policy_model", "policy_missing"]
    assert f"{Path(name).name}:1:1: policy_missing The file cannot be read" in str(caught.value)


MANY = 100_000
NOUNS_OF_MANY = {f"notes{number}": NOTES for number in range(MANY // 24 + 1)}
MANY_WORDS = Vocabulary(WORDS.roles, NOUNS_OF_MANY, WORDS.scopes)


def many_rules() -> list[str]:
    """As many good lines."""
    rules = (f"p, {role}, {noun}, {action}, any, *" for noun in NOUNS_OF_MANY for role in WORDS.roles for action in ALL)
    return list(itertools.islice(rules, MANY))


def test_a_slip_among_100_000_lines_is_told_with_its_place() -> None:
    """Length hides nothing. (What it costs is told by ``python -m benchmarks.decisions``.)"""
    rules = many_rules()
    assert found("\n".join(rules) + "\n", MANY_WORDS) == []
    rules[77_776] = "p, reader, notes3, reed, any, *"
    text = "\n".join([*rules, rules[4]]) + "\n"
    assert [(place, code) for place, code, _ in found(text, MANY_WORDS)] == [
        ("77777:20", "policy_unknown_action"),
        ("100001:1", "policy_duplicate"),
    ]


@pytest.mark.thorough
@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("q{0}, guest\n", "1001:1"),
        ("p, guest{0}, notes{0}, read, any, *\n", "501:4"),
        ("p, guest, notes, read, any, x{0}|y{0}\n", "501:29"),
    ],
)
def test_100_000_wrong_lines_are_told_in_bounded_memory(line: str, place: str) -> None:
    """Nobody reads more than a thousand errors; how many more there are is told too, and where."""
    problems, peak = measured("".join(line.format(number) for number in range(MANY)).encode())
    assert [problem.fatal for problem in problems].count(True) == 1_001
    assert str(problems[-1]).startswith(f"policy.csv:{place}: policy_more There are ")
    assert peak < 100_000_000


@pytest.mark.thorough
@pytest.mark.parametrize(
    "line", ["p, guest, notes, read, any, " + "|" * 1_000_000, "p" + "," * 1_000_000, ";" * 1_000_000]
)
def test_one_wrong_line_of_a_megabyte_is_told_in_bounded_memory(line: str) -> None:
    """However many slips a single line has."""
    problems, peak = measured(f"{RULE}{line}\n".encode())
    assert any(problem.fatal for problem in problems)
    assert len(problems) < 1_010
    assert peak < 100_000_000


def measured(data: bytes) -> tuple[list[Problem], int]:
    """What is wrong with a policy, and how many bytes were held while it was being found."""
    tracemalloc.start()
    try:
        return check_policy(data, WORDS), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_the_warnings_of_a_long_policy_are_all_told() -> None:
    """Only errors are counted off: a policy that works is told in full."""
    rules = [f"p, {role}, {noun}, delete, any, title" for noun in NOUNS_OF_MANY for role in WORDS.roles]
    assert len(found("\n".join(rules) + "\n", MANY_WORDS)) == len(rules)


def test_long_words_are_cut_in_messages() -> None:
    """A line of a megabyte does not become a log of a megabyte."""
    assert all(len(sentence) < 300 for _, _, sentence in found(RULE + f"p, {'x' * 1_000_000}, notes, read, any, *\n"))


def test_a_star_on_a_resource_without_actions_is_refused() -> None:
    """There is nothing that it could stand for."""
    words = Vocabulary(("guest",), {"void": Noun(())})
    assert [code for _, code, _ in found("p, guest, void, *, any, *\n", words)] == ["policy_unknown_action"]
