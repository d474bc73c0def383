"""The torch training loop on toys: resuming, phases, schedules, early stopping, accumulation, outcomes."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from trainers.common.schedules import Plateau, Schedule, learning_rates, schedule_named
from trainers.common.torch_training.device import torch_device
from trainers.common.torch_training.epochs import train_epochs
from trainers.common.torch_training.state import start_of_phase, weights_of
from trainers.common.torch_training.task import Phase, Task, initialise
from trainers.study import Failed, Job, Segments, Trained

CPU = torch.device("cpu")
SEGMENTS = Segments((), np.arange(0), np.arange(0), ({"train_segments": 1},), {"scale": np.ones(1)})
PHASE = Phase(epochs=4, batch_size=8, learning_rate=1e-2)
X = torch.from_numpy(np.random.default_rng(0).normal(size=(27, 5, 2)).astype(np.float32))
Y = X[:, :, 0].cumsum(dim=1)


class Sequences(nn.Module):
    """A tiny LSTM with dropout, which draws from torch's global generator."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(2, 4, batch_first=True)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear(4, 1)

    def forward(self, x):
        return self.last(self.drop(self.lstm(x)[0]))[..., 0]


def task(phases=(PHASE,), network=Sequences, noise=0.1, validates=True, **settings):
    model = initialise(network, 3)

    def loss(x, y, epoch):
        error = model(x) - y
        return {"loss": (error**2).mean(), "mae": error.abs().mean()}

    def training(index, epoch):
        draws = noise * torch.randn(X[index].shape, generator=epoch.random)
        return loss(X[index] + draws, Y[index], epoch)

    return Task(
        network=model,
        phases=phases,
        seed=1,
        loss=training,
        train_size=20,
        validation_loss=(lambda index, epoch: loss(X[20:][index], Y[20:][index], epoch)) if validates else None,
        validation_size=7,
        validation_batch=3,
        columns=lambda epoch: {"forcing": max(0.5, 0.7 - 0.2 * epoch.within / epoch.epochs)},
        **settings,
    )


def trained(one, state=None, report=lambda progress: False):
    return train_epochs(Job("toy", None, SEGMENTS, state), one, report, CPU)


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


TWO = (
    replace(PHASE, schedule=schedule_named("plateau"), optimiser="adamw", checkpoint_every=2),
    replace(
        PHASE, epochs=3, start="best", optimiser_state="reset", learning_rate=1e-3, schedule=schedule_named("cosine")
    ),
)


def test_every_state_resumes_to_the_same_bits():
    states = []
    whole = trained(task(TWO), report=lambda progress: bool(states.append(dict(progress.state()))))
    assert len(states) == 7 and isinstance(whole, Trained)
    for state in states:
        resumed = trained(task(TWO), state)
        assert same(resumed.weights, whole.weights) and same(resumed.state, whole.state)
        assert resumed.history.equals(whole.history)


def test_a_training_that_ends_with_a_phase_is_a_prefix_of_the_longer_one():
    first, whole = trained(task(TWO[:1])), trained(task(TWO))
    resumed = trained(task(TWO), first.state)
    assert same(resumed.weights, whole.weights) and resumed.history.equals(whole.history)
    assert np.array_equal(whole.weights["phase0/best/last.bias"], first.weights["best/last.bias"])


def test_the_global_random_state_is_neither_used_nor_changed():
    torch.manual_seed(0)
    before = torch.random.get_rng_state()
    one = trained(task())
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(99)
    assert same(one.weights, trained(task()).weights)


def test_the_history_has_parts_columns_and_the_norm_of_the_gradient():
    history = trained(task()).history
    named = ["phase", "epoch", "step", "learning_rate", "loss", "mae", "gradient_norm"]
    assert list(history) == [*named, "validation_loss", "validation_mae", "forcing"]
    assert history["epoch"].tolist() == [1, 2, 3, 4] and history["step"].tolist() == [3, 6, 9, 12]
    assert history["forcing"].tolist() == pytest.approx([0.7, 0.65, 0.6, 0.55])


def test_the_last_batch_is_short_and_no_sample_is_dropped():
    sizes = []
    one = task()
    usual = one.loss
    recording = replace(one, loss=lambda index, epoch: sizes.append(index.tolist()) or usual(index, epoch))
    trained(recording)
    assert [len(index) for index in sizes] == [8, 8, 4] * 4
    for epoch in range(4):
        assert sorted(index for batch in sizes[3 * epoch : 3 * epoch + 3] for index in batch) == list(range(20))
    assert sizes[:3] != sizes[3:6]


def test_the_loss_of_an_epoch_is_the_mean_over_samples():
    rate = 1e-12
    outcome = trained(task((replace(PHASE, learning_rate=rate, epochs=1),), noise=0.0, network=Plain))
    model = initialise(Plain, 3)
    with torch.no_grad():
        error = model(X) - Y
    assert outcome.history["loss"][0] == pytest.approx(float((error[:20] ** 2).mean()), rel=1e-5)
    assert outcome.history["validation_loss"][0] == pytest.approx(float((error[20:] ** 2).mean()), rel=1e-5)


class Plain(nn.Module):
    """A perceptron without dropout."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))

    def forward(self, x):
        return self.layers(x)[..., 0]


def test_accumulated_parts_take_the_step_of_the_whole_batch():
    whole, parts = (trained(task((replace(PHASE, parts=k),), network=Plain, noise=0.0)) for k in (1, 3))
    for name in whole.weights:
        np.testing.assert_allclose(parts.weights[name], whole.weights[name], rtol=2e-4, atol=2e-6)
    np.testing.assert_allclose(parts.history["loss"], whole.history["loss"], rtol=1e-5)
    assert not same(whole.weights, trained(task((replace(PHASE, batch_size=3),), network=Plain, noise=0.0)).weights)


def test_clipping_limits_the_step_and_the_norm_is_that_before_it():
    """Under plain gradient descent a step is no longer than rate x limit; Adam hides it, so look at the gradient."""
    norms = []
    one = task((replace(PHASE, clip_norm=1e-3, epochs=1),), network=Plain)
    one.network.register_forward_pre_hook(lambda *_: norms.append(_norm(one.network)))
    outcome = trained(one)
    clipped = [norm for norm in norms if norm > 0]
    assert clipped and max(clipped) <= 1e-3 * (1 + 1e-5) and outcome.history["gradient_norm"][0] > 1e-2


def _norm(network):
    gradients = [weight.grad for weight in network.parameters() if weight.grad is not None]
    return float(torch.cat([gradient.ravel() for gradient in gradients]).norm()) if gradients else 0.0


def test_rates_follow_the_schedule_of_each_phase():
    history = trained(task(TWO)).history
    second = history[history["phase"] == 1]
    expected = learning_rates("cosine", 1e-3, np.arange(9), 9)[2::3]
    assert second["learning_rate"].tolist() == pytest.approx(expected.tolist())


def test_a_plateau_acts_after_the_warm_up_and_stops_at_its_floor():
    """Three epochs rise; no later loss counts as progress: 0.7 per epoch, down to 0.3 of the peak."""
    rule = Schedule(shape="plateau", warmup=0.25, factor=0.7, patience=1, threshold=0.999, floor=0.3)
    phase = replace(PHASE, epochs=12, batch_size=20, schedule=rule, learning_rate=1e-3)
    states = []
    outcome = trained(task((phase,)), report=lambda progress: bool(states.append(dict(progress.state()))))
    expected = [1 / 3, 2 / 3, 1, 1, 0.7, 0.49, 0.343, *[0.3] * 5]
    assert (outcome.history["learning_rate"] / 1e-3).tolist() == pytest.approx(expected)
    assert trained(task((phase,)), states[5]).history.equals(outcome.history)


def test_a_negative_score_makes_progress_downwards_only():
    rule = Schedule(shape="plateau", patience=1)
    start = Plateau().update(-10.0, rule)
    assert start.update(-9.995, rule).factor == 0.5 and start.update(-10.02, rule).factor == 1.0


def test_patience_ends_a_phase_and_the_best_weights_stay():
    phase = replace(PHASE, epochs=60, patience=2, learning_rate=0.3)
    outcome = trained(task((phase,), network=Plain))
    scores = outcome.history["validation_loss"]
    assert len(scores) == outcome.counts["best_epoch"] + 2 < 60 and scores.idxmin() + 1 == outcome.counts["best_epoch"]
    assert not np.array_equal(outcome.weights["best/layers.0.weight"], outcome.weights["last/layers.0.weight"])
    again = trained(task((phase,), network=Plain), outcome.state)
    assert again.history.equals(outcome.history) and same(again.weights, outcome.weights)


def test_a_gap_between_validation_and_training_ends_a_phase():
    assert len(trained(task((replace(PHASE, largest_gap=-0.99),))).history) == 1
    assert len(trained(task((replace(PHASE, largest_gap=1e3),))).history) == 4


def test_a_gradient_that_explodes_is_divergence():
    outcome = trained(task((replace(PHASE, largest_gradient=1e-6),)))
    assert (
        isinstance(outcome, Failed) and outcome.status == "diverged" and "mean norm of the gradient" in outcome.detail
    )


def test_a_diverging_loss_is_an_outcome_with_the_best_model_so_far():
    one = task()
    usual = one.loss

    def breaks(index, epoch):
        losses = usual(index, epoch)
        return {**losses, "loss": losses["loss"] * (np.nan if epoch.number == 2 else 1.0)}

    outcome = trained(replace(one, loss=breaks))
    assert isinstance(outcome, Failed) and outcome.status == "diverged" and "loss nan" in outcome.detail
    assert "in epoch 3; lower the rate; last finite loss" in outcome.detail
    assert outcome.partial is not None and len(outcome.partial.history) == 2
    shorter = trained(task((replace(PHASE, epochs=2),)))
    assert outcome.partial.weights["best/last.bias"].tolist() == shorter.weights["best/last.bias"].tolist()


def test_a_validation_loss_that_is_not_finite_is_divergence_with_its_place():
    one = task(TWO)
    usual = one.validation_loss

    def breaks(index, epoch):
        return {name: value * (np.nan if epoch.phase == 1 else 1.0) for name, value in usual(index, epoch).items()}

    outcome = trained(replace(one, validation_loss=breaks))
    assert isinstance(outcome, Failed) and outcome.status == "diverged"
    assert "validation loss nan in epoch 5" in outcome.detail
    assert (outcome.place.stage, outcome.place.phase, outcome.place.step) == ("train", 1, 15)
    assert outcome.partial is not None and len(outcome.partial.history) == 4


def test_a_true_report_stops_the_training():
    outcome = trained(task(), report=lambda progress: progress.step >= 6)
    assert outcome.stopped and len(outcome.history) == 2 and outcome.counts["steps"] == 6
    assert not trained(task(), report=lambda progress: progress.step >= 12).stopped


def test_progress_reports_phase_ends_and_losses_only():
    reports = []
    trained(task(TWO), report=lambda progress: bool(reports.append(progress)))
    assert [progress.phase_end for progress in reports] == [False, False, False, True, False, False, True]
    assert reports[0].losses.keys() == {"loss", "validation_loss"} and reports[0].total_steps == 21


def first_epoch_of_second_phase(start, optimiser_state):
    """Return the weights before the second phase, and after its first epoch."""
    phases = (replace(PHASE, learning_rate=0.3, epochs=6), replace(PHASE, start=start, optimiser_state=optimiser_state))
    before = []
    one = task(phases, network=Plain, noise=0.0)
    usual = one.loss

    def loss(index, epoch):
        if epoch.phase == 1 and not before:
            before.append(weights_of(one.network))
        return usual(index, epoch)

    outcome = trained(replace(one, loss=loss), report=lambda progress: progress.phase == 1)
    return before[0], outcome


def test_a_phase_starts_from_its_configured_weights():
    for start in ("last", "best"):
        before, outcome = first_epoch_of_second_phase(start, "keep")
        for name, array in before.items():
            assert np.array_equal(array, outcome.weights[f"phase0/{start}/{name}"])
    assert not np.array_equal(
        outcome.weights["phase0/last/layers.0.weight"], outcome.weights["phase0/best/layers.0.weight"]
    )


def test_a_phase_that_starts_from_the_best_epoch_is_the_one_that_starts_from_the_best():
    every = (replace(TWO[0], checkpoint_every=1), TWO[1])
    first = trained(task(every[:1]))
    state = start_of_phase(first.state, 1, f"epoch{first.counts['best_epoch']}")
    whole, made = trained(task(every)), trained(task(every), state)
    assert same(whole.weights, made.weights) and whole.history.equals(made.history)
    with pytest.raises(ValueError, match="no weights 'epoch9' to start phase 1 from; there are: epoch1, epoch2"):
        start_of_phase(first.state, 1, "epoch9")


def test_moments_are_kept_or_reset():
    """Adam counts its steps: 18 before the second phase, 3 in its first epoch."""
    steps = {
        choice: first_epoch_of_second_phase("last", choice)[1].state["optimiser/layers.0.weight/step"]
        for choice in ("keep", "reset")
    }
    assert steps == {"keep": 21, "reset": 3}


def test_the_best_score_is_reset_with_each_phase():
    """A worse loss in a new phase must not leave the weights of the old one as best: losses may differ by phase."""
    one = task((replace(PHASE, epochs=2), replace(PHASE, epochs=1)))
    usual = one.validation_loss
    raised = replace(one, validation_loss=lambda i, e: {n: v + 100 * e.phase for n, v in usual(i, e).items()})
    assert trained(raised).counts["best_epoch"] == 3


def test_without_validation_the_training_loss_decides():
    outcome = trained(task(validates=False))
    assert outcome.history["validation_loss"].isna().all() and outcome.counts["no_validation"] == 1
    assert outcome.counts["best_epoch"] == outcome.history["loss"].idxmin() + 1


def test_a_state_of_a_longer_training_is_refused():
    with pytest.raises(ValueError, match="at epoch 4, beyond the configuration's 2"):
        trained(task((replace(PHASE, epochs=2),)), trained(task()).state)
    with pytest.raises(ValueError, match="in phase 1, the configuration has 1"):
        trained(task(), trained(task(TWO)).state)


def test_a_state_of_another_network_is_refused_in_one_line():
    with pytest.raises(ValueError, match="do not fit this network") as raised:
        trained(task(network=Plain), trained(task()).state)
    assert "\n" not in str(raised.value)
    with pytest.raises(ValueError, match="no state of a training by epochs"):
        trained(task(), {"weights/a": np.zeros(1)})


def test_device_choices_map_to_torch_devices(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert torch_device("cpu").type == torch_device("auto").type == "cpu"
    with pytest.raises(ValueError, match="torch sees none"):
        torch_device("gpu")
    with pytest.raises(ValueError, match="expected cpu, gpu or auto"):
        torch_device("tpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert torch_device("cpu").type == "cpu" and torch_device("auto").type == torch_device("gpu").type == "cuda"
