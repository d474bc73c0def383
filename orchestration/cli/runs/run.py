"""`orrery run`: run what is missing of a sweep, with progress, and print its leaderboard; or resume a search."""

import os
import re
from typing import Annotated

import typer

from orchestration.cli.request import Name, clear_errors, print_json, refuse

Summary = Annotated[bool, typer.Option("--json", help="Print the summary as JSON.")]
Cpus = Annotated[int, typer.Option(min=0, help="Workers, one CPU each; 0: all that this process may use.")]
OnlyFailed = Annotated[
    bool, typer.Option("--only-failed", help="Only rows that failed and may end otherwise; nothing that is new.")
]
TimeLimit = Annotated[
    str, typer.Option("--for", help="Begin no training after this time (20m, 1.5h, 90s); seed by seed.")
]
Detach = Annotated[bool, typer.Option("--detach", help="Run in the background, also after the log-out.")]
OnDevice = Annotated[str, typer.Option("--device", help="Train on cpu, gpu or auto; without, ORRERY_DEVICE, or cpu.")]
NoReport = Annotated[bool, typer.Option("--no-report", help="Write no report; `orrery report` writes it later.")]


def run(
    sweep: Name = "",
    json: Summary = False,
    cpus: Cpus = 0,
    only_failed: OnlyFailed = False,
    time_limit: TimeLimit = "",
    detach: Detach = False,
    no_report: NoReport = False,
    device: OnDevice = "",
) -> None:
    """Run what is missing or stale of a sweep; what is stored already is not repeated."""
    from assets.home.hardware import usable_cpus
    from orchestration.cli.subjects.choice import known_subject
    from orchestration.cli.subjects.subject import RunOptions
    from orchestration.launch.report_switch import turn_off_report

    if cpus > (usable := len(usable_cpus())):
        refuse(f"given --cpus {cpus}; this process may use {usable}: give 1 to {usable}, or 0 for all of them")
    if no_report:
        turn_off_report()
    if device:
        _choose_device(device)
    with clear_errors():
        subject, catalogue = known_subject(sweep)
        options = RunOptions(cpus, json, only_failed, seconds_of(time_limit))
        if not detach:
            subject.run(catalogue, options)
        flags = ["--cpus", str(cpus), *(["--only-failed"] if only_failed else [])]
        _detach(subject.name, [*flags, *(["--for", time_limit] if time_limit else [])], json)


def _choose_device(request: str) -> None:
    """Have this process, and all that it starts, train on a device; anything but cpu, gpu and auto is refused."""
    from assets.home.hardware import VARIABLE, choose_device

    try:
        os.environ[VARIABLE] = choose_device(request)
    except ValueError as error:
        refuse(str(error))


def _detach(name: str, options: list[str], json: bool) -> None:
    """Launch in the background, and say how to look at the launch and how to end it."""
    from orchestration.launch.detached import detach

    launch = detach(name, options)
    if json:
        print_json({"sweep": name, "pid": launch and launch.pid, "log": launch and launch.log})
    elif launch is None:
        print(f"{name}: nothing to do; every row is ok")
    else:
        print(f"{name} runs as process {launch.pid}; its output goes to {os.path.relpath(launch.log)}")
        print(f"  orrery status {name}      its progress")
        print(f"  orrery attach {name}      what it prints; Ctrl-C leaves it running")
        print(f"  orrery stop {name}        checkpoint and end it; a further run resumes from there")


def seconds_of(text: str) -> float | None:
    """Return the seconds of `90s`, `20m` or `1.5h`; None for an empty text.

    Anything else is refused.
    """
    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text.strip())
    if match is None or not float(match[1]):
        refuse(f"--for is {text!r}; expected a time such as 90s, 20m or 1.5h")
    return float(match[1]) * {"s": 1, "m": 60, "h": 3600}[match[2]]
