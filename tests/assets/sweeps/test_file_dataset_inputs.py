"""Files as people have them: folders, names as written, broken tables; one line with the place for each fault."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.identity.items import dataset_item
from assets.sweeps.configurations import Configurations
from assets.sweeps.file_dataset import FileDataset, read_file, read_labelled
from assets.sweeps.yaml_loader import parse
from tests.toy_study import STUDY

ONE = "t,x,mass\n0,1,2\n1,2,2\n"
TWO = "t,x,mass\n0,4,3\n0.5,5,3\n2.5,6,3\n"
PLAIN = {"columns": {"x": "x"}, "units": {"x": "m"}, "time_unit": "s"}
NAN = float("nan")


def write(folder: Path, **texts: str) -> None:
    """Write files; `__` in a name stands for a folder."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def described(file, **changes) -> FileDataset:
    return FileDataset.model_validate({"file": file, **PLAIN, **changes})


def test_a_folder_is_one_trajectory_per_file_in_the_order_of_names(tmp_path):
    write(tmp_path, b__run=ONE, a__run=TWO)
    (tmp_path / "notes.txt").write_text("no data")
    write(tmp_path, **{".hidden__run": ONE})
    trajectories, labels = read_labelled(
        described(str(tmp_path), parameters={"m": "mass"}, units={"x": "m", "m": "kg"})
    )
    assert labels == ("a/run.csv", "b/run.csv")
    np.testing.assert_array_equal(trajectories.t, [[0, 0.5, 2.5], [0, 1, NAN]])
    np.testing.assert_array_equal(trajectories.y[..., 0], [[4, 5, 6], [1, 2, NAN]])
    np.testing.assert_array_equal(trajectories.parameters["m"], [3, 2])


def test_a_pattern_chooses_among_the_files_of_folders(tmp_path):
    write(tmp_path, a__scores=ONE, a__other=TWO, b__scores=TWO)
    assert read_labelled(described(f"{tmp_path}/*/scores.csv")).labels == ("a/scores.csv", "b/scores.csv")
    assert len(read_file(described(f"{tmp_path}/**/*.csv")).t) == 3


def test_a_list_of_files_keeps_its_order_and_may_mix_kinds(tmp_path):
    write(tmp_path, one=ONE)
    pd.DataFrame({"t": [0.0, 1.0], "x": [8.0, 9.0]}).to_parquet(tmp_path / "two.parquet")
    np.savez(tmp_path / "three.npz", t=np.arange(2.0), x=np.array([[5.0, 6], [7, 8]]))
    trajectories, labels = read_labelled(
        described([str(tmp_path / name) for name in ("two.parquet", "three.npz", "one.csv")])
    )
    assert labels == ("two.parquet", "three.npz: 0", "three.npz: 1", "one.csv")
    np.testing.assert_array_equal(trajectories.y[:, 0, 0], [8, 5, 7, 1])


def test_files_may_hold_several_trajectories_each(tmp_path):
    write(tmp_path, a="id,t,x\nu,0,1\nu,1,2\nv,0,3\n", b="id,t,x\nu,0,4\n")
    assert read_labelled(described(str(tmp_path), trajectory="id")).labels == ("a.csv: u", "a.csv: v", "b.csv: u")


def test_several_files_are_identified_by_their_content_in_their_order(tmp_path):
    write(tmp_path, a__one=ONE, a__two=TWO, b__first=ONE, b__second=TWO, c__one=TWO, c__two=ONE, d__one=ONE, d__two=ONE)
    hashes = [dataset_item("toy", described(str(tmp_path / name))).hash for name in "abcd"]
    assert hashes[0] == hashes[1] and len(set(hashes)) == 3
    listed = described([str(tmp_path / "a/one.csv"), str(tmp_path / "a/two.csv")])
    assert dataset_item("toy", listed).hash == hashes[0]


def test_one_file_in_a_list_is_that_file(tmp_path):
    write(tmp_path, one=ONE)
    alone, listed = described(str(tmp_path / "one.csv")), described([str(tmp_path / "one.csv")])
    assert dataset_item("toy", alone).hash == dataset_item("toy", listed).hash
    assert read_labelled(alone).labels == ("one",)


def test_a_file_of_a_folder_that_changes_is_noticed(tmp_path):
    write(tmp_path, one=ONE, two=TWO)
    dataset = described(str(tmp_path))
    write(tmp_path, two=TWO.replace("6", "7"))
    with pytest.raises(ValueError, match="has changed since the sweep was read"):
        read_file(dataset)


def test_a_sweep_takes_several_files(tmp_path):
    write(tmp_path, one=ONE, two=TWO)
    document = parse("study: toy\n")
    problems: list[str] = []
    configurations = Configurations(STUDY, document, problems)
    for file in (str(tmp_path), [str(tmp_path / "one.csv"), str(tmp_path / "two.csv")]):
        config, item = configurations.dataset({"file": file, **PLAIN}, lambda place: place)
        assert problems == [] and len(read_file(config).t) == 2
        assert len(read_file(FileDataset.model_validate(item.config)).t) == 2


def test_a_parameter_may_be_written_once_for_all_trajectories(tmp_path):
    write(tmp_path, one=ONE, two=TWO)
    units = {"x": "m", "k": "N/m"}
    dataset = described(str(tmp_path), constants={"k": 2.5}, units=units, roles={"k": "known"})
    trajectories = read_file(dataset)
    np.testing.assert_array_equal(trajectories.parameters["k"], [2.5, 2.5])
    assert trajectories.parameter_units == {"k": "N/m"} and list(trajectories.parameters_as("known")) == ["k"]
    other = described(str(tmp_path), constants={"k": 3.0}, units=units, roles={"k": "known"})
    assert dataset_item("toy", dataset).hash != dataset_item("toy", other).hash


def test_names_of_trajectories_are_text_as_it_is_written(tmp_path):
    write(tmp_path, runs="id,t,x\nNA,0,1\nNA,1,2\nnull,0,3\n01,0,4\n1,0,5\n1.0,0,6\nTrue,0,7\n")
    trajectories, labels = read_labelled(described(str(tmp_path / "runs.csv"), trajectory="id"))
    assert labels == ("NA", "null", "01", "1", "1.0", "True")
    np.testing.assert_array_equal(trajectories.y[:, 0, 0], [1, 3, 4, 5, 6, 7])


def test_numbers_of_a_parquet_file_may_come_as_nullable_types(tmp_path):
    frame = pd.DataFrame({"t": [0.0, 1.0], "x": pd.array([1, 2], dtype="Int64")})
    frame.to_parquet(tmp_path / "own.parquet")
    np.testing.assert_array_equal(read_file(described(str(tmp_path / "own.parquet"))).y[0, :, 0], [1, 2])


FAULTS = {
    "text among numbers": ("t,x\n0,1\n1,fast\n", {}, "'x' holds text, 'fast' at row 1; expected numbers such as 1.5"),
    "decimal commas": ('t,x\n0,"1,5"\n', {}, "'x' holds text, '1,5' at row 0; expected numbers such as 1.5"),
    "an empty cell": ("t,x\n0,1\n1,\n", {}, "'x' of trajectory 0 is nan at its row 1; expected finite numbers"),
    "a short row": ("t,x\n0,1\n1\n", {}, "'x' of trajectory 0 is nan at its row 1"),
    "a word for nothing": ("t,x\n0,1\n1,NA\n", {}, "'x' of trajectory 0 is nan at its row 1"),
    "infinity": ("t,x\n0,1\n1,inf\n", {}, "'x' of trajectory 0 is inf at its row 1"),
    "truth values": ("t,x\n0,True\n1,False\n", {}, "'x' holds bool values; expected numbers"),
    "two rows at one time": (
        "t,x\n0,1\n0,2\n",
        {},
        "not increase after its row 0 (0, 0); expected strictly increasing",
    ),
    "advice for them": ("t,x\n0,1\n0,2\n", {}, "so remove one of two rows at the same time or name the trajectory"),
    "times that fall": (
        "t,x\n0,1\n2,2\n1,3\n",
        {},
        "does not increase after its row 1 (2, 1); expected strictly incre",
    ),
    "nothing": ("", {}, "is empty; expected a line with the names of the columns"),
    "a header alone": ("t,x\n", {}, "holds no trajectory; expected at least one row"),
    "a missing column": ("t,X,y\n0,1,1\n", {}, "has no 'x'; it has 't', 'X', 'y'; nearest to 'x'"),
    "semicolons": ("t;x\n0;1\n", {}, "has no 't', 'x'; it has 't;x'; expected columns separated by commas"),
    "tabs": ("t\tx\n0\t1\n", {}, "expected columns separated by commas"),
    "a name twice": ("t,x,x\n0,1,2\n", {}, "has two columns 'x'; expected every name once"),
    "rows longer than the header": ("t,x\n0,1,9\n1,2,9\n", {}, "rows that are longer than its header"),
    "one longer row": ("t,x\n0,1\n1,2,9\n", {}, "cannot be read as csv"),
    "an open quote": ('t,x\n0,"1\n', {}, "cannot be read as csv"),
    "a zero byte": ("t,x\n0,1\x00\n", {}, "'x' holds text"),
    "a row of no trajectory": (
        "id,t,x\na,0,1\n,1,2\n",
        {"trajectory": "id"},
        "'id' is empty at row 1; expected the name",
    ),
    "a blank name": ("id,t,x\n  ,0,1\n", {"trajectory": "id"}, "'id' is empty at row 0"),
    "a parameter that changes": (
        "t,x,m\n0,1,2\n1,1,3\n",
        {"parameters": {"m": "m"}, "units": {"x": "m", "m": "kg"}},
        "parameter 'm' changes within trajectory 0; expected a constant",
    ),
}


@pytest.mark.parametrize(("text", "changes", "complaint"), FAULTS.values(), ids=FAULTS)
def test_a_faulty_table_is_refused_in_one_line_that_names_the_file(tmp_path, text, changes, complaint):
    write(tmp_path, good=ONE, log=text)
    with pytest.raises(ValueError) as error:
        read_file(described(str(tmp_path / "log.csv"), **changes))
    assert complaint in str(error.value) and "log.csv" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("text", ["", "t,x\n", "t,x\n0,fast\n", "t,x\n1,1\n0,2\n", "t,y\n0,1\n"])
def test_the_faulty_file_of_a_folder_is_named(tmp_path, text):
    write(tmp_path, good=ONE, worse__log=text)
    with pytest.raises(ValueError, match=r"^worse/log.csv[: ]"):
        read_file(described(str(tmp_path)))


def test_a_column_of_a_table_that_lacks_it_is_named_with_a_part_of_many_others(tmp_path):
    write(tmp_path, wide=",".join(f"c{k}" for k in range(500)) + "\n")
    with pytest.raises(ValueError) as error:
        read_file(described(str(tmp_path / "wide.csv")))
    assert "and 488 more" in str(error.value) and len(str(error.value)) < 400


def test_dates_are_no_times(tmp_path):
    frame = pd.DataFrame({"t": pd.to_datetime(["2026-01-01", "2026-01-02"]), "x": [0.0, 1.0]})
    frame.to_parquet(tmp_path / "log.parquet")
    with pytest.raises(ValueError, match=r"'t' holds datetime64.* values; expected numbers"):
        read_file(described(str(tmp_path / "log.parquet")))


def test_a_trajectory_of_nothing_is_refused_by_name(tmp_path):
    np.savez(tmp_path / "own.npz", t=np.arange(3.0), x=np.array([[1.0, 2, 3], [NAN, NAN, NAN]]))
    with pytest.raises(ValueError, match=r"own.npz: trajectory 1 holds no finite value; expected at least one row"):
        read_file(described(str(tmp_path / "own.npz")))


def test_arrays_with_times_first_are_refused_with_what_to_do(tmp_path):
    t = np.tile(np.arange(5.0)[:, None], (1, 3))
    np.savez(tmp_path / "own.npz", t=t, x=t)
    with pytest.raises(ValueError, match=r"own.npz: .*times along the first axis; expected \(N, T\), so transpose"):
        read_file(described(str(tmp_path / "own.npz")))


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("nothing", "the folder nothing holds no dataset file; expected .parquet, .csv, .npz"),
        ("nothing/*.csv", "no file is there like nothing/\\*.csv"),
        (["nothing/one.csv"], "nothing/one.csv is not there"),
        (["one.csv", "one.csv"], "one.csv is given twice"),
        ([], "file"),
        ([1], "file"),
        (1, "file"),
    ],
)
def test_files_that_are_not_there_are_refused(tmp_path, monkeypatch, file, text):
    (tmp_path / "nothing").mkdir()
    write(tmp_path, one=ONE)
    monkeypatch.setattr("assets.sweeps.file_dataset.files.project_root", lambda: tmp_path)
    with pytest.raises(ValueError, match=text):
        described(file)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"units": {"x": ""}}, "units.x"),
        ({"time_unit": ""}, "time_unit"),
        (
            {"parameters": {"k": "x"}, "constants": {"k": 1.0}, "units": {"x": "m", "k": "1"}},
            "k is among parameters and",
        ),
        ({"constants": {"k": 1.0}}, "expected one for each of \\['k', 'x'\\]"),
        ({"constants": {"k": float("nan")}, "units": {"x": "m", "k": "1"}}, "constants.k"),
    ],
)
def test_a_description_that_says_too_little_is_refused(tmp_path, changes, text):
    write(tmp_path, one=ONE)
    with pytest.raises(ValueError, match=text):
        described(str(tmp_path / "one.csv"), **changes)
