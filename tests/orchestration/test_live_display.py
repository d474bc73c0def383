"""What the screen shows while a launch runs."""

import pytest

from orchestration.cli.runs.live import PlainLines

DONE = {"event": "done", "layer": "model", "status": "ok", "seconds": 1.26}
TITLES = {"signed.s0-ae17a216": "signed, seed 0", "small-0123abcd": "small"}


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("signed.s0-ae17a216", "model signed, seed 0 (signed.s0-ae17a216): ok in 1.3 s"),
        ("small-0123abcd", "model small-0123abcd: ok in 1.3 s"),
        ("other-0123abcd", "model other-0123abcd: ok in 1.3 s"),
    ],
)
def test_the_end_of_a_task_has_its_title_and_its_key(capsys, key: str, text: str) -> None:
    PlainLines(TITLES)(DONE | {"key": key})
    assert capsys.readouterr().out == text + "\n"
