"""The command line: `orrery ...`. Exit codes: 0 all rows ok, 1 some row is not, 2 the request itself is wrong.

A command's module is imported when the command is called, so that help and mistyped names cost no more than typer does.
"""

import os
import sys
from importlib import import_module
from keyword import iskeyword
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup

from orchestration.cli.commands import COMMANDS

_MODULES = {name: module for group in COMMANDS.values() for name, (module, _) in group.items()}


class Commands(TyperGroup):
    """The group of all commands. Its members only carry their help until one of them is called."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        for panel, group in COMMANDS.items():
            for name, (_, summary) in group.items():
                self.commands[name] = TyperCommand(name, help=summary, rich_help_panel=panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that a line calls, with its module imported, and the rest of the line."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, load_command(name) if name in _MODULES else command, rest


def function_name(command: str) -> str:
    """Return the name of the function of a command: its own, or with an underscore where Python has that word."""
    return f"{command}_" if iskeyword(command) else command


def load_command(name: str) -> Any:
    """Return a command with its options."""
    module = import_module(f"orchestration.cli.{_MODULES[name]}")
    alone = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    alone.command(name)(getattr(module, function_name(name)))
    return typer.main.get_command(alone)


app = typer.Typer(
    name="orrery",
    cls=Commands,
    help="Sweeps over simulated trajectories: incremental, fault-tolerant, traceable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        print(f"orrery {version('orrery')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
]


@app.callback()
def begin(version: Version = False) -> None:
    """Begin again in Python's UTF-8 mode where the locale is another: paths, tables and descriptions are UTF-8."""
    if sys.getfilesystemencoding() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
