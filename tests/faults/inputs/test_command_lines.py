"""No command ends in a traceback for anything a user typed: one line on what was wrong, and exit code 2."""

from functools import cache

import pytest
from typer.testing import CliRunner

from assets import catalogue
from orchestration.cli import app
from orchestration.cli.commands import COMMANDS

WORDS = ("zzzz", "deadbeef", "two_body/none", "a/b/c", "../..", "/no/such/file.yaml", "é", "-", "two_body/smoke#99", "")
SUBJECTS = (
    "run",
    "plan",
    "status",
    "table",
    "report",
    "failures",
    "settings",
    "figures",
    "show",
    "replay",
    "stop",
    "attach",
    "promote",
    "adopt",
)
LINES = [
    *([command, word] for command in SUBJECTS for word in WORDS if word),
    *([command, first, second] for command in ("diff", "compare") for first in WORDS[:3] for second in WORDS[3:6]),
    *(["fit", key, file] for key in WORDS[:4] for file in ("no.csv", "/no/such/file.npz")),
    *(["figures", "--dataset", word] for word in WORDS),
    *([command, "two_body/smoke", option, "x"] for command in ("table", "report") for option in ("--where", "--model")),
    *([command, "--model", word] for command in ("table", "report") for word in WORDS[:3]),
    *(["convert", file] for file in ("/no/such/file.yaml", ".", "pyproject.toml")),
    *(["import", "wandb", file] for file in ("/no/such/file.csv", ".", "pyproject.toml")),
    *(["import", word, "no.csv"] for word in WORDS[:2]),
    *(["plan", "two_body/smoke", option, "x"] for option in ("--dataset", "--dated")),
    *(["run", "two_body/smoke", "--cpus", count] for count in ("-1", "9999", "x", "1e3")),
    *(["run", "two_body/smoke", "--for", span] for span in ("x", "-1h", "inf", "nan")),
    *(["gc", "--older-than", span] for span in ("x", "-1", "nan")),
    *(["table", "two_body/smoke", option, "x"] for option in ("--group-by", "--top", "--save", "--nothing")),
    ["changes", "no-such-revision"],
    ["changes", "--output=x"],
    ["nothing"],
    ["plan", "two_body/smoke", "two_body/demo"],
]


read_once = cache(catalogue.read_catalogue)
"""All lines meet the same sweeps; reading them for each line would take a minute."""


@pytest.fixture(autouse=True)
def nothing_is_stored(tmp_path, monkeypatch):
    monkeypatch.setenv("ORRERY_HOME", str(tmp_path))
    monkeypatch.setattr(catalogue, "read_catalogue", read_once)


@pytest.mark.parametrize("line", LINES, ids=" ".join)
def test_a_wrong_word_is_one_line_and_exit_code_two(line: list[str], monkeypatch) -> None:
    monkeypatch.setattr("orchestration.sweep_run.run_sweep", lambda *_: pytest.fail("the sweep was launched"))
    result = CliRunner().invoke(app, line)
    assert result.exit_code == 2, result.output
    assert isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output


def test_every_command_that_takes_a_word_is_tried() -> None:
    names = {name for group in COMMANDS.values() for name in group}
    assert names - {line[0] for line in LINES} == {"ui", "verify"}, "of these a word is refused by typer"
