"""Evaluate the one-step error."""

import numpy as np
import pandas as pd

from tests.toy_study.apply import apply
from tests.toy_study.config import ModelConfig
from trainers.study import Evaluation, Trained, Trajectories


def evaluate(config: ModelConfig, trained: Trained, test: Trajectories) -> Evaluation:
    """Return the RMS one-step error [m], over all trajectories and each alone."""
    now, then = test.y[:, :-1], test.y[:, 1:]
    errors = np.sqrt(((apply(config, trained)(now) - then) ** 2).mean(axis=(1, 2)))
    baseline = np.sqrt(((now - then) ** 2).mean(axis=(1, 2)))
    rows = [(metric, float(v.mean()), "m", len(v)) for metric, v in (("step_error", errors), ("baseline", baseline))]
    summary = pd.DataFrame(rows, columns=["metric", "value", "unit", "n"])
    table = pd.DataFrame({"trajectory": np.arange(len(errors)), "n": now.shape[1], "step_error": errors})
    return Evaluation(summary, {"per_trajectory": table})
