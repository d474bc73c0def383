"""Datasets from the user's own files: identity by content, and every check in one line."""

import os
import pickle  # noqa: TID251 - one is made, to see it refused

import numpy as np
import pandas as pd
import pytest
from pydantic import ValidationError

from assets.identity.canonical import canonical
from assets.identity.items import dataset_item
from assets.sweeps.file_dataset import FileDataset, is_file, read_file

ROWS = pd.DataFrame(
    {
        "run": ["b", "b", "b", "a", "a"],
        "seconds": [0.0, 1.0, 2.5, 0.0, 2.0],
        "pos": [1.0, 2.0, 3.0, 4.0, 5.0],
        "vel": [0.1, 0.2, 0.3, 0.4, 0.5],
        "push": [1, 0, 0, 2, 0],
        "mass": [2.0, 2.0, 2.0, 3.0, 3.0],
    }
)
COLUMNS = {
    "columns": {"x": "pos", "v": "vel"},
    "inputs": {"u": "push"},
    "parameters": {"m": "mass"},
    "units": {"x": "m", "v": "m/s", "u": "N", "m": "kg"},
    "time": "seconds",
    "time_unit": "s",
    "trajectory": "run",
    "meta": {"problem": "cart"},
}
NAN = float("nan")


@pytest.fixture
def dataset(tmp_path):
    """Write rows to a file and describe it."""

    def make(rows=ROWS, kind="parquet", **changes) -> FileDataset:
        path = tmp_path / f"runs.{kind}"
        if kind == "npz":
            np.savez(path, **rows)
        else:
            rows.to_parquet(path) if kind == "parquet" else rows.to_csv(path, index=False)
        return FileDataset(file=str(path), **COLUMNS | changes)

    return make


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_rows_become_trajectories(dataset, kind):
    trajectories = read_file(dataset(kind=kind))
    np.testing.assert_array_equal(trajectories.t, [[0, 1, 2.5], [0, 2, NAN]])
    np.testing.assert_array_equal(trajectories.y[..., 0], [[1, 2, 3], [4, 5, NAN]])
    np.testing.assert_array_equal(trajectories.inputs[..., 0], [[1, 0, 0], [2, 0, NAN]])
    np.testing.assert_array_equal(trajectories.parameters["m"], [2, 3])
    assert (trajectories.names, trajectories.units, trajectories.time_unit) == (("x", "v"), ("m", "m/s"), "s")
    assert (trajectories.input_names, trajectories.input_units, trajectories.parameter_units) == (
        ("u",),
        ("N",),
        {"m": "kg"},
    )
    assert trajectories.meta == {"problem": "cart"}
    assert trajectories.y.dtype == trajectories.t.dtype == np.float64


def test_without_a_trajectory_column_the_file_is_one_trajectory(dataset):
    trajectories = read_file(dataset(ROWS.iloc[:3], trajectory=None))
    assert trajectories.y.shape == (1, 3, 2)


def test_trajectories_with_alternating_rows_are_separated(dataset):
    trajectories = read_file(dataset(ROWS.iloc[[0, 3, 1, 4, 2]]))
    np.testing.assert_array_equal(trajectories.t, [[0, 1, 2.5], [0, 2, NAN]])


ARRAYS = {
    "seconds": np.array([0.0, 1.0, 2.5]),
    "pos": np.array([[1.0, 2, 3], [4, 5, NAN]]),
    "vel": np.array([[1.0, 2, 3], [4, 5, NAN]]),
    "push": np.array([[1.0, 2, 3], [4, 5, NAN]]),
    "mass": np.array([2.0, 3.0]),
}


def test_arrays_of_an_npz_are_trajectories_padded_at_their_end(dataset):
    trajectories = read_file(dataset(ARRAYS, "npz", trajectory=None))
    np.testing.assert_array_equal(trajectories.t, [[0, 1, 2.5], [0, 1, NAN]])
    np.testing.assert_array_equal(trajectories.y[..., 1], [[1, 2, 3], [4, 5, NAN]])
    np.testing.assert_array_equal(trajectories.parameters["m"], [2, 3])


def test_one_dimensional_arrays_of_an_npz_are_one_trajectory(dataset):
    one = {name: array[0] if array.ndim == 2 else array for name, array in ARRAYS.items()} | {"mass": np.array(2.0)}
    assert read_file(dataset(one, "npz", trajectory=None)).y.shape == (1, 3, 2)


def test_identity_is_the_content_wherever_the_file_lies(dataset, tmp_path):
    here = dataset()
    (tmp_path / "elsewhere").mkdir()
    there = tmp_path / "elsewhere" / "renamed.parquet"
    there.write_bytes((tmp_path / "runs.parquet").read_bytes())
    moved = FileDataset(file=str(there), **COLUMNS)
    assert dataset_item("toy", here).key == dataset_item("toy", moved).key
    assert "file" not in here.identity()
    assert is_file(canonical(here))


def test_identity_changes_with_the_content_and_with_the_reading(dataset):
    hashes = {
        dataset_item("toy", dataset()).hash,
        dataset_item("toy", dataset(ROWS.assign(pos=0.0))).hash,
        dataset_item("toy", dataset(columns={"v": "vel", "x": "pos"})).hash,
        dataset_item("toy", dataset(time_unit="h")).hash,
    }
    assert len(hashes) == 4


def test_an_item_carries_what_is_needed_to_read_the_file(dataset):
    item = dataset_item("toy", dataset())
    assert read_file(FileDataset.model_validate(item.config)).y.shape == (2, 3, 2)


def test_a_file_that_changed_since_it_was_identified_is_refused(dataset):
    item = dataset_item("toy", dataset())
    dataset(ROWS.assign(pos=0.0))
    with pytest.raises(ValueError, match="has changed since the sweep was read"):
        read_file(FileDataset.model_validate(item.config))


def change(column: str, row: int, value) -> pd.DataFrame:
    rows = ROWS.copy()
    rows.loc[row, column] = value
    return rows


REFUSED = [
    (change("pos", 1, NAN), {}, "'pos' of trajectory b is nan at its row 1; expected finite numbers"),
    (change("vel", 4, float("inf")), {}, "'vel' of trajectory a is inf at its row 1"),
    (change("seconds", 4, 0.0), {}, "time 'seconds' of trajectory a does not increase after its row 0"),
    (change("seconds", 1, 7.0), {}, "time 'seconds' of trajectory b does not increase after its row 1"),
    (ROWS, {"trajectory": None}, "name the trajectory column"),
    (change("mass", 1, 9.0), {}, "parameter 'mass' changes within trajectory b"),
    (ROWS.iloc[:0], {}, "holds no trajectory"),
    (ROWS.iloc[:0], {"trajectory": None}, "holds no trajectory"),
    (ROWS, {"columns": {"x": "position", "v": "vel"}}, "has no 'position'; it has 'run', 'seconds'"),
    (ROWS, {"time": "t"}, "has no 't'"),
    (ROWS, {"trajectory": "orbit"}, "has no 'orbit'"),
    (ROWS.assign(pos="high"), {}, "'pos' holds text, 'high' at row 0; expected numbers"),
]


@pytest.mark.parametrize("kind", ["parquet", "csv"])
@pytest.mark.parametrize(("rows", "changes", "complaint"), REFUSED, ids=[case[2][:40] for case in REFUSED])
def test_bad_rows_are_refused_in_one_line(dataset, kind, rows, changes, complaint):
    if kind == "csv" and "nan" in complaint:
        rows = rows.astype(object).where(rows.notna(), "nan")
    with pytest.raises(ValueError) as error:
        read_file(dataset(rows, kind, **changes))
    assert complaint in str(error.value)
    assert "runs." in str(error.value)
    assert "\n" not in str(error.value)


BAD_ARRAYS = [
    ({"pos": np.array([[1.0, NAN, 3], [4, 5, 6]])}, "'pos' of trajectory 0 is nan at its row 1"),
    ({"vel": np.ones((2, 4))}, "array 'vel' is (2, 4); expected (2, 3)"),
    ({"mass": np.ones(3)}, "array 'mass' has 3 values; expected 2"),
    ({"seconds": np.array([0.0, 1, 1])}, "does not increase after its row 1"),
]


@pytest.mark.parametrize(("changes", "complaint"), BAD_ARRAYS, ids=[case[1][:40] for case in BAD_ARRAYS])
def test_bad_arrays_are_refused(dataset, changes, complaint):
    with pytest.raises(ValueError) as error:
        read_file(dataset(ARRAYS | changes, "npz", trajectory=None))
    assert complaint in str(error.value)


class Trap:
    """An object whose pickle makes a folder when it is loaded."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


def test_a_pickle_inside_an_npz_is_never_loaded(dataset, tmp_path):
    arrays = ARRAYS | {"pos": np.array([Trap(tmp_path / "sprung")], dtype=object)}
    with pytest.raises(ValueError, match="cannot be read as npz"):
        read_file(dataset(arrays, "npz", trajectory=None))
    assert not (tmp_path / "sprung").exists()


@pytest.mark.parametrize("kind", ["parquet", "npz", "csv"])
def test_a_file_of_another_kind_is_refused(dataset, tmp_path, kind):
    path = tmp_path / f"wrong.{kind}"
    path.write_bytes(b"\xff\xfe" + pickle.dumps({"no": "dataset"}))
    with pytest.raises(ValueError, match=f"cannot be read as {kind}"):
        read_file(FileDataset(file=str(path), **COLUMNS | {"trajectory": None}))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"file": "nowhere.csv"}, "nowhere.csv is not there"),
        ({"file": "README.md"}, "README.md is no dataset file; expected .parquet, .csv, .npz"),
        ({"units": {"x": "m"}}, "units are given for ['x']; expected one for each of ['m', 'u', 'v', 'x']"),
        ({"columns": {}}, "at least 1 item"),
        ({"colour": "red"}, "Extra inputs are not permitted"),
    ],
)
def test_bad_descriptions_are_refused(dataset, changes, complaint):
    settings = dataset().model_dump() | changes
    settings.pop("content_sha256")
    with pytest.raises(ValidationError) as error:
        FileDataset(**settings)
    assert complaint in str(error.value)


def test_roles_of_parameters_come_with_them_and_change_the_identity(dataset):
    plain, with_roles = dataset(), dataset(roles={"m": "nuisance"})
    assert read_file(plain).roles == {} and list(read_file(plain).parameters_as("unknown")) == ["m"]
    assert read_file(with_roles).roles == {"m": "nuisance"} and read_file(with_roles).parameters_as("unknown") == {}
    assert "roles" not in plain.identity() and dataset_item("toy", plain).hash != dataset_item("toy", with_roles).hash


@pytest.mark.parametrize(
    ("roles", "text"),
    [({"k": "known"}, "roles are given for k; expected m"), ({"m": "secret"}, "'unknown', 'known' or 'nuisance'")],
)
def test_a_role_of_nothing_and_a_role_that_is_none_are_refused(dataset, roles, text):
    with pytest.raises(ValueError, match=text):
        dataset(roles=roles)
