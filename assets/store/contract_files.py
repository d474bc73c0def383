"""Write the data types of the contract to the store, and read them back bit for bit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainers.common.named_arrays import below, prefixed
from trainers.study import Evaluation, Failed, Segments, Trained, Trajectories

if TYPE_CHECKING:
    from assets.store.store import Artifact, Draft

SUMMARY = "summary"
ARRAYS = "arrays"


def write_trajectories(draft: Draft, trajectories: Trajectories) -> None:
    """Write trajectories: arrays t, y, inputs, parameters/*, drift/*, arrays/*, and a JSON description."""
    arrays = {"t": trajectories.t, "y": trajectories.y}
    if trajectories.inputs is not None:
        arrays["inputs"] = trajectories.inputs
    for group in ("parameters", "drift", "arrays"):
        arrays |= prefixed(group, getattr(trajectories, group))
    draft.arrays("trajectories", arrays)
    plain = ("names", "units", "time_unit", "input_names", "input_units", "drift_tolerance")
    description = {name: getattr(trajectories, name) for name in plain}
    description |= {name: dict(getattr(trajectories, name)) for name in ("parameter_units", "roles", "meta")}
    draft.json("trajectories", description)


def read_trajectories(artifact: Artifact) -> Trajectories:
    """Read trajectories."""
    arrays, description = artifact.arrays("trajectories"), artifact.json("trajectories")
    for name in ("names", "units", "input_names", "input_units"):
        description[name] = tuple(description[name])
    return Trajectories(
        t=arrays["t"],
        y=arrays["y"],
        inputs=arrays.get("inputs"),
        parameters=below("parameters", arrays),
        drift=below("drift", arrays),
        arrays=below("arrays", arrays),
        **description,
    )


def write_segments(draft: Draft, segments: Segments) -> None:
    """Write segments: arrays phase<i>/*, train, validation, fitted/*; counts and meta as JSON."""
    arrays = {"train": segments.train, "validation": segments.validation} | prefixed("fitted", segments.fitted)
    for index, phase in enumerate(segments.phases):
        arrays |= prefixed(f"phase{index}", phase)
    draft.arrays("segments", arrays)
    counts = [dict(row) for row in segments.counts]
    draft.json("segments", {"phases": len(segments.phases), "counts": counts, "meta": dict(segments.meta)})


def read_segments(artifact: Artifact) -> Segments:
    """Read segments."""
    arrays, description = artifact.arrays("segments"), artifact.json("segments")
    return Segments(
        phases=tuple(below(f"phase{index}", arrays) for index in range(description["phases"])),
        train=arrays["train"],
        validation=arrays["validation"],
        counts=tuple(description["counts"]),
        fitted=below("fitted", arrays),
        meta=description.get("meta", {}),
    )


def write_trained(draft: Draft, trained: Trained) -> None:
    """Write a trained model: arrays weights, state, fitted; the table history; timings, counts and meta as JSON."""
    for name in ("weights", "state", "fitted"):
        draft.arrays(name, getattr(trained, name))
    draft.table("history", trained.history)
    description = {name: dict(getattr(trained, name)) for name in ("timings", "counts", "meta")}
    draft.json("trained", {"key": trained.key, "stopped": trained.stopped} | description)


def read_trained(artifact: Artifact) -> Trained:
    """Read a trained model, or what a failed training left of one."""
    return Trained(
        weights=artifact.arrays("weights"),
        state=artifact.arrays("state"),
        fitted=artifact.arrays("fitted"),
        history=artifact.table("history"),
        **artifact.json("trained"),
    )


def write_failed(draft: Draft, failed: Failed, traceback: str = "") -> None:
    """Write a failure: status and `failure` {stage, phase, step, detail} in the manifest, and what can be kept."""
    draft.manifest["status"] = failed.status
    place = failed.place
    draft.manifest["failure"] = {
        "stage": place.stage,
        "phase": place.phase,
        "step": place.step,
        "detail": failed.detail,
    }
    if traceback:
        draft.text("traceback", traceback)
    if failed.partial is not None:
        write_trained(draft, failed.partial)


def write_evaluation(draft: Draft, evaluation: Evaluation) -> None:
    """Write an evaluation: the table summary, the tables behind it, and its arrays if it has any.

    Raises:
        ValueError: one of its tables is named summary.
    """
    if SUMMARY in evaluation.tables:
        raise ValueError(f"an evaluation has a table named {SUMMARY!r}; rename it, the name is taken")
    draft.table(SUMMARY, evaluation.summary)
    for name, table in evaluation.tables.items():
        draft.table(name, table)
    if evaluation.arrays:
        draft.arrays(ARRAYS, evaluation.arrays)


def read_evaluation(artifact: Artifact) -> Evaluation:
    """Read an evaluation."""
    tables = {name: artifact.table(name) for name in artifact.tables() if name != SUMMARY}
    arrays = artifact.arrays(ARRAYS) if artifact.holds(f"{ARRAYS}.safetensors") else {}
    return Evaluation(artifact.table(SUMMARY), tables, arrays)
