"""The command line: `orrery ...`. Exit codes: 0 all rows ok, 1 some row is not, 2 the request itself is wrong."""

import os
import sys

import typer

from orchestration.cli import ui
from orchestration.cli.files import changes, convert, promote
from orchestration.cli.look import compare, diff, failures, fit, plan, report, show, status, table
from orchestration.cli.runs import attach, replay, run, stop
from orchestration.cli.store import adopt, gc, verify

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
app.command("table")(table.table)
app.command("promote")(promote.promote)
app.command("diff")(diff.diff)
app.command("compare")(compare.compare)
app.command("fit")(fit.fit)
app.command("show")(show.show)
app.command("convert")(convert.convert)
app.command("changes")(changes.changes)
app.command("verify")(verify.verify)
app.command("adopt")(adopt.adopt)
app.command("gc")(gc.gc)
app.command("ui")(ui.ui)
