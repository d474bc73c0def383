"""A network of scaled time: scores from the linear stage, the time since its end, and what remains of the parameters.

With `x' = x/sqrt(kappa)` and `t' = M t/kappa` the equation loses M and kappa. M only sets the clock, so the network
sees it in scaled times alone: its curves obey that scaling exactly. c0 enters as `(2 c0 - 1)^2`, since c -> 1 - c maps
runs onto runs with the same statistics. The network adds a correction to the scores of the linear stage, which is good
at early times and holds the structure of this very run later.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from trainers.phase_field.microstructure.basis import Basis
from trainers.phase_field.models.linear_stage import linear_stage

Array = np.ndarray

NOMINAL = {"mean": 0.5, "amplitude": 0.1}
"""What stands for a parameter that the model is not told."""


class ScaledTime(nn.Module):
    """Correct the scores of the linear stage: features (B, T, F) and its scores (B, T, K) -> scores (B, T, K)."""

    def __init__(self, features: int, components: int, width: int, depth: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for size in [features, *[width] * (depth - 1)]:
            layers += [nn.Linear(size, width), nn.SiLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(width, components))
        self.register_buffer("feature_mean", torch.zeros(features))
        self.register_buffer("feature_std", torch.ones(features))

    def standardise(self, features: Array) -> None:
        """Set mean and std from training features (S, T, F)."""
        flat = features.reshape(-1, features.shape[-1])
        mean, std = flat.mean(axis=0), flat.std(axis=0)
        self.feature_mean = torch.from_numpy(mean.astype(np.float32))
        self.feature_std = torch.from_numpy(np.where(std > 1e-9, std, 1.0).astype(np.float32))

    def forward(self, features: Tensor, start: Tensor) -> Tensor:
        correction: Tensor = self.layers((features - self.feature_mean) / self.feature_std)
        return start + correction


def scaled_features(first: Array, parameters: Mapping[str, Array], t: Array, basis: Basis) -> tuple[Array, Array]:
    """Return features (N, T, K + 9) and the scores of the linear stage (N, T, K) of first profiles (N, R).

    Features: these scores; the log variance of the linear theory; four functions of scaled time since the end of the
    stage and since the start; `(2 c0 - 1)^2`, log kappa, log A, and the log of the stage's scaled length.
    """
    mobility, kappa = parameters["mobility"], parameters["gradient_coefficient"]
    mean, amplitude = (parameters.get(name, np.full(len(first), NOMINAL[name])) for name in ("mean", "amplitude"))
    stage = linear_stage(first, t, mobility, kappa, mean, amplitude)
    scores = basis.scores(stage.profiles)
    clock = (mobility / kappa)[:, None]
    since = (t - stage.end[:, None]) * clock
    over_time = [
        np.clip(stage.log_variance, -6, 6),
        np.log1p(np.maximum(since, 0)),
        np.log1p(t * clock),
        np.clip(since, -20, 40),
        np.tanh(since / 3),
    ]
    fixed = [(2 * mean - 1) ** 2, np.log(kappa), np.log(amplitude), np.log(stage.end * clock[:, 0])]
    columns = [*over_time, *(np.tile(column[:, None], (1, len(t))) for column in fixed)]
    return np.concatenate([scores, np.stack(columns, axis=2)], axis=2), scores
