"""`orrery fit`: what it prints and writes, and that every wrong request is one line and exit code 2."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from assets.store.store import Store, home
from orchestration.cli import app
from tests.toy_study import STUDY
from tests.toy_study.items import make, make_inputs, toy_model
from trainers import STUDIES

KEY = toy_model().key
OPTIONS = ["--columns", "x=pos,v=vel", "--units", "x=m", "--units", "v=m/s", "--time-unit", "s"]


@pytest.fixture(scope="module", autouse=True)
def stored(tmp_path_factory):
    """A home in which a toy model is stored."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("fit") / "home"
        patch.setenv("ORRERY_HOME", str(folder))
        patch.setenv("DAGSTER_HOME", str(folder / "dagster"))
        patch.setitem(STUDIES, STUDY.name, STUDY)
        make_inputs(Store(), toy_model())
        make(Store(), toy_model())
        yield


@pytest.fixture
def own(tmp_path) -> str:
    t = 0.2 * np.arange(20)
    rows = pd.DataFrame({"t": t, "pos": np.cos(t), "vel": -np.sin(t)})
    rows.to_csv(tmp_path / "own.csv", index=False)
    return str(tmp_path / "own.csv")


def orrery(*arguments: str):
    return CliRunner().invoke(app, ["fit", *map(str, arguments)])


def refused(*arguments: str) -> str:
    """Return the one line with which a request is refused."""
    done = orrery(*arguments)
    assert done.exit_code == 2 and not done.stdout, done.output
    (line,) = done.stderr.splitlines()
    return line


def test_a_fit_prints_its_table_and_writes_it_with_its_origin(own, tmp_path):
    out = tmp_path / "results"
    done = orrery(f"toy/{KEY}", own, *OPTIONS, "--out", out)
    assert done.exit_code == 0, done.output
    assert "amplitude" in done.stdout and "90 % intervals" in done.stdout and str(out) in done.stdout.replace("\n", "")
    assert {path.name for path in out.iterdir()} == {"estimates.csv", "fit_curves.csv", "fit.json"}
    (row,) = pd.read_csv(out / "estimates.csv", keep_default_na=False).to_dict("records")
    assert row["trajectory"] == "own" and row["estimate"] == pytest.approx(1.0) and row["unit"] == "m"
    origin = json.loads((out / "fit.json").read_text())
    assert (origin["study"], origin["model"], origin["model_hash"]) == ("toy", KEY, toy_model().hash)
    assert origin["data"]["file"] == own and len(origin["data"]["content_sha256"]) == 64 == len(origin["code"])
    assert origin["interval_level"] == 0.9 and origin["versions"]["numpy"]


def test_pictures_are_those_of_the_study_whose_tables_are_there(own, tmp_path, monkeypatch):
    from trainers.common.figures import coverage, estimates_with_intervals, measured_and_predicted

    figures = (coverage, estimates_with_intervals, measured_and_predicted)
    monkeypatch.setattr("assets.report.pictures.study_figures", lambda study: figures)
    orrery(KEY, own, *OPTIONS, "--out", tmp_path / "results")
    pictures = sorted(path.name for path in (tmp_path / "results").glob("*.png"))
    assert pictures == ["estimates_with_intervals.png", "measured_and_predicted.png"]
    assert all((tmp_path / "results" / name).read_bytes().startswith(b"\x89PNG") for name in pictures)


def test_without_a_folder_the_results_lie_in_the_home(own):
    done = orrery(KEY, own, *OPTIONS, "--json")
    printed = json.loads(done.stdout)
    assert printed["model"] == f"toy/{KEY}" and printed["estimates"][0]["parameter"] == "amplitude"
    folder = Path(printed["folder"])
    assert folder.is_relative_to(home() / "fits" / "toy" / KEY) and (folder / "fit.json").is_file()
    assert "exists" in refused(KEY, own, *OPTIONS)
    assert orrery(KEY, own, *OPTIONS, "--force").exit_code == 0


def test_a_yaml_file_may_say_all_of_it(own, tmp_path):
    text = "columns: {x: pos, v: vel}\nunits: {x: m, v: m/s}\ntime_unit: s\n"
    (tmp_path / "own.yaml").write_text(f"file: {own}\n{text}")
    done = orrery(KEY, tmp_path / "own.yaml", "--json", "--out", tmp_path / "results")
    assert json.loads(done.stdout)["estimates"][0]["estimate"] == pytest.approx(1.0)


def test_earlier_results_are_replaced_only_when_asked_and_nothing_else_ever(own, tmp_path):
    out = tmp_path / "results"
    assert orrery(KEY, own, *OPTIONS, "--out", out).exit_code == 0
    before = (out / "fit.json").stat().st_ino
    assert "exists; give the path of a new folder, or --force" in refused(KEY, own, *OPTIONS, "--out", out)
    assert (out / "fit.json").stat().st_ino == before
    assert orrery(KEY, own, *OPTIONS, "--out", out, "--force").exit_code == 0
    assert (out / "fit.json").stat().st_ino != before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    other = tmp_path / "thesis"
    other.mkdir()
    (other / "thesis.tex").write_text("ten years of work")
    assert "holds something other than a fit" in refused(KEY, own, *OPTIONS, "--out", other, "--force")
    assert (other / "thesis.tex").read_text() == "ten years of work"


def test_a_place_that_is_not_for_data_is_refused(own, tmp_path, monkeypatch):
    assert "lies in the store" in refused(KEY, own, *OPTIONS, "--out", home() / "store" / "mine")
    assert "is not a folder; make it first" in refused(KEY, own, *OPTIONS, "--out", tmp_path / "no" / "where")
    assert "is not a folder; give the path of a new one" in refused(KEY, own, *OPTIONS, "--out", own)
    monkeypatch.setenv("ORRERY_NEVER_UNDER", str(tmp_path))
    line = refused(KEY, own, *OPTIONS, "--out", tmp_path / "results")
    assert "ORRERY_NEVER_UNDER rules out; give another path" in line and not (tmp_path / "results").exists()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(own, tmp_path):
    tmp_path.chmod(0o500)
    assert "results" in refused(KEY, own, *OPTIONS, "--out", tmp_path / "results")


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["nothing", "FILE", *OPTIONS], "no model 'nothing' is stored"),
        (["stars/x", "FILE", *OPTIONS], "unknown study 'stars'"),
        ([KEY, "nowhere.csv", *OPTIONS], "nowhere.csv is not there"),
        ([KEY, "README.md", *OPTIONS], "README.md is no dataset file; expected .parquet, .csv, .npz"),
        ([KEY, "nowhere.yaml"], "nowhere.yaml:1: no such file; expected a YAML file"),
        ([KEY, "FILE", "--units", "x=m", "--time-unit", "s"], "columns: nothing given; expected a value"),
        ([KEY, "FILE", "--columns", "x=pos", "--time-unit", "s"], "units: nothing given; expected a value"),
        ([KEY, "FILE", *OPTIONS[:-2]], "time_unit: nothing given; expected a value"),
        ([KEY, "FILE", *OPTIONS[:-2], "--time-unit", "h"], "the time is in 'h'; the model was trained on 's'"),
        ([KEY, "FILE", *OPTIONS, "--time", "when"], "has no 'when'; it has 't', 'pos', 'vel'"),
        ([KEY, "FILE", *OPTIONS, "--trajectory", "run"], "has no 'run'"),
        ([KEY, "FILE", *OPTIONS, "--units", "x=km"], "--units gives 'x' twice; expected it once"),
        ([KEY, "FILE", *OPTIONS, "--units", "z"], "--units 'z': expected NAME=TEXT"),
        ([KEY, "FILE", *OPTIONS, "--columns", "=pos"], "--columns '=pos': expected NAME=TEXT"),
        ([KEY, "FILE", *OPTIONS, "--constants", "mass=heavy"], "--constants mass=heavy: expected a number"),
        (
            [KEY, "FILE", *OPTIONS, "--constants", "mass=2", "--units", "mass=kg"],
            "known parameter 'mass' is none of th",
        ),
    ],
)
def test_a_wrong_request_is_one_line_and_exit_code_2(own, arguments, text):
    assert text in refused(*(own if argument == "FILE" else argument for argument in arguments))


def test_a_study_without_a_fit_is_refused(own, monkeypatch):
    monkeypatch.setattr("trainers.study.find_spec", lambda name: None)
    assert "the study toy cannot be fitted to data of your own" in refused(KEY, own, *OPTIONS)


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ((1.50012, 1.49998, 1.50026), ["1.50012", "1.49998", "1.50026"]),
        ((0.8, 0.75, 0.852), ["0.8", "0.75", "0.852"]),
        ((0.0, 0.0, 0.0), ["0", "0", "0"]),
        ((float("nan"), float("nan"), float("nan")), ["", "", ""]),
    ],
)
def test_the_digits_of_a_table_tell_the_ends_of_an_interval_apart(numbers, texts):
    from orchestration.cli.look.fit import _resolved

    assert _resolved(*numbers) == texts
