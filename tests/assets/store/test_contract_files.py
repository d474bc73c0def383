"""Every data type of the contract comes back from the store as it went in, bit for bit."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.store import contract_files
from assets.store.store import Store
from trainers.study import Evaluation, Failed, Place, Segments, Trained, Trajectories

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def there_and_back(tmp_path):
    """Write a value and read it again."""

    def go(kind: str, value, **options):
        store = Store(tmp_path / "store")
        with store.writing("toy", kind, "0123456789ab") as draft:
            draft.manifest["key"] = "a-0123456789ab"
            getattr(contract_files, f"write_{kind}")(draft, value, **options)
        return getattr(contract_files, f"read_{kind}")(store.open("toy", kind, "0123456789ab"))

    return go


def assert_equal(a, b, where: str = "value") -> None:
    if dataclasses.is_dataclass(a):
        assert type(a) is type(b), where
        for field in dataclasses.fields(a):
            assert_equal(getattr(a, field.name), getattr(b, field.name), f"{where}.{field.name}")
    elif isinstance(a, pd.DataFrame):
        pd.testing.assert_frame_equal(a, b, check_exact=True, obj=where)
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), where
    elif isinstance(a, Mapping):
        assert list(a) == list(b), where
        for name in a:
            assert_equal(a[name], b[name], f"{where}[{name}]")
    elif isinstance(a, tuple):
        assert isinstance(b, tuple) and len(a) == len(b), where
        for index, pair in enumerate(zip(a, b, strict=True)):
            assert_equal(*pair, f"{where}[{index}]")
    else:
        assert (type(a), a) == (type(b), b), where


def trajectories(**changes) -> Trajectories:
    random = np.random.default_rng(0)
    t, y = random.normal(size=(3, 5)), random.normal(size=(3, 5, 2))
    t[2, 3:] = y[2, 3:] = NAN
    y[0, 0] = (-0.0, 5e-324)
    plain = {"t": t, "y": y, "names": ("x", "v"), "units": ("m", "m/s"), "time_unit": "s"}
    return Trajectories(**plain | changes)


FULL = {
    "inputs": np.arange(15, dtype=np.float32).reshape(3, 5, 1),
    "input_names": ("force",),
    "input_units": ("N",),
    "parameters": {"z mass": np.array([1.0, INF, NAN]), "a/b": np.array([1, 2, 3])},
    "parameter_units": {"z mass": "kg", "a/b": "1"},
    "roles": {"a/b": "known", "z mass": "nuisance"},
    "arrays": {"grid": np.linspace(0.0, 1.0, 4).reshape(2, 2), "bins": np.arange(3, dtype=np.int16)},
    "meta": {"problem": "spring", "k": 0.1 + 0.2, "n": 3, "exact": True, "größe": "∇"},
    "drift": {"energy": np.array([1e-17, 0.0, NAN])},
    "drift_tolerance": 1e-11,
}


@pytest.mark.parametrize("changes", [{}, FULL], ids=["smallest", "fullest"])
def test_trajectories(there_and_back, changes):
    value = trajectories(**changes)
    assert_equal(value, there_and_back("trajectories", value))


def test_numpy_numbers_in_the_description_become_plain_ones(there_and_back):
    value = there_and_back("trajectories", trajectories(meta={"mu": np.float64(1.5), "n": np.int64(2)}))
    assert value.meta == {"mu": 1.5, "n": 2}


def test_arrays_of_any_layout_and_framework(there_and_back):
    import jax.numpy as jnp

    turned = np.arange(15.0).reshape(5, 3).T
    value = there_and_back(
        "trajectories", trajectories(t=turned, y=jnp.ones((3, 5, 2)), parameters={"p": turned[0, ::2]})
    )
    np.testing.assert_array_equal(value.t, turned)
    np.testing.assert_array_equal(value.parameters["p"], turned[0, ::2])
    assert value.y.dtype == np.float32


def segments(**changes) -> Segments:
    phase = {"train/t": np.ones((4, 3)), "train/y": np.full((4, 3, 2), NAN), "validation/y": np.empty((0, 3, 2))}
    plain = {
        "phases": (phase, {"train/y": np.zeros((1, 2, 2), np.float32)}),
        "train": np.array([0, 2]),
        "validation": np.array([], dtype=np.int64),
        "counts": (
            {"phase": 0, "train_segments": 4, "segment_ratio": 1 / 3},
            {"phase": 1, "train_segments": 1, "why": "x"},
        ),
        "fitted": {"scale": np.array(2.5), "basis": np.empty((0, 4))},
        "meta": {"problem": "spring", "seconds": 0.1 + 0.2, "actions": 2, "exact": False},
    }
    return Segments(**plain | changes)


NONE_USABLE = {
    "phases": ({"train/y": np.empty((0, 8, 2)), "validation/y": np.empty((0, 8, 2))},),
    "counts": ({"phase": 0, "train_segments": 0},),
    "fitted": {},
}


@pytest.mark.parametrize(
    "changes", [{}, NONE_USABLE, {"phases": (), "counts": ()}], ids=["two", "none usable", "no phase"]
)
def test_segments(there_and_back, changes):
    value = segments(**changes)
    again = there_and_back("segments", value)
    assert_equal(value, again)
    assert again.usable == value.usable


def trained(**changes) -> Trained:
    history = pd.DataFrame({"phase": [0, 0, 1], "step": [1, 2, 3], "loss": [1.0, 0.1 + 0.2, 1e-300]})
    plain = {
        "key": "a-0123456789ab",
        "weights": {
            "best/w": np.ones((2, 3), np.float32),
            "last/w": np.zeros(()),
            "phase0/best/w": np.ones(2, np.float16),
        },
        "state": {"key": np.array([1, 2**32 - 1], np.uint32), "done": np.array(True), "count": np.array(7, np.int32)},
        "history": history.assign(validation_loss=[NAN, 0.5, NAN]),
        "timings": {"compile": 1.25, "train": 0.1 + 0.2},
        "counts": {"parameters": 12, "steps": 3},
        "fitted": {"length_unit": np.array(2.0)},
        "meta": {"problem": "spring", "seconds": 0.1 + 0.2, "actions": 2, "exact": False},
        "stopped": True,
    }
    return Trained(**plain | changes)


EMPTY = {
    "weights": {},
    "state": {},
    "fitted": {},
    "history": pd.DataFrame({"step": pd.Series(dtype="int64"), "loss": pd.Series(dtype="float64")}),
    "timings": {},
    "counts": {},
}


@pytest.mark.parametrize("changes", [{}, EMPTY], ids=["full", "empty"])
def test_trained(there_and_back, changes):
    value = trained(**changes)
    assert_equal(value, there_and_back("trained", value))


def test_loaded_arrays_can_be_handed_to_a_framework(there_and_back):
    import torch

    weights = there_and_back("trained", trained()).weights
    assert float(torch.from_numpy(weights["best/w"]).sum()) == 6.0


@pytest.mark.parametrize("partial", [None, trained()], ids=["nothing kept", "the best so far kept"])
def test_a_failure_says_so_in_its_manifest_and_keeps_what_can_be_kept(tmp_path, partial):
    store, trace = Store(tmp_path), "Traceback ...\n  \udcff"
    with store.writing("toy", "model", "0123456789ab") as draft:
        failed = Failed("a", "solver_failed", Place("train", 1, 7), "step limit", partial)
        contract_files.write_failed(draft, failed, traceback=trace)
    artifact = store.open("toy", "model", "0123456789ab")
    assert artifact.manifest["status"] == "solver_failed"
    assert artifact.manifest["failure"] == {"stage": "train", "phase": 1, "step": 7, "detail": "step limit"}
    assert artifact.text("traceback") == trace.replace("\udcff", r"\udcff")
    assert artifact.holds("trained.json") == (partial is not None)
    if partial is not None:
        assert_equal(partial, contract_files.read_trained(artifact))


@pytest.mark.parametrize(
    "arrays",
    [{}, {"field/u": np.full((2, 3, 3), NAN, np.float32), "samples": np.zeros((0, 4))}],
    ids=["tables alone", "arrays"],
)
def test_evaluation(there_and_back, arrays):
    summary = pd.DataFrame({"metric": ["theta", "baseline"], "value": [1.5, NAN], "unit": ["deg", "%"], "n": [3, 0]})
    errors = pd.DataFrame(
        {"orbit": np.arange(3, dtype=np.int32), "error": np.float32([1, NAN, 3]), "fine": [True, False, True]}
    )
    value = Evaluation(summary, {"errors": errors, "empty": errors.iloc[:0]}, arrays)
    assert_equal(value, there_and_back("evaluation", value))


def test_evaluation_tables_cannot_take_the_name_of_the_summary(there_and_back):
    table = pd.DataFrame({"value": [1.0]})
    with pytest.raises(ValueError, match="the name is taken"):
        there_and_back("evaluation", Evaluation(table, {"summary": table}))


def test_equal_arrays_are_equal_files(tmp_path: Path) -> None:
    arrays = {name: np.arange(3.0) for name in "dcba"}
    sums = set()
    for root in ("one", "two", "three", "four"):
        with Store(tmp_path / root).writing("toy", "model", "0" * 12) as draft:
            draft.arrays("weights", arrays)
        manifest = Store(tmp_path / root).manifest("toy", "model", "0" * 12)
        sums.add(manifest["files"]["weights.safetensors"]["sha256"])
    assert len(sums) == 1
