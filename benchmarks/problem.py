"""Inputs of both ways: the literature's configuration, its segments, and states at which the field is measured."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from trainers import STUDIES
from trainers.study import Segments
from trainers.two_body.normalisation import normalised_acceleration

STUDY = STUDIES["two_body"]

TESTS = (1, 10, 100)
"""Orbits of the test sets that both ways are evaluated on."""


def model_config(seed: int, steps: int, changes: dict[str, Any] | None = None, length: int = 18) -> Any:
    """Return the literature's configuration: signed head, leaky ReLU, 2 x 64, both-term loss, Adam 1e-3."""
    base = {"output_layer": "mlp_4D_signed", "loss": {"name": "percent_error_plus_nmse"}, "seed": seed}
    return STUDY.model.model_validate(base | {"phases": [{"steps": steps, "segment_length": length}]} | (changes or {}))


@cache
def segments_of(segmentation: Any, orbits: int) -> Segments:
    """Return the training segments of complex planar orbits."""
    return STUDY.segment(segmentation, STUDY.simulate(STUDY.presets[f"complex_planar_{orbits}_train"]))


def segments(config: Any, orbits: int) -> Segments:
    """Return the training segments of a configuration."""
    return segments_of(config.segmentation(), orbits)


@cache
def test_points(orbits: int = 100) -> tuple[np.ndarray, np.ndarray]:
    """Return states (S, 6) of the test orbits in the units of the dataset, and the true accelerations (S, 3)."""
    from trainers.two_body.problems import load_problem

    states = STUDY.simulate(STUDY.presets[f"complex_planar_{orbits}_test"]).y.reshape(-1, 6)
    law = load_problem("two_body").acceleration(states.T[:3], states.T[3:])
    return states, np.asarray(law).T


def write_plain(path: Path, orbits: int) -> Path:
    """Write the input of the plain way: segments and test states in the normalised units of the training data."""
    training = segments(model_config(0, 1), orbits)
    arrays, (states, _) = training.phases[0], test_points()
    from trainers.two_body.normalisation import state_units, units_of

    scaled = states / state_units(training.fitted)
    truth = normalised_acceleration(training.fitted, str(training.meta["problem"]), scaled.T).T
    t = arrays["train/t"] - arrays["train/t"][:, :1]
    tests = {}
    for count in TESTS:
        of_test = STUDY.simulate(STUDY.presets[f"complex_planar_{count}_test"])
        tests[f"test{count}_t"] = np.float32((of_test.t - of_test.t[:, :1]) / units_of(training.fitted)[1])
        tests[f"test{count}_y"] = np.float32(of_test.y / state_units(training.fitted))
    np.savez(path, t=t, y=arrays["train/y"], test_states=scaled, test_acceleration=truth, **tests)
    return path
