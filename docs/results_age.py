"""Which results predate a change of the code that made them.

    python -m docs.results_age                                       write results/README.md
    python -m docs.results_age stamp TABLE SOURCE ... [--at COMMIT]  note what a table was made with

A SOURCE is a sweep (`two_body/seeds`) or a script (`results/two_body/periapsis.py`); TABLE is a file below `results/`,
`results/benchmarks/bench.json#urease` one of its parts. The stamp goes into `made_with.toml` beside the table: the
commit, the date, and digests of the code of each stage and script that the present configurations reach. A table of a
sweep is compared with them first, row by row, so that no table can be stamped with code that did not make it. `--at` is
for tables that were made by the code of an earlier commit.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path

from assets.stages.freshness import Planner
from assets.store.store import Store
from assets.sweeps.sweep import Sweep
from assets.sweeps.yaml_loader import SweepError
from docs.code_of_results import DIGITS, ROOT, SCRIPT, Code, checkout, code_of, git, sweep_of

RESULTS = ROOT / "results"
PAGE = RESULTS / "README.md"
STAMPS = "made_with.toml"
QUOTED = ("published.csv",)
"""Tables with the figures of the literature as printed."""
TABLES = (".csv", ".json")
PART = "#"

HEAD = """# Results

One folder per study; its README has the tables with their commands. `published.csv` holds figures of the literature as
printed. Every other table is listed here with the commit and the day that it was made, and with what has changed since
then of the code that it rests on: a stage of the study as the sweep's configurations reach it, the sweep itself, or a
script. Figures in a README come from the tables of its folder and are as old as these. A change of the code need not
change a number: what is listed as older has not been measured again.

Written by `python -m docs.results_age`, from the `made_with.toml` of each folder.
"""


@dataclass(frozen=True)
class Stamp:
    """What a table was made with."""

    table: str
    """File name, and the part of the file if not all of it."""
    sources: tuple[str, ...]
    """Sweeps and scripts."""
    commit: str
    date: str
    content: str
    """Digest of the file; none for a part."""
    code: Code

    def changes(self, folder: Path) -> list[str]:
        """Return what is no longer as it was when the table was made."""
        now = code_of(self.sources)
        changed = [name for name in (*self.code, *now) if self.code.get(name) != now.get(name)]
        rewritten = bool(self.content) and content_of(folder / self.table) != self.content
        return [*dict.fromkeys(changed), *(["the table, which was not stamped anew"] if rewritten else [])]

    def text(self) -> str:
        """Return the stamp as TOML."""
        code = ", ".join(f'{name} = "{value}"' for name, value in self.code.items())
        sources = ", ".join(f'"{source}"' for source in self.sources)
        lines = [f'["{self.table}"]', f"sources = [{sources}]", f'commit = "{self.commit}"', f'date = "{self.date}"']
        return "\n".join([*lines, f'content = "{self.content}"', f"code = {{{code}}}", ""])


def content_of(table: Path) -> str:
    """Return the digest of a file, the same with either kind of line ends."""
    return sha256(table.read_bytes().replace(b"\r\n", b"\n")).hexdigest()[:DIGITS]


def stamps(folder: Path) -> dict[str, Stamp]:
    """Read the stamps of a folder of results, by table."""
    path = folder / STAMPS
    entries = tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return {
        table: Stamp(table, tuple(e["sources"]), e["commit"], e["date"], e["content"], e["code"])
        for table, e in entries.items()
    }


def write_stamps(folder: Path, entries: dict[str, Stamp]) -> None:
    """Write the stamps of a folder, in the order of the tables."""
    text = "\n".join(stamp.text() for _, stamp in sorted(entries.items()))
    (folder / STAMPS).write_text(f"# Written by `python -m docs.results_age stamp`.\n\n{text}", encoding="utf-8")


def folders() -> list[Path]:
    """Return the folders of results."""
    return sorted(path for path in RESULTS.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))


def tables(folder: Path) -> list[str]:
    """Return the tables of a folder that the project made."""
    return sorted(p.name for p in folder.iterdir() if p.suffix in TABLES and p.name not in QUOTED)


def stamp(table: str, sources: list[str], commit: str | None = None) -> Stamp:
    """Note what a table was made with.

    Raises:
        LookupError: the table was made by other code, or there is no such commit.
        FileNotFoundError: there is no such table, stage or script.
    """
    path, _, part = table.partition(PART)
    file = ROOT / path
    if not file.is_file() or file.parent.parent != RESULTS:
        raise FileNotFoundError(f"given {table}; expected a file in a folder of results/")
    if commit is None:
        _refuse_other_code(file, [sweep_of(source) for source in sources if not source.endswith(SCRIPT)])
        code = code_of(sources)
    else:
        with checkout(commit) as root:
            code = code_of(sources, root)
    head = git("rev-parse", "--short=12", commit or "HEAD").decode().strip()
    day = git("log", "-1", "--format=%cs", head).decode().strip() if commit else date.today().isoformat()
    name = f"{file.name}{PART}{part}" if part else file.name
    made = Stamp(name, tuple(sources), head, day, "" if part else content_of(file), code)
    write_stamps(file.parent, stamps(file.parent) | {name: made})
    return made


def _refuse_other_code(table: Path, sweeps: list[Sweep]) -> None:
    """Compare the fingerprints in the table of a sweep with those that its rows have now.

    Raises:
        LookupError: a row was made by other code, or is not in the sweeps.
    """
    planner = Planner(Store())
    now = {}
    for row in (row for sweep in sweeps for row in sweep.rows):
        model = row.configuration.item
        now[model.hash] = planner.fingerprint(model).value[:DIGITS]
    with table.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines)) if table.suffix == ".csv" else []
    other = [row for row in rows if row.get("fingerprint") and now.get(row.get("hash", "")) != row["fingerprint"]]
    if sweeps and other:
        raise LookupError(
            f"{table.name}: {len(other)} of {len(rows)} rows were not made by the present code and sweep; run the "
            "sweep and write its table again, or name the commit that made it with --at"
        )


def page() -> str:
    """Return results/README.md as the stamps and the present code give it."""
    lines = [HEAD]
    for folder in folders():
        lines += [
            f"## {folder.name}",
            "",
            "| table | made from | commit | date | changed since |",
            "|---|---|---|---|---|",
        ]
        lines += [*_rows(folder), ""]
    return "\n".join(lines)


def _rows(folder: Path) -> Iterator[str]:
    entries = stamps(folder)
    unstamped = [name for name in tables(folder) if not any(e.partition(PART)[0] == name for e in entries)]
    for name in unstamped:
        yield f"| `{name}` | | | | not stamped |"
    for entry in entries.values():
        sources = ", ".join(f"`{source}`" for source in entry.sources)
        changes = ", ".join(entry.changes(folder)) or "nothing"
        yield f"| `{entry.table}` | {sources} | {entry.commit[:8]} | {entry.date} | {changes} |"


def _name_commits_of_this_history(folder: Path) -> None:
    """Replace a commit that a rebase has left behind by the one that brought the table."""
    entries = stamps(folder)
    for name, entry in entries.items():
        try:
            git("merge-base", "--is-ancestor", entry.commit, "HEAD")
        except LookupError:
            file = str(folder / name.partition(PART)[0])
            brought = git("log", "-1", "--format=%h", "--abbrev=12", "--", file).decode().strip() or entry.commit
            entries[name] = Stamp(name, entry.sources, brought, entry.date, entry.content, entry.code)
    if entries:
        write_stamps(folder, entries)


def main() -> None:
    """Stamp a table, or write the page."""
    parser = argparse.ArgumentParser(prog="python -m docs.results_age", description=__doc__.splitlines()[0])
    stamping = parser.add_subparsers(dest="command").add_parser("stamp", help="note what a table was made with")
    stamping.add_argument("table", help="such as results/two_body/seeds.csv")
    stamping.add_argument("sources", nargs="+", help="sweeps and scripts")
    stamping.add_argument("--at", metavar="COMMIT", help="the commit whose code made it; default: the present code")
    given = parser.parse_args()
    try:
        if given.command:
            stamp(given.table, given.sources, given.at)
        else:
            for folder in folders():
                _name_commits_of_this_history(folder)
            PAGE.write_text(page(), encoding="utf-8")
    except (LookupError, FileNotFoundError, SweepError) as error:
        sys.exit(f"results_age: {error}")


if __name__ == "__main__":
    main()
