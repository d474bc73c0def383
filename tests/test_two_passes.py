"""How `make test` sums its two passes of pytest: the line that a CI reads, and the exit code."""

from pathlib import Path

import pytest

from tests.__main__ import UNIT, closing_line, one_pass

TESTS = """
import pytest

def test_passes(): pass
def test_fails(): assert False
@pytest.fixture
def broken(): raise OSError
def test_errs(broken): pass
@pytest.mark.skip
def test_is_skipped(): pass
@pytest.mark.launch
def test_runs_alone(): assert False
"""


def test_failures_and_errors_are_failed_and_what_is_not_selected_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    code, outcomes = one_pass(UNIT, ["-p", "no:cacheprovider"], [str(tmp_path)])
    assert code == 1
    assert closing_line(outcomes) == "1 passed, 2 failed, 1 skipped"


@pytest.mark.parametrize(("text", "code"), [("def test_is_none(: pass", 2), (None, 4)], ids=["no Python", "no file"])
def test_a_pass_that_breaks_off_is_a_failure(tmp_path: Path, text: str | None, code: int) -> None:
    if text:
        (tmp_path / "test_some.py").write_text(text)
    ended, outcomes = one_pass(UNIT, ["-p", "no:cacheprovider"], [str(tmp_path / "test_some.py")])
    assert (ended, closing_line(outcomes)) == (code, "0 passed, 1 failed")


def test_a_table_without_skipped_rows_does_not_mention_them(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text("def test_passes(): pass")
    assert closing_line(one_pass(UNIT, ["-p", "no:cacheprovider"], [str(tmp_path)])[1]) == "1 passed, 0 failed"
