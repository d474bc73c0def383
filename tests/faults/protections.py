"""What protects against which fault: `protections.toml`, and what the documents say of it.

    python -m tests.faults.protections             write docs/faults.md
    python -m tests.faults.protections checkpoint  take out, one by one, what has this text in its name, file or test

Each removal is made in a copy of the project; the test that is named has to fail there.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.homes import SHARED

ROOT = Path(__file__).parents[2]
TABLE = Path(__file__).with_suffix(".toml")
PAGE = ROOT / "docs/faults.md"

COPIED = ("assets", "benchmarks", "docs", "examples", "orchestration", "results", "run", "sweeps", "tests", "trainers")
FAILED = 1
"""The exit code of pytest where tests ran and failed."""

SECONDS = 120
"""How long a test may take without what protects it."""

HEAD = """# Faults

What can happen to a sweep that runs unattended, how Orrery responds, which code protects it, and the test that fails
when that protection is removed. The tests inject each fault for real: processes are killed, disks fill up, bytes are
flipped. `python -m tests.faults.protections TEXT` removes every protection with this text in its name, file or test,
one by one, in a copy of the project, and checks that its test fails; `pytest -m exhaustive
tests/faults/test_protections.py` does so for all of them. This page is written by `python -m tests.faults.protections`.
"""


@dataclass(frozen=True)
class Protection:
    """A piece of code without which a test fails."""

    what: str
    file: str
    old: str
    new: str
    test: str

    def remove(self, root: Path) -> None:
        """Take it out of a copy of the project."""
        path = root / self.file
        text = path.read_text(encoding="utf-8")
        assert text.count(self.old) == 1, f"{self.file}: {self.old!r} is there {text.count(self.old)} times"
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")

    def noticed(self) -> tuple[bool, str]:
        """Run the test without it; return whether it failed, and what it said."""
        with tempfile.TemporaryDirectory(prefix="orrery-without-") as place:
            root = copied(Path(place) / "project")
            self.remove(root)
            options = ["-x", "-q", "-p", "no:cacheprovider", f"--timeout={SECONDS}"]
            done = subprocess.run(
                [sys.executable, "-m", "pytest", *options, self.test],
                cwd=root,
                env=environment(root),
                capture_output=True,
                text=True,
                check=False,
            )
        return done.returncode == FAILED, done.stdout + done.stderr


@dataclass(frozen=True)
class Danger:
    """A fault or a hole, and what protects against it."""

    name: str
    answer: str
    protections: tuple[Protection, ...]
    row: int = 0
    """Number of a fault; holes have none."""


def dangers() -> list[Danger]:
    """Read the table."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    entries = []
    for entry in (*table["fault"], *table["hole"]):
        removable = tuple(Protection(**one) for one in entry["protection"])
        entries.append(Danger(entry["name"], entry["answer"], removable, entry.get("row", 0)))
    return entries


def protections() -> Iterator[Protection]:
    """Yield every protection."""
    for danger in dangers():
        yield from danger.protections


def page() -> str:
    """Return the document: one section per danger."""
    lines = [HEAD]
    for title, dangers_of_kind in (
        ("Faults", [d for d in dangers() if d.row]),
        ("Security", [d for d in dangers() if not d.row]),
    ):
        lines.append(f"## {title}\n")
        for danger in dangers_of_kind:
            number = f"{danger.row}. " if danger.row else ""
            lines += [f"### {number}{danger.name[0].upper()}{danger.name[1:]}\n", f"{danger.answer}\n"]
            lines += ["| protected by | in | test |", "|---|---|---|"]
            lines += [f"| {one.what} | `{one.file}` | {_link(one.test)} |" for one in danger.protections]
            lines.append("")
    return "\n".join(lines)


def copied(root: Path) -> Path:
    """Copy what the tests need."""
    root.mkdir(parents=True)
    for name in COPIED:
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.iterdir():
        if path.is_file():
            shutil.copy(path, root)
    return root


def environment(root: Path) -> dict[str, str]:
    """Return an environment in which the copy is what is imported, and no home of the whole project is at hand."""
    own = {name: value for name, value in os.environ.items() if name != SHARED}
    return own | {"PYTHONPATH": str(root), "PYTHONDONTWRITEBYTECODE": "1"}


def _link(test: str) -> str:
    file, _, name = test.partition("::")
    label = f"`{name}`" if name else f"`{Path(file).name}`"
    return f"[{label}](../{file})"


def check(text: str) -> int:
    """Take out what matches a text, one by one; say what failed, and return how many were not noticed."""
    missed = 0
    for one in protections():
        if not any(text in part for part in (one.what, one.file, one.test)):
            continue
        began = time.monotonic()
        noticed, output = one.noticed()
        missed += not noticed
        failed = next((line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))), "")
        print(
            f"{'noticed' if noticed else 'MISSED':8}{time.monotonic() - began:4.0f} s  {one.file}: {one.what}: {failed}"
        )
        if not noticed:
            print("\n".join(output.splitlines()[-15:]))
        sys.stdout.flush()
    return missed


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(check(sys.argv[1]))
    PAGE.write_text(page(), encoding="utf-8")
