"""Published numbers and planned questions: what agrees, what differs, what cannot be told, and what is refused."""

import math

import numpy as np
import pytest

from assets import report
from assets.agreement import agreement, level, one_more, readings, verdict
from assets.answers import answers
from assets.intervals import Sample
from assets.replicates import Experiment
from assets.store import Store
from assets.sweeps import SweepError, load_sweep
from tests.toy_study import STUDY
from tests.toy_study.items import make
from trainers import STUDIES

TEXT = """
study: toy
description: Does it come out again?
tests: [test, single: {{trajectories: 1, seed: 7}}]
base:
  dataset: {{trajectories: 8}}
  model: {{phases: [{{steps: 30}}]}}
vary:
  run:
    narrow: {{model.width: 2}}
    wide: {{model.width: 6}}
    lonely: {{model.width: 4}}
    wild: {{model.behaviour: diverge}}
  model.seed: [0, 1, 2]
exclude: [{{run: [lonely, wild], model.seed: [1, 2]}}]
questions:
  - {{ask: Is wide better?, axis: run, pairs: [[narrow, wide]]}}
  - {{ask: Which is best?, axis: run, among: [wide, narrow, wild]}}
  - {{ask: Of something else?, axis: run, among: [wide, narrow], metric: nothing}}
published:
  file: {table}
  axis: run
  test: on
  values: {{step_error: error}}
  doubt: doubt
  rows:
    narrow: {{run: a}}
    wide: {{run: b}}
    lonely: {{run: c}}
    wild: {{run: d}}
  readings: {{swapped: {{narrow: wide, wide: narrow}}}}
"""
HEADER = "run,on,error,doubt\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORRERY_HOME", str(folder / "home"))
        patch.setitem(STUDIES, STUDY.name, STUDY)
        sweep = sweep_of(folder, "".join(f"{run},{test},1,\n" for run in "abcd" for test in ("test", "single")))
        for items in sweep.items().values():
            make(Store(), *items)
        yield folder


def sweep_of(folder, lines):
    (folder / "table.csv").write_text(HEADER + lines)
    (folder / "again.yaml").write_text(TEXT.format(table=folder / "table.csv"))
    return load_sweep(folder / "again.yaml")


def ours(folder):
    """What the rows reached, by (row, test set)."""
    table = agreement(Experiment(sweep_of(folder, "".join(f"{run},test,1,\n" for run in "abcd")), Store()))
    return dict(zip(table["row"], table["ours"], strict=True))


def test_a_published_number_agrees_where_one_more_run_would_lie_and_differs_elsewhere(folder):
    reached = ours(folder)
    lines = f"a,test,{reached['narrow']},\nb,test,{1000 * reached['wide']},typo\nc,test,1,\nd,test,1,\n"
    table = agreement(Experiment(sweep_of(folder, lines), Store())).set_index("row")
    assert table["verdict"].to_dict() == {
        "narrow": "agrees",
        "wide": "differs",
        "lonely": "cannot be told: 1 of at least 3 seeds",
        "wild": "cannot be told: nothing of ours",
    }
    narrow = table.loc["narrow"]
    assert narrow["run_low"] < narrow["low"] < narrow["ours"] < narrow["high"] < narrow["run_high"]
    assert table.loc["wide", "doubt"] == "typo"
    assert level(table.loc[["wide"]].reset_index())[0] == pytest.approx(1000)


def test_on_one_trajectory_nothing_differs(folder):
    lines = "".join(f"{run},single,1e6,\n" for run in "abcd")
    table = agreement(Experiment(sweep_of(folder, lines), Store())).set_index("row")
    assert table.loc["narrow", "verdict"] == "cannot be told: one test trajectory, and another one there"


def test_runs_that_spread_too_far_agree_with_nothing():
    told = {"published": 1.0, "run_low": 0.1, "run_high": 9.0}
    assert verdict(told, 5, 10) == "cannot be told: runs spread too far"
    assert verdict(told | {"published": 10.0}, 5, 10) == "differs"


@pytest.mark.parametrize("runs", [3, 5])
def test_one_more_run_falls_inside_as_often_as_it_is_said(runs):
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


@pytest.mark.parametrize(("first", "second", "right"), [(1.0, 1.0, "as printed"), (0.0, 2.0, "swapped")])
def test_the_reading_that_ours_agrees_with_is_found(folder, first, second, right):
    reached = ours(folder)
    narrow, wide = (math.log(reached[name]) for name in ("narrow", "wide"))
    apart = 3 * (narrow - wide)  # further apart than seeds are, on a level of its own
    a = math.exp(2 + apart * (1 if right == "as printed" else -1))
    told = readings(
        Experiment(sweep_of(folder, f"a,test,{a},\nb,test,{math.exp(2)},\nc,test,1,\nd,test,1,\n"), Store())
    )
    verdicts = {one["reading"]: one["verdict"] for one in told}
    assert verdicts == {name: "agrees" if name == right else "differs" for name in ("as printed", "swapped")}
    assert sum(one["closest"] for one in told) == pytest.approx(1)


def test_questions_are_answered_with_their_interval_or_said_to_be_open(folder):
    first, second, third = answers(Experiment(sweep_of(folder, "".join(f"{r},test,1,\n" for r in "abcd")), Store()))
    told = first.comparisons[0]
    assert (told["a"], told["b"], told["pairs"]) == ("narrow", "wide", 3)
    assert told["low"] <= told["effect"] <= told["high"]
    assert first.text.startswith("Cannot be told: b/a = ") and "pairs or more could tell" in first.text
    assert [one["b"] for one in second.comparisons][-1] == "wild" and "comes first" in second.text
    assert third.text == "No answer: no row has a metric nothing."


def test_an_answer_is_yes_or_no_when_enough_pairs_agree(monkeypatch, folder):
    from assets import answers as module

    def told(effect):
        found = {"pairs": 10, "better_b": 10, "scale": "ratio", "effect": effect, "low": 0.4, "high": 0.6, "p": 0.002}
        monkeypatch.setattr(module, "paired", lambda *rest: dict(found))
        experiment = Experiment(sweep_of(folder, "".join(f"{r},test,1,\n" for r in "abcd")), Store())
        return [answer.text for answer in module.answers(experiment)]

    assert told(0.5)[0] == "Yes: b/a = 0.5 [0.4, 0.6], b is better in 10 of 10 pairs, p 0.006 after correction."
    assert told(2.0)[0].startswith("No, the contrary: b/a = 2")
    assert told(2.0)[1].endswith("It is told from all 2 others.")


def test_the_report_shows_both(folder):
    experiment = Experiment(sweep_of(folder, "".join(f"{run},test,1,why\n" for run in "abcd")), Store())
    written = report.write(experiment)
    for text in (written.path.read_text(), written.markdown.read_text()):
        assert "Is wide better?" in text and "Published beside ours" in text and "Readings of the published" in text
    assert (written.path.parent / "published.csv").is_file()
    changed = Experiment(sweep_of(folder, "".join(f"{run},test,2,why\n" for run in "abcd")), Store())
    assert report.write(changed).version != written.version


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("test: on", "test: onn", "published.test: {table} has no column 'onn'; nearest: on"),
        ("axis: run\n  test", "axis: rnu\n  test", "published.axis: no such axis 'rnu'; nearest: run"),
        ("wild: {{run: d}}", "wlid: {{run: d}}", "published.rows.wlid: no value 'wlid' of run; nearest: wild"),
        ("wild: {{run: d}}", "wild: {{run: x}}", "published.rows.wild: no line of {table} has"),
        ("wild: {{run: d}}", "wild: {{error: '1'}}", "different lines on test; expected one"),
        ("{{narrow: wide,", "{{narow: wide,", "'narow' is none of the rows; nearest: narrow"),
        ("{table}", "nowhere.csv", "published.file: given 'nowhere.csv'; expected a .csv file that is there"),
        ("[[narrow, wide]]", "[[narrow, wid]]", "questions[0].pairs: no value 'wid' of run; nearest: wide"),
        ("[[narrow, wide]]", "[]", "expected either `pairs`"),
        ("doubt: doubt", "daubt: doubt", "published.daubt: unknown key 'daubt'; nearest: doubt"),
    ],
)
def test_what_does_not_fit_is_one_line(folder, old, new, line):
    table = folder / "wrong.csv"
    table.write_text(
        HEADER + "a,test,1,\nb,test,1,\nb,test,1,\nc,test,2,\nd,test,3,\nd,single,1,x\n".replace("c,test,2", "c,test,1")
    )
    assert old in TEXT
    (folder / "wrong.yaml").write_text(TEXT.replace(old, new).format(table=table))
    with pytest.raises(SweepError) as refused:
        load_sweep(folder / "wrong.yaml")
    assert line.format(table=table) in str(refused.value)
