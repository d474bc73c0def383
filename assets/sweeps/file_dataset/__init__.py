"""Datasets from the user's own files: Parquet, CSV or npz, identified by content and checked when read."""

from assets.sweeps.file_dataset.description import FileDataset, is_file
from assets.sweeps.file_dataset.reading import LabelledTrajectories, declared, read_file, read_labelled, reading_version

__all__ = [
    "FileDataset",
    "LabelledTrajectories",
    "declared",
    "is_file",
    "read_file",
    "read_labelled",
    "reading_version",
]
