"""The code that a table of results rests on: of the sweeps it is taken from, stage by stage, and of its scripts."""

from __future__ import annotations

import io
import subprocess
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from assets.identity.canonical import Item, digest
from assets.identity.code_version import Locate, module_version
from assets.stages.freshness import Planner
from assets.stages.layers import LAYERS
from assets.store.store import Store
from assets.sweeps.sweep import Sweep
from assets.sweeps.sweep_file import load_sweep

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("trainers", "results", "benchmarks")
"""Where the code lies that a result may rest on."""

Code = dict[str, str]
"""`sweep`, each stage, or `scripts` -> the digest of what it was."""

SCRIPT = ".py"
DIGITS = 12


def locate_in(root: Path) -> Locate:
    """Return where the source of a module lies in a checkout."""

    def locate(module: str) -> Path | None:
        base = root.joinpath(*module.split("."))
        files = (base.with_suffix(SCRIPT), base / "__init__.py")
        return next(filter(Path.is_file, files), None) if module.split(".")[0] in FOLDERS else None

    return locate


def sweep_of(name: str) -> Sweep:
    """Read a shipped sweep by `<study>/<file stem>`."""
    return load_sweep(ROOT / "sweeps" / f"{name}.yaml")


def code_of(sources: Sequence[str], root: Path = ROOT) -> Code:
    """Return the digests of the code behind a result.

    Args:
        sources: sweeps (`two_body/seeds`) and scripts (`results/two_body/periapsis.py`) that it is made with.
        root: the checkout whose code is read; configurations are always the present ones.

    Raises:
        FileNotFoundError: the checkout lacks a stage or a script.
        SweepError: there is no such sweep.
    """
    locate = locate_in(root)
    sweeps = [sweep_of(source) for source in sources if not source.endswith(SCRIPT)]
    scripts = [source.removesuffix(SCRIPT).replace("/", ".") for source in sources if source.endswith(SCRIPT)]
    code = _code_of_sweeps(sweeps, locate) if sweeps else {}
    return code | ({"scripts": _sum(module_version(script, locate) for script in scripts)} if scripts else {})


def _code_of_sweeps(sweeps: Sequence[Sweep], locate: Locate) -> Code:
    planner = Planner(Store(), locate=locate)
    items: dict[tuple[str, str, str], Item] = {}
    for sweep in sweeps:
        items |= {item.address: item for of_layer in sweep.items().values() for item in of_layer}
    stages: dict[str, set[str]] = {layer.stage: set() for layer in LAYERS.values()}
    for item in items.values():
        stages[LAYERS[item.layer].stage].add(planner.fingerprint(item).code)
    rows = _sum("/".join(address) for address in items)
    return {"sweep": rows} | {stage: _sum(versions) for stage, versions in stages.items()}


def _sum(parts: Iterator[str] | set[str]) -> str:
    return digest(sorted(set(parts)))[:DIGITS]


def git(*arguments: str) -> bytes:
    """Ask git about the project.

    Raises:
        LookupError: git cannot be run, or says no.
    """
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, timeout=60, check=False)
    except OSError as error:
        raise LookupError(f"git cannot be run ({error.strerror}); expected a checkout of the project") from None
    if done.returncode:
        raise LookupError(f"git {arguments[0]} says: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


@contextmanager
def checkout(commit: str) -> Iterator[Path]:
    """Yield a folder with the code of a commit."""
    with TemporaryDirectory() as folder:
        folders = [name for name in FOLDERS if git("ls-tree", commit, name)]
        with tarfile.open(fileobj=io.BytesIO(git("archive", "--format=tar", commit, "--", *folders))) as archive:
            archive.extractall(folder, filter="data")
        yield Path(folder)
