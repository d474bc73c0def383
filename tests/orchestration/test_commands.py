"""Every command in the help is the one that is called, and reading the help imports no layer below."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
from typer.testing import CliRunner

from orchestration.cli import app, function_name
from orchestration.cli.commands import COMMANDS

ENTRIES = {name: entry for group in COMMANDS.values() for name, entry in group.items()}


@pytest.mark.parametrize("name", ENTRIES)
def test_the_help_says_what_the_docstring_of_the_command_says(name: str) -> None:
    module, summary = ENTRIES[name]
    command = getattr(import_module(f"orchestration.cli.{module}"), function_name(name))
    assert " ".join(inspect.getdoc(command).split("\n\n")[0].split()) == summary


def test_help_names_every_command_and_a_typing_error_its_nearest_name() -> None:
    assert all(f" {name} " in CliRunner().invoke(app, ["--help"]).output for name in ENTRIES)
    wrong = CliRunner().invoke(app, ["pln"])
    assert wrong.exit_code == 2
    assert "Did you mean 'plan'?" in wrong.output


def test_help_and_version_import_neither_studies_nor_numpy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from orchestration.cli import app\n"
        "for line in (['--help'], ['--version'], ['plan', '--help']):\n"
        "    assert CliRunner().invoke(app, line).exit_code == 0\n"
        "print([name for name in ('trainers', 'assets', 'numpy', 'dagster') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
