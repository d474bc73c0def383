"""Published numbers and planned questions: what agrees, what differs, what is inconclusive, and what is refused."""

import numpy as np
import pytest

from assets.report import sweep_report
from assets.statistics.answers import answers
from assets.statistics.experiment import Experiment
from assets.statistics.intervals import Sample
from assets.statistics.published_agreement import agreement, level, one_more, readings, verdict
from assets.store.store import Store
from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError
from tests.toy_study import STUDY
from tests.toy_study.items import make
from trainers import STUDIES

TEXT = """
study: toy
description: Does it come out again?
tests: [many: {{trajectories: 20, seed: 7}}, single: {{trajectories: 1, seed: 7}}]
base:
  dataset: {{trajectories: 8}}
  model: {{phases: [{{steps: 120}}]}}
vary:
  run:
    flat: {{model.kind: constant}}
    wide: {{model.width: 16}}
    lonely: {{model.width: 4}}
    wild: {{model.behaviour: diverge}}
  model.seed: [0, 1, 2, 3, 4]
exclude: [{{run: [lonely, wild], model.seed: [1, 2, 3, 4]}}]
questions:
  - {{ask: Is wide better?, axis: run, pairs: [[flat, wide]]}}
  - {{ask: Which is best?, axis: run, among: [wide, flat, wild]}}
  - {{ask: Of something else?, axis: run, among: [wide, flat], metric: nothing}}
published:
  file: {table}
  axis: run
  test: set
  values: {{step_error: error}}
  doubt: doubt
  rows:
    flat: {{run: a}}
    wide: {{run: b}}
    lonely: {{run: c}}
    wild: {{run: d}}
  readings: {{swapped: {{flat: wide, wide: flat}}}}
"""
HEADER = "run,set,error,doubt\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(folder / "home"))
        patch.setitem(STUDIES, STUDY.name, STUDY)
        sweep = sweep_of(folder, "".join(f"{run},{test},1,\n" for run in "abcd" for test in ("many", "single")))
        for items in sweep.items().values():
            make(Store(), *items)
        yield folder


def sweep_of(folder, lines):
    (folder / "table.csv").write_text(HEADER + lines)
    (folder / "again.yaml").write_text(TEXT.format(table=folder / "table.csv"))
    return load_sweep(folder / "again.yaml")


def ours(folder):
    """What the rows reached, by (row, test set)."""
    table = agreement(Experiment(sweep_of(folder, "".join(f"{run},many,1,\n" for run in "abcd")), Store()))
    return dict(zip(table["row"], table["ours"], strict=True))


def test_a_published_number_agrees_where_one_more_run_would_lie_and_differs_elsewhere(folder):
    reached = ours(folder)
    lines = f"a,many,{1000 * reached['flat']},typo\nb,many,{reached['wide']},\nc,many,1,\nd,many,1,\n"
    table = agreement(Experiment(sweep_of(folder, lines), Store())).set_index("row")
    assert table["verdict"].to_dict() == {
        "flat": "differs",
        "wide": "agrees",
        "lonely": "inconclusive: 1 of at least 3 seeds",
        "wild": "inconclusive: no run of ours",
    }
    wide = table.loc["wide"]
    assert wide["run_low"] < wide["low"] < wide["ours"] < wide["high"] < wide["run_high"]
    assert table.loc["flat", "doubt"] == "typo"
    assert level(table.loc[["flat"]].reset_index())[0] == pytest.approx(1000)


def test_on_one_trajectory_nothing_differs(folder):
    lines = "".join(f"{run},single,1e6,\n" for run in "abcd")
    table = agreement(Experiment(sweep_of(folder, lines), Store())).set_index("row")
    assert table.loc["wide", "verdict"] == "inconclusive: one test trajectory, and theirs may be another"


def test_runs_that_spread_too_far_agree_with_nothing():
    line = {"published": 1.0, "run_low": 0.1, "run_high": 9.0}
    assert verdict(line, 5, 10, 10) == "inconclusive: the runs spread too widely"
    assert verdict(line | {"published": 10.0}, 5, 10, 10) == "differs"
    line = {"published": 0.5, "run_low": -0.2, "run_high": 0.9}
    assert verdict(line, 5, 10, 10) == "inconclusive: the runs spread too widely"
    assert verdict(line | {"run_high": 0.7}, 5, 10, 10) == "agrees"


def test_a_metric_of_a_whole_test_set_never_differs():
    """Its spread over trajectories is not measured, and theirs are others."""
    line = {"published": 3.0, "run_low": 1.0, "run_high": 2.0}
    assert verdict(line, 5, 1, 10) == "inconclusive: outside, but the spread over test trajectories is not measured"
    assert verdict(line | {"published": 1.5}, 5, 1, 10) == "agrees"


def test_values_that_are_not_positive_are_compared_as_they_are():
    values = np.array([[-0.2], [0.0], [0.1], [0.3]])
    low, high = one_more(Sample(values, np.ones_like(values)), published=0.1)
    assert (low + high) / 2 == pytest.approx(values.mean()) and low < 0 < high
    zeros = Sample(np.zeros((4, 1)), np.ones((4, 1)))
    assert one_more(zeros, published=0.0) == (0.0, 0.0)
    positive = Sample(np.array([[0.1], [0.2], [0.3]]), np.ones((3, 1)))
    assert one_more(positive, published=0.2)[0] > 0 > one_more(positive, published=0.0)[0]


def test_training_errors_are_compared_on_the_training_data(folder):
    columns = ("  doubt: doubt\n", "  doubt: doubt\n  training: {{step_error: gap}}\n")
    text = TEXT.replace(*columns).replace("tests: [", "tests: [train, ")
    (folder / "trained.csv").write_text("run,set,error,gap,doubt\n" + "".join(f"{r},many,1,1e6,\n" for r in "abcd"))
    (folder / "trained.yaml").write_text(text.format(table=folder / "trained.csv"))
    sweep = load_sweep(folder / "trained.yaml")
    make(Store(), *(row.evaluations[0] for row in sweep.rows if row.axes["run"] == "flat"))
    table = agreement(Experiment(sweep, Store()))
    (line,) = table[(table["test"] == "train") & (table["row"] == "flat")].to_dict("records")
    assert (line["published"], line["verdict"]) == (1e6, "differs")
    (folder / "untrained.yaml").write_text(text.replace("train, ", "").format(table=folder / "trained.csv"))
    with pytest.raises(SweepError, match=r"published\.training: needs the training data as a test set"):
        load_sweep(folder / "untrained.yaml")


@pytest.mark.parametrize("runs", [3, 5])
def test_the_interval_for_one_more_run_has_its_nominal_coverage(runs):
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(2000):
        values = np.exp(rng.normal(scale=0.4, size=(runs + 1, 1)))
        low, high = one_more(Sample(values[:-1], np.ones((runs, 1))))
        inside.append(low <= values[-1, 0] <= high)
    assert np.mean(inside) == pytest.approx(0.95, abs=0.015)


def test_trajectories_that_differ_widen_where_one_more_run_is_expected():
    values = np.exp(np.random.default_rng(0).normal(scale=0.1, size=(5, 1))) * np.array([[0.2, 1.0, 1.8]])
    widths = [np.ptp(np.log(one_more(Sample(v, np.ones_like(v))))) for v in (values, np.tile(values, 20))]
    assert widths[0] > 2 * widths[1]


@pytest.mark.parametrize("right", ["as printed", "swapped"])
def test_the_reading_that_ours_agrees_with_is_found_on_whatever_level(folder, right):
    reached = ours(folder)
    printed = [100 * reached["flat"], 100 * reached["wide"]][:: 1 if right == "as printed" else -1]
    lines = f"a,many,{printed[0]},\nb,many,{printed[1]},\nc,many,1,\nd,many,1,\n"
    comparisons = readings(Experiment(sweep_of(folder, lines), Store()))
    verdicts = {one["reading"]: one["verdict"] for one in comparisons}
    assert verdicts == {name: "agrees" if name == right else "differs" for name in ("as printed", "swapped")}
    assert sum(one["closest"] for one in comparisons) == pytest.approx(1)


def test_questions_are_answered_with_an_interval_or_reported_inconclusive(folder):
    first, second, third = answers(Experiment(sweep_of(folder, "".join(f"{r},many,1,\n" for r in "abcd")), Store()))
    comparison = first.comparisons[0]
    assert (comparison["a"], comparison["b"], comparison["pairs"]) == ("flat", "wide", 5)
    assert comparison["low"] <= comparison["effect"] <= comparison["high"]
    assert "b/a = " in first.text and "after correction" in first.text
    assert first.text.startswith("Inconclusive") == (comparison["p_holm"] >= 0.05)
    assert [one["b"] for one in second.comparisons][-1] == "wild" and "comes first" in second.text
    assert third.text == "No answer: no row has a metric nothing."


def test_an_answer_is_yes_or_no_when_enough_pairs_agree(monkeypatch, folder):
    from assets.statistics import answers as module

    def texts(effect):
        comparison = {
            "pairs": 10,
            "better_b": 10,
            "scale": "ratio",
            "effect": effect,
            "low": 0.4,
            "high": 0.6,
            "p": 0.002,
            "p_permutation": 0.002,
        }
        monkeypatch.setattr(module, "compare_rows", lambda *rest: dict(comparison))
        experiment = Experiment(sweep_of(folder, "".join(f"{r},many,1,\n" for r in "abcd")), Store())
        return [answer.text for answer in module.answers(experiment)]

    assert texts(0.5)[0] == "Yes: b/a = 0.5 [0.4, 0.6], b is better in 10 of 10 pairs, p 0.006 after correction."
    assert texts(2.0)[0].startswith("No, the contrary: b/a = 2")
    assert texts(2.0)[1].endswith("It is better than all 2 others.")


def test_the_report_shows_both(folder):
    experiment = Experiment(sweep_of(folder, "".join(f"{run},many,1,why\n" for run in "abcd")), Store())
    report = sweep_report.write(experiment)
    for text in (report.path.read_text(), report.markdown.read_text()):
        assert "Is wide better?" in text and "Published beside ours" in text and "Readings of the published" in text
    assert (report.path.parent / "published.csv").is_file()
    changed = Experiment(sweep_of(folder, "".join(f"{run},many,2,why\n" for run in "abcd")), Store())
    assert sweep_report.write(changed).version != report.version


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("test: set", "test: sett", "published.test: {table} has no column 'sett'; nearest: set"),
        ("axis: run\n  test", "axis: rnu\n  test", "published.axis: no such axis 'rnu'; nearest: run"),
        ("wild: {{run: d}}", "wlid: {{run: d}}", "published.rows.wlid: no value 'wlid' of run; nearest: wild"),
        ("wild: {{run: d}}", "wild: {{run: x}}", "published.rows.wild: no line of {table} has"),
        ("wild: {{run: d}}", "wild: {{doubt: ''}}", "different lines on many; expected one"),
        ("{{flat: wide,", "{{falt: wide,", "unknown row 'falt'; expected one under `rows`; nearest: flat"),
        ("{table}", "nowhere.csv", "published.file: given 'nowhere.csv'; expected a .csv file that is there"),
        ("[[flat, wide]]", "[[flat, wid]]", "questions[0].pairs: no value 'wid' of run; nearest: wild, wide"),
        ("[[flat, wide]]", "[]", "expected either `pairs`"),
        ("doubt: doubt", "daubt: doubt", "published.daubt: unknown key 'daubt'; nearest: doubt"),
    ],
)
def test_what_does_not_fit_is_one_line(folder, old, new, line):
    table = folder / "wrong.csv"
    table.write_text(HEADER + "a,many,1,\nb,many,1,\nb,many,1,\nc,many,1,\nd,many,3,\nd,single,1,x\n")
    assert old in TEXT
    (folder / "wrong.yaml").write_text(TEXT.replace(old, new).format(table=table))
    with pytest.raises(SweepError) as refused:
        load_sweep(folder / "wrong.yaml")
    assert line.format(table=table) in str(refused.value)
