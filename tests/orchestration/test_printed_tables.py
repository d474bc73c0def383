"""What commands print fits the terminal: no number is cut, and what has no room is named."""

import pytest
from typer.testing import CliRunner

from assets.report.tables.table import table_of
from orchestration.cli import app
from orchestration.cli.subjects.segment_blocks import blocks
from orchestration.cli.tables import within

CUTS = [
    {"segments": f"key-{k}", "dataset": "many-orbits", "configurations": 2, "state": "fresh", "usable": k != 1,
     "phase": 0, "segment_length": 6 + k, "window_start": 0.0, "train_segments": 48 * (k != 1),
     "validation_segments": 12,
     "dropped_overrun": k, "segment_ratio": (6 + k) / 120, "split_by": "segment", "largest_local_error": 1e-9 * k,
     "fitted": {"state_minimum": [-1.0, -0.5], "length_unit": [6.25]}}
    for k in range(3)
]  # fmt: skip


@pytest.mark.parametrize("columns", ["80", "200"])
def test_segments_are_readable_at_any_width(monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    text = "\n".join(blocks(CUTS))
    assert max(map(len, text.splitlines())) <= min(120, int(columns))
    words = " ".join(text.split())
    assert words.count("validation segments 12") == words.count("split by segment") == 1, "said once, being the same"
    assert "key-1, phase 0, of dataset many-orbits, for 2 configurations: skipped:zero_segments" in words
    assert all(f"segment length {6 + k};" in words for k in range(3))
    assert words.count("state minimum -1, -0.5; length unit 6.25") == 3


def test_columns_without_room_are_named_and_no_number_is_cut():
    header = ("rank", "mean [%]", "caveats", "median", "worst")
    wide = table_of("T", header, [["1", "10.2 [4.08, 19.3]", "one seed", 2.5, 1e9], ["2", "3 [2, 4]", "", 1.0, 4.0]])
    assert within(wide, 100) is wide
    narrow = within(wide, 52)
    assert narrow.header == ("rank", "mean [%]", "caveats", "median") and "No room here for worst" in narrow.note
    assert within(wide, 10).header == ("rank", "caveats"), "caveats stay"
    assert narrow.rows[0][1] == "10.2 [4.08, 19.3]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "--device", "tpu"], "device 'tpu' is unknown; expected one of cpu, gpu, auto"),
        (["figures"], "expected the keys of models, or --dataset NAME"),
        (["figures", "a", "--dataset", "b"], "expected the keys of models, or --dataset NAME"),
        (["figures", "--dataset", "b", "--test", "c"], "--test is for models"),
        (["figures", "--dataset", "complex_planar_10_trian"], "no dataset 'complex_planar_10_trian'; nearest: complex"),
        (["figures", "two_body/nothing"], "no model 'two_body/nothing' is stored"),
        (["table", "two_body/heads", "--where", "depht=2"], "which is no axis and no setting; nearest: depth"),
        (["table", "two_body/heads", "--model", "x"], "expected one of the two"),
        (["table", "two_body/tune", "--metric", "theta"], "is a search"),
        (["report", "two_body/heads", "--metric", "thetta"], "given the metric 'thetta'"),
    ],
)
def test_a_wrong_request_is_one_line_and_ends_with_two(fresh_home, monkeypatch, arguments, message):
    monkeypatch.delenv("ORRERY_DEVICE", raising=False)
    result = CliRunner().invoke(app, arguments)
    text = result.stderr
    assert result.exit_code == 2 and message in text and len(text.splitlines()) == 1, text
