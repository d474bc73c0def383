"""Posterior, forecast and caveats of a pH curve of one's own."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from assets.store.store import project_root
from trainers import STUDIES
from trainers.study import Job, Trajectories
from trainers.urease.config import DatasetConfig, ModelConfig
from trainers.urease.fit import fit
from trainers.urease.segment import segment
from trainers.urease.simulate import simulate
from trainers.urease.train import train

pytestmark = pytest.mark.training

KNOWN = {"substrate": 10.0, "powder": 0.0103, "temperature": 30.0, "initial_pH": 6.9, "volume": 0.2}
TRUTH = {"fraction": 0.35, "k_d": 2.2e-3}
"""Of the curve in `examples`, which was simulated with noise and all nuisances."""


def curve(**changes) -> Trajectories:
    table = pd.read_csv(project_root() / "examples" / "urease_curve.csv")
    usual = {
        "t": table["t"].to_numpy()[None],
        "y": table["ph"].to_numpy()[None, :, None],
        "names": ("pH",),
        "units": ("1",),
        "time_unit": "s",
        "parameters": {name: np.array([value]) for name, value in KNOWN.items()},
    }
    return Trajectories(**usual | changes)


@cache
def model(kind: str = "laplace"):
    config = ModelConfig(kind=kind, recalibrate=False)
    data = simulate(DatasetConfig(trajectories=60, seed=1))
    return config, next(train([Job("one", config, segment(config.segmentation(), data))]))


@pytest.mark.parametrize("kind", ["laplace", "exact"])
def test_the_example_is_found(kind):
    made = fit(*model(kind), curve())
    rows = made.estimates.set_index("parameter")
    for name, truth in TRUTH.items():
        assert rows.loc[name, "lower"] < truth < rows.loc[name, "upper"] and rows.loc[name, "caveat"] == ""
    assert rows.loc["fraction", "upper"] - rows.loc["fraction", "lower"] < 0.06
    assert set(rows["prefix_s"]) == {300.0} and made.level == 0.9
    curves = made.tables["fit_curves"]
    assert curves["t"].iloc[-1] == 2000 and curves["measured"].notna().sum() == 301
    late = curves[curves["t"].between(20, 300) & curves["measured"].notna()]
    # what is drawn is the pH of the solution: the reading has an offset of .02
    assert np.abs(late["measured"] - late["predicted"]).mean() < 0.05
    assert ((curves["lower"] <= curves["predicted"] + 1e-9) & (curves["predicted"] <= curves["upper"] + 1e-9)).all()
    assert list(made.tables["forecast"]["t"]) == [300, 1000, 2000] and len(made.tables["posterior"]) == 100


def test_a_shorter_curve_uses_a_shorter_prefix_and_says_what_it_does_not_know():
    short = curve(t=curve().t[:, :40], y=curve().y[:, :40])
    rows = fit(*model(), short).estimates.set_index("parameter")
    assert set(rows["prefix_s"]) == {30.0} and "says almost nothing" in rows.loc["k_d", "caveat"]
    assert "says almost nothing" not in rows.loc["fraction", "caveat"]


def test_irregular_readings_and_several_curves():
    t = np.full((2, 301), np.nan)
    y = np.full((2, 301, 1), np.nan)
    t[0], y[0] = curve().t[0], curve().y[0]
    keep = np.sort(np.random.default_rng(0).choice(301, 120, replace=False))
    keep[0], keep[-1] = 0, 300
    t[1, :120], y[1, :120] = curve().t[0, keep], curve().y[0, keep]
    both = curve(t=t, y=y, parameters={name: np.full(2, value) for name, value in KNOWN.items()})
    rows = fit(*model(), both).estimates
    assert list(rows["trajectory"]) == [0, 0, 1, 1]
    assert rows["estimate"][2] == pytest.approx(rows["estimate"][0], abs=0.05)
    assert "points interpolated" in rows["caveat"][2] and rows["caveat"][0] == ""


def test_what_lies_outside_of_the_training_data_has_a_caveat():
    hot = curve(parameters={**curve().parameters, "temperature": np.array([55.0])})
    rows = fit(*model(), hot).estimates
    assert rows["caveat"].str.contains("temperature is 55, in training 25 to 40 C").all()
    strange = curve(y=curve().y - 0.5 * np.sin(curve().t / 20)[:, :, None])
    assert fit(*model(), strange).estimates["caveat"].str.contains("within the noise").all()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"names": ("acidity",)}, "expected one named pH"),
        ({"parameters": {"substrate": np.array([10.0])}}, r"come without powder \[g\]"),
        ({"parameters": {n: np.array([np.nan]) for n in KNOWN}}, "substrate is not finite"),
        ({"time_unit": "min"}, "times are in min; expected seconds"),
        ({"t": curve().t - 20}, "a time is -20 s"),
        ({"t": curve().t / 100}, "curve 0 ends at 3 s; the shortest prefix of this model is 10 s"),
        ({"t": curve().t[:, :2] * 11, "y": curve().y[:, :2]}, "curve 0 has 1 readings in 10 s; expected 5 or more"),
    ],
)
def test_a_curve_that_cannot_be_used_is_refused_in_one_line(changes, text):
    with pytest.raises(ValueError, match=text):
        fit(*model(), curve(**changes))


def test_a_set_of_the_study_can_be_fitted_and_its_truth_is_not_used():
    data = simulate(DatasetConfig(trajectories=3, seed=9))
    config, trained = model()
    only = replace(data, parameters={n: data.parameters[n] for n in KNOWN}, roles={}, parameter_units={})
    made = STUDIES["urease"].fit(config, trained, only)
    assert len(made.estimates) == 6
