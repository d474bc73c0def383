"""One artifact while it is made: its place in the store and the home, and the calls of the study's stages."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any, get_type_hints

from assets.home.checkpoints import Checkpoints
from assets.home.hardware import choose_device, computing_device, peak_memory, torch_blocks, usable_cpus
from assets.home.running import RunningRecord
from assets.identity.canonical import Fingerprint, Item
from assets.stages.joint_training import TrainingRequest, TrainingResult
from assets.stages.key_numbers import last_numbers, loss_spikes
from assets.stages.parts import parts_of, remove_parts, seconds_of_parts, simulate_parts
from assets.stages.warm_start import WarmStart
from assets.stages.watch import Watch
from assets.store import contract_files
from assets.store.manifest import ManifestFields
from assets.store.store import Draft, Store
from assets.store.train_test_overlap import check_test, check_validation
from assets.sweeps.file_dataset import FileDataset, is_file, read_file
from trainers import STUDIES
from trainers.study import (
    SETTLED,
    Arrays,
    Failed,
    Job,
    ModelConfigBase,
    Place,
    Repeatable,
    Report,
    Segments,
    Study,
    Trained,
    Trajectories,
)

log = logging.getLogger("orrery.training")


@dataclass
class Making:
    """One artifact while it is made."""

    item: Item
    fingerprint: Fingerprint
    stage: str
    """The function of the study that makes it."""
    store: Store
    report: Report = lambda progress: False
    timings: dict[str, float] = field(default_factory=dict)
    notes: ManifestFields = field(default_factory=ManifestFields)
    """What the manifest says beyond the fields that every artifact has."""
    on_stored: Callable[[], None] = lambda: None
    elsewhere: float = 0.0
    """Seconds of its training that are charged to others."""

    def __post_init__(self) -> None:
        self.checkpoints = Checkpoints(self.item.study, self.item.hash, self.fingerprint.value)
        self.record = RunningRecord(*self.item.address)
        self.watch = Watch(self.report, self.checkpoints, self.record)
        self._torch_blocks = torch_blocks()

    @property
    def study(self) -> Study:
        """The study of the item."""
        if self.item.study not in STUDIES:
            raise ValueError(f"unknown study {self.item.study!r}; expected one of {', '.join(STUDIES)}")
        return STUDIES[self.item.study]

    @property
    def ranking_study(self) -> Study:
        """The study with the headline metrics of the model that is evaluated; of other layers the study itself."""
        if self.item.layer != "evaluation":
            return self.study
        return self.study.of(self.study.model.model_validate(self.item.model.config))

    @property
    def stored(self) -> bool:
        """Whether a good artifact of this fingerprint is in the store."""
        present = self.store.manifest(*self.item.address)
        return bool(present and present["status"] == "ok" and present["fingerprint"] == self.fingerprint.value)

    @property
    def place(self) -> Place:
        """The place that was reported last."""
        return Place(self.stage, self.watch.phase, self.watch.step)

    def failure(self, status: Repeatable, detail: str, partial: Trained | None = None) -> Failed:
        """Describe a failure at the place that was reported last."""
        return Failed(self.item.key, status, self.place, detail, partial)

    def store_failure(self, failed: Failed, trace: str = "") -> str:
        """Write a failure as the artifact, unless a good one of the same fingerprint is there; return its detail."""
        fields = {"status": failed.status, **asdict(failed.place), "detail": failed.detail}
        self.record.write("end", **fields, traceback=trace)
        if self.stored:
            return failed.detail
        try:
            with self.draft() as draft:
                contract_files.write_failed(draft, failed, trace)
                draft.manifest["numbers"] = last_numbers(failed, self.watch.last_losses)
        except OSError as error:
            return f"{failed.detail}; this row could not be stored ({error})"
        if failed.status in SETTLED:
            self.checkpoints.clear()
        return failed.detail

    @contextmanager
    def timed(self, name: str) -> Iterator[None]:
        """Record the seconds of a block, without those charged to others."""
        started = time.monotonic()
        try:
            yield
        finally:
            self.timings[name] = time.monotonic() - started - self.elsewhere

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """Open a draft whose manifest says what the artifact is and what it was made of."""
        with self.store.writing(*self.item.address) as draft:
            draft.manifest |= origin_fields(self.item, self.fingerprint) | {"cohort": self.item.cohort}
            framework = STUDIES[self.item.study].framework if self.item.study in STUDIES else ""
            device = computing_device(framework, self._torch_blocks)
            draft.manifest |= {"timings": self.timings, "device": device, "peak_memory": peak_memory()}
            draft.manifest |= {"cpus": len(usable_cpus())}
            draft.manifest |= self.notes
            yield draft


def origin_fields(item: Item, fingerprint: Fingerprint) -> ManifestFields:
    """Return the fields of a manifest that come from its item and its fingerprint."""
    return {
        "key": item.key,
        "label": item.label,
        "config": dict(item.config),
        "fingerprint": fingerprint.value,
        "parts": {"config": fingerprint.config, "code": fingerprint.code, "inputs": dict(fingerprint.inputs)},
    }


def simulate(making: Making) -> Any:
    """Simulate a dataset, or read it from the user's file."""
    if is_file(making.item.config):
        return making.study.accept(read_file(FileDataset.model_validate(making.item.config)))
    config = making.study.dataset.model_validate(making.item.config)
    making.notes["seed"] = getattr(config, "seed", None)
    if not parts_of(making.item):
        return making.study.simulate(config)
    making.timings["parts"] = seconds_of_parts(making.item, making.store)
    making.on_stored = lambda: remove_parts(making.item, making.store)
    return simulate_parts(making.item, making.fingerprint, making.store)


def simulate_part(making: Making) -> Any:
    """Simulate one part of a dataset."""
    config = making.study.dataset.model_validate(making.item.config["dataset"])
    making.notes["seed"] = getattr(config, "seed", None)
    return making.study.simulate(config, making.item.config["part"])


def segment(making: Making, trajectories: Trajectories, validation: Trajectories | None = None) -> Segments:
    """Cut trajectories into segments; their counts go into the manifest.

    Raises:
        ValueError: the validation data have other channels or units, or share a trajectory with the training data.
    """
    if validation is not None:
        check_validation(trajectories, validation)
    projection = get_type_hints(making.study.model.segmentation)["return"]
    segments = making.study.segment(projection.model_validate(making.item.config), trajectories, validation)
    making.notes["counts"] = [dict(row) for row in segments.counts]
    return segments


def train(making: Making, segments: Segments) -> Generator[TrainingRequest, TrainingResult, Trained | Failed]:
    """Request the training of a model from the most advanced stored state, and wait for it."""
    config = _model_config(making, making.item)
    if not segments.usable:
        return _without_segments(making, segments)
    warm_start = WarmStart(making.item, making.fingerprint, making.store, config, segments)
    making.watch.on_phase_end = warm_start.store_phase_end
    job = Job(making.item.key, config, segments, _initial_state(making, warm_start), choose_device())
    trained, making.elsewhere = yield TrainingRequest(making.study, job, making.watch)
    if isinstance(trained, Failed):
        return trained
    making.notes["total_steps"] = making.watch.total_steps
    if trained.stopped:
        return _stop_failure(making, trained)
    making.timings |= {name: float(seconds) for name, seconds in trained.timings.items() if name != "train"}
    making.notes["counts"] = {name: int(count) for name, count in trained.counts.items()}
    if "device" in trained.meta:
        making.notes["device"] = str(trained.meta["device"])
    making.notes["data"] = warm_start.data(len(segments.phases))
    making.notes["spikes"] = loss_spikes(trained.history)
    making.on_stored = warm_start.add_marker
    return trained


def evaluate(making: Making, trained: Trained, test: Any) -> Any:
    """Evaluate a model on one test set.

    Raises:
        ValueError: the test set is in other units than the training data.
    """
    check_test(making.store.open(*making.item.dataset.address).json("trajectories"), test)
    config = _model_config(making, making.item.model)
    return making.study.evaluate(config, trained, test)


def _model_config(making: Making, item: Item) -> ModelConfigBase:
    config = making.study.model.model_validate(item.config)
    making.notes["seed"] = config.seed
    return config


def _without_segments(making: Making, segments: Segments) -> Failed:
    phase = next(number for number, row in enumerate(segments.counts) if row["train_segments"] == 0)
    row = ", ".join(f"{name} {value}" for name, value in segments.counts[phase].items())
    detail = f"phase {phase} has no training segment ({row}); shorten segment_length or widen window"
    return Failed(making.item.key, "skipped:zero_segments", Place("segments", phase), detail)


def _stop_failure(making: Making, trained: Trained) -> Failed:
    """Say why a training stopped early; either way its checkpoint stays."""
    step, total = making.watch.step, making.watch.total_steps
    if making.watch.pruned:
        return making.failure("pruned", f"pruned at step {step} of {total}; a sweep resumes it from there", trained)
    return making.failure("interrupted", f"stopped at step {step}; run again to resume", trained)


def _initial_state(making: Making, warm_start: WarmStart) -> Arrays | None:
    """Return the state of this training's own checkpoint, else of a shorter training, else None."""
    checkpoint = making.checkpoints.newest()
    if checkpoint.state is not None or checkpoint.refusals:
        making.notes["resumed"] = {"step": checkpoint.step, "refused": list(checkpoint.refusals)}
        making.record.write("resumed", **making.notes["resumed"])
    if checkpoint.refusals:
        end = "none is left, it starts over" if checkpoint.state is None else f"it resumes from step {checkpoint.step}"
        log.warning("%s: checkpoint refused: %s; %s", making.item.key, "; ".join(checkpoint.refusals), end)
    if checkpoint.state is not None:
        if checkpoint.interim_values and making.watch.judge:
            making.watch.judge.restore(checkpoint.interim_values)
        return checkpoint.state
    stored = warm_start.longest_prefix()
    if stored is None:
        return None
    making.notes["continued"] = {"layer": stored.layer, "hash": stored.hash, "key": stored.key}
    making.record.write("continued", **making.notes["continued"])
    return stored.state
