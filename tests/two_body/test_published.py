"""The sweep of the literature's configurations agrees with the literature's table."""

import csv
import json
import re
from pathlib import Path

import pytest

from assets.sweeps.published import lines as published_lines
from assets.sweeps.sweep_file import load_sweep
from trainers import STUDIES
from trainers.two_body.orbits.presets import PRESETS

ROOT = Path(__file__).parent.parent.parent
SWEEP = load_sweep(ROOT / "sweeps" / "two_body" / "published.yaml")
TABLE = list(csv.DictReader((ROOT / "results" / "two_body" / "published.csv").open(encoding="utf-8")))
COMPLETE = (
    "feature_layer",
    "activation",
    "length_strategy",
    "lr_strategy",
    "steps_strategy",
    "segment_length_strategy",
)


def lines_of(columns):
    return [line for line in TABLE if all(line[column] == text for column, text in columns.items())]


def configurations():
    return {row.axes["run"]: row.configuration for row in SWEEP.rows}


DECEMBER = [name for name in SWEEP.published.rows if "december" in name]
"""The best runs of the sweep of 10 December: loss, features and windows are not stated."""


def printed(line):
    """The configuration of a line, its lists of one entry repeated for every phase."""
    lists = [json.loads(line[f"{name}_strategy"]) for name in ("length", "lr", "steps", "segment_length")]
    phases = max(map(len, lists))
    windows, rates, steps, lengths = (entries * phases if len(entries) == 1 else entries for entries in lists)
    return {
        "dataset": PRESETS[line["train_dataset"]],
        "head": line["output_layer"],
        "features": line["feature_layer"],
        "activation": line["activation"],
        "loss": line["loss"],
        "size": (int(line["width"]), int(line["depth"]), int(line["batch_size"])),
        "phases": [*zip(map(tuple, windows), rates, steps, lengths, strict=True)],
    }


def ours(configuration):
    model = configuration.model
    return {
        "dataset": configuration.dataset,
        "head": model.output_layer,
        "features": model.feature_layer,
        "activation": model.activation,
        "loss": model.loss.name,
        "size": (model.width, model.depth, model.batch_size),
        "phases": [(p.window, p.learning_rate, p.steps, p.segment_length) for p in model.phases],
    }


@pytest.mark.parametrize("name", [name for name in SWEEP.published.rows if name not in DECEMBER])
def test_every_row_is_the_configuration_of_its_published_lines(name):
    lines = lines_of(SWEEP.published.rows[name])
    assert {line["test_dataset"] for line in lines} == set(SWEEP.tests) - {"train"}
    assert all(printed(line) == ours(configurations()[name]) for line in lines)


def test_every_configuration_that_is_printed_completely_has_a_row():
    complete = [
        line for line in TABLE if all(line[name] for name in COMPLETE) and "contradicted" not in line["config_source"]
    ]
    rows = [ours(configuration) for configuration in configurations().values()]
    assert all(printed(line) in rows for line in complete)
    assert len({json.dumps(printed(line), default=str) for line in complete}) == 28
    assert len(SWEEP.published.rows) == 28 + len(DECEMBER)


def test_five_seeds_each():
    assert len(SWEEP.rows) == 5 * len(configurations())


@pytest.mark.parametrize("name", DECEMBER)
def test_the_runs_of_10_december_have_what_is_stated_of_them(name):
    lines, model = lines_of(SWEEP.published.rows[name]), ours(configurations()[name])
    assert [line["test_dataset"] for line in lines] == [test for test in SWEEP.tests if test != "train"]
    for line in lines:
        stated = (model["head"], model["activation"], *model["size"], model["dataset"])
        size = (int(line[key]) for key in ("width", "depth", "batch_size"))
        assert (line["output_layer"], line["activation"], *size, PRESETS[line["train_dataset"]]) == stated
        lists = [json.loads(line[f"{key}_strategy"]) for key in ("lr", "steps", "segment_length")]
        assert [phase[1:] for phase in model["phases"]] == [*zip(*lists, strict=True)]
    assert len(DECEMBER) == 8


def test_all_seven_statistics_and_the_training_error_are_compared():
    printed_lines = published_lines(SWEEP.published)
    of_one = {(line.metric, line.test) for line in printed_lines if line.row == "signed_december"}
    metrics = STUDIES["two_body"].headline[:-1]
    assert of_one >= {(metric, test) for metric in metrics for test in SWEEP.tests if test != "train"}
    errors = {(line.row, line.value) for line in printed_lines if line.test == "train"}
    assert ("signed_december", 1.05765) in errors and {row for row, _ in errors} == set(DECEMBER)


def test_the_results_say_how_many_configurations_are_printed():
    """Others are inferred: their settings come from the notes of the day."""
    sources = {name: lines_of(cells)[0]["config_source"] for name, cells in SWEEP.published.rows.items()}
    inferred = [name for name, source in sources.items() if "described" in source or "sibling" in source]
    text = (ROOT / "results" / "two_body" / "README.md").read_text(encoding="utf-8")
    assert f"{28 - len(inferred)} of 28 configurations are printed" in " ".join(text.split())


def test_documents_name_the_machine_of_the_sweep_and_not_a_share_of_it():
    for name in ("README.md", "benchmarks/diary.py", "benchmarks/README.md", "results/benchmarks/bench.md"):
        text = " ".join((ROOT / name).read_text(encoding="utf-8").split())
        assert "268.6 minutes on 192" not in text and "268.6, on 192" not in text, name
        assert "192" not in text or re.search(r"on a share,? not stated,? of a machine with 192 threads", text), name


def test_contributing_says_which_mean_elements_the_panel_has():
    """`test_evaluate.py` tests that it has them."""
    text = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    assert "The first orbit of the reference panel has the mean elements of the test set" in text
    assert "nearest to the mean elements instead" not in text
