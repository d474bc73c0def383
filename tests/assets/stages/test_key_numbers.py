import numpy as np
import pandas as pd
import pytest

from assets.stages.key_numbers import loss_spikes
from tests.toy_study.items import make, make_inputs, toy_model


def history(losses, phases=None):
    steps = range(1, len(losses) + 1)
    return pd.DataFrame({"phase": phases or [0] * len(losses), "step": steps, "loss": losses})


def test_spikes_are_counted_and_the_largest_is_named():
    losses = np.exp(-np.arange(300) / 100) * (1 + 0.05 * np.random.default_rng(0).standard_normal(300))
    assert loss_spikes(history(losses)) == {"count": 0}
    losses[100:103] *= 5
    losses[200] *= 20
    spikes = loss_spikes(history(losses))
    assert (spikes["count"], spikes["step"]) == (2, 201)
    assert spikes["ratio"] == pytest.approx(20, rel=0.2)


def test_neither_a_new_phase_nor_a_short_or_constant_history_is_a_spike():
    assert loss_spikes(history([0.01] * 60 + [1.0] * 60, [0] * 60 + [1] * 60)) == {"count": 0}
    assert loss_spikes(history([])) == {"count": 0}
    assert loss_spikes(history([0.0, -1.0, 3.0])) == {"count": 0}


def test_the_manifest_of_a_model_says_how_often_its_loss_spiked(store):
    model = toy_model()
    make_inputs(store, model)
    make(store, model)
    assert store.manifest(*model.address)["spikes"] == {"count": 0}
