"""Turn curves into points of prefixes, and split them into training and validation by curve.

One curve is one sample, whatever the number of prefixes: a causal network sees all prefixes of a curve in one pass.
"""

from __future__ import annotations

import numpy as np

from trainers.common.splits import split
from trainers.study import Arrays, Segments, Trajectories
from trainers.urease.config import SegmentationConfig
from trainers.urease.curves.components import principal_components
from trainers.urease.curves.curves import Curves, curves_of, model_facts
from trainers.urease.inference.laplace import with_laplace
from trainers.urease.kinetics.probe import lagged_line
from trainers.urease.models.channels import curve_views, tensors_of

Array = np.ndarray


def segment(config: SegmentationConfig, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Prepare and split curves, or take validation curves of their own.

    The one phase holds for train and validation the arrays of `Curves`, and: `truth` (S, P) unknown parameters,
    `nuisance` (S, Q), `quiet` (S, L) the points without noise, offset and drift, and `lag` (S,) [s], so that training
    can draw noise, offset and drift anew. fitted: the times t (T,), the weights of the points (L, T), the prior of
    unknowns and nuisances, mean and std of readings, known conditions and unknowns over the training curves, and the
    principal components of every prefix.

    Raises:
        ValueError: true parameters are missing, the curves of a set have different times, or points are finer than the
            readings.
    """
    if missing := {"prior_low", "prior_high"} - set(trajectories.arrays):
        raise ValueError(f"the curves come without {', '.join(sorted(missing))}; train on simulations, fit your own")
    meta = model_facts(trajectories)
    if validation is None:
        train, held_out = split(len(trajectories.t), config.train_fraction, config.split_seed)
    else:
        train, held_out = np.arange(len(trajectories.t)), np.arange(len(validation.t))
    other = trajectories if validation is None else validation
    arrays: dict[str, Array] = {}
    weights = np.empty(0)
    for side, source, index in (("train", trajectories, train), ("validation", other, held_out)):
        made, weights = _samples(config, source, index, meta)
        arrays |= {f"{side}/{name}": array for name, array in made.items()}
    counts = {
        "phase": 0,
        "total_curves": len(train) + len(held_out),
        "train_segments": len(train),
        "validation_segments": len(held_out),
        "points": weights.shape[0],
    }
    fitted = {"t": trajectories.t[0], "weights": weights, "prefixes": np.array(config.durations, float)}
    fitted |= {name: np.asarray(trajectories.arrays[name]) for name in ("prior_low", "prior_high")}
    for name in ("reading", "known", "truth"):
        values = arrays[f"train/{name}"]
        axis = None if name == "reading" else 0
        fitted |= {f"{name}_mean": np.asarray(values.mean(axis=axis)), f"{name}_std": np.asarray(values.std(axis=axis))}
    fitted |= {"known_low": arrays["train/known"].min(axis=0), "known_high": arrays["train/known"].max(axis=0)}
    if config.components:
        curves = tensors_of(Curves(*(arrays[f"train/{name}"] for name in Curves._fields)))
        views = curve_views(curves, float(meta["noise"])).double().numpy()
        fitted |= principal_components(views, arrays["train/t"][0], config.durations, config.components)
    return Segments((arrays,), train, held_out, (counts,), fitted, meta)


def _samples(
    config: SegmentationConfig, data: Trajectories, index: Array, meta: dict[str, str | float | int | bool]
) -> tuple[dict[str, Array], Array]:
    if not np.array_equal(data.t, np.broadcast_to(data.t[0], data.t.shape)):
        raise ValueError("the curves of a training set have different times; expected the same for all")
    curves, (weights, *_) = curves_of(config, data, meta)
    curves = curves.take(index)
    if config.base == "laplace":
        curves = with_laplace(curves, config.durations, meta, data.arrays["prior_low"], data.arrays["prior_high"])
    single = {name: array.astype(np.float32) for name, array in curves._asdict().items()}
    truth = {role: data.parameters_as(role) for role in ("unknown", "nuisance")}  # type: ignore[arg-type]
    zero = np.zeros(len(data.t))
    disturbing = {name: truth["nuisance"].get(name, zero) for name in ("pH_offset", "pH_drift")}
    lag = data.parameters.get("tau_probe", zero)
    line = lagged_line(data.t[0], disturbing["pH_offset"], disturbing["pH_drift"], lag)
    quiet = (data.y[:, :, data.names.index("pH_noise_free")] - line) @ weights.T
    return {
        **single,
        "truth": _columns(truth["unknown"], len(zero))[index],
        "nuisance": _columns(truth["nuisance"], len(zero))[index],
        "quiet": quiet[index].astype(np.float32),
        "lag": lag[index],
        "trajectory": index,
    }, weights


def _columns(parameters: Arrays, count: int) -> Array:
    return np.stack([*parameters.values()], axis=1) if parameters else np.zeros((count, 0))
