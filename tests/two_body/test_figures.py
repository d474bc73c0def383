"""Figures of several models, and of all reference orbits: what is drawn is what the tables say."""

import numpy as np
import pandas as pd
import pytest

from trainers.two_body import figures
from trainers.two_body.figures.compared import law_slope
from trainers.two_body.figures.radius import largest_training_acceleration

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


def training(radius=3.0, orbits=2, validates=1, tilt=0.0):
    turn = np.linspace(0, 6, 30)
    speed = radius**-0.5
    parts = [
        pd.DataFrame({"trajectory": k, "step": np.arange(30), "x": radius * np.cos(turn), "y": radius * np.sin(turn),
                      "z": tilt * radius * np.sin(turn), "vx": -speed * np.sin(turn), "vy": speed * np.cos(turn),
                      "vz": 0.0, "trains": k < orbits})
        for k in range(orbits + validates)
    ]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def field(error=0.1):
    x, y = (grid.ravel() for grid in np.meshgrid(np.linspace(-4, 4, 5), np.linspace(-3.5, 3.5, 4)))
    return pd.DataFrame({"x": x, "y": y, "ax_true": -x, "ay_true": -y, "ax": -x * (1 + error), "ay": -y * (1 + error)})


FACTS = pd.DataFrame([{"problem": "two_body", "mu": 1.0}])


def rollouts(shift=0.0, network=True, lift=0.0):
    t = np.linspace(0, 6, 40)
    names = ("x", "y", "z", "vx", "vy", "vz", "ax", "ay", "az")
    parts = []
    for orbit in (-1, 3, 5):
        motion = pd.DataFrame({"orbit": orbit, "step": np.arange(40), "t": t})
        for name in names:
            motion[f"{name}_true"] = np.cos(t + len(name)) if name != "z" else lift * np.sin(t)
            motion[name] = motion[f"{name}_true"] + (shift if name in ("x", "z") else 0.0)
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
        assert [line.get_ydata()[0] for line in time.lines] == pytest.approx([0.01 * 2**0.5, 0.5 * 2**0.5])
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


def test_the_distance_from_the_truth_has_three_dimensions():
    *_, error = figures.along_an_orbit(rollouts(0.3)).axes
    assert np.allclose(error.lines[0].get_ydata(), 0.3 * 2**0.5), "0.3 in x and 0.3 in z"


def test_states_are_drawn_against_time_and_a_diverging_prediction_leaves_the_panel():
    figure = figures.states_against_time(rollouts(0.2))
    assert [axes.get_ylabel() for axes in figure.axes[::3]] == ["x [DU]", "y [DU]", "vx [DU/TU]", "vy [DU/TU]"]
    true, predicted = (line.get_ydata() for line in figure.axes[0].lines)
    assert np.allclose(predicted - true, 0.2)
    far = figures.states_against_time(rollouts(1e9, lift=0.5))
    assert len(far.axes) == 3 * 6 and max(map(abs, far.axes[0].get_ylim())) < 3


def test_arrows_on_the_orbit_point_along_the_true_and_the_predicted_acceleration():
    table = rollouts(0.5)
    axes = figures.acceleration_arrows(table).axes[0]
    true, predicted = axes.collections
    motion = table[table["orbit"] == -1]
    moments = motion.iloc[:: max(1, len(motion) // 24)]
    assert np.allclose(true.XY, moments[["x_true", "y_true"]]) and np.allclose(predicted.XY, moments[["x", "y"]])
    angles = np.arctan2(moments["ay_true"], moments["ax_true"])
    assert np.allclose(np.arctan2(true.V, true.U), angles)
    sizes = np.hypot(np.hypot(moments["ax_true"], moments["ay_true"]), moments["az_true"])
    ratio = np.hypot(true.U, true.V) / (np.hypot(moments["ax_true"], moments["ay_true"]) / np.sqrt(sizes))
    assert np.ptp(ratio) < 1e-9, "the length grows with the root of the size"


ELEMENTS = ("semi_major_axis", "eccentricity", "inclination", "raan", "argument_of_perigee", "true_anomaly")


def elements(count=6, degrees=30.0):
    turned = ("inclination", "raan", "argument_of_perigee")
    return pd.DataFrame({name: np.full(count, np.deg2rad(degrees) if name in turned else 0.5) for name in ELEMENTS})


def test_orbits_in_space_are_drawn_in_space_with_the_angles_that_turn_them():
    figure = figures.orbits_in_space(rollouts(0.1, lift=0.7), elements())
    assert [axes.name for axes in figure.axes] == ["3d"] * 3
    assert [axes.get_title() for axes in figure.axes] == [
        f"{name}\ni 30°, RAAN 30°, arg. of perigee 30°" for name in ("mean elements", "orbit 3", "orbit 5")
    ]
    z = figure.axes[0].lines[1].get_data_3d()[2]
    assert np.allclose(z, 0.7 * np.sin(np.linspace(0, 6, 40)) + 0.1)
    assert figures.orbits_in_space(rollouts(0.1), elements()) is None, "a planar set has no picture in space"


@pytest.mark.parametrize(("figure", "across"), [(figures.vector_field, "y"), (figures.vector_field_xz, "z")])
def test_the_whole_field_stands_beside_the_true_one(figure, across):
    table = field(0.5).rename(columns=lambda name: name.replace("y", across))
    true, predicted = (axes.collections[0] for axes in figure(table, training(tilt=0.5)).axes[:2])
    assert np.allclose(predicted.get_array(), 1.5 * true.get_array())
    assert (true.norm.vmin, true.norm.vmax) == (predicted.norm.vmin, predicted.norm.vmax)


def test_errors_are_drawn_per_phase():
    rows = [
        {"phase": k, "error": name, "mean": 3.0 - k, "median": 2.0 - k, "quartile_1": 0.5, "quartile_3": 4.0}
        for name in ("acceleration_error", "position_error")
        for k in (0, 1)
    ]
    for axes in figures.errors_per_phase(pd.DataFrame(rows)).axes:
        assert [list(line.get_ydata()) for line in axes.lines] == [[2.0, 1.0], [3.0, 2.0]]


def test_features_at_true_and_predicted_states_are_drawn_for_all_orbits():
    t = np.linspace(0, 3, 10)
    parts = [pd.DataFrame({"orbit": k, "step": range(10), "t": t, "feature x": k + 0.1, "feature x_true": k,
                           "output m0": k - 0.1, "output m0_true": k}) for k in range(7)]  # fmt: skip
    axes = figures.features_of_all_orbits(pd.concat(parts)).axes
    assert [panel.get_title() for panel in axes[:2]] == ["feature x", "output m0"]
    values = sorted(float(line.get_ydata()[0]) for line in axes[0].lines)
    assert values == sorted([*range(7), *[k + 0.1 for k in range(7)]])


def test_linearity_is_drawn_with_the_exponent_of_its_growth():
    rows = [
        {"source": source, "segment_length": length, "quantity": quantity, "low": 0.0, "median": length**power / 9,
         "high": length**power}
        for source in ("model", "law") for length in (4, 6, 10, 18)
        for quantity, power in (("jacobian_change", 1.0), ("linear_residual", 2.0))
    ]  # fmt: skip
    change, residual = figures.model_linearity(pd.DataFrame(rows)).axes
    labels = [text.get_text() for axes in (change, residual) for text in axes.get_legend().get_texts()]
    assert labels == ["law, p = 1.00", "model, p = 1.00", "law, p = 2.00", "model, p = 2.00"]


def test_boxes_of_all_test_sets_stand_side_by_side_with_their_outliers():
    wild = errors()
    wild.loc[:17, "acceleration_error_own_state"] = 1e4
    steps, means = figures.error_per_test_set({"tame": errors(), "wild": wild}).axes
    texts = [label.get_text().replace("\n", ": ") for label in steps.get_xticklabels()]
    assert texts == ["tame: 0.0 % of 360", "wild: 5.0 % of 360"]
    assert len(means.get_xticklabels()) == 2 and "of 4" in means.get_xticklabels()[0].get_text()


def test_accelerations_of_several_models_and_the_largest_that_each_has_trained_on():
    tables = {"near": errors(), "far": errors(-1.0)}
    points = {"near": training(radius=2.0), "far": training(radius=4.0)}
    axes = figures.accelerations_against_radius(tables, points, dict.fromkeys(tables, FACTS)).axes[0]
    levels = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == "--" and len(line.get_xdata()) == 2]
    assert levels == pytest.approx([1 / 4, 1 / 16]) and axes.get_xscale() == axes.get_yscale() == "log"
    same = figures.accelerations_against_radius(
        tables, dict.fromkeys(tables, points["near"]), dict.fromkeys(tables, FACTS)
    )
    assert sum(len(line.get_xdata()) == 2 for line in same.axes[0].lines) == 1


def test_validation_orbits_set_no_limit_of_the_training():
    both = pd.concat([training(radius=4.0, orbits=1, validates=0), training(radius=2.0, orbits=0, validates=1)])
    assert largest_training_acceleration(both, FACTS) == pytest.approx(1 / 16)


def sets(tilt=0.0, shift=0.0):
    own = elements(3, 30.0 if tilt else 0.0)
    own["inclination"] += np.arange(3) * tilt
    return training(tilt=tilt, radius=3.0 + shift), own.assign(trains=True)


def test_a_dataset_in_space_is_drawn_in_space_with_all_its_elements():
    figure = figures.dataset(*sets(tilt=0.5))
    assert figure.axes[0].name == "3d" and len(figure.axes[0].lines) == 4
    assert [axes.get_xlabel() for axes in figure.axes[4:]] == ["i [rad]"], "those that vary"
    assert [axes.name for axes in figures.dataset(*sets()).axes] == ["rectilinear"] * 4


def test_datasets_stand_side_by_side_once_each():
    points, own = zip(sets(), sets(shift=1.0), sets(), strict=True)
    names = ("a", "b", "c")
    figure = figures.datasets_compared(dict(zip(names, points, strict=True)), dict(zip(names, own, strict=True)))
    assert [axes.get_title().split("\n")[0] for axes in figure.axes[:2]] == ["a and 1 more", "b"]
    assert len(figure.axes) == 2 * 4
    heights = [patch.get_height() for patch in figure.axes[2].patches]
    assert sum(heights) == pytest.approx(100)
    assert figures.datasets_compared({"a": points[0], "c": points[2]}, {"a": own[0], "c": own[2]}) is None
