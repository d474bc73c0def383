"""Named arrays in one file (safetensors), read as a memory map: processes that read one file share its pages."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

DTYPES = {
    "F64": "<f8", "F32": "<f4", "F16": "<f2", "C64": "<c8", "BOOL": "?",
    "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1",
    "U64": "<u8", "U32": "<u4", "U16": "<u2", "U8": "u1",
}  # fmt: skip
"""What the format calls each type, and what NumPy calls it."""

HEADER = "artifact"
"""The one key of the metadata: several would come out in random order, and equal files differ."""


def to_bytes(arrays: Mapping[str, np.ndarray], header: str) -> bytes:
    """Return the content of a file that holds the arrays and a header."""
    import numpy as np
    from safetensors.numpy import save

    return save({name: np.array(value, order="C") for name, value in arrays.items()}, metadata={HEADER: header})


def header_of(path: Path) -> str:
    """Return the header of a file, empty if it has none."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return (file.metadata() or {}).get(HEADER, "")


def map_arrays(path: Path) -> dict[str, np.ndarray]:
    """Map the arrays of a file, in the order in which they lie there.

    What is written into them is the writer's own copy, page by page; the file never changes. The arrays stay readable
    when the file is replaced or removed.
    """
    import numpy as np
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        slices = {name: file.get_slice(name) for name in file.offset_keys()}
        kinds = {name: (np.dtype(DTYPES[one.get_dtype()]), tuple(one.get_shape())) for name, one in slices.items()}
    sizes = {name: dtype.itemsize * prod(shape) for name, (dtype, shape) in kinds.items()}
    content = np.memmap(path, np.uint8, mode="c")
    offset, arrays = len(content) - sum(sizes.values()), {}
    for name, (dtype, shape) in kinds.items():
        arrays[name] = np.ndarray(shape, dtype, content, offset)
        offset += sizes[name]
    return arrays
