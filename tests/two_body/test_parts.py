"""Orbits simulated in parts are, bit for bit, those of one call."""

import pytest

from assets.stages.parts import join
from tests.assets.stages.test_parts import assert_same_bits
from trainers.two_body import config as two_body
from trainers.two_body.config import DatasetConfig
from trainers.two_body.simulate import simulate


@pytest.mark.parametrize(
    "settings",
    [{}, {"planar": False, "revolutions": 2.0}, {"family": "circular", "true_anomaly": 30.0}, {"problem": "j2"}],
)
def test_parts_join_to_the_set_of_one_call(monkeypatch, settings):
    monkeypatch.setattr(two_body, "PART_ORBITS", 100)
    config = DatasetConfig(orbits=230, points=24, seed=3, **settings)
    parts = [simulate(config, part) for part in range(config.parts())]
    assert [len(part.t) for part in parts] == [64, 64, 102]
    assert_same_bits(join(parts), simulate(config))


def test_the_number_of_parts_does_not_change_the_identity():
    assert DatasetConfig(orbits=20_000).parts() == 1 and DatasetConfig(orbits=1_000_000).parts() == 50
    assert "parts" not in DatasetConfig.model_fields
