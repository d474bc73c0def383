import json

import pytest

pytest_plugins = ("tests.assets.sweep_fixtures",)
pytestmark = pytest.mark.usefixtures("paper")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("bas: {}", "one.yaml:2: bas: unknown key 'bas'; nearest: base"),
        ("base: {modle: {}}", "one.yaml:2: base.modle: unknown key 'modle'; nearest: model"),
        (
            "base:\n  model:\n    widht: 3",
            "one.yaml:4: model.widht: unknown key 'widht'; nearest: width",
        ),
        ("base: {model: {head: sined}}", "one.yaml:2: model: unknown head 'sined'; nearest: signed"),
        ("base: {model: {seed: -1}}", "one.yaml:2: model.seed: given -1; expected greater than or equal to 0"),
        ("vary: {model.seed: [0, 4294967297]}", "given 4294967297; expected less than 4294967296"),
        ("base: {dataset: smal}", "one.yaml:2: dataset: unknown dataset 'smal'; nearest: small"),
        ("tests:\n- test\n- tset", "one.yaml:4: tests: unknown dataset 'tset'; nearest: test"),
        ("base: {dataset: {family: wid}}", "given 'wid'; expected 'wide' or 'narrow'"),
        (
            "base: {dataset: {start: 400}}",
            "dataset.start: given 400; expected less than 360 or 'random'",
        ),
        (
            "base:\n  model:\n    phases:\n    - steps: 0",
            "one.yaml:5: model.phases[0].steps: given 0; expected greater",
        ),
        (
            "base: {model: {phases: [{rate: -1}]}}",
            "model.phases[0].rate: given -1; expected greater than 0",
        ),
        ("base: {model: {phases: [{window: [0, 1, 2]}]}}", "model.phases[0].window"),
        ("base: {model: {width: '8'}}", "model.width: given '8'; expected an integer"),
        ("base: {model: {width: true}}", "model.width: given True; expected an integer"),
        ("base: {model: {width: 8.5}}", "model.width: given 8.5; expected an integer"),
        ("base: {model: {width: [8, 16]}}", "model.width: given [8, 16]; expected an integer"),
        ("base: {model: {phases: []}}", "model.phases: "),
        ("base: {model: 3}", "model: given 3; expected a mapping"),
        (
            "base: {dataset: [small]}",
            "dataset: given ['small']; expected the name of a dataset or a mapping",
        ),
        ("base: {}\nbase: {}", "one.yaml:3: base: given twice, first in line 2"),
        ("vary:\n  model.width: []", "one.yaml:3: vary.model.width: given no value"),
        ("vary: {width: [1]}", "expected a path that begins with dataset or model"),
        ("vary: {model: [{}]}", "given the whole model as an axis"),
        ("vary: {'model..width': [1]}", "given the path 'model..width'"),
        ("vary: {model.width: {a: 1}}", "expected a list of values"),
        ("vary: {recipe: {a: 1}}", "the variant a is 1; expected a mapping"),
        ("vary: {recipe: {}}", "given no variant"),
        ("vary:\n  model.width: [8,\n    0]", "one.yaml:4: model.width: given 0; expected greater"),
        (
            "vary: {model.width.deep: [1]}\nbase: {model: {width: 3}}",
            "expected a mapping that can hold deep",
        ),
        (
            "vary: {'model.phases[1].steps': [1]}",
            "model.phases has 1 entries in the base; expected an entry [1]",
        ),
        ("vary: {'model.phases[0].window': [0.0, 0.5]}", "write [[...]] for one list"),
        (
            "vary: {'model.phases[0].steps': [1], 'model.phases[*].steps': [2]}",
            "expected one axis per setting",
        ),
        ("exclude: [{model.width: 3}]", "no such axis"),
        (
            "vary: {model.width: [1, 2]}\nexclude: [{model.width: 3}]",
            "given 3; expected values of this axis: 1, 2",
        ),
        ("vary: {model.width: [1]}\nexclude: [{model.width: 1}]", "every combination is excluded"),
        ("exclude: [{}]", "given no axis"),
        ("tests: [{a: {}, b: {}}]", "given 2 keys"),
        ("tests: [test, test]", "given the name 'test'; expected a name that no other"),
        ("tests: [{'a/../b': {}}]", "given the name 'a/../b'"),
        ("tests: [{new: {size: 0}}]", "one.yaml:2: tests.size: given 0; expected greater"),
        ("schedule: every day", "expected a cron line"),
        ("schedule: 0 0 31 2 *", "expected a cron line"),
        ("schedule: '99 2 * * *'", "expected a cron line"),
        ("timezone: Europe/Berln", "unknown time zone 'Europe/Berln'; nearest: Europe/Berlin"),
        ("base: {dataset: {file: absent.csv}}", "dataset"),
    ],
)
def test_one_line_with_file_line_key_given_and_expected(problems, text, line):
    lines = problems(f"study: paper\n{text}")
    assert any(line in problem for problem in lines), lines
    assert all(problem.startswith("one.yaml:") for problem in lines)


def test_all_offenders_at_once_each_once(problems):
    lines = problems("""
        study: paper
        tests: [nothing]
        base: {model: {widht: 3, head: 5, phases: [{steps: 0}, {rate: 0}]}}
        vary: {model.planar: [true, maybe], model.seed: [0, 1, 2]}
        timezone: Mars
    """)
    assert len(lines) == 7, lines


def test_too_many_combinations(problems):
    axis = list(range(1, 401))
    text = json.dumps({"study": "paper", "vary": {"model.width": axis, "model.seed": axis, "dataset.size": axis}})
    assert "64000000 combinations; expected at most" in problems(text)[0]


def test_unknown_study(problems):
    assert problems("study: papr") == ["one.yaml:1: study: unknown study 'papr'; nearest: paper"]
