"""The sweep of the literature's configurations agrees with the literature's table."""

import csv
import json
from pathlib import Path

import pytest

from assets.sweeps.sweep_file import load_sweep
from trainers.two_body.config import PRESETS

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


@pytest.mark.parametrize("name", list(SWEEP.published.rows))
def test_every_row_is_the_configuration_of_its_published_lines(name):
    lines = lines_of(SWEEP.published.rows[name])
    assert {line["test_dataset"] for line in lines} == set(SWEEP.tests)
    assert all(printed(line) == ours(configurations()[name]) for line in lines)


def test_every_configuration_that_is_printed_completely_has_a_row():
    complete = [
        line for line in TABLE if all(line[name] for name in COMPLETE) and "contradicted" not in line["config_source"]
    ]
    rows = [ours(configuration) for configuration in configurations().values()]
    assert all(printed(line) in rows for line in complete)
    assert len({json.dumps(printed(line), default=str) for line in complete}) == len(SWEEP.published.rows) == 28


def test_five_seeds_each():
    assert len(SWEEP.rows) == 5 * len(configurations())
