"""Imported runs stand below ours in tables and reports, marked, and are never ranked."""

import json

import pytest
from typer.testing import CliRunner

from assets.report import sweep_report
from assets.report.imported.runs import imported_runs
from assets.report.imported.tables import imported_tables, with_imported
from orchestration.cli import app
from orchestration.cli.files import import_runs

pytest_plugins = ("tests.assets.toy_sweep",)

RUNS = [
    {"id": "ab12", "name": "wise-sun", "config": {"width": 6}, "summary": {"few/step_error": 4.61, "old_error": 5.5}},
    {"id": "ab13", "name": "wise-moon", "config": {"width": 2}, "summary": {"few/step_error": "NaN"}},
]


@pytest.fixture
def imports(toy_experiment, tmp_path, monkeypatch):
    """Import runs beside the toy sweep by the command."""
    monkeypatch.setattr(import_runs, "any_sweep", lambda name: toy_experiment.sweep)
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path / "home"))

    def run(*options, runs=RUNS, code=0):
        path = tmp_path / "runs.json"
        path.write_text(json.dumps(runs))
        done = CliRunner().invoke(app, ["import", "wandb", str(path), *options])
        assert done.exit_code == code, done.output
        return done.output

    return run


def test_columns_called_after_test_set_and_metric_are_found(imports, toy_experiment):
    assert "2 runs imported beside toy/widths, 0 of them again" in (text := imports())
    assert "1 metrics of test sets each; 1 values are missing or not finite" in text
    first, second = imported_runs(toy_experiment.sweep)
    assert first.values == {"few": {"step_error": 4.61}} and second.values == {}
    assert first.settings == {"width": 6, "old_error": 5.5}
    assert "2 of them again" in imports()
    assert len(imported_runs(toy_experiment.sweep)) == 2


def test_columns_may_be_named(imports, toy_experiment):
    imports("--values", "step_error@test=old_error")
    (table,) = imported_tables(toy_experiment.sweep)
    assert table.title == "Imported runs on test set test" and "Not trained here and not ranked" in table.note
    (row,) = table.rows
    assert dict(zip(table.header, row, strict=True)) | {"created": ""} == {
        "origin": "imported", "run": "ab12", "name": "wise-sun", "group": "", "created": "", "width": "6",
        "step_error": "5.5",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("step_error=old_error", "expected METRIC@TEST=COLUMN"),
        ("step_error@tast=old_error", "no test set 'tast'; nearest: test"),
        ("step_error@test=old", "no column 'old'; nearest: old_error"),
        ("step_error@test=width", ""),
    ],
)
def test_wrong_names_are_one_line(imports, value, says):
    output = imports("--values", value, code=2 if says else 0)
    assert says in output and (not says or len(output.splitlines()) == 1)


def test_without_a_metric_the_columns_are_listed(imports):
    output = imports(runs=[{"id": "a", "summary": {"accel_error": 1.0}}], code=2)
    assert "name them with --values METRIC@TEST=COLUMN" in output and "columns: accel_error" in output
    text = [{"id": "a", "summary": {"few/step_error": "high"}}]
    assert "run a: few/step_error is 'high'; expected a number" in imports(runs=text, code=2)


def test_the_whole_table_and_the_report_hold_them_marked_and_unranked(imports, toy_experiment):
    sweep, ours = toy_experiment.sweep, toy_experiment.table
    assert with_imported(ours, sweep) is ours
    before = sweep_report._version(toy_experiment)
    imports()
    table = with_imported(ours, sweep)
    assert list(table["origin"]) == ["trained here"] * len(ours) + ["imported"]
    last = table.iloc[-1]
    assert (last["key"], last["status"], last["test"], last["step_error"], last["model.width"]) == (
        "ab12", "imported", "few", 4.61, 6,
    )  # fmt: skip
    assert sweep_report._version(toy_experiment) != before
    page = sweep_report.content(toy_experiment)
    assert [one.title for one in page["leaderboards"]][-1] == "Imported runs on test set few"
    assert "ab12" not in page["board"].to_csv()
