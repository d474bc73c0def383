"""Figures of several models, and of all reference orbits: what is drawn is what the tables say."""

import numpy as np
import pandas as pd
import pytest

from trainers.two_body import figures
from trainers.two_body.figures.compared import law_slope

RNG = np.random.default_rng(0)


def errors(power=-2.0, flips=None, orbits=4, points=90):
    r = np.tile(np.geomspace(1.0, 8.0, points), orbits)
    flip = np.full(r.size, np.nan) if flips is None else 100.0 * (np.arange(r.size) % flips == 0)
    return pd.DataFrame({
        "orbit": np.repeat(np.arange(orbits), points), "step": np.tile(np.arange(points), orbits), "r": r, "r_own": r,
        "true_anomaly": np.tile(np.linspace(0, 359, points), orbits), "flip_rate": flip, "radial_outward": 0.0,
        "acceleration_true": r**-2.0, "acceleration_predicted": r**power,
        "acceleration_error_own_state": 1.0 + RNG.random(r.size), "acceleration_error_field": 2.0 + RNG.random(r.size),
    })  # fmt: skip


def training(radius=3.0, orbits=2, validates=1):
    turn = np.linspace(0, 6, 30)
    parts = [
        pd.DataFrame({"trajectory": k, "x": radius * np.cos(turn), "y": radius * np.sin(turn), "z": 0.0,
                      "trains": k < orbits})
        for k in range(orbits + validates)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def field(error=0.1):
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(-4, 4, 5), np.linspace(-3.5, 3.5, 4)))
    return pd.DataFrame({"x": x, "y": y, "ax_true": -x, "ay_true": -y, "ax": -x * (1 + error), "ay": -y * (1 + error)})


def rollouts(shift=0.0, network=True):
    t = np.linspace(0, 6, 40)
    names = ("x", "y", "z", "vx", "vy", "vz", "ax", "ay", "az")
    parts = []
    for orbit in (-1, 3, 5):
        motion = pd.DataFrame({"orbit": orbit, "step": np.arange(40), "t": t})
        for name in names:
            motion[f"{name}_true"] = np.cos(t + len(name)) if name != "z" else 0.0
            motion[name] = motion[f"{name}_true"] + (shift if name == "x" else 0.0)
        if network:
            motion["feature 1/r"], motion["output m0"] = 1.0, np.sin(t)
        parts.append(motion)
    return pd.concat(parts, ignore_index=True)


def history(norms):
    parts = [
        pd.DataFrame({"phase": k, "gradient_norm": norm * np.array([0.5, 1.0, 2.0]), "loss": 4.0})
        for k, norm in enumerate(norms)
    ]
    return pd.concat(parts, ignore_index=True).assign(step=lambda table: np.arange(1, len(table) + 1))


def segments(lengths):
    return pd.DataFrame({"phase": np.arange(len(lengths)), "segment_length": lengths})


def lines_by_label(axes):
    return {line.get_label(): line for line in axes.lines}


def test_the_same_orbits_of_all_models_and_their_distance_from_the_truth():
    figure = figures.reference_orbits_compared({"near": rollouts(0.01), "far": rollouts(0.5)})
    planes, times = figure.axes[:3], figure.axes[3:6]
    assert [axes.get_title() for axes in planes] == ["mean elements", "orbit 3", "orbit 5"]
    for plane, time in zip(planes, times, strict=True):
        assert {"true", "near", "far"} <= lines_by_label(plane).keys()
        assert [line.get_ydata()[0] for line in time.lines] == pytest.approx([0.01, 0.5])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["true", "near", "far"]


def test_the_slope_of_every_model_and_of_the_law():
    tables = {"right": errors(-2.0), "flat": errors(-1.0)}
    assert law_slope(tables) == pytest.approx(-2)
    slopes, radii = figures.slopes_compared(tables, {name: training() for name in tables}).axes
    marks = [line for line in slopes.lines if line.get_marker() == "o"]
    assert [float(line.get_xdata()[0]) for line in marks] == pytest.approx([-2, -1], abs=1e-6)
    breaks = [float(line.get_xdata()[0]) for line in radii.lines if line.get_marker() == "s"]
    assert np.isnan(breaks[0]) and breaks[1] == pytest.approx(1.0, rel=0.1), "the flat one is off from the start"
    assert len(radii.patches) == 1, "the radii of the training orbits are shaded"


def test_residuals_are_drawn_side_by_side_with_training_orbits_on_top():
    tables = {"one orbit": field(0.5), "ten orbits": field(0.01)}
    figure = figures.field_residuals(tables, {"one orbit": training(orbits=1), "ten orbits": training(orbits=10)})
    panels = [axes for axes in figure.axes if axes.get_title()]
    assert [axes.get_title() for axes in panels] == ["one orbit", "ten orbits"]
    assert [len(axes.lines) for axes in panels] == [1, 10], "orbits that validate are not drawn"
    colours = [np.unique(np.asarray(axes.collections[0].get_array()).round(6)) for axes in panels]
    assert [values.tolist() for values in colours] == [[50.0], [1.0]]
    assert len({(axes.collections[0].norm.vmin, axes.collections[0].norm.vmax) for axes in panels}) == 1


def test_flip_rates_of_signed_heads_alone():
    tables = {"often": errors(flips=2), "unsigned": errors(), "never": errors(flips=10**6)}
    rates, anomaly = figures.flip_rates(tables).axes
    marks = [float(line.get_xdata()[0]) for line in rates.lines if line.get_marker() == "o"]
    assert marks == pytest.approx([50, 100 / 360])
    assert [label.get_text() for label in rates.get_yticklabels()] == ["often", "never"]
    assert len(anomaly.lines) == 2
    assert figures.flip_rates({"unsigned": errors()}) is None


def test_gradients_are_drawn_over_the_segment_length():
    figure = figures.gradients_by_segment_length(
        {"curriculum": history([8.0, 2.0]), "long": history([1.0])},
        {"curriculum": segments([6, 18]), "long": segments([60])},
    )
    norm, ratio = figure.axes
    middles = [(list(part[0].get_xdata()), list(part[0].get_ydata())) for part in norm.containers]
    assert middles == [([6, 18], [8.0, 2.0]), ([60], [1.0])]
    assert list(ratio.containers[0][0].get_ydata()) == [2.0, 0.5]
    assert [label.get_text() for label in norm.get_xticklabels()] == ["6", "18", "60"]
    assert figures.gradients_by_segment_length({"one": history([1.0])}, {"one": segments([18])}) is None


def test_errors_of_all_models_share_axes():
    anomaly, radius = figures.errors_compared({"a": errors(), "b": errors()}).axes
    assert len(anomaly.lines) == len(radius.lines) == 2
    assert all(1 < np.nanmedian(line.get_ydata()) < 2 for line in anomaly.lines)
    assert all(2 < np.nanmedian(line.get_ydata()) < 3 for line in radius.lines)


def test_features_are_drawn_along_every_reference_orbit():
    figure = figures.features_per_orbit(rollouts())
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["mean elements", "orbit 3", "orbit 5"]
    assert all(len(axes.lines) == 1 for axes in figure.axes)
    assert np.allclose(figure.axes[1].lines[0].get_ydata(), np.sin(np.linspace(0, 6, 40)))
    assert figures.features_per_orbit(rollouts(network=False)) is None
