"""The command line: `orrery ...`. Exit codes: 0 all rows ok, 1 some row is not, 2 the request itself is wrong."""

import os
import sys

import typer

from orchestration.cli import (
    adopt,
    attach,
    changes,
    compare,
    failures,
    gc,
    inspect,
    plan,
    promote,
    replay,
    report,
    run,
    status,
    stop,
    ui,
)

app = typer.Typer(
    name="orrery",
    help="Sweeps over simulated trajectories: incremental, fault-tolerant, traceable.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def in_utf8() -> None:
    """Begin again in Python's UTF-8 mode where the locale is another: paths, tables and descriptions are UTF-8."""
    if sys.getfilesystemencoding() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


app.command("run")(run.run)
app.command("plan")(plan.plan)
app.command("status")(status.status)
app.command("attach")(attach.attach)
app.command("stop")(stop.stop)
app.command("failures")(failures.failures)
app.command("replay")(replay.replay)
app.command("report")(report.report)
app.command("table")(inspect.table)
app.command("promote")(promote.promote)
app.command("diff")(inspect.diff)
app.command("compare")(compare.compare)
app.command("show")(inspect.show)
app.command("convert")(inspect.convert)
app.command("changes")(changes.changes)
app.command("verify")(inspect.verify)
app.command("adopt")(adopt.adopt)
app.command("gc")(gc.gc)
app.command("ui")(ui.ui)
