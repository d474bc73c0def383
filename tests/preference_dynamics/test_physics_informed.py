"""The physics-informed network: its surrogate, its penalty, and that it learns."""

import numpy as np
import pytest
import torch

from trainers.preference_dynamics.config import DatasetConfig, ModelConfig, Physics
from trainers.preference_dynamics.models.surrogate import Surrogate, _positive_part, misfit
from trainers.preference_dynamics.segment import segment
from trainers.preference_dynamics.simulate import simulate
from trainers.preference_dynamics.system.solution import solve
from trainers.preference_dynamics.train import train
from trainers.study import Job

FEATURES = ("time_step", "log_scale")
SMALL = {"kind": "pinn", "features": FEATURES, "filters": (8,), "kernels": (3,), "hidden": (16,), "dropout": 0.0}


class Exact(torch.nn.Module):
    """The solution while v > mu and m > 0, by matrix exponentials."""

    def forward(self, unknowns, t):
        g, _, pi, gamma, v0, m0 = unknowns[0].tolist()
        matrix = torch.tensor([[0.0, -pi, g], [1.0, -gamma, 0.0], [0.0, 0.0, 0.0]])
        start = torch.tensor([v0, m0, 1.0])
        state = torch.stack([torch.matrix_exp(matrix * s) @ start for s in t[0]])
        return state[None, :, :2], (state @ matrix.T)[None, :, :2]


def network_inputs(unknowns, points=20):
    t = np.arange(points, dtype=float)
    y = solve(unknowns, t, 1)
    spread = y.std(axis=1)
    x = torch.tensor(np.moveaxis(y / spread[:, None], 1, 2), dtype=torch.float32)
    features = torch.tensor(np.column_stack([np.ones(1), np.log(spread)]), dtype=torch.float32)
    return torch.tensor(unknowns, dtype=torch.float32), x, features


def test_the_surrogate_starts_at_the_initial_values_and_its_rate_is_its_derivative():
    surrogate, t = Surrogate(6, 2, 8), torch.rand(3, 4, requires_grad=True)
    unknowns = torch.randn(3, 6)
    state, rate = surrogate(unknowns, t)
    for k in range(2):
        assert torch.allclose(
            torch.autograd.grad(state[..., k].sum(), t, retain_graph=True)[0], rate[..., k], atol=1e-6
        )
    assert torch.allclose(surrogate(unknowns, torch.zeros(3, 1))[0][:, 0], unknowns[:, -2:])


def test_the_true_solution_has_no_misfit_and_another_one_has():
    true = network_inputs(np.array([[1.0, 0.0, 0.8, 1.5, 1.9, 1.2]]))
    assert misfit(Exact(), *true, Physics(points=20)) < 1e-9
    wrong = true[0] * torch.tensor([1.1, 1, 1, 1, 1, 1])
    assert misfit(Exact(), wrong, *true[1:], Physics(points=20, equations=0)) > 1e-3
    assert misfit(Surrogate(6, 2, 8), *true, Physics(points=20, data=0, equations=1)) > 1e-3


def test_temperature_smooths_the_maximum_and_0_does_not():
    x = torch.linspace(-3, 3, 7)
    assert torch.equal(_positive_part(x, 0.0), x.clamp(min=0))
    assert torch.allclose(_positive_part(x, 1.0), torch.log1p(torch.exp(x)))


@pytest.mark.parametrize(
    "setting", [{"data": 0.0}, {"equations": 0.0}, {"temperature": 1.0}, {"points": 5}, {"width": 8}]
)
def test_pinn_learns_and_no_setting_is_ignored(setting):
    data = simulate(DatasetConfig(trajectories=60, points=41, seed=5))
    models = []
    for physics in ({}, setting):
        config = ModelConfig(**SMALL, epochs=12, learning_rate=1e-2, physics=physics)
        models.append(next(train([Job("one", config, segment(config.segmentation(), data))])))
    assert all(one.history["loss"].min() < 0.9 * one.history["loss"].iloc[0] for one in models)
    assert models[0].history["loss"].iloc[-1] != models[1].history["loss"].iloc[-1]
