"""Gradient-boosted trees on features of a prefix: what a practitioner tries first.

scikit-learn's histogram boosting estimates each unknown in normal coordinates; the spread of an estimate is that of the
validation curves at the same prefix. Trees are stored as arrays of nodes and applied from these: nothing is pickled.
"""

from __future__ import annotations

import numpy as np

from trainers.common.named_arrays import below
from trainers.study import Arrays, Segments
from trainers.urease.bounded import to_normal
from trainers.urease.curves.clock import RISE
from trainers.urease.curves.curves import Curves

Array = np.ndarray

PARTS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.0)
"""Places in a prefix whose readings are features."""

SETTINGS = {"max_iter": 200, "learning_rate": 0.08, "max_leaf_nodes": 31, "early_stopping": False}
NODES = ("feature_idx", "num_threshold", "left", "right", "value", "is_leaf")


def tree_features(curves: Curves, prefix: float) -> Array:
    """Return features (N, F): readings and clocks at parts of the prefix, known conditions, the prefix."""
    member = curves.up_to(prefix)
    rows = []
    for t, y, inside, table, start in zip(
        curves.t, curves.reading, member, curves.clock, curves.initial_ph, strict=True
    ):
        if not inside.any():
            rows.append(np.full(2 * len(PARTS), np.nan))
            continue
        reading = np.interp(np.array(PARTS) * prefix, t[inside], y[inside])
        log_tau = np.interp(np.log(np.clip(reading - start, RISE[0], RISE[-1])), np.log(RISE), table)
        rows.append(np.concatenate([reading, log_tau]))
    return np.column_stack([np.array(rows), curves.known, np.full(len(rows), prefix), member.sum(axis=1)])


def tree_weights(segments: Segments, prefixes: tuple[float, ...], seed: int) -> dict[str, Array]:
    """Fit an ensemble for each unknown, all prefixes together; return its nodes, and spreads (K, P) at prefixes."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    arrays = {side: below(side, segments.phases[0]) for side in ("train", "validation")}
    curves = {side: Curves(*(part[name] for name in Curves._fields)) for side, part in arrays.items()}
    low, high = segments.fitted["prior_low"], segments.fitted["prior_high"]
    target = {
        side: to_normal(p["truth"], *(x[: p["truth"].shape[1]] for x in (low, high))) for side, p in arrays.items()
    }
    features = {side: [tree_features(part, prefix) for prefix in prefixes] for side, part in curves.items()}
    weights: dict[str, Array] = {}
    unknowns = target["train"].shape[1]
    for k in range(unknowns):
        model = HistGradientBoostingRegressor(**SETTINGS, random_state=seed)
        model.fit(np.concatenate(features["train"]), np.tile(target["train"][:, k], len(prefixes)))
        weights |= {f"{k}/{name}": array for name, array in _nodes(model).items()}
    side = "validation" if len(target["validation"]) else "train"
    error = [apply_trees(weights, part, unknowns) - target[side] for part in features[side]]
    return weights | {"spread": np.stack([np.sqrt((part**2).mean(axis=0)) for part in error])}


def _nodes(model: object) -> dict[str, Array]:
    """Return the nodes of all trees, one after another, with children counted from the first node of all."""
    trees = [predictors[0].nodes for predictors in model._predictors]  # type: ignore
    first = np.concatenate([[0], np.cumsum([len(nodes) for nodes in trees])])
    shifted = {name: np.concatenate([nodes[name] for nodes in trees]) for name in NODES}
    shift = np.repeat(first[:-1], [len(nodes) for nodes in trees])
    for child in ("left", "right"):
        shifted[child] = shifted[child].astype(np.int64) + shift
    start = {"roots": first[:-1], "start": np.array(model._baseline_prediction, np.float64).ravel()}  # type: ignore
    return {name: np.asarray(array) for name, array in (shifted | start).items()}


def apply_trees(weights: Arrays, features: Array, unknowns: int) -> Array:
    """Return estimates (N, P) in normal coordinates; a feature that is NaN goes right at every node."""
    columns = []
    rows = np.arange(len(features))
    for k in range(unknowns):
        tree = below(str(k), weights)
        total = np.full(len(features), float(tree["start"][0]))
        for root in tree["roots"]:
            place = np.full(len(features), root)
            while not tree["is_leaf"][place].all():
                leaf = tree["is_leaf"][place].astype(bool)
                left = features[rows, tree["feature_idx"][place]] <= tree["num_threshold"][place]
                place = np.where(leaf, place, np.where(left, tree["left"][place], tree["right"][place]))
            total += tree["value"][place]
        columns.append(total)
    return np.stack(columns, axis=1)
