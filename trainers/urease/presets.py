"""Datasets by name."""

from __future__ import annotations

from trainers.urease.config import DatasetConfig


def _presets() -> dict[str, DatasetConfig]:
    """Build for each prior version a training set of seed 42, test sets of seed 1042, and fresh ones of seed 3042."""
    named: dict[str, DatasetConfig] = {}
    for version in ("v1", "v2", "v3"):
        train = DatasetConfig(family=version, seed=42)  # type: ignore[arg-type]
        test = train.model_copy(update={"trajectories": 500, "seed": 1042})
        named |= {f"{version}_train": train, f"{version}_test": test}
        named[f"{version}_test_small"] = test.model_copy(update={"trajectories": 60})
        panel = {"trajectories": 8, "seed": 2042, "exact_samples": 1000}
        named[f"{version}_panel"] = train.model_copy(update=panel)
        named[f"{version}_fresh"] = train.model_copy(update={"trajectories": 1000, "seed": 3042})
        named[f"{version}_fresh_small"] = named[f"{version}_fresh"].model_copy(update={"trajectories": 60})
        named[f"{version}_fresh_panel"] = train.model_copy(update=panel | {"seed": 4042})
    named["v3_clean_test"] = named["v3_test"].model_copy(update={"nuisances": False})
    return named


PRESETS: dict[str, DatasetConfig] = _presets()
"""For each of the prior versions v1, v2 and v3: `v3_train`, `v3_test`, `v3_test_small`, and `v3_panel` with samples of
the exact posterior; `v3_clean_test` without nuisances. `v3_fresh`, `v3_fresh_small` and `v3_fresh_panel` have seeds of
their own: settings are chosen on the others, and these are looked at once."""
