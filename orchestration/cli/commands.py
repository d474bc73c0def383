"""The commands, in the groups and the order of `orrery --help`.

Every other layer of the command line is imported only when its command is called.
"""

COMMANDS: dict[str, dict[str, tuple[str, str]]] = {
    "Run": {
        "run": ("runs.run", "Run what is missing or stale of a sweep; what is stored already is not repeated."),
        "plan": ("look.plan", "Show what a run of a sweep would do, and why each item is due; or how far a search is."),
        "status": ("look.status", "Show how many rows ended how, what runs now, and how much disk is used and free."),
        "attach": (
            "runs.attach",
            "Show what a detached launch prints, from its beginning to its end; Ctrl-C leaves it running.",
        ),
        "stop": (
            "runs.stop",
            "Ask a training, or all of a launch, to checkpoint and end; the best so far is kept, and a further run "
            "resumes.",
        ),
        "replay": (
            "runs.replay",
            "Repeat one configuration alone and verbosely; what is stored of it stays unless it succeeds.",
        ),
    },
    "Look": {
        "table": (
            "look.table",
            "Print the leaderboard of a sweep and the effects of its axes, or its whole table; or the trials of a "
            "search.",
        ),
        "report": (
            "look.report",
            "Write the report of a sweep or search from what is stored, and print where it is; or that of chosen "
            "models.",
        ),
        "figures": (
            "look.figures",
            "Draw everything that there is to see of models or datasets: a page that opens offline, PNG and PDF.",
        ),
        "failures": (
            "look.failures",
            "Show the failed rows of a sweep grouped by cause, with counts and the settings that a group has in "
            "common.",
        ),
        "settings": (
            "look.settings",
            "Show every setting of a sweep, defaults resolved, with its values and its origin: file and line, or "
            "default.",
        ),
        "show": (
            "look.show",
            "Show what is stored of one configuration: settings, status, provenance, and the traceback of a failure.",
        ),
        "ui": (
            "ui",
            "Serve the results, the Dagster UI with its schedules and the MLflow UI; one Ctrl-C stops all of it.",
        ),
    },
    "Compare": {
        "compare": (
            "look.compare",
            "Compare stored models with the first: settings that differ, metrics with intervals, a paired verdict.",
        ),
        "diff": ("look.diff", "Show only the settings in which configurations differ, defaults resolved."),
        "changes": (
            "files.changes",
            "List, as a section of a changelog, what changed of settings and of tables of names since a git revision.",
        ),
    },
    "Use a trained model": {
        "fit": (
            "look.fit",
            "Estimate the parameters of data of your own with a trained model; write tables, pictures and their "
            "origin.",
        ),
    },
    "Keep and move": {
        "promote": (
            "files.promote",
            "Write a trial as a sweep file beside the search; what is stored of it is not trained again.",
        ),
        "convert": (
            "files.convert",
            "Write an older sweep file in the present form, with a comment on each decision.",
        ),
        "import": (
            "files.import_runs",
            "Import runs exported from Weights & Biases; tables and reports show them beside a sweep, marked.",
        ),
        "verify": ("store.verify", "Check the sums of everything in the store."),
        "adopt": (
            "store.adopt",
            "Report what is up to date in the store and unknown to Dagster, of one sweep or of all; nothing is made.",
        ),
        "gc": (
            "store.gc",
            "List what dead processes left and what is stored otherwise, with owner, age and size; `--delete` removes "
            "it.",
        ),
    },
}
"""Per group of the help, every command: its module below this package, and the first line of its docstring."""
