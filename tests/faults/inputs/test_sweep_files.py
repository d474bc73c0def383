"""Sweep files that are wrong: one line per problem with file and line, exit code 2, and nothing is launched."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from typer.testing import CliRunner

from assets.catalogue import read_catalogue
from assets.identity.canonical import Item, short_digest
from assets.identity.labels import KEY, label
from assets.search.search_file import load
from assets.store.store import Store
from assets.sweeps.yaml_loader import MAX_BYTES, SweepError
from orchestration.cli import app
from tests.two_body.test_older_format import PRINTED

BOMB = "\n".join(
    ["l0: &l0 [x, x, x, x, x, x, x, x, x]", *(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 12))]
)
BASE = "study: two_body\nbase:\n"


@pytest.fixture
def refused(tmp_path: Path):
    """Load a file; return what is wrong with it, each in one line that begins with the file's line."""

    def ask(text: str | bytes) -> list[str]:
        path = tmp_path / "sweep.yaml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        with pytest.raises(SweepError) as refusal:
            load(path)
        return without_path(path, refusal.value.problems)

    return ask


def without_path(path: Path, problems: Sequence[str]) -> list[str]:
    assert problems and all(re.fullmatch(rf"{re.escape(str(path))}:\d+: .+", problem) for problem in problems), problems
    return [problem.removeprefix(f"{path}:") for problem in problems]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BASE + "  model: {width: 8}\n  model: {width: 9}\n", "4: base.model: given twice, first in line 3"),
        (BASE + "  model:\n    width: 8\n    width: 9\n", "5: base.model.width: given twice, first in line 4"),
        (BASE + "\tmodel: {}\n", "3: not YAML"),
        (BASE + "  model: {clip_norm: .nan}\n", "3: base.model.clip_norm: given .nan; expected a finite"),
        (BASE + "  model: {clip_norm: -.inf}\n", "3: base.model.clip_norm: given -.inf; expected a finite"),
        (BASE + "  model: {clip_norm: 1e999}\n", "3: base.model.clip_norm: given 1e999; expected a finite"),
        (BASE + "  model: {planar_constraint: no}\n", "3: base.model.planar_constraint: given no, which some"),
        (BASE + "  model: {width: 010}\n", "3: base.model.width: given 010; expected a plain decimal number; write 10"),
        (f"study: two_body\n{BOMB}\n", "values once aliases are expanded"),
        (b"#" * 50 * MAX_BYTES, "1: the file has 50000000 bytes; expected at most 1000000"),
        (BASE + "  model: !!python/object/apply:os.system [touch x]\n", "expected plain data; remove the tag"),
    ],
    ids=["twice", "twice inside", "tab", "nan", "inf", "overflow", "no", "010", "bomb", "50 MB", "code"],
)  # fmt: skip
def test_what_yaml_lets_pass_is_refused(refused, text, line) -> None:
    assert any(line in problem for problem in refused(text))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (BASE + "  model: {output_layer: mlp_4D_sined}\n", "unknown output layer 'mlp_4D_sined'; nearest: mlp_4D_sign"),
        (BASE + "  model: {feature_layer: sph_4D_rinvvel}\n", "unknown feature layer 'sph_4D_rinvvel'; nearest: sph_4"),
        (BASE + "  model: {loss: {name: precent_error}}\n", "unknown loss 'precent_error'; nearest: percent_error"),
        (BASE + "  model: {activation: leaky_rlu}\n", "unknown activation 'leaky_rlu'; nearest: leaky_relu"),
        ("study: two_bdy\n", "1: study: unknown study 'two_bdy'; nearest: two_body"),
        (BASE + "  dataset: complex_planar_10_trian\n", "'complex_planar_10_trian'; nearest: complex_planar_10_train"),
        (BASE + "  model: {output_layer: os.system}\n", "unknown output layer 'os.system'; nearest: "),
    ],
    ids=["head", "features", "loss", "activation", "study", "dataset", "import path"],
)  # fmt: skip
def test_an_unknown_name_is_answered_with_the_nearest(refused, text, line) -> None:
    assert any(line in problem for problem in refused(text))


@pytest.mark.parametrize(
    ("phase", "line"),
    [
        ("{learning_rate: 0}", "3: model.phases[1].learning_rate: given 0; expected greater than 0"),
        ("{learning_rate: -1e-3}", "3: model.phases[1].learning_rate: given -0.001; expected greater than 0"),
        ("{steps: 0}", "3: model.phases[1].steps: given 0; expected greater than or equal to 1"),
        ("{window: [0.5, 0.5]}", "3: model.phases[1].window: window is [0.5, 0.5]; expected start < stop"),
        ("{window: [0.7, 0.2]}", "3: model.phases[1].window: window is [0.7, 0.2]; expected start < stop"),
        ("{segment_length: 1}", "3: model.phases[1].segment_length: given 1; expected greater"),
    ],
)
def test_a_phase_that_cannot_be_is_named(refused, phase, line) -> None:
    assert line in refused(f"{BASE}  model: {{phases: [{{}}, {phase}]}}\n")[0]


def older(**changes: object) -> str:
    """Return a file of the older form."""
    settings = {**PRINTED, **changes}
    data = "data:\n  dataset_name: complex_TBP_planar_10_train\n  problem: '2BP'\nparameters:\n"
    return data + "".join(f"  {name}: {value}\n" for name, value in settings.items()).replace("'", '"')


def test_the_older_form_is_read_as_it_was_printed(tmp_path: Path, fresh_home: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(older().replace("True", "true"))
    assert CliRunner().invoke(app, ["plan", str(tmp_path / "sweep.yaml")]).exit_code == 0


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"steps_strategy": [[500, 500]], "lr_strategy": [[1e-3] * 3]}, "steps_strategy: [500, 500] has 2 entries"),
        ({"segment_length_strategy": [18, 36]}, "segment_length_strategy: [18, 36] has two readings"),
        ({"steps_strategy": [[[500]]]}, "steps_strategy: [[[500]]] given; expected a list of candidates"),
        ({"length_strategy": [[0.0, 0.5], [0.0, 1.0]]}, "length_strategy: [[0.0, 0.5], [0.0, 1.0]] has two readings"),
        ({"length_strategy": [[[0.9, 0.1]]]}, "model.phases[0].window: window is [0.9, 0.1]; expected start < stop"),
        ({"lr_strategy": [[-0.001]]}, "model.phases[0].learning_rate: given -0.001; expected greater than 0"),
        ({"steps_strategy": [[0]]}, "model.phases[0].steps: given 0; expected greater than or equal to 1"),
    ],
    ids=["lengths differ", "too flat", "too deep", "windows too flat", "window backwards", "negative rate", "no step"],
)  # fmt: skip
def test_strategies_of_the_older_form_that_do_not_fit_are_named(refused, changes, line) -> None:
    assert any(line in problem for problem in refused(older(**changes).replace("True", "true")))


def hostile_name(name: str) -> str:
    """Return a sweep with a test set of this name."""
    return f'{BASE}  dataset: complex_planar_10_train\ntests: [{{"{name}": complex_planar_1_test}}]\n'


NAMES = ["../../x", "/abs", "", "a\\nb", "x" * 300, "e\\u0301tude", "\\u00e9tude", ".hidden", "a b", "nul\\0"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_could_be_a_path_is_refused_at_load(refused, name) -> None:
    output = refused(hostile_name(name))
    assert any("expected a name that no other test set has, not `train`, of letters, digits" in line for line in output)


REFUSED = {
    "twice": BASE + "  model: {width: 8}\n  model: {width: 9}\n",
    "tab": BASE + "\tmodel: {}\n",
    "bomb": f"study: two_body\n{BOMB}\n",
    "code": BASE + "  model: !!python/object/apply:os.system [touch x]\n",
    "unknown name": BASE + "  model: {output_layer: mlp_4D_sined}\n",
    "impossible phase": BASE + "  model: {phases: [{}, {steps: 0}]}\n",
    "older form": older(lr_strategy=[[-0.001]]).replace("True", "true"),
    "path as name": hostile_name("../../x"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_run_and_plan_say_the_same_exit_with_two_and_launch_nothing(fresh_home: Path, tmp_path: Path, case) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(REFUSED[case])
    answers = [CliRunner().invoke(app, [command, str(path)]) for command in ("run", "plan")]
    assert [(answer.exit_code, answer.stdout) for answer in answers] == [(2, "")] * 2
    assert answers[0].stderr == answers[1].stderr and "Traceback" not in answers[0].stderr
    lines = answers[0].stderr.splitlines()
    assert all(line.startswith("orrery: ") for line in lines)
    assert without_path(path, [line.removeprefix("orrery: ") for line in lines])
    assert not fresh_home.exists(), "something was launched"


def test_sweeps_that_differ_in_case_or_unicode_form_alone_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "two_body"
    folder.mkdir()
    names = ("one", "One", "\u00e9tude", "e\u0301tude", "..", "x" * 81, "new\nline", "-")
    for name in names:
        (folder / f"{name}.yaml").write_text("study: two_body\ntests: [complex_planar_1_test]\n")
    catalogue = read_catalogue(tmp_path)
    assert set(catalogue.sweeps) == {"two_body/one", "two_body/-"} and len(catalogue.errors) == len(names) - 2


@pytest.mark.parametrize(
    "text", ["../../x", "/abs", "\n", "x" * 300, "A", "\u00e9", "e\u0301", "\0", "..", "con", "%2e"]
)
def test_whatever_a_setting_holds_its_key_stays_in_the_grammar_and_in_the_store(fresh_home: Path, text) -> None:
    store = Store()
    for settings in ({"name": text}, {"columns": {text: 1}}):
        item = labelled(settings)
        assert KEY.fullmatch(item.key) and store.path(*item.address).parent.parent.parent == store.root


def test_a_label_of_many_settings_leaves_room_for_the_hash() -> None:
    item = labelled({f"name{number}": f"value-{number}" * 5 for number in range(12)})
    assert KEY.fullmatch(item.key) and item.key.endswith(f"-{item.hash}")
    assert len(item.label) <= 28 - len("-ae17a216"), "a key with eight digits fits Dagster's list"


def labelled(settings: dict) -> Item:
    """Return an item whose label is made of some settings."""
    return Item("two_body", "dataset", short_digest(settings), label(settings), settings)
