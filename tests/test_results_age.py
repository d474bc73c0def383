"""Results say which of them predate a change of the code that made them."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from docs import results_age
from docs.code_of_results import ROOT, code_of
from docs.results_age import PAGE, RESULTS, folders, page, stamp, stamps, tables

SWEEP, SCRIPT = "two_body/smoke", "results/urease/sbibm.py"


@pytest.fixture
def edited(tmp_path: Path) -> Path:
    """A copy of the code whose evaluation of orbits, and whose flow of urease, is another one."""
    for folder in ("trainers", "results", "benchmarks"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("trainers/two_body/evaluate.py", "trainers/urease/bounded.py"):
        path = tmp_path / file
        text = path.read_text()
        assert "\ndef " in text and "    return " in text
        path.write_text(text.replace("    return ", "    print(1)\n    return "))
    return tmp_path


def test_the_page_says_what_has_changed_since_each_table_was_made() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it: python -m docs.results_age"


def test_every_table_is_stamped() -> None:
    assert len(folders()) >= 6
    parts = {folder: {name.partition("#")[0] for name in stamps(folder)} for folder in folders()}
    assert {folder.name: set(tables(folder)) ^ parts[folder] for folder in folders()} == {
        f.name: set() for f in folders()
    }


def test_a_change_of_code_is_named_by_its_stage(edited: Path) -> None:
    before, after = code_of([SWEEP, SCRIPT]), code_of([SWEEP, SCRIPT], edited)
    assert [name for name in before if before[name] != after[name]] == ["evaluate", "scripts"]
    assert set(before) == {"sweep", "simulate", "segment", "train", "evaluate", "scripts"}


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of results of its own."""
    folder = tmp_path / "results" / "two_body"
    folder.mkdir(parents=True)
    monkeypatch.setattr(results_age, "RESULTS", folder.parent)
    return folder


def test_a_table_of_other_code_cannot_be_stamped_as_present(results: Path) -> None:
    table = results / "smoke.csv"
    table.write_text("hash,fingerprint\n123456789abc,123456789abc\n")
    with pytest.raises(LookupError, match="1 of 1 rows were not made by the present code"):
        stamp(str(table), [SWEEP])
    assert stamps(results) == {}


def test_a_table_that_is_written_again_needs_a_new_stamp(results: Path) -> None:
    table = results / "flow.csv"
    table.write_text("c2st\n0.5\n")
    made = stamp(str(table), [SCRIPT])
    assert stamps(results) == {"flow.csv": made} and made.changes(results) == []
    table.write_text("c2st\n0.6\n")
    assert made.changes(results) == ["the table, which was not stamped anew"]
    assert replace(made, code={"scripts": "0" * 12}, content="").changes(results) == ["scripts"]


def test_only_a_table_of_the_results_is_stamped() -> None:
    with pytest.raises(FileNotFoundError, match="expected a file in a folder of results"):
        stamp("README.md", [SWEEP])
    assert RESULTS == ROOT / "results"
