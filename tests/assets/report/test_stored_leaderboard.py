"""The stored leaderboard: every column in Parquet and CSV, the tables of the report in Markdown."""

from dataclasses import replace

import pandas as pd
import pytest

from assets.report.stored_leaderboard import markdown, write
from assets.statistics.experiment import Experiment

pytest_plugins = ["tests.assets.toy_sweep"]


@pytest.fixture(scope="module")
def board(toy_experiment):
    return write(toy_experiment)


def test_exported_tables_say_what_they_are_of(board):
    exported = pd.read_csv(board.path / "leaderboard.csv")
    for frame in (exported, pd.read_parquet(board.path / "leaderboard.parquet")):
        assert {"model.width", "recipe", "keys", "dataset", "test", "test_dataset", "code", "metric"} <= set(frame)
    assert exported["code"].str.fullmatch(r"[0-9a-f]{8}/[0-9a-f]{8}")[:9].all()
    assert board.failed == 2


def test_the_markdown_has_the_tables_of_the_report(board):
    text = (board.path / "leaderboard.md").read_text()
    assert "### Test set few" in text and "### All test sets" in text and "step_error" in text


def test_markdown_is_not_broken_by_the_text_of_a_sweep_file(toy_experiment):
    sweep = replace(toy_experiment.sweep, description="a|b <i>")
    assert "a\\|b &lt;i&gt;" in markdown(Experiment(sweep, toy_experiment.store))
