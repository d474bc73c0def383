"""Comparisons of stored models: who is meant, what differs, who is better on the same trajectories, and the page."""

import json
import math
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from assets.report.comparison.comparison import as_json, compare
from assets.report.comparison.find_model import find_model
from assets.report.comparison.page import page
from assets.report.comparison.paired_tests import metrics, verdicts
from assets.statistics.experiment import PER_TRAJECTORY
from assets.store.store import Missing
from orchestration.cli import app
from tests.assets.report.test_sweep_report import Page

pytest_plugins = ["tests.assets.toy_sweep"]


def model_of(experiment, width, recipe="plain", seed=0):
    values = {"model.width": width, "recipe": recipe, "model.seed": seed}
    return next(row.configuration.item for row in experiment.sweep.rows if dict(row.axes) == values)


@pytest.fixture(scope="module")
def pair(toy_experiment):
    return model_of(toy_experiment, 2), model_of(toy_experiment, 6)


@pytest.fixture(scope="module")
def compared(toy_experiment, pair):
    return compare([model.hash for model in pair], toy_experiment.store, [toy_experiment.sweep])


@dataclass
class Stub:
    """A side that is made of tables by test set and name."""

    letter: str
    values: dict
    study: SimpleNamespace = field(default_factory=lambda: SimpleNamespace(headline=("error",)))

    def holds(self, test):
        return test in self.values

    def table(self, test, name):
        values = np.asarray(self.values[test], float)
        if name == PER_TRAJECTORY:
            return pd.DataFrame({"trajectory": np.arange(len(values)), "n": 1, "error": values})
        rows = [("error", np.nanmean(values), "%", len(values)), ("worst", np.nanmax(values), "%", len(values))]
        return pd.DataFrame(rows, columns=["metric", "value", "unit", "n"])


TESTS = {"t": "test"}


def stubs(first, other):
    return [Stub("A", {"t": first}), Stub("B", {"t": other})]


def errors(count=40, factor=1.0, noise=0.1, seed=0):
    rng = np.random.default_rng(1)
    return np.exp(rng.normal(size=count)) * factor * np.exp(noise * np.random.default_rng(seed).normal(size=count))


@pytest.mark.parametrize("named", ["toy/{key}", "{key}", "toy/{hash}", "{hash}", "{hash:.8}", "toy/{hash:.8}"])
def test_a_model_is_found_by_key_hash_and_what_they_begin_with(toy_experiment, pair, named):
    for model in pair:
        name = named.format(key=model.key, hash=model.hash)
        assert find_model(name, toy_experiment.store)["hash"] == model.hash


def test_the_beginning_of_a_key_is_enough_where_it_is_one(toy_experiment):
    wild = model_of(toy_experiment, 6, "wild", 2)
    beginnings = [wild.key[:length] for length in range(4, len(wild.key))]
    keys = [row.configuration.key for row in toy_experiment.sweep.rows]
    only = next(text for text in beginnings if sum(key.startswith(text) for key in keys) == 1)
    assert find_model(only, toy_experiment.store)["hash"] == wild.hash


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["toy/width", "toy/width2"], "beginning of"),
        (["toy/0123456789ab", "{a}"], "no model 'toy/0123456789ab' is stored \\(nearest: toy/"),
        (["moon/x", "{a}"], "unknown study 'moon'; expected one of"),
        (["{a}", "{a}"], "given toy/.* twice"),
        (["{a}"], "given 1 models; expected 2 to 8"),
        (["toy/", "{a}"], "no model 'toy/'"),
    ],
)
def test_what_cannot_be_compared_is_one_line(toy_experiment, pair, names, message):
    with pytest.raises(Missing, match=message) as caught:
        compare([name.format(a=pair[0].hash) for name in names], toy_experiment.store)
    assert "\n" not in str(caught.value)


def test_only_the_settings_that_differ_are_listed(compared):
    assert as_json(compared)["settings"] == [{"setting": "model.width", "A": 2, "B": 6}]


def test_metrics_and_differences_are_those_of_the_stored_tables(compared, toy_experiment):
    for test, rows in compared.metrics.items():
        metric = rows[0]
        assert metric.name == "step_error" and {one.name for one in rows} == {"step_error", "baseline"}
        tables = [side.table(_address(side, test), PER_TRAJECTORY)["step_error"] for side in compared.models]
        assert metric.values["A"].value == pytest.approx(tables[0].mean())
        assert metric.differences["B"].value == pytest.approx(tables[1].mean() - tables[0].mean())
        assert metric.values["B"].low <= metric.values["B"].value <= metric.values["B"].high
        assert math.isnan(rows[1].values["A"].low), "the baseline is no mean over a table"


def _address(side, test):
    return next(address for address, manifest in side.evaluations.items() if manifest["config"]["test"] == test)


def test_the_better_model_is_found_beneath_a_larger_spread_between_trajectories():
    (verdict,) = verdicts(stubs(errors(), errors(factor=0.9, noise=0.05, seed=1)), TESTS)
    assert (verdict.text, verdict.better) == ("B is better", "B")
    assert verdict.comparison["low"] < 0.9 < verdict.comparison["high"] < 1
    assert verdict.comparison["better_b"] == (errors(factor=0.9, noise=0.05, seed=1) < errors()).sum()


def test_equal_models_are_inconclusive():
    (verdict,) = verdicts(stubs(errors(seed=1), errors(seed=2)), TESTS)
    assert verdict.text == "A against B is inconclusive" and not verdict.reason
    assert verdict.comparison["low"] < 1 < verdict.comparison["high"]


def test_swapping_the_models_swaps_the_verdict():
    sides = errors(), errors(factor=0.7)
    (there,), (back,) = verdicts(stubs(*sides), TESTS), verdicts(stubs(*sides[::-1]), TESTS)
    assert (there.better, back.better) == ("B", "A")
    assert there.comparison["effect"] * back.comparison["effect"] == pytest.approx(1)


def test_one_trajectory_is_inconclusive_and_the_reason_is_given():
    (verdict,) = verdicts(stubs(errors(1), errors(1, factor=0.1)), TESTS)
    assert not verdict.better and verdict.reason == "one trajectory"


def test_trajectories_without_a_number_on_one_side_are_left_out_on_both():
    gaps = errors(factor=0.5)
    gaps[:5] = np.nan
    (verdict,) = verdicts(stubs(errors(), gaps), TESTS)
    assert verdict.comparison["pairs"] == 35
    (metric, _) = metrics(stubs(errors(), gaps), "t")
    assert metric.differences["B"].value == pytest.approx(gaps[5:].mean() - errors()[5:].mean())
    (nothing,) = verdicts(stubs(errors(4), np.full(4, np.nan)), TESTS)
    assert nothing.reason == "no trajectory on which both have a number" and not nothing.better


def test_a_mean_that_speaks_against_the_verdict_is_mentioned():
    spoilt = errors(factor=0.5)
    spoilt[0] *= 400
    (verdict,) = verdicts(stubs(errors(), spoilt), TESTS)
    assert verdict.better == "B" and verdict.reason == "on a typical trajectory; its mean is larger"


def test_several_verdicts_are_corrected_for_their_number():
    sides = [
        Stub("A", {"t": errors(), "u": errors()}),
        Stub("B", {"t": errors(factor=0.95, seed=3), "u": errors(factor=0.96, seed=4)}),
    ]
    both = verdicts(sides, {"t": "one", "u": "two"})
    assert min(one.comparison["p_holm"] for one in both) == pytest.approx(2 * min(one.comparison["p"] for one in both))


def test_the_seeds_of_a_sweep_speak_for_the_settings(compared, toy_experiment, pair):
    (verdict,) = compared.settings_verdicts
    assert verdict.comparison["pairs"] == 3 and verdict.text == "inconclusive"
    again = model_of(toy_experiment, 2, seed=1)
    same = compare([pair[0].hash, again.hash], toy_experiment.store, [toy_experiment.sweep])
    assert same.settings_verdicts[0].text == "A and B differ in their seed alone"


def test_a_failed_model_is_one_line_and_the_rest_is_compared(toy_experiment, pair):
    wild = model_of(toy_experiment, 2, "wild", 2)
    comparison = compare([pair[0].key, wild.key], toy_experiment.store, [toy_experiment.sweep])
    (line,) = comparison.missing
    assert line.startswith("B has no trained model: diverged") and "\n" not in line
    assert "on the same test set" in comparison.conclusion and not comparison.verdicts
    assert {"setting": "model.behaviour", "A": "train", "B": "diverge"} in as_json(comparison)["settings"]
    assert set(comparison.metrics) == {"train", "test", "few"} and line in page(comparison)


def test_a_third_model_is_compared_with_the_first(toy_experiment, pair):
    third = model_of(toy_experiment, 2, "unvalidated")
    comparison = compare([pair[0].hash, pair[1].hash, third.hash], toy_experiment.store)
    assert {(one.first, one.other) for one in comparison.verdicts} == {("A", "B"), ("A", "C")}
    assert len(comparison.verdicts) == 6 and "C - A" in page(comparison)


def test_the_page_needs_no_other_file_and_its_numbers_are_those_of_the_comparison(compared):
    text = page(compared)
    assert all(target.startswith("data:") for target in Page(text).targets) and "<script" not in text
    for side in compared.models:
        assert side.key in text
    assert compared.metrics["test"][0].values["B"].text in text and text.count("<img") == 1
    linked = Page(page(compared, linked=True)).targets
    assert f"/files/toy/model/{compared.models[0].manifest['hash']}" in linked and "/report/toy/widths" in linked


def test_the_command_prints_json_and_writes_a_page_once(toy_experiment, pair, tmp_path):
    names = [f"toy/{model.key}" for model in pair]
    command = ["compare", *names, "--json", "-o", str(tmp_path / "page.html")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert [one["key"] for one in answer["models"]] == [model.key for model in pair]
    assert answer["metrics"]["test"][1]["values"]["A"]["low"] is None
    assert "<title>A " in (tmp_path / "page.html").read_text()
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2 and "exists" in again.stderr
    plain = CliRunner().invoke(app, ["compare", *names])
    assert plain.exit_code == 0 and "Settings that differ" in plain.stdout and "model.width" in plain.stdout
    wrong = CliRunner().invoke(app, ["compare", names[0], "toy/nothing"])
    assert wrong.exit_code == 2 and len(wrong.stderr.splitlines()) == 1


def test_another_metric_decides_if_trajectories_have_it(toy_experiment, pair):
    names = [model.hash for model in pair]
    assert compare(names, toy_experiment.store, metric="step_error").metric == "step_error"
    with pytest.raises(Missing, match="given the metric 'baseline'; trajectories have: step_error"):
        compare(names, toy_experiment.store, metric="baseline")
