"""Datasets of the two-body study by name."""

from __future__ import annotations

from trainers.two_body.config import CISLUNAR_KM, DatasetConfig
from trainers.two_body.general.systems import SYSTEMS


def _presets() -> dict[str, DatasetConfig]:
    """Return the datasets by name. Training sets have seed 0, test sets 1000 + number of orbits: they differ."""
    named: dict[str, DatasetConfig] = {
        "complex_TBP_planar": DatasetConfig(orbits=100),
        "TBP_complex_planar_1": DatasetConfig(family="printed", orbits=1),
        "printed_planar_1": DatasetConfig(family="printed", orbits=1),
        "circular_planar_1_train": DatasetConfig(family="circular", orbits=1),
        "elliptic_planar_1_train": DatasetConfig(orbits=1, eccentricity=(0.3, 0.5), true_anomaly=0.0),
    }
    for side, seed in (("train", 0), ("test", 1010)):
        named[f"j2_3d_10_{side}"] = DatasetConfig(problem="j2", planar=False, seed=seed)
        named[f"harmonic_oscillator_10_{side}"] = DatasetConfig(problem="harmonic_oscillator", seed=seed)
        for problem in SYSTEMS:
            named[f"{problem}_10_{side}"] = DatasetConfig(problem=problem, points=400, seed=seed)
        named[f"cr3bp_10_{side}"] = DatasetConfig(problem="cr3bp", semi_major_axis=CISLUNAR_KM, seed=seed)
    for count in (1, 4, 5, 10, 16, 100):
        train = DatasetConfig(orbits=count, seed=0)
        test = DatasetConfig(orbits=count, seed=1000 + count)
        named[f"complex_planar_{count}_train"] = train
        named[f"complex_planar_{count}_test"] = test
        named[f"complex_TBP_planar_{count}"] = train
        named[f"complex_TBP_planar_{count}_train"] = train
        named[f"complex_TBP_planar_{count}_test"] = test
        named[f"complex_TBP_planar_fixnu0_{count}"] = train.model_copy(update={"true_anomaly": 0.0})
        named[f"complex_TBP_planar_fixnu0_{count}_test"] = test.model_copy(update={"true_anomaly": 0.0})
        # TBP_complex_planar_1 is the printed orbit, set above
        named[f"TBP_complex_planar_{count}"] = named.get(f"TBP_complex_planar_{count}", train)
        for family in ("simple", "circular"):
            named[f"{family}_planar_{count}_train"] = DatasetConfig(family=family, orbits=count)
            named[f"{family}_planar_{count}_test"] = DatasetConfig(family=family, orbits=count, seed=1000 + count)
        named[f"simple_TBP_planar_{count}"] = named[f"simple_planar_{count}_train"]
        named[f"complex_3d_{count}_train"] = DatasetConfig(orbits=count, planar=False)
        named[f"complex_3d_{count}_test"] = DatasetConfig(orbits=count, planar=False, seed=1000 + count)
    return named


PRESETS: dict[str, DatasetConfig] = _presets()
"""Datasets by name; names with TBP are those of the literature."""
