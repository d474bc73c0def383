"""Datasets from the user's own files: Parquet, CSV or npz, identified by content and checked when read."""

from assets.sweeps.file_dataset.description import FileDataset, is_file
from assets.sweeps.file_dataset.reading import LabelledTrajectories, read_file, read_labelled

__all__ = ["FileDataset", "LabelledTrajectories", "is_file", "read_file", "read_labelled"]
