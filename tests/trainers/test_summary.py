"""Rows of a summary, models without steps, and figures that several studies show."""

import numpy as np
import pandas as pd
import pytest

from trainers.common import figures
from trainers.common.baselines import without_steps
from trainers.common.summary import Row, mean, quantile, root_mean_square, summary
from trainers.study import Job, Segments

VALUES = np.array([[3.0, np.nan], [4.0, np.inf]])


def test_rows_are_over_finite_values_and_say_how_many():
    assert root_mean_square("rmse", VALUES) == ("rmse", pytest.approx(12.5**0.5), 2)
    assert mean("share", np.array([True, False]), scale=100) == ("share", 50.0, 2)
    assert quantile("median", VALUES) == ("median", 3.5, 2) and quantile("tail", VALUES, 0.9).value == pytest.approx(
        3.9
    )
    for row in (root_mean_square, mean, quantile):
        assert np.isnan(row("none", np.array([np.nan])).value) and row("none", np.array([])).n == 0


def test_a_summary_has_units_and_each_metric_once():
    table = summary([Row("a", 1.0, 2), Row("b", 2.0, 3)], {"a": "km"}, default_unit="%")
    assert table.to_dict("list") == {"metric": ["a", "b"], "value": [1, 2], "unit": ["km", "%"], "n": [2, 3]}
    with pytest.raises(ValueError, match="metrics occur twice: a"):
        summary([Row("a", 1.0, 2), Row("a", 1.0, 2)], {}, "1")


def test_a_model_without_steps_is_best_and_last():
    segments = Segments((), np.arange(1), np.arange(0), (), {"scale": np.ones(1)}, {"actions": 2})
    model = without_steps(Job("key", None, segments), {"mean": np.zeros(3)}, {"rmse": np.ones(2)}, seconds=0.5)
    assert set(model.weights) == {"best/mean", "last/mean"} and model.counts == {"parameters": 3, "steps": 0}
    assert set(model.fitted) == {"scale", "rmse"} and model.meta["actions"] == 2 and not len(model.history)


HISTORY = pd.DataFrame(
    {
        "phase": [0, 0, 1],
        "epoch": [1, 2, 3],
        "step": [5, 10, 15],
        "loss": [3.0, 2.0, 1.0],
        "mae": [1.0, 1.0, 0.5],
        "forcing": [0.7, 0.6, 0.5],
        "validation_loss": [3.0, 1.5, 2.5],
        "validation_mae": [1.0, np.nan, 1.0],
    }
)


def test_the_loss_curve_draws_losses_marks_phases_and_the_lowest():
    axes = figures.loss_curve(HISTORY).axes[0]
    labels = [line.get_label() for line in axes.lines]
    assert labels[:4] == ["loss", "mae", "validation_loss", "validation_mae"] and "forcing" not in labels
    assert axes.lines[4].get_xdata()[0] == 3 and labels[-1] == "lowest validation loss: epoch 2"
    assert axes.get_yscale() == "log" and len(axes.lines[3].get_xdata()) == 2
    by_step = figures.draw_losses(HISTORY.drop(columns="epoch"), ["loss"]).axes[0]
    assert by_step.lines[0].get_xdata().tolist() == [5, 10, 15] and by_step.get_xlabel() == "optimiser step"
    assert figures.loss_curve(HISTORY.assign(loss=-1.0)).axes[0].get_yscale() == "linear"
    assert not figures.loss_curve(HISTORY.iloc[:0]).axes[0].lines


def test_coverage_is_drawn_with_its_interval():
    table = pd.DataFrame({"nominal": [50.0, 90], "observed": [45.0, 88], "low": [40.0, 85], "high": [50.0, 91]})
    axes = figures.coverage(table).axes[0]
    assert axes.lines[1].get_ydata().tolist() == [45, 88] and len(axes.collections) == 1
    strata = table.assign(stratum=["a", "b"], n=[4, 5])
    labels = figures.coverage_by_stratum(strata).axes[0].get_yticklabels()
    assert [text.get_text() for text in labels] == ["a (n = 4)", "b (n = 5)"]
    assert figures.coverage_by_stratum(strata.iloc[:0]) is None
