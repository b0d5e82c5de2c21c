"""The decision table: what rules mean together. That Casbin says the same is held by test_access_casbin.py."""

import itertools
import random
from contextlib import suppress
from dataclasses import FrozenInstanceError
from hashlib import sha256
from pathlib import Path

import pytest

from charter.access import ANY, AccessTable, Noun, Vocabulary, check_policy, load_access
from charter.errors import DeclarationError

MODEL = Path(__file__).parents[2] / "model.conf"
NOTES = Noun(
    actions=("list", "read", "export", "create", "import", "update", "delete", "pin"),
    readable=frozenset({"id", "title", "body", "pinned"}),
    creatable=frozenset({"title", "body", "folder"}),
    updatable=frozenset({"title", "body"}),
    granted=frozenset({"pinned"}),
    scopes=frozenset({"own", "shared"}),
)
FOLDERS = Noun(
    actions=("list", "read", "create", "update", "delete"),
    readable=frozenset({"id", "name"}),
    creatable=frozenset({"name"}),
    updatable=frozenset({"name"}),
    scopes=frozenset({"own"}),
)
NOUNS = {"notes": NOTES, "folders": FOLDERS, "console": Noun(("access",))}
WORDS = Vocabulary(("guest", "reader", "editor", "chief"), NOUNS, frozenset({"own", "shared"}))
LINKS = "g, reader, guest\ng, editor, reader\ng, chief, editor\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the policy of a test is written."""
    return tmp_path / "policy.csv"


def table(file: Path, text: str, *, links: str = LINKS) -> AccessTable:
    """The table of a policy with these rules."""
    file.write_text(f"{links}{text}\n")
    return load_access(file, MODEL, WORDS)


def given(access: AccessTable, role: str, action: str, resource: str = "notes") -> tuple[tuple[str, ...], set[str]]:
    """Rows and fields of a decision that must be there."""
    decision = access.decide(role, resource, action)
    assert decision is not None
    return decision.rows, set(decision.fields)


def test_no_rule_means_no(file: Path) -> None:
    """What no rule allows is denied: other roles, resources and actions, and words that nobody declared."""
    access = table(file, "p, reader, notes, list, any, *")
    assert access.decide("reader", "notes", "list")
    for question in (
        ("guest", "notes", "list"),
        ("reader", "notes", "read"),
        ("reader", "folders", "list"),
        ("", "", ""),
        ("nobody", "notes", "list"),
        ("notes", "notes", "list"),
        ("reader", "notes", "*"),
    ):
        assert access.decide(*question) is None


def test_a_role_has_what_it_inherits_however_far(file: Path) -> None:
    """Rules reach heirs, never the inherited role."""
    access = table(file, "p, reader, notes, list, own, *")
    assert access.decide("guest", "notes", "list") is None
    assert all(given(access, role, "list")[0] == ("own",) for role in ("reader", "editor", "chief"))


def test_the_order_of_roles_alone_inherits_nothing(file: Path) -> None:
    """Only a g line passes rules on."""
    access = table(file, "p, guest, notes, list, any, *", links="g, chief, editor\n")
    assert [role for role in WORDS.roles if access.decide(role, "notes", "list")] == ["guest"]


def test_fields_of_the_same_rows_unite(file: Path) -> None:
    """An heir adds fields to what it inherits."""
    access = table(file, "p, guest, notes, read, any, id|title\np, editor, notes, read, any, body")
    assert given(access, "reader", "read") == ((ANY,), {"id", "title"})
    assert given(access, "chief", "read") == ((ANY,), {"id", "title", "body"})


def test_words_with_the_same_fields_are_joined_in_order(file: Path) -> None:
    """Rows are OR-ed and sorted, whatever the order in the file."""
    access = table(file, "p, guest, notes, read, shared, *\np, reader, notes, read, own, *")
    assert given(access, "guest", "read")[0] == ("shared",)
    assert given(access, "reader", "read")[0] == ("own", "shared")


def test_any_absorbs_narrower_rows_whose_fields_it_includes(file: Path) -> None:
    """Nothing remains of the narrower word where every row is allowed."""
    access = table(file, "p, guest, notes, read, own, title\np, editor, notes, read, any, title|body")
    assert given(access, "reader", "read") == (("own",), {"title"})
    assert given(access, "editor", "read") == ((ANY,), {"title", "body"})


@pytest.mark.parametrize(
    "rules",
    [
        "p, guest, notes, read, own, title\np, reader, notes, read, shared, body",
        "p, guest, notes, read, own, title\np, reader, notes, read, shared, title|body",
        "p, guest, notes, read, own, title|body\np, reader, notes, read, any, title",
        "p, guest, notes, *, own, *\np, reader, notes, update, any, title",
    ],
)
def test_any_other_mixture_of_rows_with_different_fields_stops_the_start(file: Path, rules: str) -> None:
    """One field list holds for all rows of a decision, so an ambiguous policy is not interpreted."""
    with pytest.raises(DeclarationError) as caught:
        table(file, rules)
    assert {problem.code for problem in caught.value.problems} == {"policy_mixed_fields"}


def test_a_mixture_is_judged_after_fields_have_been_united(file: Path) -> None:
    """Several lines may make up the same fields."""
    rules = (
        "p, guest, notes, read, own, title\np, guest, notes, read, own, body\np, guest, notes, read, shared, body|title"
    )
    assert given(table(file, rules), "guest", "read") == (("own", "shared"), {"title", "body"})


def test_actions_without_fields_may_mix_rows(file: Path) -> None:
    """Where fields mean nothing they cannot differ, and the decision has none."""
    access = table(
        file, "p, guest, notes, delete, own, *\np, guest, notes, delete, shared, *\np, chief, console, *, any, *"
    )
    assert given(access, "guest", "delete") == (("own", "shared"), set())
    assert given(access, "chief", "access", "console") == ((ANY,), set())


def test_a_star_for_fields_means_what_the_action_can_do(file: Path) -> None:
    """Reading shows the readable ones, writes take the writable ones, and no write includes granted ones."""
    access = table(file, "p, guest, notes, *, any, *")
    for action in ("list", "read", "export"):
        assert given(access, "guest", action)[1] == {"id", "title", "body", "pinned"}
    for action in ("create", "import"):
        assert given(access, "guest", action)[1] == {"title", "body", "folder"}
    assert given(access, "guest", "update")[1] == {"title", "body"}
    assert given(access, "guest", "delete")[1] == set() == given(access, "guest", "pin")[1]


def test_exceptions_take_away_from_the_star(file: Path) -> None:
    """A list of exceptions is the star less those, so granted fields stay out of writes."""
    access = table(file, "p, guest, notes, *, any, -body|-pinned")
    assert given(access, "guest", "list")[1] == {"id", "title"}
    assert given(access, "guest", "create")[1] == {"title", "folder"}
    assert given(access, "guest", "update")[1] == {"title"}


def test_granted_fields_are_written_only_where_a_rule_names_them(file: Path) -> None:
    """Naming them is the only way, for one action or for all."""
    access = table(file, "p, guest, notes, update, any, title|pinned\np, chief, notes, *, any, pinned|title|id")
    assert given(access, "guest", "update")[1] == {"title", "pinned"}
    assert given(access, "chief", "create")[1] == {"title", "pinned"}
    assert given(access, "chief", "list")[1] == {"title", "pinned", "id"}


def test_granted_stays_granted_where_it_is_also_listed_as_writable() -> None:
    """A slip in the vocabulary opens nothing."""
    noun = Noun(("create",), creatable=frozenset({"a", "b"}), granted=frozenset({"b"}))
    assert noun.resolve("create", "*") == {"a"}
    assert noun.resolve("create", "a|b") == {"a", "b"}


def test_a_list_for_all_actions_drops_what_an_action_cannot_do(file: Path) -> None:
    """Each action takes the names in its own sense."""
    access = table(file, "p, guest, notes, *, any, id|title|folder")
    assert given(access, "guest", "list")[1] == {"id", "title"}
    assert given(access, "guest", "create")[1] == {"title", "folder"}
    assert given(access, "guest", "update")[1] == {"title"}


def test_the_reason_names_the_lines_that_decided(file: Path) -> None:
    """Absorbed lines decide nothing; a reason stays short."""
    rules = "p, guest, notes, read, own, title\np, editor, notes, read, any, title\np, chief, notes, read, any, body"
    access = table(file, rules)
    reasons = [decision.reason for role in WORDS.roles if (decision := access.decide(role, "notes", "read"))]
    assert reasons == ["policy.csv:4", "policy.csv:4", "policy.csv:5", "policy.csv:5, policy.csv:6"]
    lists = (itertools.combinations(("id", "title", "body", "pinned"), size) for size in (1, 2, 3, 4))
    many = "\n".join(f"p, guest, notes, read, any, {'|'.join(names)}" for names in itertools.chain(*lists))
    decision = table(file, many).decide("guest", "notes", "read")
    assert decision is not None
    assert decision.reason.endswith("policy.csv:11 and 7 more")


def test_the_permissions_of_a_role_are_those_decisions(file: Path) -> None:
    """What a role is told it may do is what is decided, and nothing else."""
    access = table(file, "p, guest, notes, list, any, *\np, chief, folders, *, own, *")
    assert {resource: set(actions) for resource, actions in access.allowed("chief").items()} == {
        "notes": {"list"},
        "folders": {"list", "read", "create", "update", "delete"},
    }
    assert access.allowed("nobody") == {}
    assert access.allowed("guest")["notes"]["list"] is access.decide("guest", "notes", "list")


def test_a_table_cannot_be_changed(file: Path) -> None:
    """A new policy is a new table; a decision once given stays what it was."""
    access = table(file, "p, guest, notes, list, any, *")
    with pytest.raises(FrozenInstanceError):
        access.version = ""  # type: ignore[misc]
    with pytest.raises(TypeError):
        access.decisions["guest", "notes", "read"] = access.decisions["guest", "notes", "list"]  # type: ignore[index]


def test_version_rules_and_warnings_can_be_looked_at(file: Path) -> None:
    """The command line shows what was loaded: the bytes' hash, the lines and the warnings."""
    access = table(file, "p, guest, notes, list, any, *\np, chief, notes, list, own, id | title")
    assert access.version == sha256(file.read_bytes()).hexdigest()[:16]
    assert [(rule.line, rule.role, rule.fields) for rule in access.rules] == [
        (4, "guest", "*"),
        (5, "chief", "id|title"),
    ]
    assert next((link.line, link.role, link.parent) for link in access.links) == (1, "reader", "guest")
    assert [problem.code for problem in access.problems] == ["policy_shadowed"]


FIELD_LISTS = {
    "notes": ("*", "*", "-body", "-title|-body", "title", "title|body", "pinned|title", "id|title"),
    "folders": ("*", "name", "-name"),
    "console": ("*",),
}


def random_policy(seed: int) -> str:
    """A policy that is often sound: few field lists, links that only ever go down."""
    dice = random.Random(seed)  # noqa: S311  # repeatable, not secret
    roles = WORDS.roles
    lines = {
        f"g, {role}, {parent}"
        for role, parent in itertools.product(roles, roles)
        if roles.index(parent) < roles.index(role) and dice.random() < 0.5
    }
    favourites = {resource: dice.choice(lists) for resource, lists in FIELD_LISTS.items()}
    for _ in range(dice.randint(1, 14)):
        resource, noun = dice.choice(list(NOUNS.items()))
        action = dice.choice(("*", *noun.actions))
        rows = dice.choice((ANY, *sorted(noun.scopes)))
        fields = dice.choice([favourites[resource]] * 4 + [dice.choice(FIELD_LISTS[resource])])
        lines.add(f"p, {dice.choice(roles)}, {resource}, {action}, {rows}, {fields}")
    shuffled = sorted(lines)
    dice.shuffle(shuffled)
    return "\n".join(shuffled) + "\n"


def naive(text: str, role: str, resource: str, action: str) -> dict[str, set[str]]:
    """By the plainest reading of the contract: rows word -> fields, before any absorbs others."""
    lines = [line.split(", ") for line in text.splitlines()]
    family, grown = {role}, set[str]()
    while family != grown:
        grown, family = set(family), family | {line[2] for line in lines if line[0] == "g" and line[1] in family}
    noun = NOUNS[resource]
    writes = {"create": noun.creatable, "import": noun.creatable, "update": noun.updatable}
    whole = writes.get(action, noun.readable if action in ("list", "read", "export") else frozenset())
    result: dict[str, set[str]] = {}
    for key, *rest in lines:
        if key == "p" and rest[0] in family and rest[1] == resource and rest[2] in ("*", action):
            *_, rows, fields = rest
            names = set(fields.replace("-", "").split("|"))
            wanted = names & (whole | noun.granted if action in writes else whole)
            meant = whole if fields == "*" else whole - names if fields.startswith("-") else wanted
            result[rows] = result.get(rows, set()) | meant
    return result


QUESTIONS = [(role, name, action) for role in WORDS.roles for name, noun in NOUNS.items() for action in noun.actions]


def test_rows_and_fields_are_those_of_a_naive_reading(file: Path) -> None:
    """Of random policies, each decision is what the plainest program finds, and there is no other."""
    for seed in range(1000, 1400):
        file.write_text(text := random_policy(seed))
        with suppress(DeclarationError):
            access = load_access(file, MODEL, WORDS)
            for question in QUESTIONS:
                plain, decision = naive(text, *question), access.decide(*question)
                expected = {ANY: plain[ANY]} if ANY in plain else plain
                assert dict.fromkeys(decision.rows, decision.fields) == expected if decision else not plain, text


def test_a_mixture_is_refused_exactly_where_a_naive_reading_finds_one(file: Path) -> None:
    """No ambiguous policy gets through, and no clear one is refused."""
    seen = {True: 0, False: 0}
    for seed in range(2000, 2500):
        file.write_text(text := random_policy(seed))
        codes = {problem.code for problem in check_policy(file.read_bytes(), WORDS) if problem.fatal}
        if codes <= {"policy_mixed_fields"}:
            readings = [naive(text, *question) for question in QUESTIONS]
            mixed = any(
                not fields <= plain[ANY] if ANY in plain else fields != other
                for plain in readings
                for fields, other in itertools.product(plain.values(), repeat=2)
            )
            assert mixed == bool(codes), text
            seen[mixed] += 1
    assert min(seen.values()) > 30


def test_lines_with_a_warning_can_go_without_changing_a_decision(file: Path) -> None:
    """Shadowed and redundant mean just that, for all such lines of a file together."""
    gone = 0
    for seed in range(3000, 3300):
        file.write_text(text := random_policy(seed))
        with suppress(DeclarationError):
            before = load_access(file, MODEL, WORDS)
            needless = {
                int(problem.where.split(":")[1]) - 1
                for problem in before.problems
                if problem.code in ("policy_shadowed", "policy_redundant")
            }
            file.write_text(
                "".join(line for at, line in enumerate(text.splitlines(keepends=True)) if at not in needless)
            )
            after = load_access(file, MODEL, WORDS)
            assert {key: (d.rows, d.fields) for key, d in after.decisions.items()} == {
                key: (d.rows, d.fields) for key, d in before.decisions.items()
            }, text
            gone += len(needless)
    assert gone > 100
