"""Code versions of the studies as they are: what stales their stages, on a copy of `trainers`."""

import ast
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pytest

from assets.catalogue import read_catalogue
from assets.identity.canonical import LAYER_NAMES
from assets.identity.code_version import code_version
from assets.stages.freshness import Planner
from assets.stages.layers import LAYERS
from assets.store.store import Store
from trainers import STUDIES

ROOT = Path(__file__).resolve().parents[3]


class Copy:
    """A copy of the sources whose files can be edited."""

    def __init__(self, root: Path) -> None:
        self.root = root
        shutil.copytree(ROOT / "trainers", root / "trainers", ignore=shutil.ignore_patterns("__pycache__"))
        self.before = self.versions()

    def locate(self, module: str) -> Path | None:
        base = self.root.joinpath(*module.split("."))
        files = [path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()]
        return files[0] if files and module.startswith("trainers.") else None

    def versions(self) -> dict[str, str]:
        """Return the code version of every stage of every study, by `<study> <stage>`."""
        pairs = [(study, stage) for study in STUDIES.values() for stage in (LAYERS[name].stage for name in LAYER_NAMES)]
        return {
            f"{study.name} {stage}": code_version(study, stage, names_of(study.name, stage), self.locate)
            for study, stage in pairs
        }

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
def names_of(study: str, stage: str) -> frozenset[str]:
    """Return the names that the first configuration of a study's smoke sweep gives to a stage."""
    planner, row = Planner(Store()), read_catalogue().sweeps[f"{study}/smoke"].rows[0]
    layer = next(layer.name for layer in LAYERS.values() if layer.stage == stage)
    items = (*row.evaluations[0].upstream(), row.evaluations[0])
    return planner._names_of(next(item for item in items if item.layer == layer))


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    return Copy(tmp_path_factory.mktemp("copy"))


NOTHING: set[str] = set()
EDITS = {
    "two_body": [
        ("a new output layer", "models/output_layers.py", r"(OUTPUT_LAYERS[^{]*\{)",
         r'\1"new": OutputLayer(abs, 4), ', NOTHING),
        ("another output layer", "models/output_layers.py", r"(def mlp_4D_abs\([^)]*\)[^:]*:)", r"\1\n    print(m)",
         NOTHING),
        ("the output layer that is named", "models/output_layers.py", r"(def mlp_4D_signed\([^)]*\)[^:]*:)",
         r"\1\n    print(m)", {"train", "evaluate"}),
        ("another loss", "losses.py", r"(def mean_absolute_error\([^)]*\)[^:]*:)", r"\1\n    print(y)", NOTHING),
        ("the loss that is named", "losses.py", r"(def percent_error\([^)]*\)[^:]*:)", r"\1\n    print(y)", {"train"}),
        ("a docstring", "train.py", '"""', '"""Much to say: ', NOTHING),
        ("the training", "train.py", r"(def train\([^)]*\)[^:]*:)", r"\1\n    print(jobs)", {"train"}),
        ("the evaluation", "evaluate.py", r"(def evaluate\([^)]*\)[^:]*:)", r"\1\n    print(test)", {"evaluate"}),
        ("the simulation", "simulate.py", r"(def simulate\([^)]*\)[^:]*:)", r"\1\n    print(config)", {"simulate"}),
        ("another problem", "problems/j2.py", r"(def acceleration\([^)]*\)[^:]*:)", r"\1\n    print(position)",
         NOTHING),
    ],
    "preference_dynamics": [
        ("another feature", "series/features.py", r"(def peaks\([^)]*\)[^:]*:)", r"\1\n    print(y)", NOTHING),
        ("the feature that is named", "series/features.py", r"(def steady_state\([^)]*\)[^:]*:)",
         r"\1\n    print(y)", {"segment", "train", "evaluate"}),
        ("another loss of a network", "losses.py", r"(def mae\([^)]*\)[^:]*:)", r"\1\n    print(error)",
         NOTHING),
        ("the loss of the network", "losses.py", r"(def nll\([^)]*\)[^:]*:)", r"\1\n    print(error)",
         {"train"}),
        ("the series", "simulate.py", r"(def simulate\([^)]*\)[^:]*:)", r"\1\n    print(config)",
         {"simulate"}),
        ("a metric", "metrics.py", r"(def overall\([^)]*\)[^:]*:)", r"\1\n    print(truth)", {"evaluate"}),
    ],
}  # fmt: skip
CASES = [(study, *edit) for study, edits in EDITS.items() for edit in edits]


@pytest.mark.parametrize(
    ("study", "what", "file", "pattern", "new", "expected"), CASES, ids=[case[1] for case in CASES]
)
def test_an_edit_stales(copy, study, what, file, pattern, new, expected):
    with copy.edited(f"{study}/{file}", pattern, new):
        versions = copy.versions()
    stale = {place for place in versions if versions[place] != copy.before[place]}
    assert stale == {f"{study} {stage}" for stage in expected}
    assert copy.versions() == copy.before


@pytest.mark.parametrize("place", ["two_body/moved", "common/moved"])
def test_a_function_that_moves_to_another_module_stales_nothing(copy, place):
    losses, moved = copy.root / "trainers/two_body/losses.py", copy.root / f"trainers/{place}.py"
    text = losses.read_text()
    function = next(node for node in ast.parse(text).body if getattr(node, "name", "") == "percent_error")
    lines = text.splitlines(keepends=True)
    first, last = function.lineno - 1, function.end_lineno
    moved.write_text("from trainers.two_body.losses import *\n\n\n" + "".join(lines[first:last]))
    lines[first:last] = [f"from trainers.{place.replace('/', '.')} import percent_error\n"]
    losses.write_text("".join(lines))
    assert copy.versions() == copy.before
    with copy.edited(f"{place}.py", r"(def percent_error\([^)]*\)[^:]*:)", r"\1\n    print(y)"):
        assert copy.versions() != copy.before
    losses.write_text(text)
    moved.unlink()


def test_a_new_problem_stales_nothing(copy):
    shutil.copy(copy.root / "trainers/two_body/problems/j2.py", copy.root / "trainers/two_body/problems/j3.py")
    assert copy.versions() == copy.before
