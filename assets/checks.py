"""Asset checks: what must hold of every artifact, gathered over the items of a run.

A check is a pure function of an item and the store that returns a complaint, or nothing when all is well.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import dagster as dg

from assets.home.disk_space import quota_gb, size_of, size_of_sweep
from assets.identity.canonical import Item, LayerName
from assets.store.errors import free_bytes
from assets.store.store import Store, home
from assets.store.train_test_overlap import known_trajectories
from assets.sweeps.sweep import Sweep

Complaint = str | None


@dataclass(frozen=True)
class Check:
    """A named property of the artifacts of one layer."""

    name: str
    layer: LayerName
    description: str
    complain: Callable[[Item, Store], Complaint]
    severity: dg.AssetCheckSeverity = dg.AssetCheckSeverity.ERROR


def invariants_conserved(item: Item, store: Store) -> Complaint:
    """Complain where a conserved quantity drifts by more than the dataset's own tolerance."""
    from assets.store.contract_files import read_trajectories

    trajectories = read_trajectories(store.open(*item.address))
    worst = {name: float(drift.max()) for name, drift in trajectories.drift.items() if drift.size}
    excess = {name: drift for name, drift in worst.items() if not drift <= trajectories.drift_tolerance}
    if not excess:
        return None
    return ", ".join(f"{name} drifts by {drift:.2g}" for name, drift in excess.items()) + (
        f"; expected at most {trajectories.drift_tolerance:.2g} relative"
    )


def dataset_finite(item: Item, store: Store) -> Complaint:
    """Complain of values that are not finite before the padding at the end of a trajectory."""
    import numpy as np

    from assets.store.contract_files import read_trajectories

    trajectories = read_trajectories(store.open(*item.address))
    finite = np.isfinite(trajectories.y).all(axis=2) & np.isfinite(trajectories.t)
    lengths = finite.sum(axis=1)
    holes = [int(n) for n, row in enumerate(finite) if not row[: lengths[n]].all() or lengths[n] < 2]
    return f"trajectories {holes[:10]} have gaps or fewer than 2 finite points" if holes else None


def splits_disjoint(item: Item, store: Store) -> Complaint:
    """Complain where a trajectory gives segments to training and to validation."""
    from assets.store.contract_files import read_segments

    segments = read_segments(store.open(*item.address))
    shared = set(segments.train.tolist()) & set(segments.validation.tolist())
    return f"trajectories {sorted(shared)[:10]} are in training and in validation" if shared else None


def segments_usable(item: Item, store: Store) -> Complaint:
    """Complain where a phase has no training segment."""
    from assets.store.contract_files import read_segments

    segments = read_segments(store.open(*item.address))
    return None if segments.usable else "a phase has no usable segment; shorten segment_length or widen window"


def model_finite(item: Item, store: Store) -> Complaint:
    """Complain of weights or losses that are not finite."""
    import numpy as np

    from assets.store.contract_files import read_trained

    trained = read_trained(store.open(*item.address))
    bad = [name for name, array in trained.weights.items() if not np.isfinite(array).all()]
    return f"weights {bad[:5]} are not finite" if bad else None


def evaluation_finite(item: Item, store: Store) -> Complaint:
    """Complain of a headline that is not a number."""
    import math

    numbers = store.open(*item.address).manifest["numbers"]
    values = {name: numbers.get(name) for name in ("headline", "baseline")}
    missing = [name for name, value in values.items() if value is None or not math.isfinite(value)]
    return f"{' and '.join(missing)} not finite on test set {item.config['test']}" if missing else None


def beats_constant_baseline(item: Item, store: Store) -> Complaint:
    """Complain of a model that is no better than the trivial constant predictor."""
    numbers = store.open(*item.address).manifest["numbers"]
    headline, baseline = numbers["headline"], numbers["baseline"]
    if headline is None or baseline is None:  # the manifest has null for NaN
        return f"no number on {item.config['test']}"
    return None if headline < baseline else f"{headline:.4g} on {item.config['test']}; a constant has {baseline:.4g}"


def no_test_trajectory_in_training(item: Item, store: Store) -> Complaint:
    """Complain where a trajectory of the test set is one of the training dataset, bit for bit."""
    repeated, count = known_trajectories(item, store)
    return f"{repeated} of {count} trajectories of {item.config['test']} are training data" if repeated else None


WARN = dg.AssetCheckSeverity.WARN

CHECKS: tuple[Check, ...] = (
    Check("invariants_conserved", "dataset", "Conserved quantities stay constant.", invariants_conserved),
    Check("finite", "dataset", "Every value before the padding is finite.", dataset_finite),
    Check("splits_disjoint", "segments", "No trajectory trains and validates.", splits_disjoint),
    Check("usable", "segments", "Every phase has training segments.", segments_usable, WARN),
    Check("finite", "model", "Every weight is finite.", model_finite),
    Check("finite", "evaluation", "The headline metric is a number.", evaluation_finite),
    Check("beats_baseline", "evaluation", "The model is better than a constant.", beats_constant_baseline, WARN),
    Check("test_unseen", "evaluation", "No test trajectory is training data.", no_test_trajectory_in_training, WARN),
)


def check_specs(layer: LayerName, asset: dg.AssetKey) -> list[dg.AssetCheckSpec]:
    """Return the specifications of the checks of one layer."""
    return [dg.AssetCheckSpec(c.name, asset=asset, description=c.description) for c in CHECKS if c.layer == layer]


def run_checks(
    layer: LayerName, asset: dg.AssetKey, items: Iterable[Item], store: Store
) -> Iterator[dg.AssetCheckResult]:
    """Check all items that a run made, one result per check."""
    items_checked = list(items)
    for check in (c for c in CHECKS if c.layer == layer):
        complaints = {item.key: text for item in items_checked if (text := check.complain(item, store))}
        yield dg.AssetCheckResult(
            asset_key=asset,
            check_name=check.name,
            passed=not complaints,
            severity=check.severity,
            metadata={
                "checked": len(items_checked),
                "complaints": dg.MetadataValue.json(dict(list(complaints.items())[:50])),
            },
            description=_summary(complaints, len(items_checked)),
        )


DISK = "within_quota"
"""The check of a sweep's leaderboard: how much disk it takes, and whether the home keeps to its quota."""


def disk_spec(asset: dg.AssetKey) -> dg.AssetCheckSpec:
    """Return the specification of the check of disk use."""
    return dg.AssetCheckSpec(DISK, asset=asset, description="The home holds no more than its quota (ORRERY_QUOTA_GB).")


def check_disk(asset: dg.AssetKey, sweep: Sweep, store: Store) -> dg.AssetCheckResult:
    """Measure what a sweep takes, and where there is a quota what the home holds; fail above the quota."""
    quota, used = quota_gb(), size_of_sweep(sweep, store)
    sizes = {"sweep": used / 1e9, "free": free_bytes(home()) / 1e9}
    if quota == math.inf:
        passed, text = True, f"{sweep.name} takes {used / 1e9:.3g} GB; no quota is set"
    else:
        sizes |= {"home": size_of(home()) / 1e9, "quota": quota}
        passed = sizes["home"] <= quota
        text = f"{sweep.name} takes {used / 1e9:.3g} GB; the home holds {sizes['home']:.3g} of {quota:g} GB"
    metadata = {f"{name} [GB]": value for name, value in sizes.items()}
    hint = "" if passed else "; `orrery gc` lists what can go"
    return dg.AssetCheckResult(
        asset_key=asset, check_name=DISK, passed=passed, metadata=metadata, description=text + hint
    )


def _summary(complaints: dict[str, str], checked: int) -> str:
    if not complaints:
        return f"all {checked} hold"
    key, text = next(iter(complaints.items()))
    return f"{len(complaints)} of {checked} do not hold; first: {key}: {text}"
