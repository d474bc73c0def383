"""Checkpoints that cannot be used are refused with the reason; without any, training starts over with a warning."""

import numpy as np
import pytest

from assets.home.checkpoints import Checkpoints
from assets.identity.items import dataset_item, model_item, segments_item
from assets.stages.freshness import Planner
from assets.stages.make import run
from tests.faults.pipeline import chain, make, manifests
from tests.two_body.problem_set import small
from trainers.study import Progress
from trainers.two_body.config import DatasetConfig, Phase

DAMAGES = {
    "flipped": lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:],
    "truncated": lambda data: data[: len(data) // 2],
    "foreign": lambda data: b"not a checkpoint at all",
    "empty": lambda data: b"",
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_where_no_checkpoint_is_left_the_training_starts_over_and_says_so(plain, damage: str, caplog) -> None:
    items = chain(phases=({"steps": 60},))
    model = items[2]
    list(make(plain, *items[:2]))
    fingerprint = Planner(plain).fingerprint(model)
    assert run(model, fingerprint, plain, lambda progress: progress.step >= 20).status == "interrupted"
    files = sorted(Checkpoints("plain", model.hash, fingerprint.value).directory.iterdir())
    assert files
    for path in files:
        path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert run(model, fingerprint, plain).status == "ok"
    resumed = plain.manifest(*model.address)["resumed"]
    assert resumed["step"] == 0 and [line.split(":")[0] for line in resumed["refused"]] == [f.name for f in files][::-1]
    assert f"{model.key}: checkpoint refused: {files[-1].name}" in caplog.text
    assert "none is left, it starts over" in caplog.text
    models = manifests(plain.root, "model")
    plain.remove(*model.address)
    list(make(plain, model))
    assert manifests(plain.root, "model") == models


def two_body_model(**settings):
    dataset, config = DatasetConfig(orbits=3, points=60), small(**settings)
    return model_item(segments_item(dataset_item("two_body", dataset), config.segmentation()), config)


@pytest.mark.parametrize("change", [{"activation": "relu"}, {"width": 16}, {"phases": (Phase(steps=11),)}])
def test_a_checkpoint_of_another_network_is_refused_though_its_arrays_would_fit(fresh_home, change: dict) -> None:
    """The configuration's hash stands in the header; a copied or renamed directory does not change that."""
    own, other = two_body_model(), two_body_model(**change)
    saved = Checkpoints("two_body", own.hash, "same code")
    saved.offer(Progress(own.key, 0, 7, 10, {}, lambda: {"weights": np.ones((4, 8))}, phase_end=True))
    assert saved.newest().step == 7
    there = Checkpoints("two_body", other.hash, "same code")
    saved.directory.rename(there.directory)
    restored = there.newest()
    assert restored.state is None and restored.step == 0
    assert f"belongs to hash {own.hash}, not to {other.hash}" in restored.refusals[0]
