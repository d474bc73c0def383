"""Whatever a file holds, it is a sweep or a SweepError."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assets.catalogue import read_catalogue
from assets.identity.paths import parse_path
from assets.sweeps.older_format import convert
from assets.sweeps.sweep_file import load_sweep
from assets.sweeps.yaml_loader import SweepError
from tests.assets.sweep_study import GOOD
from tests.assets.sweeps.test_older_format import TWO_BODY

pytest_plugins = ("tests.assets.sweep_fixtures",)
pytestmark = pytest.mark.usefixtures("paper")

FUZZ = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
PIECES = [
    "\n", "  ", "\t", ": ", "- ", "[", "]", "{", "}", "&a ", "*a", "!x ", "'", '"', "|", ">", "#", "%", "?", "<<: ",
    "no", "010", ".nan", "1e-6", "null", "~", "---\n", "...\n", "\x00", "\ufeff", "\u2028", "é", "dataset", "model",
    "[*]", "[0]", ".", "vary:", "base:", "-1", "0", "1e400", "@", "`", "\\", "exclude: [{model.head: plain}]\n",
]  # fmt: skip


def read(tmp_path, content):
    """Read bytes as a sweep in every way; anything but a SweepError comes out."""
    folder = tmp_path / "paper"
    folder.mkdir(exist_ok=True)
    path = folder / "fuzz.yaml"
    path.write_bytes(content)
    read_catalogue(tmp_path)
    for reader in (load_sweep, convert):
        try:
            reader(path)
        except SweepError as error:
            assert error.problems
            assert all(problem.isprintable() and "fuzz.yaml:" in problem for problem in error.problems)


@given(content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass")))
@FUZZ
def test_any_bytes(tmp_path, content):
    read(tmp_path, content)


@given(pieces=st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=40))
@FUZZ
def test_any_pieces_of_yaml(tmp_path, pieces):
    read(tmp_path, "".join(pieces).encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize("valid", [GOOD, TWO_BODY], ids=["present", "older"])
@given(seed=st.integers(0, 2**32), count=st.integers(1, 4))
@FUZZ
def test_mutated_sweeps(tmp_path, valid, seed, count):
    read(tmp_path, mutated(valid, random.Random(seed), count).encode("utf-8", "surrogatepass"))


def mutated(text, rng, count):
    """Insert pieces, cut stretches, copy lines."""
    for _ in range(count):
        start = rng.randrange(len(text) + 1)
        stop = min(len(text), start + rng.randrange(12))
        lines = text.splitlines(keepends=True) or [""]
        text = rng.choice(
            [
                text[:start] + rng.choice(PIECES) + text[start:],
                text[:start] + text[stop:],
                text[:start] + rng.choice(PIECES) + text[stop:],
                "".join([*lines, rng.choice(lines)]),
            ]
        )
    return text


KEYS = st.sampled_from(
    [
        "dataset",
        "model",
        "phases",
        "model.phases[0]",
        "model.phases[*].rate",
        "seed",
        "preset",
        "file",
        "size",
        "head",
        "loss",
    ]
)
trees = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["small", "test", "paper", "plain", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=12,
)
TOP = ["tests", "base", "vary", "exclude", "schedule", "timezone", "description", "default", "published", "parameters"]


@given(data=st.dictionaries(st.sampled_from(TOP), trees, max_size=5))
@FUZZ
def test_any_structure(tmp_path, data):
    read(tmp_path, json.dumps({"study": "paper"} | data).encode())


@given(text=st.text(alphabet="abm.[]*0 9_-", max_size=20))
@settings(max_examples=300, deadline=None)
def test_any_path(text):
    try:
        assert all(isinstance(part, int | str) for part in parse_path(text))
    except ValueError as error:
        assert "expected one like" in str(error)
