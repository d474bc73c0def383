"""Code versions of the studies as they are: what stales their stages, on a copy of `trainers`."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from assets.catalogue import read_catalogue
from assets.code_version import code_version
from assets.plan import STAGES, Planner
from assets.store import Store
from trainers import STUDIES

ROOT = Path(__file__).resolve().parents[2]
STUDY = STUDIES["two_body"]


class Copy:
    """A copy of the sources whose files can be edited."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "trainers", root / "trainers", ignore=shutil.ignore_patterns("__pycache__"))
        self.before = self.versions()

    def locate(self, module: str) -> Path | None:
        base = self.root.joinpath(*module.split("."))
        found = [path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()]
        return found[0] if found and module.startswith("trainers.") else None

    def versions(self) -> dict[str, str]:
        return {stage: code_version(STUDY, stage, names_of(stage), self.locate) for stage in STAGES.values()}

    @contextmanager
    def edited(self, file: str, pattern: str, new: str) -> Iterator[None]:
        path = self.root / "trainers" / file
        old = path.read_text()
        text, count = re.subn(pattern, new, old, count=1)
        assert count, f"{pattern!r} is not in {file}"
        path.write_text(text)
        yield
        path.write_text(old)


@cache
def names_of(stage: str) -> frozenset[str]:
    """Return the names that the smoke sweep's first configuration gives to a stage."""
    planner, row = Planner(Store()), read_catalogue().sweeps["two_body/smoke"].rows[0]
    layer = next(layer for layer, name in STAGES.items() if name == stage)
    items = (*row.evaluations[0].upstream(), row.evaluations[0])
    return planner._names_of(next(item for item in items if item.layer == layer))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("copy"))


NOTHING: set[str] = set()
EDITS = [
    ("a new output layer", "output_layers.py", r"(OUTPUT_LAYERS[^{]*\{)", r'\1"new": OutputLayer(abs, 4), ', NOTHING),
    ("another output layer", "output_layers.py", r"(def mlp_4D_abs\([^)]*\)[^:]*:)", r"\1\n    print(m)", NOTHING),
    ("the output layer that is named", "output_layers.py", r"(def mlp_4D_signed\([^)]*\)[^:]*:)", r"\1\n    print(m)",
     {"train", "evaluate"}),
    ("another loss", "losses.py", r"(def mean_absolute_error\([^)]*\)[^:]*:)", r"\1\n    print(y)", NOTHING),
    ("the loss that is named", "losses.py", r"(def percent_error\([^)]*\)[^:]*:)", r"\1\n    print(y)", {"train"}),
    ("a docstring", "train.py", '"""', '"""Much to say: ', NOTHING),
    ("the training", "train.py", r"(def train\([^)]*\)[^:]*:)", r"\1\n    print(jobs)", {"train"}),
    ("the evaluation", "evaluate.py", r"(def evaluate\([^)]*\)[^:]*:)", r"\1\n    print(name)", {"evaluate"}),
    ("the simulation", "simulate.py", r"(def simulate\([^)]*\)[^:]*:)", r"\1\n    print(config)", {"simulate"}),
    ("another problem", "problems/j2.py", r"(def acceleration\([^)]*\)[^:]*:)", r"\1\n    print(position)", NOTHING),
]  # fmt: skip


@pytest.mark.parametrize(("what", "file", "pattern", "new", "expected"), EDITS, ids=[edit[0] for edit in EDITS])
def test_an_edit_stales(copy, what, file, pattern, new, expected):
    with copy.edited(f"two_body/{file}", pattern, new):
        found = copy.versions()
    assert {stage for stage in found if found[stage] != copy.before[stage]} == expected
    assert copy.versions() == copy.before


def test_a_new_problem_stales_nothing(copy):
    shutil.copy(copy.root / "trainers/two_body/problems/j2.py", copy.root / "trainers/two_body/problems/j3.py")
    assert copy.versions() == copy.before
