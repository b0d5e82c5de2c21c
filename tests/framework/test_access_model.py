"""The model: what may not differ from the contract, and that its matcher is what decides."""

import logging
from pathlib import Path

import pytest

from charter.access import AccessTable, Noun, Vocabulary, load_access
from charter.errors import DeclarationError

MODEL = (Path(__file__).parents[2] / "model.conf").read_text()
WORDS = Vocabulary(("guest", "chief"), {"notes": Noun(("list", "delete")), "folders": Noun(("list",))})
POLICY = "g, chief, guest\np, guest, notes, *, any, *\n"


def load(folder: Path, model: str, policy: str = POLICY) -> AccessTable:
    """The table of a policy under a model."""
    (folder / "model.conf").write_text(model)
    (folder / "policy.csv").write_text(policy)
    return load_access(folder / "policy.csv", folder / "model.conf", WORDS)


def test_blanks_and_comments_in_the_model_mean_nothing(tmp_path: Path) -> None:
    """A model is compared after its white space has been taken out."""
    model = "; why\n# so\n" + MODEL.replace(" == ", "==").replace(", ", " ,").replace("some(where (", "some( where(")
    assert load(tmp_path, model).decisions == load(tmp_path, MODEL).decisions
    assert len(load(tmp_path, MODEL).decisions) == 4


@pytest.mark.parametrize(
    ("old", "new", "place", "says"),
    [
        ("r = sub, obj, act, rows", "r = sub, obj, act", "2:1", "[request_definition]"),
        ("p = sub, obj, act, rows, fields", "p = sub, obj, act, rows, fields, eft", "5:1", "[policy_definition]"),
        ("g = _, _", "g = _, _, _", "8:1", "[role_definition]"),
        ("g = _, _", "", "1:1", "[role_definition] lacks g."),
        ("some(where (p.eft == allow))", "!some(where (p.eft == deny))", "11:1", "[policy_effect]"),
        ("g = _, _", "g = _, _\ng2 = _, _", "9:1", "'g2'"),
        ("g = _, _", "g = _, _\ng = _, _", "9:1", "twice"),
        ("g = _, _", "g = _, _\nnonsense", "9:1", "neither"),
        ("r.obj == p.obj", '(r.obj == p.obj || p.obj == "*")', "14:1", "r.obj == p.obj"),
        ("m = g(r.sub", 'm = r.sub == "root" || g(r.sub', "14:1", "r.obj == p.obj"),
        ("m = g(r.sub", 'm = r.sub == "root" or g(r.sub', "14:1", "r.obj == p.obj"),
        ('(p.act == "*" || r.act == p.act)', "keyMatch(r.act, p.act)", "14:1", "r.act == p.act"),
        ("m = g(", 'm = p.fields == "*" && g(', "14:1", "p.fields"),
        ("m = g(", "m = nonsense(1) && g(", "1:1", "cannot evaluate"),
        ("m = g(", "m = ( && g(", "14:1", "does not demand"),
        ("g(r.sub, p.sub)", '("guest" == p.sub || g(r.sub, p.sub))', "1:1", "although no rule says so"),
    ],
)
def test_a_model_that_means_something_else_stops_the_start(
    tmp_path: Path, old: str, new: str, place: str, says: str
) -> None:
    """What the table relies on is held against the contract; what it cannot rely on shows in Casbin's answers."""
    assert old in MODEL
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, MODEL.replace(old, new), "p, guest, notes, *, any, *\n")
    problem = caught.value.problems[0]
    assert (problem.code, problem.where) == ("policy_model", f"model.conf:{place}")
    assert says in f"{problem.message} {problem.hint}"


def test_the_matcher_is_what_decides(tmp_path: Path) -> None:
    """A stricter matcher takes decisions away: the table holds Casbin's answers, not ours."""
    strict = load(tmp_path, MODEL.replace("m = g(", 'm = r.act != "delete" && g('))
    assert {action for _, _, action in strict.decisions} == {"list"}
    apart = load(tmp_path, MODEL.replace("g(r.sub, p.sub)", "r.sub == p.sub"))
    assert {role for role, _, _ in apart.decisions} == {"guest"}


def test_mistakes_in_the_model_and_in_the_policy_are_told_together(tmp_path: Path) -> None:
    """One start tells everything."""
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, MODEL.replace("r = ", "r = x, "), POLICY + "p, gest, notes, *, any, *\n")
    assert [problem.code for problem in caught.value.problems] == ["policy_model", "policy_unknown_role"]


def test_an_empty_model_lacks_everything(tmp_path: Path) -> None:
    """Nothing is defaulted."""
    with pytest.raises(DeclarationError) as caught:
        load(tmp_path, "")
    assert len(caught.value.problems) == 6


def test_casbin_says_nothing_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Neither the model nor a single answer is logged, whatever the level."""
    for name in ("casbin.policy", "casbin.enforcer", "casbin.role"):
        logging.getLogger(name).disabled = False
    with caplog.at_level(logging.DEBUG):
        load(tmp_path, MODEL)
    assert caplog.records == []


@pytest.mark.parametrize("name", ["casbin-1.43.0.dist-info", "Casbin-1.17.1.dist-info"])
def test_the_old_distribution_of_casbin_stops_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Two distributions overwrite each other's files; which of them decides is nothing to guess at."""
    old = tmp_path / "packages" / name
    old.mkdir(parents=True)
    (old / "METADATA").write_text(f"Metadata-Version: 2.1\nName: casbin\nVersion: {name.split('-')[1][:-5]}\n")
    assert load(tmp_path, MODEL).decisions
    monkeypatch.syspath_prepend(tmp_path / "packages")
    with pytest.raises(DeclarationError, match="casbin_twin") as caught:
        load(tmp_path, MODEL, "p, gest, notes, *, any, *\n")
    assert [problem.code for problem in caught.value.problems] == ["casbin_twin", "policy_unknown_role"]
