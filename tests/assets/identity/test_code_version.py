"""Code versions: which edit makes which stage stale."""

import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from assets.identity.code_version import code_version

STUDY = SimpleNamespace(name="toy", package="trainers.toy")

SOURCES = {
    "toy/__init__.py": '"""Face."""\nSTUDY = 1\n',
    "toy/config.py": "RADIUS = 1.0\nclass ModelConfig:\n    a = 1\n",
    "toy/train.py": '''
        """Training."""
        import numpy as np
        from trainers.common import schedules
        from trainers.study import Trained
        from trainers.toy.config import RADIUS, ModelConfig
        from trainers.toy.losses import LOSSES
        from trainers.toy import network
        from trainers.toy.problems import load_problem

        CHUNK = 10
        UNUSED = 1

        def train(jobs, report):
            """Train."""
            # a comment
            for job in jobs:
                yield _one(job, CHUNK, RADIUS)

        def _one(job, chunk, radius) -> ModelConfig:
            loss = LOSSES[job.config.loss]
            rate = schedules.cosine(chunk)
            field = load_problem(job.config.problem)
            return Trained(network.build(job), loss, rate, field)

        def figure_of(history):
            return history
        ''',
    "toy/losses.py": """
        def _norm(x): return abs(x)
        def mse(y, y_hat): return _norm(y - y_hat) ** 2
        def mae(y, y_hat): return _norm(y - y_hat)
        def pinball(y, y_hat): return y
        LOSSES = {"mse": mse, "mae": mae, "pinball": lambda y, y_hat: pinball(y, y_hat)}
        """,
    "toy/network.py": """
        from trainers.common.lazy import LazyModule
        jnp = LazyModule("jax.numpy")
        def build(job): return jnp.zeros(width(job))
        def width(job): return 3
        def elsewhere(job): return 4
        """,
    "toy/problems/__init__.py": """
        from importlib import import_module
        from pkgutil import iter_modules
        PROBLEMS = tuple(m.name for m in iter_modules(__path__))
        def load_problem(name): return import_module(f"{__name__}.{name}")
        """,
    "toy/problems/kepler.py": "def acceleration(r): return -r\n",
    "toy/problems/spring.py": "def acceleration(r): return -2 * r\n",
    "toy/evaluate.py": """
        from trainers.toy.apply import apply
        def theta(x): return x
        METRICS = {"theta": theta, "mae": max}
        def evaluate(config, trained, test):
            return {name: metric(apply(config, trained)) for name, metric in METRICS.items()}
        """,
    "toy/apply.py": """
        def apply(config, trained):
            from trainers.toy.network import build
            return build(config)
        """,
    "toy/figures.py": "def curve(history): return history\n",
    "study.py": "class Trained: pass\n",
    "common/__init__.py": "",
    "common/schedules.py": "def cosine(n): return n\ndef constant(n): return n\n",
    "common/lazy.py": "class LazyModule: pass\n",
    "other/train.py": "def train(jobs, report): return 1\n",
}

NAMES = {"mse", "kepler"}


class Tree:
    """A small project whose files can be edited."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.edits = 0
        for name, text in SOURCES.items():
            self.write(name, "\n".join(line.removeprefix("        ") for line in text.splitlines()))

    def write(self, name: str, text: str) -> None:
        path = self.root / "trainers" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.edits += 1
        os.utime(path, ns=(self.edits, self.edits))

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.root / "trainers" / name).read_text()
        assert old in text, f"{old!r} is not in {name}"
        self.write(name, text.replace(old, new))

    def locate(self, module: str) -> Path | None:
        base = self.root.joinpath(*module.split("."))
        files = [path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file()]
        return files[0] if files and module.startswith("trainers.") else None

    def version(self, stage: str = "train", names=frozenset(NAMES)) -> str:
        return code_version(STUDY, stage, names, self.locate)


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


STALES_TRAINING = [
    ("toy/train.py", "CHUNK = 10", "CHUNK = 11", "a constant that is used"),
    ("toy/train.py", "return Trained(", "return Trained(0, ", "a function that is called"),
    ("toy/losses.py", "** 2", "** 3", "the loss that is named"),
    ("toy/losses.py", "abs(x)", "abs(2 * x)", "what the named loss calls"),
    ("toy/losses.py", '"mse": mse', '"mse": mae', "the entry of a name"),
    ("toy/network.py", "return 3", "return 5", "a function reached through a module"),
    ("toy/problems/kepler.py", "-r", "-3 * r", "the named entry of a folder"),
    ("toy/problems/__init__.py", "{__name__}.{name}", "{__name__}.{name}_", "the loader of a folder"),
    ("common/schedules.py", "cosine(n): return n", "cosine(n): return -n", "what is shared by studies"),
    ("toy/config.py", "RADIUS = 1.0", "RADIUS = 2.0", "a constant of the configuration module"),
    ("toy/train.py", "CHUNK = 10", "CHUNK = 10\nprint(1)", "a statement at the level of the module"),
]

STALES_NOTHING = [
    ("toy/train.py", '"""Train."""', '"""Train a network."""', "a docstring"),
    ("toy/train.py", "# a comment", "# another one", "a comment"),
    (
        "toy/train.py",
        "_one(job, CHUNK, RADIUS)",
        "_one(\n            job,\n            CHUNK,\n            RADIUS,\n        )",
        "format",
    ),
    ("toy/train.py", "UNUSED = 1", "UNUSED = 2", "a constant that nothing uses"),
    ("toy/train.py", "return history", "return None", "a function that nothing calls"),
    ("toy/losses.py", "pinball(y, y_hat): return y", "pinball(y, y_hat): return -y", "another loss"),
    ("toy/losses.py", '"mse": mse', '"new": mae, "mse": mse', "a new loss"),
    ("toy/network.py", "return 4", "return 5", "another function of a module"),
    ("toy/problems/spring.py", "-2 * r", "-3 * r", "another entry of a folder"),
    ("toy/evaluate.py", "METRICS = {", 'METRICS = {"new": min, ', "a metric"),
    ("toy/figures.py", "return history", "return None", "a figure"),
    ("toy/config.py", "a = 1", "a = 2", "a configuration class"),
    ("toy/__init__.py", "STUDY = 1", "STUDY = 2", "the face of the study"),
    ("study.py", "pass", "a = 1", "the contract"),
    ("common/schedules.py", "constant(n): return n", "constant(n): return -n", "a shared function that is not used"),
    ("other/train.py", "return 1", "return 2", "another study"),
]


@pytest.mark.parametrize(("file", "old", "new", "what"), STALES_TRAINING, ids=[case[3] for case in STALES_TRAINING])
def test_training_is_stale_after_an_edit_of(tree, file, old, new, what):
    before = tree.version()
    tree.edit(file, old, new)
    assert tree.version() != before


@pytest.mark.parametrize(("file", "old", "new", "what"), STALES_NOTHING, ids=[case[3] for case in STALES_NOTHING])
def test_training_is_as_fresh_after_an_edit_of(tree, file, old, new, what):
    before = tree.version()
    tree.edit(file, old, new)
    assert tree.version() == before


def test_new_metric_stales_the_evaluation_even_if_another_metric_has_a_configured_name(tree):
    before = tree.version("evaluate", {"mae"})
    tree.edit("toy/evaluate.py", "METRICS = {", 'METRICS = {"new": min, ')
    assert tree.version("evaluate", {"mae"}) != before


def test_a_local_import_is_followed(tree):
    before = tree.version("evaluate")
    tree.edit("toy/network.py", "return 3", "return 5")
    assert tree.version("evaluate") != before


def test_an_edited_loss_stales_only_those_who_name_it(tree):
    mse, pinball = tree.version(names={"mse", "kepler"}), tree.version(names={"pinball", "kepler"})
    tree.edit("toy/losses.py", "pinball(y, y_hat): return y", "pinball(y, y_hat): return -y")
    assert tree.version(names={"mse", "kepler"}) == mse
    assert tree.version(names={"pinball", "kepler"}) != pinball


def test_a_table_counts_whole_where_the_configuration_names_no_entry(tree):
    before = tree.version(names={"kepler"})
    tree.edit("toy/losses.py", '"mse": mse', '"new": mae, "mse": mse')
    assert tree.version(names={"kepler"}) != before


def test_a_folder_counts_whole_where_the_configuration_names_no_entry(tree):
    before = tree.version(names={"mse"})
    tree.edit("toy/problems/spring.py", "-2 * r", "-3 * r")
    assert tree.version(names={"mse"}) != before


def test_a_module_used_as_an_object_counts_whole(tree):
    tree.edit("toy/train.py", "network.build(job)", "network")
    before = tree.version()
    tree.edit("toy/network.py", "return 4", "return 5")
    assert tree.version() != before


def test_a_parameter_hides_a_module_of_its_name(tree):
    tree.edit(
        "toy/train.py", "def _one(job, chunk, radius) -> ModelConfig:", "def _one(network, job=0, chunk=0, radius=0):"
    )
    before = tree.version()
    tree.edit("toy/network.py", "return 3", "return 5")
    assert tree.version() == before


def test_a_comprehension_hides_a_name_only_within_itself(tree):
    tree.edit("toy/train.py", "yield _one(job, CHUNK, RADIUS)", "yield [CHUNK for CHUNK in jobs] + [CHUNK]")
    before = tree.version()
    tree.edit("toy/train.py", "CHUNK = 10", "CHUNK = 11")
    assert tree.version() != before


def test_a_constant_key_counts_besides_the_names(tree):
    tree.edit("toy/train.py", "loss = LOSSES[job.config.loss]", 'loss = LOSSES[job.config.loss] + LOSSES["mae"]')
    before = tree.version()
    tree.edit("toy/losses.py", "return _norm(y - y_hat)\n", "return _norm(y + y_hat)\n")
    assert tree.version() != before


def test_a_change_of_a_table_in_place_counts(tree):
    before = tree.version()
    tree.edit("toy/losses.py", "LOSSES = {", "SCALE = {}\nLOSSES = {")
    assert tree.version() == before
    tree.write("toy/losses.py", (tree.root / "trainers/toy/losses.py").read_text() + '\nLOSSES["mse"] = mae\n')
    assert tree.version() != before


def move(tree, name: str, old: str, new: str) -> None:
    """Move a function that is one line from a module to another."""
    text = (tree.root / "trainers" / old).read_text()
    line = next(line for line in text.splitlines(keepends=True) if line.startswith(f"def {name}("))
    tree.edit(old, line, "")
    place = tree.root / "trainers" / new
    tree.write(new, (place.read_text() if place.exists() else "") + line)


@pytest.mark.parametrize("new", ["toy/norms.py", "common/norms.py"])
def test_a_function_that_moves_unchanged_stales_nothing(tree, new):
    before = tree.version()
    move(tree, "_norm", "toy/losses.py", new)
    module = f"trainers.{new.removesuffix('.py').replace('/', '.')}"
    tree.edit("toy/losses.py", "def mse(", f"from {module} import _norm\ndef mse(")
    assert tree.version() == before
    tree.edit(new, "abs(x)", "abs(+x)")
    assert tree.version() != before


def test_a_function_moves_that_another_imports_within_itself(tree):
    before = tree.version("evaluate")
    for name in ("build", "width"):
        move(tree, name, "toy/network.py", "common/network.py")
    tree.write("common/network.py", LAZY + (tree.root / "trainers/common/network.py").read_text())
    tree.edit("toy/apply.py", "trainers.toy.network", "trainers.common.network")
    assert tree.version("evaluate") == before


LAZY = 'from trainers.common.lazy import LazyModule\njnp = LazyModule("jax.numpy")\n'

TWINS = {
    "toy/here.py": "def half(x): return x / 2\ndef inner(x): return half(x)\n",
    "toy/there.py": "def half(x): return x / 3\ndef inner(x): return half(x)\n",
    "toy/simulate.py": """
from trainers.toy import here, there
from trainers.toy.here import inner as first
from trainers.toy.there import inner as second
def simulate(config): return first(config) - second(config)
""",
}


@pytest.fixture
def twins(tree):
    """Two modules with functions of equal names, of which the deeper ones differ."""
    for name, text in TWINS.items():
        tree.write(name, text)
    return tree


@pytest.mark.parametrize(("file", "old", "new"), [("here", "/ 2", "/ 4"), ("there", "/ 3", "/ 4")])
def test_functions_of_one_name_both_count(twins, file, old, new):
    before = twins.version("simulate")
    twins.edit(f"toy/{file}.py", old, new)
    assert twins.version("simulate") != before


def test_functions_of_one_name_that_change_places_count_though_all_texts_stay(twins):
    before = twins.version("simulate")
    twins.edit("toy/simulate.py", "here import inner as first", "there import inner as first")
    twins.edit("toy/simulate.py", "there import inner as second", "here import inner as second")
    assert twins.version("simulate") != before


def test_two_copies_of_a_function_become_one_without_staling(twins):
    twins.edit("toy/there.py", "/ 3", "/ 2")
    before = twins.version("simulate")
    twins.edit("toy/simulate.py", "there import inner as second", "here import inner as second")
    assert twins.version("simulate") == before


def test_a_function_of_another_package_counts_by_its_name(tree):
    tree.edit("toy/train.py", "import numpy as np", "import numpy as np\nfrom scipy.special import expit as squash")
    tree.edit("toy/train.py", "_one(job, CHUNK, RADIUS)", "_one(squash(job), CHUNK, RADIUS)")
    before = tree.version()
    tree.edit("toy/train.py", "from scipy.special import expit as", "from torch import sigmoid as")
    assert tree.version() != before


def test_functions_that_call_each_other_in_a_circle_end(tree):
    tree.edit("toy/network.py", "return 3", "return build(job)")
    before = tree.version()
    tree.edit("toy/network.py", "return build(job)", "return build(job) + 1")
    assert tree.version() != before


def test_modules_that_import_each_other_in_a_circle_end(tree):
    tree.edit("toy/train.py", "from trainers.toy import network", "from trainers.toy.one import network")
    tree.write("toy/one.py", "from trainers.toy.two import network\n")
    tree.write("toy/two.py", "from trainers.toy.one import network\n")
    assert tree.version()


def test_a_stage_without_module_is_refused(tree):
    with pytest.raises(FileNotFoundError, match=r"trainers\.toy\.segment"):
        tree.version("segment")
