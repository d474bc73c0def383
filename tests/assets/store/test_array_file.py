"""Arrays come back from a file as they went in, through pages that all readers share."""

import subprocess
import sys
from math import prod

import numpy as np
import pytest

from assets.store.array_file import DTYPES, header_of, map_arrays, to_bytes

LARGE = 10_000_000


@pytest.fixture
def file(tmp_path):
    def write(arrays, header="{}"):
        path = tmp_path / "arrays.safetensors"
        path.write_bytes(to_bytes(arrays, header))
        return path

    return write


def test_every_type_and_shape_comes_back_in_place(file):
    random = np.random.default_rng(0)
    arrays = {
        f"{name}-{shape}": np.frombuffer(random.bytes(64), dtype)[: prod(shape)].reshape(shape)
        for name, dtype in DTYPES.items()
        if name != "BOOL"
        for shape in ((), (0, 3), (3,), (2, 2))
    }
    arrays["bool"] = np.array([[True, False, True]])
    arrays_read = map_arrays(file(arrays))
    assert set(arrays_read) == set(arrays)
    for name, array in arrays.items():
        assert (arrays_read[name].dtype, arrays_read[name].shape, arrays_read[name].tobytes()) == (
            array.dtype,
            array.shape,
            array.tobytes(),
        ), name
        assert arrays_read[name].flags.aligned, name


def test_the_header_is_what_was_written(file):
    assert header_of(file({"a": np.zeros(1)}, '{"of": "this"}')) == '{"of": "this"}'


def test_what_a_reader_writes_is_its_own(file):
    path = file({"a": np.zeros(4)})
    map_arrays(path)["a"][:] = 1
    assert not map_arrays(path)["a"].any()


def test_what_is_read_stays_when_the_file_goes(file):
    path = file({"a": np.arange(4)})
    arrays_read = map_arrays(path)
    path.unlink()
    assert arrays_read["a"].sum() == 6


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_readers_share_the_pages_of_a_file(file):
    path = file({"a": np.ones(LARGE)})
    read = f"""
from pathlib import Path
from assets.store.array_file import map_arrays
def own():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("RssAnon"))
map_arrays(Path({str(path)!r}))["a"][:1000].sum()
before = own()
assert map_arrays(Path({str(path)!r}))["a"].sum() == {LARGE}
print(own() - before)
"""
    grown = subprocess.run([sys.executable, "-c", read], capture_output=True, text=True, check=True)
    assert int(grown.stdout) * 1024 < LARGE * 8 / 20
